// SPDX-License-Identifier: MIT
//
// store - what has come: updates, gaps and what became of the connection, in
// one order. Each has a number, `serial`, that counts from 0 and stays. What is
// more than this page can hold goes, oldest first, and is counted.

const ENTRIES_MAX = 50000;
const CHARS_MAX = 64 * 1024 * 1024;

export class Store {
  constructor() {
    this.next = 0;
    this.clear();
  }

  clear() {
    this.entries = [];
    this.head = 0; // in entries; those before are gone
    this.first = this.next; // its serial
    this.chars = 0;
    this.dropped = 0;
  }

  add(entry) {
    entry.serial = this.next++;
    this.entries.push(entry);
    this.chars += entry.text.length;
    while (this.next - this.first > ENTRIES_MAX ||
      (this.chars > CHARS_MAX && this.next - this.first > 1))
      this.drop();
  }

  drop() {
    this.chars -= this.entries[this.head].text.length;
    this.entries[this.head++] = null;
    this.first++;
    this.dropped++;
    if (this.head > ENTRIES_MAX) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }

  get(serial) {
    return this.entries[this.head + serial - this.first];
  }

  get length() {
    return this.next - this.first;
  }
}

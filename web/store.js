// SPDX-License-Identifier: MIT
//
// store - what has come: updates, gaps and what became of the connection, in
// one order. Each has a number, `serial`, that counts from 0 and stays. What is
// more than this page can hold goes, oldest first, and is counted.
//
// While it is held nothing goes, so that who pauses keeps what he looks at, and
// there is room for as much again; updates beyond that are not taken, and there
// is an entry in their place that says how many they were.

import { many } from './text.js';

export const ENTRIES_MAX = 50000;
export const CHARS_MAX = 64 * 1024 * 1024;

export class Store {
  constructor() {
    this.next = 0;
    this.isHeld = false;
    this.clear();
  }

  clear() {
    this.entries = [];
    this.head = 0; // in entries; those before are gone
    this.first = this.next; // its serial
    this.chars = 0;
    this.dropped = 0;
    this.missed = 0; // not taken since it is held
  }

  add(entry) {
    if (this.isHeld && entry.kind === 'update' && this.exceeds(2, entry)) {
      this.missed++;
      return;
    }
    entry.serial = this.next++;
    this.entries.push(entry);
    this.chars += entry.text.length;
    if (!this.isHeld)
      this.trim();
  }

  // Whether so many times what this page can hold would not be enough for it.
  exceeds(times, { text }) {
    return this.length >= times * ENTRIES_MAX ||
      this.chars + text.length > times * CHARS_MAX;
  }

  hold() {
    this.isHeld = true;
  }

  release(time = Date.now()) {
    this.isHeld = false;
    const n = many(this.missed, 'update');
    if (this.missed)
      this.add({ kind: 'gap', text: '', time,
        words: `Left out: ${n} of the pause; this page holds no more` });
    this.missed = 0;
    this.trim();
  }

  trim() {
    while (this.length > ENTRIES_MAX ||
      (this.chars > CHARS_MAX && this.length > 1))
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

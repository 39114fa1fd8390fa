// SPDX-License-Identifier: MIT
//
// rows - how an entry of the list looks.

import { tree } from './tree.js';
import { bytesOf, clock, make, size, visible } from './text.js';

const PREVIEW = 200; // characters, before they are escaped
const SHORT = 1024; // the size of what is not longer is not told

function button(label, action) {
  const element = make('button', '', label);
  element.type = 'button';
  element.addEventListener('click', action);
  return element;
}

function setTime(element, time) {
  const text = clock(time);
  element.firstChild.data = text.slice(0, 8);
  element.lastElementChild.textContent = text.slice(8);
}

// An update's line is used again and again.
function updateLine() {
  const parts = {
    time: make('span', 'time', ' ', make('span', 'ms')),
    seq: make('span', 'seq'),
    preview: make('bdi', 'preview'),
    size: make('span', 'size'),
  };
  const line = make('button', 'line', parts.time, parts.seq, parts.preview,
    parts.size);
  line.type = 'button';
  return { line, parts };
}

export function row() {
  const { line, parts } = updateLine();
  const element = make('div', 'row', line);
  element.setAttribute('role', 'listitem');
  element.line = line;
  element.parts = parts;
  return element;
}

function fillUpdate(element, { time, seq, text }) {
  const { parts } = element;
  setTime(parts.time, time);
  parts.seq.textContent = seq;
  parts.preview.textContent = visible(text.slice(0, PREVIEW));
  parts.size.textContent = text.length > SHORT ? size(text.length) : '';
}

export function fill(element, entry) {
  if (entry.kind === 'update') {
    if (element.firstElementChild !== element.line)
      element.firstElementChild.replaceWith(element.line);
    fillUpdate(element, entry);
    return;
  }
  const time = make('span', 'time', ' ', make('span', 'ms'));
  setTime(time, entry.time);
  const line = make('div', `line event ${entry.kind}`, time,
    make('span', 'text', visible(entry.words)));
  line.title = visible(entry.words);
  element.firstElementChild.replaceWith(line);
}

// What is below the line of an update that is open. `page` has copy(), curl()
// and edit().
export function body(entry, page) {
  const { text, epoch, seq, time } = entry;
  const words =
    `seq ${seq} · epoch ${epoch} · ${time} · ${size(bytesOf(text))}`;
  const meta = make('div', 'meta', make('span', '', visible(words)),
    button('Copy JSON', () => page.copy(text, 'the update')),
    button('Copy as curl', () => page.copy(page.curl(text), 'the command')),
    button('Edit', () => page.edit(text)));
  return make('div', 'body', meta, tree(text));
}

// SPDX-License-Identifier: MIT
//
// rows - how an entry of the list looks.

import { tree } from './tree.js';
import { bytesOf, clock, cut, make, size, visible } from './text.js';

const PREVIEW = 400; // characters, before they are escaped
const SHORT = 1024; // the size of what is not longer is not told

function button(label, action) {
  const element = make('button', '', label);
  element.type = 'button';
  element.addEventListener('click', action);
  return element;
}

function copyButton(what, name, action) {
  const element = button(what, action);
  element.setAttribute('aria-label', name);
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

function fillUpdate(element, entry) {
  const { time, seq, text } = entry;
  const { parts } = element;
  setTime(parts.time, time);
  parts.seq.textContent = seq;
  parts.preview.textContent = visible(cut(text, PREVIEW)) +
    (text.length > PREVIEW ? '…' : '');
  if (text.length > SHORT)
    entry.bytes ??= bytesOf(text);
  parts.size.textContent = entry.bytes ? size(entry.bytes) : '';
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

// What is below the line of an update that is open. `page` has copy(),
// copyAs() and edit().
export function body(entry, page) {
  const { text, epoch, seq, time } = entry;
  const words =
    `seq ${seq} · epoch ${epoch} · ${time} · ${size(bytesOf(text))}`;
  const meta = make('div', 'meta', make('span', '', visible(words)),
    make('span', 'copies', make('span', '', 'Copy as'),
      copyButton('JSON', 'Copy as JSON', () => page.copy(text, 'the update')),
      ...['wspub', 'curl'].map((tool) => copyButton(tool, `Copy as ${tool}`,
        () => page.copyAs(tool, text)))),
    button('Edit', () => page.edit(text)));
  return make('div', 'body', meta, tree(text));
}

// SPDX-License-Identifier: MIT
//
// tree - a JSON text as a tree that opens and closes, made as far as it is
// open. Everything is shown as it was sent.

import { endOf, kindAt, members, start } from './json.js';
import { count, cut, make, visible } from './text.js';

const STRING_MAX = 600; // characters that are shown at first
const PIECE = 16384; // characters that the browser lays out by themselves
const SLICE_MS = 8; // for making pieces, in each frame
const MEMBERS_MAX = 100; // members, and each time more are asked for
const OPEN_CHARS = 1500; // what is not longer is open at first,
const OPEN_DEPTH = 4; // so deep

function button(label, action) {
  const element = make('button', 'more', label);
  element.type = 'button';
  element.addEventListener('click', action);
  return element;
}

// A long one, in pieces, of which the browser lays out those that are seen, and
// takes the others to be as high as the first one; the page goes on meanwhile.
function unroll(value, text, from, to) {
  const until = performance.now() + SLICE_MS;
  while (from < to && performance.now() < until) {
    const piece = cut(text.slice(from, Math.min(from + PIECE, to)), PIECE);
    value.append(make('span', 'piece', visible(piece)));
    from += piece.length;
  }
  if (from < to)
    requestAnimationFrame(() => unroll(value, text, from, to));
}

function scalar(text, from, to) {
  const kind = kindAt(text, from);
  const value = make('bdi', kind);
  if (to - from <= STRING_MAX) {
    value.textContent = visible(text.slice(from, to));
    return [value];
  }
  value.textContent = `${visible(cut(text.slice(from, to), STRING_MAX))}…`;
  const more = button(`show all ${count(to - from)} characters`, () => {
    more.remove();
    value.textContent = '';
    unroll(value, text, from, to);
    value.style.setProperty('--piece', `${value.firstChild.offsetHeight}px`);
  });
  return [value, ' ', more];
}

function label(name) {
  if (name === undefined)
    return [];
  const text = String(name);
  const shown = text.length > STRING_MAX
    ? `${cut(text, STRING_MAX)}…` : text;
  return [make('bdi', 'name', visible(shown)), ': '];
}

// The next members of `list` below `box`, and a button for those behind.
function fill(box, text, list, depth) {
  for (let shown = 0; shown < MEMBERS_MAX; shown++) {
    const { value: member, done } = list.next();
    if (done)
      return;
    box.append(node(text, member.from, member.to, depth + 1, member.name));
  }
  const more = button(`show ${MEMBERS_MAX} more`, () => {
    more.remove();
    fill(box, text, list, depth);
  });
  box.append(more);
}

function sizeOf(text, from) {
  let n = 0;
  for (const member of members(text, from)) {
    if (++n > 1000)
      return 'more than 1,000';
  }
  return count(n);
}

function nest(text, from, to, depth, name) {
  const [open, close, one] = text[from] === '{'
    ? ['{', '}', 'member'] : ['[', ']', 'element'];
  const n = sizeOf(text, from);
  if (n === '0')
    return make('div', 'leaf', ...label(name),
      make('bdi', 'word', open + close));
  const box = make('details', 'nest');
  const body = make('div', 'members');
  const summary = make('summary', '', ...label(name), `${open} `,
    make('span', 'count', `${n} ${one}${n === '1' ? '' : 's'}`), ` ${close}`);
  const unfold = () => {
    if (!body.childNodes.length)
      fill(body, text, members(text, from), depth);
  };
  box.append(summary, body);
  box.addEventListener('toggle', () => box.open && unfold());
  if (depth === 0 || (to - from <= OPEN_CHARS && depth < OPEN_DEPTH)) {
    box.open = true;
    unfold();
  }
  return box;
}

function node(text, from, to, depth, name) {
  const kind = kindAt(text, from);
  if (kind === 'object' || kind === 'array')
    return nest(text, from, to, depth, name);
  return make('div', 'leaf', ...label(name), ...scalar(text, from, to));
}

export function tree(text) {
  const from = start(text);
  return make('div', 'tree', node(text, from, endOf(text, from), 0));
}


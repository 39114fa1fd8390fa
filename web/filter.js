// SPDX-License-Identifier: MIT
//
// filter - which updates are shown. What begins with a '.' or '[' is a path: of
// updates that have it, or have it equal (=), not equal (!=), less (<), greater
// (>) or containing (~) something. Everything else is looked for in the text as
// it was sent, in either case.

import { find, readPath } from './json.js';

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// A string without its quotes; everything else as it was sent.
function plain(text) {
  if (text[0] !== '"')
    return text;
  return text.includes('\\') ? JSON.parse(text) : text.slice(1, -1);
}

const OPERATORS = {
  '=': (is, want) => is === want,
  '!=': (is, want) => is !== want,
  '~': (is, want) => is.toLowerCase().includes(want.toLowerCase()),
  '<': (is, want) => is !== '' && Number(is) < Number(want),
  '>': (is, want) => is !== '' && Number(is) > Number(want),
};

function byPath({ steps, rest }) {
  const [, operator, operand] = /^\s*(!=|=|<|>|~)\s*(.*)$/s.exec(rest) ?? [];
  if (!operator && rest.trim())
    return null;
  const test = OPERATORS[operator];
  let want = operand;
  try {
    want = /^".*"$/s.test(operand) ? JSON.parse(operand) : operand;
  } catch {} // it is as it is
  return (text) => {
    const at = find(text, steps);
    return Boolean(at) &&
      (!test || test(plain(text.slice(at.from, at.to)), want));
  };
}

// { test, kind }: of the text of an update; null where nothing is filtered.
export function compile(input) {
  const wanted = input.trim();
  if (!wanted)
    return null;
  let path = null;
  try {
    path = /^[.[]/.test(wanted) ? readPath(wanted) : null;
  } catch {} // an escape that is none
  const test = path && byPath(path);
  if (test)
    return { test, kind: 'path' };
  const pattern = new RegExp(escaped(wanted), 'i');
  return { test: (text) => pattern.test(text), kind: 'text' };
}

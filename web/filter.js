// SPDX-License-Identifier: MIT
//
// filter - which updates are shown. What begins with a '.' or '[' is a path: of
// updates that have it, or have it equal (=), not equal (!=), less (<, <=),
// greater (>, >=) or containing (~) something. Everything else is looked for in
// the text as it was sent, in either case.

import { find, readPath } from './json.js';

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// A string without its quotes; everything else as it was sent.
function plain(text) {
  if (text[0] !== '"')
    return text;
  return text.includes('\\') ? JSON.parse(text) : text.slice(1, -1);
}

// To compare by: of integers every digit counts. (It takes time that grows with
// the square of their length.)
function number(text) {
  if (/^-?\d{1,1000}$/.test(text))
    return BigInt(text);
  return text.trim() ? Number(text) : NaN;
}

const OPERATORS = {
  '=': (is, want) => is === want,
  '==': (is, want) => is === want,
  '!=': (is, want) => is !== want,
  '~': (is, want) => is.toLowerCase().includes(want.toLowerCase()),
  '<': (is, want) => number(is) < number(want),
  '<=': (is, want) => number(is) <= number(want),
  '>': (is, want) => number(is) > number(want),
  '>=': (is, want) => number(is) >= number(want),
};

function byPath({ steps, rest }) {
  const [, operator, operand] =
    /^\s*(==|!=|<=|>=|=|<|>|~)\s*(.*)$/s.exec(rest) ?? [];
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

// { test, none }: whether the text of an update is wanted, as a function, and
// how to say that none is; null where nothing is filtered.
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
    return { test, none: path.rest ? 'No update matches at this path.'
      : 'No update has this path.' };
  const pattern = new RegExp(escaped(wanted), 'i');
  return { test: (text) => pattern.test(text),
    none: 'No update has this text.' };
}

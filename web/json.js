// SPDX-License-Identifier: MIT
//
// json - JSON as text: what is in it, where, and what is wrong with it.
//
// Nothing is turned into values, so that a number keeps its digits and a string
// its escapes. All but check() stand on text that is valid JSON. Nothing calls
// itself: a text may be nested as deep as it likes.

const BLANK = /[ \t\n\r]*/y;
const STRING = new RegExp('"[^"\\\\\\x00-\\x1f]*' +
  '(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"', 'y');
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const PLAIN = /[^"[\]{}]+/y; // of what is in an array or object

// The end of what matches at `at`; -1: it does not.
function matched(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

const blank = (text, at) => matched(BLANK, text, at);

// Behind the string that begins at `at`.
function endOfString(text, at) {
  for (let quote = text.indexOf('"', at + 1); ;
    quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\')
      slashes++;
    if (slashes % 2 === 0)
      return quote + 1;
  }
}

// Behind the array or object that begins at `at`.
function endOfNest(text, at) {
  let depth = 0;
  do {
    switch (text[at]) {
    case '"':
      at = endOfString(text, at);
      break;
    case '[': case '{':
      depth++;
      at++;
      break;
    case ']': case '}':
      depth--;
      at++;
      break;
    default:
      at = matched(PLAIN, text, at);
    }
  } while (depth);
  return at;
}

// Behind the value that begins at `at`.
export function endOf(text, at) {
  switch (text[at]) {
  case '"':
    return endOfString(text, at);
  case '[': case '{':
    return endOfNest(text, at);
  default:
    return text[at] === '-' || (text[at] >= '0' && text[at] <= '9')
      ? matched(NUMBER, text, at) : matched(WORD, text, at);
  }
}

export const start = (text) => blank(text, 0);

// object, array, string, number or word.
export function kindAt(text, at) {
  switch (text[at]) {
  case '{':
    return 'object';
  case '[':
    return 'array';
  case '"':
    return 'string';
  case 't': case 'f': case 'n':
    return 'word';
  default:
    return 'number';
  }
}

// What an array or object at `at` has: { name (raw; of an array its number),
// from, to }, one after the other.
export function* members(text, at) {
  const isObject = text[at] === '{';
  let number = 0;
  at = blank(text, at + 1);
  while (text[at] !== ']' && text[at] !== '}') {
    let name = number++;
    if (isObject) {
      const end = endOfString(text, at);
      name = text.slice(at, end);
      at = blank(text, blank(text, end) + 1);
    }
    const to = endOf(text, at);
    yield { name, from: at, to };
    at = blank(text, to);
    if (text[at] === ',')
      at = blank(text, at + 1);
  }
}

// --- Where something is ------------------------------------------------------

const STEP = /\.([\w$@:\x80-\uffff-]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y;

// The steps of a path such as .job.items[0]["a b"], and what follows it; null
// when it is none.
export function readPath(path) {
  const steps = [];
  let at = 0;
  STEP.lastIndex = 0;
  for (let step; (step = STEP.exec(path)); at = STEP.lastIndex)
    steps.push(step[2] !== undefined ? Number(step[2])
      : step[1] ?? JSON.parse(`"${step[3]}"`));
  return steps.length ? { steps, rest: path.slice(at) } : null;
}

const isNamed = (name, step) => typeof name === 'number'
  ? name === step || String(name) === step
  : name === `"${step}"` || (name.includes('\\') && JSON.parse(name) === step);

// { from, to } of what is at these steps, or null.
export function find(text, steps) {
  let at = start(text);
  let found = { from: at, to: text.trimEnd().length };
  for (const step of steps) {
    if (text[at] !== '{' && text[at] !== '[')
      return null;
    found = null;
    for (const member of members(text, at))
      if (isNamed(member.name, step)) {
        found = member;
        if (text[at] === '[')
          break;
      }
    if (!found)
      return null;
    at = found.from;
  }
  return found;
}

// --- What is wrong -----------------------------------------------------------

function place(text, at) {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return { line, column: at - before.lastIndexOf('\n'), at };
}

function expected(text, at, what) {
  if (at >= text.length)
    return { ...place(text, at), message: `it ends where ${what} should be` };
  return { ...place(text, at), message: `${what} should be here` };
}

function wrongString(text, at) {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] < ' ')
      return { ...place(text, i),
        message: 'a line break or control character in a string' };
    if (text[i] === '"')
      break;
    if (text[i] !== '\\')
      continue;
    if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(i + 1, i + 6)))
      return { ...place(text, i), message: 'there is no such escape' };
    i++;
  }
  return { ...place(text, at), message: 'a string that does not end' };
}

// null when the text is one JSON value; else { line, column, at, message }, of
// the first place where it is not.
export function check(text) {
  const open = [];
  let at = blank(text, 0);
  let wants = 'value'; // name, or first (value or end), or next
  for (;;) {
    const kind = open.at(-1);
    const close = kind === '{' ? '}' : ']';
    if (wants === 'next') {
      if (!open.length)
        return at === text.length ? null
          : { ...place(text, at), message: 'something behind the value' };
      if (text[at] === close) {
        open.pop();
      } else if (text[at] === ',') {
        wants = kind === '{' ? 'name' : 'value';
      } else {
        return expected(text, at, `',' or '${close}'`);
      }
      at = blank(text, at + 1);
    } else if (wants === 'first' && text[at] === close) {
      open.pop();
      wants = 'next';
      at = blank(text, at + 1);
    } else if (wants === 'name' || (wants === 'first' && kind === '{')) {
      if (text[at] !== '"')
        return expected(text, at, 'a name in quotes');
      const end = matched(STRING, text, at);
      if (end < 0)
        return wrongString(text, at);
      at = blank(text, end);
      if (text[at] !== ':')
        return expected(text, at, "':'");
      at = blank(text, at + 1);
      wants = 'value';
    } else if (text[at] === '{' || text[at] === '[') {
      open.push(text[at]);
      wants = 'first';
      at = blank(text, at + 1);
    } else {
      const end = text[at] === '"' ? matched(STRING, text, at)
        : Math.max(matched(NUMBER, text, at), matched(WORD, text, at));
      if (end < 0)
        return text[at] === '"' ? wrongString(text, at)
          : expected(text, at, 'a value');
      at = blank(text, end);
      wants = 'next';
    }
  }
}

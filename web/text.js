// SPDX-License-Identifier: MIT
//
// text - what others sent, so that it can be shown: characters that are not
// seen, or that move others (bidi), become escapes, as JSON would have them.

const UNSEEN = new RegExp('[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c' +
  '\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff' +
  '\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\p{Surrogate}]', 'gu');

const unit = (code) => `\\u${code.toString(16).padStart(4, '0')}`;

// Beyond U+FFFF it is two.
const escaped = (character) => character.split('')
  .map((half) => unit(half.charCodeAt(0))).join('');

export const visible = (text) => text.replace(UNSEEN, escaped);

const encoder = new TextEncoder();

// Bytes as UTF-8, exactly; of what is long at most 3 for a character.
export function bytesOf(text) {
  return encoder.encode(text).length;
}

export function size(bytes) {
  if (bytes < 1024)
    return `${bytes} B`;
  if (bytes < 1024 * 1024)
    return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export const count = (n) => n.toLocaleString('en');

export const many = (n, one, more = `${one}s`) =>
  `${count(n)} ${n === 1 ? one : more}`;

const two = (n, digits = 2) => String(n).padStart(digits, '0');

// Of the day, where the browser is.
export function clock(time) {
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}:` +
    `${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}

// An element: its class, and what is in it. Never from markup.
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className)
    element.className = className;
  element.append(...content);
  return element;
}

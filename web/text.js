// SPDX-License-Identifier: MIT
//
// text - what others sent, so that it can be shown: characters that are not
// seen, or that move others (bidi), become escapes, as JSON would have them.

const UNSEEN = new RegExp('[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f' +
  '\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f' +
  '\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb' +
  '\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}' +
  '\\p{Surrogate}]' +
  // What joins or varies letters of other scripts, or emoji, does nothing here.
  '|(?<=[\\u0000-\\u007f])[\\u200c\\u200d\\ufe00-\\ufe0f]+', 'gu');

const unit = (code) => `\\u${code.toString(16).padStart(4, '0')}`;

// Beyond U+FFFF a character is two; most are one.
const escaped = (text) => text.length === 1 ? unit(text.charCodeAt(0))
  : text.split('').map(escaped).join('');

export const visible = (text) => text.replace(UNSEEN, escaped);

// At most the first `max` characters, and not a half of the last.
export function cut(text, max) {
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max);
}

const encoder = new TextEncoder();

// Bytes as UTF-8.
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

// SPDX-License-Identifier: MIT
//
// commands - what does the same in a shell. A token is never part of it: the
// tools read it from WSD_TOKEN.

import { visible } from './text.js';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

const quote = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text
  : `'${text.replaceAll("'", "'\\''")}'`;

// JSON of which no character is acted on by a terminal: blanks between tokens
// are spaces, and in strings an escape is the same.
const oneLine = (text) => visible(text.replace(/[\t\n\r]/g, ' '));

const clean = (text) => text.replace(CONTROL, '');

export function wssub({ url, tenant, since }) {
  const words = ['wssub', '-u', quote(url)];
  if (since)
    words.push('--since', quote(clean(since)));
  if (tenant.startsWith('-'))
    words.push('--');
  return [...words, quote(clean(tenant) || 'TENANT')].join(' ');
}

export function curl({ http, tenant, text, isGuarded }) {
  const id = encodeURIComponent(clean(tenant) || 'TENANT');
  const words = ['curl', '-d', quote(oneLine(text)),
    quote(`${http}v1/tenants/${id}/updates`)];
  if (isGuarded) // not as an argument, which others may see
    words.push('-H', '@-', '<<<"Authorization: Bearer $WSD_TOKEN"');
  return words.join(' ');
}

// Without https, and from elsewhere than localhost, there is no clipboard.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'unseen';
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    before?.focus();
    return done;
  }
}

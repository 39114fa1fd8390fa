// SPDX-License-Identifier: MIT
//
// commands - what does the same in a shell. A token is never part of it: the
// tools read it from WSD_TOKEN.

// Not a character that a terminal would act on gets into a command; in JSON
// they are the same as escapes.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

export const quote = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text
  : `'${text.replaceAll("'", "'\\''")}'`;

export const oneLine = (text) => text.replace(CONTROL, (character) =>
  character < ' ' ? ' '
    : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

const clean = (text) => text.replace(CONTROL, '');

export function wssub({ url, tenant, since }) {
  return ['wssub', '-u', quote(url), ...(since ? ['--since', quote(clean(since))] : []),
    quote(clean(tenant) || 'TENANT')].join(' ');
}

export function curl({ http, tenant, text, isGuarded }) {
  const words = ['curl'];
  if (isGuarded)
    words.push('-H', '"Authorization: Bearer $WSD_TOKEN"');
  words.push('-d', quote(oneLine(text)).replace(/^(?!')(.*)$/s, "'$1'"),
    quote(`${http}v1/tenants/${encodeURIComponent(clean(tenant) || 'TENANT')}/updates`));
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

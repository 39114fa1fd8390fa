// SPDX-License-Identifier: MIT
//
// commands - what does the same in a shell, whichever it is (POSIX, so no <<<).
// A token is never part of it, and never an argument, which others may see: it
// is read from WSD_TOKEN, by curl through a pipe.

import { bytesOf, visible } from './text.js';

const LONG = 100000; // bytes; Linux takes 128 KiB for one argument

const quote = (text) => /^[\w@%+:,./-]+$/.test(text) ? text
  : `'${text.replaceAll("'", "'\\''")}'`;

// Of what was typed no character is acted on by a terminal.
const word = (text) => quote(visible(text));

// JSON of which the same holds: blanks between tokens are spaces, and in
// strings an escape is the same.
export const oneLine = (text) => visible(text.replace(/[\t\n\r]/g, ' '));

// null: it is too long for a command line.
const joined = (words) => {
  const command = words.join(' ');
  return bytesOf(command) > LONG ? null : command;
};

const updatesOf = ({ http, tenant }) =>
  `${http}v1/tenants/${encodeURIComponent(tenant || 'TENANT')}/updates`;

const curl = ({ isGuarded }, ...words) => joined(isGuarded
  ? [`printf 'Authorization: Bearer %s\\n' "$WSD_TOKEN" | curl -H @-`, ...words]
  : ['curl', ...words]);

// Each is given { ws, http, tenant, since, isGuarded }.
export const follow = {
  wssub({ ws, tenant, since }) {
    const words = ['wssub', '-u', quote(ws)];
    if (since)
      words.push('--since', word(since));
    if (tenant.startsWith('-'))
      words.push('--');
    return joined([...words, word(tenant || 'TENANT')]);
  },
  curl(where) {
    const since = where.since && `?since=${encodeURIComponent(where.since)}`;
    return curl(where, '-N', '-H', "'Accept: application/x-ndjson'",
      quote(updatesOf(where) + since));
  },
};

// And the JSON text of an update.
export const publish = {
  wspub: ({ ws, tenant }, text) => joined(['wspub', '-u', quote(ws), '--',
    word(tenant || 'TENANT'), quote(oneLine(text))]),
  curl: (where, text) => curl(where, '-d', quote(oneLine(text)),
    quote(updatesOf(where))),
};

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
    before?.focus({ preventScroll: true });
    return done;
  }
}

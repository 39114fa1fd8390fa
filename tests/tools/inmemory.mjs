#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// inmemory - whether a text is in the memory of a process.
//
//   inmemory PID TEXT
//
// Prints where it is, a line for each place. Exits 1 when its memory cannot be
// read, as root alone may of one that keeps secrets.

import { openSync, readFileSync, readSync } from 'node:fs';

const [pid, text] = process.argv.slice(2);
const memory = openSync(`/proc/${pid}/mem`);
let all = 0;

for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
  const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
  if (!match) continue;
  const begin = parseInt(match[1], 16);
  const bytes = Buffer.alloc(parseInt(match[2], 16) - begin);
  const n = readSync(memory, bytes, 0, bytes.length, begin);
  all += n;
  for (let at = -1; (at = bytes.indexOf(text, at + 1)) >= 0;)
    console.log(`${(begin + at).toString(16)}: ${line}`);
}
if (!all) process.exit(1);

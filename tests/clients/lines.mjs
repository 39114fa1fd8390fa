// SPDX-License-Identifier: MIT
//
// What the clients of this directory have in common: their command line, which
// is that of wscat, and their standard input, each line of which is a message.
//
//   -c URL              the server
//   -H 'NAME: VALUE'    a header of the handshake; repeatable
//   -o ORIGIN           its Origin
//   --host NAME         its Host
//   -x MESSAGE          sent once it is open; repeatable
//
// A client writes each message that it gets as a line; "closed CODE REASON"
// when the connection has ended; and "refused WHY", with exit status 1, when
// there was none. At the end of its input it closes with 1000.

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

export function options() {
  const { values } = parseArgs({ options: {
    connect: { type: 'string', short: 'c' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    origin: { type: 'string', short: 'o' },
    host: { type: 'string' },
    execute: { type: 'string', short: 'x', multiple: true, default: [] },
  } });
  const headers = Object.fromEntries(values.header.map(
    (text) => text.match(/^(.*?):\s*(.*)$/).slice(1)));
  if (values.host)
    headers.Host = values.host;
  if (values.origin)
    headers.Origin = values.origin;
  return { url: values.connect, headers, messages: values.execute };
}

export function input(line, end) {
  createInterface({ input: process.stdin }).on('line', line).on('close', end);
}

export function say(text) {
  process.stdout.write(`${text}\n`);
}

export function refused(why) {
  say(`refused ${why}`);
  process.exitCode = 1;
  process.stdin.destroy();
}

export function closed(code, reason) {
  say(`closed ${code} ${reason}`);
  process.stdin.destroy();
}

// SPDX-License-Identifier: MIT
//
// http - a request of HTTP/1.1 and its answer, each on a connection of its own,
// as wsd ends them all.

import { connect } from 'node:net';
import { Failure } from '../wsframes.mjs';

// What is said of an answer: { status, head, body }, without its Date.
function read(bytes) {
  const text = bytes.toString('latin1').replace(/^Date: .*\r\n/m, '');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0)
    throw new Failure(`an answer of HTTP without an end: ${text}`);
  return {
    status: Number(text.split(' ')[1]), head: text.slice(0, end),
    body: text.slice(end + 4), text,
  };
}

export function exchange({ host, port }, method, path, headers, body) {
  const length = body === undefined ? []
    : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}:${port}`,
    ...length, ...headers].join('\r\n');
  return new Promise((resolve, reject) => {
    const chunks = [];
    const socket = connect({ host, port, noDelay: true });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('end', () => {
      try {
        resolve(read(Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
    socket.write(`${head}\r\n\r\n`, 'latin1');
    socket.write(body ?? '');
  });
}

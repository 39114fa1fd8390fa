// SPDX-License-Identifier: MIT
//
// talk - a short conversation on a WebSocket, until the server ends it, and
// what it said as one text: an answer of HTTP without its Date, or a line for
// each frame; what a WELCOME says is left out, as it differs.

import { connect } from 'node:net';
import { closing, maskedFrame, unframe } from '../wsframes.mjs';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

function head({ host, port }, { path = '/ws', headers = [], protocol }) {
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}:${port}`,
    'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13', ...headers];
  if (protocol)
    lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

// Takes frames off the front; returns what is left and whether a close came.
function takeFrames(bytes, said) {
  for (;;) {
    const frame = unframe(bytes, false);
    if (!frame)
      return { bytes, code: null };
    bytes = bytes.subarray(frame.size);
    if (frame.kind === 'close') {
      const { code, reason } = closing(frame.payload);
      said.push(`close ${code} ${reason}`);
      return { bytes, code };
    }
    const text = frame.payload.toString();
    said.push(text.startsWith('{"type":"WELCOME"') ? 'WELCOME' : text);
  }
}

// `texts` are sent at once, each a frame; `raw` frames are bytes.
export function talk(address, request) {
  const frames = (request.texts || []).map((text) => maskedFrame(0x81, Buffer.from(text)))
    .concat(request.raw || []);
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true });
    const said = [];
    let bytes = Buffer.alloc(0);
    let open = false;
    const received = (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (!open && end >= 0 && bytes.toString('latin1', 0, 12) === 'HTTP/1.1 101') {
        open = true;
        bytes = bytes.subarray(end + 4);
      }
      if (!open)
        return;
      const taken = takeFrames(bytes, said);
      bytes = taken.bytes;
      if (taken.code !== null)
        socket.end(maskedFrame(0x88, Buffer.from([taken.code >> 8, taken.code & 255])));
    };
    socket.on('data', (chunk) => {
      try {
        received(chunk);
      } catch (error) {
        reject(error);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({
      text: open ? said.join('\n').concat(' ')
        : bytes.toString('latin1').replace(/^Date: .*\r\n/m, ''),
    }));
    socket.write(Buffer.concat([head(address, request), ...frames]));
  });
}

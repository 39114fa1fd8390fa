#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// strictserver - a plain WebSocket server for one client, for which
// every frame must be flawless, masked, and no fragment.
//
//   strictserver [--tls KEY CERTIFICATE] FILE
//
// Prints "listening PORT". From the first message on it sends PINGs, up to 3,
// the next one when the last one was answered, and each must be answered with
// its own bytes. At the end FILE has the messages, a line each, and FILE.json
//
//   "sizes"   of the messages, in bytes
//   "frames"  of all kinds, "keys" that they were masked with, "pongs"
//   "close"   the code of the close frame; null when there was none
//
// Exits 1, and says why, when something was wrong.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { closing, fail, plainFrame, unframe, utf8 } from './wsframes.mjs';

const PINGS = 3;
const args = process.argv.slice(2);
const secure = args[0] === '--tls' && args.splice(0, 3);
const [file] = args;

const messages = [];
const keys = new Set();
let frames = 0;
let pongs = 0;
let pinged = '';
let closed = null;
let ended = false;

function ping(socket) {
  if (pongs === PINGS)
    return;
  pinged = `ping ${pongs}`;
  socket.write(plainFrame(0x89, Buffer.from(pinged)));
}

function report() {
  writeFileSync(file, messages.map((text) => `${text}\n`).join(''));
  writeFileSync(`${file}.json`, JSON.stringify({
    sizes: messages.map((text) => Buffer.byteLength(text)),
    keys: keys.size, frames, pongs, close: closed && closed.code,
  }));
  server.close();
}

// Behind a close frame only a PONG may follow (RFC 6455 section 5.5.2).
function take(socket, { kind, final, payload }) {
  if (!final || (closed && kind !== 'pong'))
    fail(`${closed ? 'behind a close frame' : 'a fragment'}: ${kind}`);
  switch (kind) {
  case 'text':
    messages.push(utf8(payload));
    if (!pinged)
      ping(socket);
    break;
  case 'pong':
    if (payload.toString() !== pinged)
      fail(`a pong of '${payload}' in place of '${pinged}'`);
    pongs++;
    if (!closed)
      ping(socket);
    break;
  case 'close':
    closed = closing(payload);
    socket.end(plainFrame(0x88, payload));
    break;
  default:
    fail(`a frame that is ${kind}`);
  }
}

function shakeHands(socket, head) {
  const [, key] = /^Sec-WebSocket-Key: *(\S+)/im.exec(head);
  socket.write('HTTP/1.1 101 Switching Protocols\r\n' +
    'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' +
    createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64') + '\r\n\r\n');
}

// Takes off `bytes` what is whole and returns the rest.
function takeAll(socket, bytes) {
  for (let frame; (frame = unframe(bytes, true)); ) {
    keys.add(bytes.readUInt32BE(frame.size - frame.payload.length - 4));
    frames++;
    bytes = bytes.subarray(frame.size);
    take(socket, frame);
  }
  return bytes;
}

function giveUp(text) {
  console.error(`strictserver: ${text}`);
  process.exit(1);
}

function serve(socket) {
  let bytes = Buffer.alloc(0);
  let open = false;
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    const head = open ? -1 : bytes.indexOf('\r\n\r\n');
    if (head >= 0) {
      shakeHands(socket, bytes.subarray(0, head).toString());
      bytes = bytes.subarray(head + 4);
      open = true;
    }
    try {
      bytes = open ? takeAll(socket, bytes) : bytes;
    } catch (error) {
      giveUp(error.message);
    }
  });
  // A reset is an end too.
  const end = () => {
    if (!ended && bytes.length)
      giveUp(`the end came within a frame, after ${bytes.length} bytes of it`);
    if (!ended)
      report();
    ended = true;
  };
  socket.on('end', end);
  socket.on('error', end);
}

const server = secure
  ? tls.createServer({
    key: readFileSync(secure[1]), cert: readFileSync(secure[2]),
  }, serve)
  : net.createServer(serve);
server.listen(0, '127.0.0.1', () =>
  console.log(`listening ${server.address().port}`));

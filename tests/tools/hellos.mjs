#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// hellos - connections to a TLS server that do not get on with their handshake.
//
//   hellos PORT KIND COUNT
//
// KIND is "silent" (nothing is sent), "half" (half a ClientHello), "slow" (one
// byte by byte) or "whole" (one, for which the server has to sign). COUNT such
// connections are there at a time; for each that the server ends another one
// comes two seconds later. Prints "ready" when all are there, and goes on
// until it is ended.

import { createServer, connect } from 'node:net';
import * as tls from 'node:tls';

const port = Number(process.argv[2]);
const kind = process.argv[3];
const count = Number(process.argv[4]);

// What a client of ours says first.
function sample() {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.once('data', (hello) => {
      resolve(hello);
      socket.destroy();
      server.close();
    }));
    server.listen(0, '127.0.0.1', () => {
      tls.connect({ port: server.address().port, servername: 'localhost' })
        .on('error', () => {});
    });
  });
}

function trickle(socket, hello, at) {
  if (socket.destroyed || at === hello.length)
    return;
  socket.write(hello.subarray(at, at + 1));
  setTimeout(trickle, 100, socket, hello, at + 1);
}

function say(socket, hello) {
  if (kind === 'half')
    socket.write(hello.subarray(0, hello.length / 2));
  else if (kind === 'whole')
    socket.write(hello);
  else if (kind === 'slow')
    trickle(socket, hello, 0);
}

function begin(hello) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      say(socket, hello);
      resolve();
    });
    socket.on('error', resolve);
    socket.on('data', () => {});
    socket.on('close', () => setTimeout(begin, 2000, hello));
  });
}

const hello = await sample();
for (let i = 0; i < count; i += 50)
  await Promise.all(Array.from({ length: 50 }, () => begin(hello)));
console.log('ready');

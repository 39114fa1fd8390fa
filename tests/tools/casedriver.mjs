#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// casedriver - plays the server of a WebSocket conformance suite for an echo
// client: /getCaseCount, /runCase?case=N&agent=A, /updateReports?agent=A.
//
//   casedriver
//
// Prints "listening PORT". In each case it sends frames, right and wrong ones,
// and looks at what comes back: every frame must be flawless and masked with a
// key of its own. After /updateReports it says on stderr which cases failed, and
// exits 1 when one did, or was not run.

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { closing, fail, plainFrame, unframe }
  from './wsframes.mjs';

const TIMEOUT_MS = 5000;
const TEXT = 0x81;
const BINARY = 0x82;

class Peer {
  constructor(socket) {
    this.socket = socket;
    this.bytes = Buffer.alloc(0);
    this.frames = []; // and the end
    this.masks = new Set();
    this.wake = () => {};
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.received(chunk));
    socket.on('end', () => this.put({ kind: 'end' }));
    socket.on('error', () => this.put({ kind: 'end' }));
  }

  put(frame) {
    this.frames.push(frame);
    this.wake();
  }

  received(chunk) {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    if (!this.path)
      this.shakeHands();
    try {
      let frame;
      while (this.path && (frame = unframe(this.bytes, true))) {
        this.masks.add(this.bytes.readUInt32BE(frame.size -
          frame.payload.length - 4));
        this.bytes = this.bytes.subarray(frame.size);
        this.put(frame);
      }
    } catch (error) {
      this.put({ kind: error.message });
    }
  }

  shakeHands() {
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0)
      return;
    const head = this.bytes.subarray(0, end).toString();
    const [, key] = /^Sec-WebSocket-Key: *(\S+)/im.exec(head);
    this.bytes = this.bytes.subarray(end + 4);
    this.socket.write('HTTP/1.1 101 Switching Protocols\r\n' +
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' +
      createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64') + '\r\n\r\n');
    this.path = new URL(head.split(' ')[1], 'ws://localhost');
    play(this);
  }

  async next() {
    const until = Date.now() + TIMEOUT_MS;
    while (!this.frames.length) {
      const left = until - Date.now();
      if (left <= 0)
        fail('nothing came');
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => (clearTimeout(timer), resolve());
      });
    }
    return this.frames.shift();
  }

  // --- What cases are made of ---

  send(byte, payload = '') {
    this.socket.write(plainFrame(byte, Buffer.from(payload)));
  }

  hex(text) {
    this.socket.write(Buffer.from(text, 'hex'));
  }

  async sip(bytes) {
    for (const byte of bytes) {
      this.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async expect(kind, payload = '') {
    const got = await this.next();
    if (got.kind !== kind || got.final === false ||
      (kind !== 'end' && !got.payload.equals(Buffer.from(payload))))
      fail(`got ${got.kind} ${(got.payload || '').toString().slice(0, 60)}`);
  }

  async echoes(byte, payload) {
    this.send(byte, payload);
    await this.expect(byte === TEXT ? 'text' : 'binary', payload);
  }

  // The client closes, with one of these codes.
  async closes(...codes) {
    const got = await this.next();
    if (got.kind !== 'close')
      fail(`got ${got.kind}`);
    const { code } = closing(got.payload);
    if (!codes.includes(code))
      fail(`closed with ${code}`);
  }

  // The client ends it, with a close frame (of this code) or without.
  async fails(code) {
    const got = await this.next();
    if (got.kind === 'close' && closing(got.payload).code !== code)
      fail(`closed with ${closing(got.payload).code}`);
    else if (got.kind !== 'close' && got.kind !== 'end')
      fail(`got ${got.kind}`);
  }

  async close(code = 1000) {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.send(0x88, payload);
    await this.closes(code);
  }
}

// --- The cases: a name, and what is done in it --------------------------------

const cases = [];

function test(name, run) {
  cases.push({ name, run, result: 'not run' });
}

for (const length of [0, 1, 125, 126, 127, 65535, 65536, 1 << 20])
  for (const byte of [TEXT, BINARY])
    test(`${length} bytes, opcode ${byte & 0x0f}`, async (p) => {
      await p.echoes(byte, 'x'.repeat(length));
      await p.close();
    });

test('binary of all bytes', async (p) => {
  await p.echoes(BINARY, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  await p.close();
});

test('many messages at once come back in order, each with its own mask',
  async (p) => {
    const texts = Array.from({ length: 300 }, (_, i) => `${i} `.repeat(i));
    texts.forEach((text, i) => p.send(i % 2 ? TEXT : BINARY, text));
    for (const [i, text] of texts.entries())
      await p.expect(i % 2 ? 'text' : 'binary', text);
    if (p.masks.size < 299)
      fail(`${p.masks.size} different masks`);
    await p.close();
  });

test('fragments, with a ping between', async (p) => {
  p.send(0x01, 'one');
  p.send(0x89, 'ping');
  p.send(0x00, 'two');
  p.send(0x00);
  p.send(0x80, 'three');
  await p.expect('pong', 'ping');
  await p.expect('text', 'onetwothree');
  p.send(0x02);
  p.send(0x80);
  await p.expect('binary');
  await p.close();
});

test('a thousand fragments', async (p) => {
  p.send(0x02, 'x');
  for (let i = 0; i < 1000; i++)
    p.send(0x00, 'y');
  p.send(0x80);
  await p.expect('binary', `x${'y'.repeat(1000)}`);
  await p.close();
});

test('byte by byte', async (p) => {
  await p.sip(plainFrame(TEXT, Buffer.from('ü'.repeat(100))));
  await p.expect('text', 'ü'.repeat(100));
  await p.sip(plainFrame(0x89, Buffer.from('ping')));
  await p.expect('pong', 'ping');
  await p.sip(plainFrame(BINARY, Buffer.from('x'.repeat(200))));
  await p.expect('binary', 'x'.repeat(200));
  await p.close();
});

test('pings, of which each is answered', async (p) => {
  for (const payload of ['', 'x', 'x'.repeat(125), Buffer.from('00ff', 'hex')]) {
    p.send(0x89, payload);
    await p.expect('pong', payload);
  }
  await p.close();
});

test('several pings at once, of which one is', async (p) => {
  for (let i = 0; i < 5; i++)
    p.send(0x89, 'same');
  await p.expect('pong', 'same');
});

test('a pong that nobody asked for', async (p) => {
  p.send(0x8a, 'unasked');
  await p.echoes(TEXT, 'x');
  await p.close();
});

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000,
  4999])
  test(`close ${code}`, (p) => p.close(code));

for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999])
  test(`close ${code}, which is none`, async (p) => {
    p.hex(`8802${code.toString(16).padStart(4, '0')}`);
    // The client side of lws 4.5 takes 1015 for a code.
    await (code === 1015 ? p.closes(1002, code) : p.fails(1002));
  });

test('close without a code', async (p) => {
  p.send(0x88);
  await p.closes(1005);
});

test('close with a reason', async (p) => {
  const payload = Buffer.from('\x03\xe8', 'latin1');
  p.send(0x88, Buffer.concat([payload, Buffer.from('Grüße')]));
  await p.closes(1000);
});

test('close with a reason that is not UTF-8', async (p) => {
  p.hex('880503e8eda080');
  await p.closes(1002, 1007);
});

test('a message behind a close frame', async (p) => {
  p.hex('880203e8810178');
  await p.closes(1000);
});

test('the connection ends without a close frame', async (p) => {
  p.socket.end();
  await p.expect('end');
});

test('it is reset', async (p) => {
  await p.echoes(TEXT, 'x');
  p.socket.resetAndDestroy();
});

for (const text of ['κόσμε', '\u{10ffff}', '\ufffe', '\ufeff', '\0'])
  test(`UTF-8, byte by byte: ${JSON.stringify(text)}`, async (p) => {
    p.send(0x01);
    for (const byte of Buffer.from(text))
      p.send(0x00, Buffer.from([byte]));
    p.send(0x80);
    await p.expect('text', text);
    await p.close();
  });

for (const text of ['80', 'c3', 'c080', 'e08080', 'eda080', 'f4908080', 'fe',
  'f8888080'])
  test(`not UTF-8: ${text}`, async (p) => {
    p.hex(`81${(text.length / 2 + 1).toString(16).padStart(2, '0')}78${text}`);
    await p.closes(1007);
  });

test('a masked frame, which the library lets in, or refuses', async (p) => {
  p.hex('81810101010179');
  const got = await p.next();
  if (got.kind === 'close' ? closing(got.payload).code !== 1002
    : got.kind !== 'text' || got.payload.toString() !== 'x')
    fail(`got ${got.kind}`);
});

// What a server may not send.
for (const [name, bytes] of Object.entries({
  'a reserved bit': '910178', 'another': 'a10178', 'the third': 'c10178',
  'opcode 3': '830178', 'opcode 15': '8f0178',
  'a ping in fragments': '090178', 'a close frame in fragments': '0800',
  'a ping of 126 bytes': '897e007e', 'a continuation of nothing': '800178',
  'the same, to be continued': '000178',
  'a message within another': '010178810179',
  'a length whose top bit is set': '817f8000000000000000',
}))
  test(name, async (p) => {
    p.hex(bytes);
    await p.fails(1002);
  });

// --- The protocol of suites ---------------------------------------------------

async function playCase(peer, n) {
  const found = cases[n - 1];
  try {
    found.result = '';
    await found.run(peer);
  } catch (error) {
    found.result = error.message;
  }
}

function report(agent) {
  const failed = cases.filter(({ result }) => result);
  for (const { name, result } of failed)
    console.error(`${agent}: ${name}: ${result}`);
  console.error(`${agent}: ${cases.length - failed.length} of ${cases.length}`);
  process.exitCode = failed.length ? 1 : 0;
}

async function play(peer) {
  const { pathname, searchParams } = peer.path;
  if (pathname === '/getCaseCount')
    peer.send(TEXT, String(cases.length));
  else if (pathname === '/runCase')
    await playCase(peer, Number(searchParams.get('case')));
  else if (pathname === '/updateReports')
    report(searchParams.get('agent'));
  if (pathname !== '/runCase')
    await peer.close().catch((error) => console.error(error.message));
  peer.socket.end();
  if (pathname === '/updateReports')
    server.close();
}

const server = createServer((socket) => new Peer(socket));
server.listen(0, '127.0.0.1', () =>
  console.log(`listening ${server.address().port}`));

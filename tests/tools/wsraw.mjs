#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// wsraw - talks to a WebSocket server frame by frame, as a script says, and
// fails at the first thing that is not as the script expects.
//
//   wsraw URL <SCRIPT
//
// URL is ws://HOST:PORT/ws, wss://HOST:PORT/ws (see NODE_EXTRA_CA_CERTS) or
// ws+unix:PATH:/ws. A line of the script is
//
//   NAME VERB [ARGUMENT]    a step on the connection NAME, made when first named
//   repeat N NAME VERB ...  the same N times, %n% being 1, 2, 3, ...
//   ! COMMAND               runs it with bash; it must succeed
//   # comment
//
// The verbs before there is a WebSocket:
//
//   url URL            another one than that of the command line
//   request GET /ws    method and path
//   header NAME: TEXT  added; takes the place of one that is sent by default
//   without NAME       not sent although it is by default
//   open [PROTOCOLS]   shakes hands; the first subprotocol offered must be
//                      what is chosen
//   try [PROTOCOLS]    the same without an expectation; then:
//   status CODE ...    of the HTTP answer, 101 included; one of these
//   head TEXT          the HTTP answer has this line
//   lacks NAME         it has no such header
//   body TEXT          the HTTP answer has a body that contains TEXT
//   connect            only the connection; then "raw"
//
// The verbs that send:
//
//   send TEXT | binary TEXT | ping TEXT | pong TEXT    one whole frame
//   part TEXT | more TEXT | last TEXT    a message in fragments
//   lines FILE         each line of a file as a message of its own
//   bundle FILE        the lines of a file, many in a message
//   close [CODE [REASON]]
//   frame BYTE TEXT    a masked frame that begins with this byte, in hex
//   bits BYTE HEX      the same with a payload in hex
//   unmasked TEXT      a text frame as only a server may send it
//   announce N TEXT    the header of a text frame of N bytes, of which TEXT comes
//   raw "TEXT"         bytes, as a JSON string
//   hex BYTES          bytes in hex, for what is not UTF-8
//   cork | uncork      what is sent between the two leaves in one piece
//   chop N             from now on what is sent leaves N bytes at a time
//   rude               from now on does not answer a close frame
//   deaf               from now on does not answer pings
//   pause | resume     stops reading, and reads on
//   fin | drop         ends the connection in order, or by a reset
//
// The verbs that wait for what comes next, and fail when something else does:
//
//   recv JSON          a message that has at least these members
//   exact TEXT         a message of exactly these bytes
//   blob TEXT          a binary message of exactly these bytes
//   bytes HEX          the same in hex
//   updates FILE       updates that are the lines of a file, bare or, in a
//                      subprotocol of wsd, in envelopes numbered from 1
//   until JSON         passes over messages up to one that has these members
//   ponged TEXT        a pong (which may come before messages sent earlier)
//   pinged N           N more pings came; nothing else may have
//   closed CODE [TEXT] a close frame, TEXT being a part of its reason
//   finally CODE ...   the same, passing over messages
//   end                the end of the connection
//   idle               nothing came but what was received: two PINGs prove it
//
// In a subprotocol of wsd a message is a line of a text frame, else a frame.
// %name% stands for the member `name` of the last message received that had
// one, %xN% for N times "x", %nl%, %cr% and %tab% for these. What arrives must be flawless frames: unmasked,
// not fragmented, in shortest form, text in UTF-8, nothing behind a close
// frame. What was received is printed. Waiting ends after WSRAW_TIMEOUT
// seconds (10). Exits 1 when an expectation is not met.

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as tls from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { Failure, closing, fail, header, maskedFrame, plainFrame, unframe, utf8 }
  from './wsframes.mjs';

const timeout = Number(process.env.WSRAW_TIMEOUT || 10) * 1000;
const values = { nl: '\n', cr: '\r', tab: '\t' };

// Whether `value` has at least what `want` has.
function has(value, want) {
  if (want === null || typeof want !== 'object' || Array.isArray(want))
    return isDeepStrictEqual(value, want);
  return value !== null && typeof value === 'object' &&
    Object.keys(want).every((name) => name in value &&
      has(value[name], want[name]));
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fileLines(file) {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

const hex = (text) => Buffer.from(text.replace(/ /g, ''), 'hex');

const short = (text) =>
  text.length > 200 ? `${text.slice(0, 120)}... (${text.length})` : text;

class Peer {
  constructor(name, url) {
    this.name = name;
    this.url = url;
    this.method = 'GET';
    this.path = null;
    this.headers = [];
    this.omitted = new Set();
    this.bytes = Buffer.alloc(0);
    this.chunks = [];
    this.phase = 'http'; // 'frames' after 101, 'closed' after a close frame
    this.lines = false;
    this.messages = []; // and the answer, the close frame, the end
    this.pongs = [];
    this.pings = [];
    this.wake = () => {};
  }

  // --- Receiving ---

  put(kind, text, more) {
    console.log(`${this.name} ${kind} ${short(text)}`);
    (kind === 'pong' ? this.pongs : this.messages).push({ kind, text, ...more });
    this.wake();
  }

  received(chunk) {
    this.bytes = this.bytes.length ? Buffer.concat([this.bytes, chunk]) : chunk;
    try {
      if (this.phase === 'http')
        this.answered(false);
      while (this.phase !== 'http' && this.framed())
        ;
    } catch (error) {
      this.put('fault', error.message);
    }
  }

  ended(how) {
    if (this.phase === 'http' && this.bytes.length)
      this.answered(true);
    else if (this.bytes.length)
      this.put('fault', `ended in a frame of which ${this.bytes.length} came`);
    this.put('end', how);
  }

  // An answer but 101 has come when the connection ends, as all of ours do.
  answered(whole) {
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0)
      return;
    const head = this.bytes.subarray(0, end).toString('latin1').split('\r\n');
    const status = Number(head[0].split(' ')[1]);
    const body = this.bytes.subarray(end + 4);
    if (status === 100) { // the one that counts is still to come
      this.bytes = body;
      this.put('status', '100', { head, status, body: '' });
      this.answered(whole);
      return;
    }
    if (status !== 101 && !whole)
      return;
    this.bytes = status === 101 ? body : Buffer.alloc(0);
    if (status === 101)
      this.phase = 'frames';
    this.protocol = this.field(head, 'Sec-WebSocket-Protocol') || '';
    this.lines = this.protocol.startsWith('wsd.v1');
    this.put('status', `${status} ${this.protocol}`,
      { head, status, body: body.toString() });
  }

  field(head, name) {
    const line = head.find((l) =>
      l.toLowerCase().startsWith(`${name.toLowerCase()}:`));
    return line && line.slice(name.length + 1).trim();
  }

  framed() {
    const got = unframe(this.bytes, false);
    if (!got)
      return false;
    this.bytes = this.bytes.subarray(got.size);
    if (this.phase === 'closed')
      fail(`a ${got.kind} frame behind the close frame`);
    if (!got.final || got.kind === 'continuation')
      fail('a fragment');
    if (got.kind === 'close')
      this.closing(got.payload);
    else if (got.kind === 'ping')
      this.pinged(got.payload);
    else if (got.kind === 'binary')
      this.put('binary', got.payload.toString('hex'));
    else if (got.kind === 'text' && this.lines)
      for (const line of utf8(got.payload).replace(/\n$/, '').split('\n'))
        this.put('text', line);
    else
      this.put(got.kind, utf8(got.payload));
    return true;
  }

  pinged(payload) {
    if (!this.deaf)
      this.socket.write(maskedFrame(0x8a, payload));
    this.pings.push(payload);
    this.wake();
  }

  closing(payload) {
    const { code, reason } = closing(payload);
    this.phase = 'closed';
    this.put('close', `${code} ${reason}`, { code, reason });
    if (!this.rude)
      this.write(maskedFrame(0x88, payload.subarray(0, 2)));
  }

  // --- Sending ---

  async write(bytes) {
    for (let at = 0; at < bytes.length;) {
      this.socket.write(bytes.subarray(at, at + (this.chop || bytes.length)));
      at += this.chop || bytes.length;
      if (this.chop)
        await new Promise((resolve) => setImmediate(resolve));
    }
  }

  // --- Connecting ---

  dial() {
    const [, path] = /^ws\+unix:(.*):\/ws$/.exec(this.url) || [];
    const url = path ? { host: 'localhost' } : new URL(this.url);
    this.host = url.host;
    this.tcp = path ? connect({ path }) :
      connect({ host: url.hostname.replace(/[[\]]/g, ''), port: url.port });
    this.tcp.setNoDelay(true);
    this.secure = url.protocol === 'wss:';
    this.socket = this.secure ?
      tls.connect({ socket: this.tcp, servername: 'localhost' }) : this.tcp;
    this.socket.on('data', (chunk) => this.received(chunk));
    this.socket.on('end', () => this.ended(''));
    this.socket.on('error', (error) => this.ended(error.code));
  }

  handshake(protocols) {
    const key = randomBytes(16).toString('base64');
    this.dial();
    const usual = [['Host', this.host], ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'], ['Sec-WebSocket-Key', key],
      ['Sec-WebSocket-Version', '13']];
    if (protocols)
      usual.push(['Sec-WebSocket-Protocol', protocols]);
    const own = new Set(this.headers.map(([n]) => n.toLowerCase()));
    const all = usual.filter(([n]) => !own.has(n.toLowerCase()) &&
      !this.omitted.has(n.toLowerCase())).concat(this.headers);
    this.accept = createHash('sha1')
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return this.write(Buffer.from(
      `${this.method} ${this.path || '/ws'} HTTP/1.1\r\n` +
      all.map(([n, v]) => `${n}: ${v}\r\n`).join('') + '\r\n'));
  }

  // --- Waiting ---

  async next(queue) {
    const until = Date.now() + timeout;
    while (!queue.length) {
      const left = until - Date.now();
      if (left <= 0)
        fail('nothing came');
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => (clearTimeout(timer), resolve());
      });
    }
    return queue.shift();
  }

  async expect(kind, test = () => true) {
    const got = await this.next(kind === 'pong' ? this.pongs : this.messages);
    if (got.kind !== kind || !test(got))
      fail(`got ${got.kind} ${short(got.text)}`);
    return got;
  }

  keep(message) {
    if (message !== null && typeof message === 'object')
      Object.assign(values, message);
  }

  async expectJson(want) {
    const wanted = JSON.parse(want);
    const { text } = await this.expect('text',
      (got) => has(parse(got.text), wanted));
    this.keep(parse(text));
  }

  async pingPong(id) {
    await this.write(maskedFrame(0x81,
      Buffer.from(`{"type":"PING","id":"${id}"}`)));
    await this.expectJson(`{"type":"PONG","id":"${id}"}`);
  }
}

const rest = (text) => {
  const at = text.indexOf(' ');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
};

const verbs = {
  url: (p, text) => { p.url = text; },
  request: (p, text) => { [p.method, p.path] = rest(text); },
  header: (p, text) => { p.headers.push(/^(.*?): *(.*)$/.exec(text).slice(1)); },
  without: (p, name) => { p.omitted.add(name.toLowerCase()); },
  connect: (p) => {
    p.dial();
    return new Promise((resolve) =>
      p.socket.once(p.secure ? 'secureConnect' : 'connect', resolve)
        .once('close', resolve));
  },
  try: (p, protocols) => p.handshake(protocols),
  open: async (p, protocols) => {
    await p.handshake(protocols);
    const { head } = await p.expect('status', (got) => got.status === 101);
    if (p.field(head, 'Sec-WebSocket-Accept') !== p.accept)
      fail('the handshake was answered wrongly');
    if (p.protocol !== protocols.split(/, */)[0])
      fail(`got subprotocol '${p.protocol}'`);
  },
  status: async (p, codes) => {
    const wanted = codes.split(' ').map(Number);
    p.answer = await p.expect('status', (got) => wanted.includes(got.status));
  },
  head: (p, line) => p.answer.head.includes(line) ||
    fail(`got ${p.answer.head.join(' | ')}`),
  lacks: (p, name) => p.field(p.answer.head, name) === undefined ||
    fail(`got ${p.answer.head.join(' | ')}`),
  body: (p, text) => p.answer.body.includes(text) ||
    fail(`got ${p.answer.body}`),

  send: (p, text) => p.write(maskedFrame(0x81, Buffer.from(text))),
  binary: (p, text) => p.write(maskedFrame(0x82, Buffer.from(text))),
  ping: (p, text) => p.write(maskedFrame(0x89, Buffer.from(text))),
  pong: (p, text) => p.write(maskedFrame(0x8a, Buffer.from(text))),
  part: (p, text) => p.write(maskedFrame(0x01, Buffer.from(text))),
  more: (p, text) => p.write(maskedFrame(0x00, Buffer.from(text))),
  last: (p, text) => p.write(maskedFrame(0x80, Buffer.from(text))),
  frame: (p, text) => {
    const [byte, payload] = rest(text);
    return p.write(maskedFrame(parseInt(byte, 16), Buffer.from(payload)));
  },
  bits: (p, text) => {
    const [byte, payload] = rest(text);
    return p.write(maskedFrame(parseInt(byte, 16), hex(payload)));
  },
  lines: (p, file) => fileLines(file).forEach((line) => verbs.send(p, line)),
  bundle: (p, file) => {
    for (let lines = fileLines(file); lines.length;)
      verbs.send(p, lines.splice(0, 40).join('\n'));
  },
  close: (p, text) => {
    const [code, reason] = rest(text);
    const bytes = Buffer.alloc(code ? 2 : 0);
    if (code)
      bytes.writeUInt16BE(Number(code));
    p.rude = true;
    return p.write(maskedFrame(0x88,
      Buffer.concat([bytes, Buffer.from(reason)])));
  },
  unmasked: (p, text) => p.write(plainFrame(0x81, Buffer.from(text))),
  announce: (p, text) => {
    const [n, begin] = rest(text);
    return p.write(Buffer.concat([header(0x81, BigInt(n), true),
      maskedFrame(0x81, Buffer.from(begin)).subarray(2)]));
  },
  raw: (p, text) => p.write(Buffer.from(JSON.parse(text))),
  hex: (p, text) => p.write(hex(text)),
  cork: (p) => { p.socket.cork(); },
  uncork: (p) => { p.socket.uncork(); },
  chop: (p, n) => { p.chop = Number(n); },
  rude: (p) => { p.rude = true; },
  deaf: (p) => { p.deaf = true; },
  pause: (p) => { p.socket.pause(); },
  resume: (p) => { p.socket.resume(); },
  fin: (p) => { p.socket.end(); },
  drop: (p) => { p.tcp.resetAndDestroy(); },

  recv: (p, json) => p.expectJson(json),
  exact: async (p, text) => {
    const got = await p.expect('text', (message) => message.text === text);
    p.keep(parse(got.text));
  },
  blob: (p, text) => p.expect('binary',
    (got) => got.text === Buffer.from(text).toString('hex')),
  bytes: (p, text) => p.expect('binary',
    (got) => got.text === text.replace(/ /g, '')),
  updates: async (p, file) => {
    for (const [i, line] of fileLines(file).entries())
      await p.expect('text', ({ text }) => p.lines
        ? text.startsWith('{"type":"UPDATE",') &&
          text.includes(`,"seq":${i + 1},`) && text.endsWith(`,"data":${line}}`)
        : text === line);
  },
  until: async (p, json) => {
    const want = JSON.parse(json);
    let message;
    do
      message = parse((await p.expect('text')).text);
    while (!has(message, want));
    p.keep(message);
  },
  ponged: (p, text) => p.expect('pong', (got) => got.text === text),
  pinged: async (p, n) => {
    for (let i = 0; i < Number(n); i++)
      await p.next(p.pings);
    if (p.messages.length)
      fail(`got ${p.messages[0].kind}`);
  },
  closed: async (p, text) => {
    const [code, reason] = rest(text);
    await p.expect('close', (got) => got.code === Number(code) &&
      got.reason.includes(reason));
  },
  finally: async (p, text) => {
    let got;
    do
      got = await p.next(p.messages);
    while (got.kind === 'text');
    p.messages.unshift(got);
    await verbs.closed(p, text);
  },
  end: (p) => p.expect('end'),
  idle: async (p) => {
    await p.pingPong('idle-1');
    await p.pingPong('idle-2');
  },
};

const peers = new Map();

function fill(text, n) {
  return text.replace(/%(?:x(\d+)|(\w+))%/g, (whole, count, name) => {
    if (count)
      return 'x'.repeat(Number(count));
    if (name === 'n')
      return n;
    return name in values ? values[name] : whole;
  });
}

async function step(line, n) {
  const [name, tail] = rest(line);
  if (name === '!') {
    execFileSync('bash', ['-c', fill(tail, n)], { stdio: 'inherit' });
    return;
  }
  const [verb, argument] = rest(tail);
  if (!peers.has(name))
    peers.set(name, new Peer(name, process.argv[2]));
  if (!(verb in verbs))
    fail('no such verb');
  await verbs[verb](peers.get(name), fill(argument, n));
}

async function run(line) {
  const [, times, repeated] = /^repeat (\d+) (.*)$/.exec(line) || [0, 1, line];
  for (let n = 1; n <= times; n++)
    await step(repeated, n);
}

const script = readFileSync(0, 'utf8').split('\n');
for (const [i, text] of script.entries()) {
  const line = text.trimStart();
  if (!line || line.startsWith('#'))
    continue;
  try {
    await run(line);
  } catch (error) {
    console.log(`wsraw: line ${i + 1}: ${short(line)}\nwsraw: ${error instanceof Failure ? error.message : error.stack}`);
    process.exit(1);
  }
}
process.exit(0);

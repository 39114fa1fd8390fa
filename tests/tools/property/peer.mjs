// SPDX-License-Identifier: MIT
//
// peer - a WebSocket connection of the property test: sends what it is told,
// and has each message compared as it comes. The first failure of any peer is
// that of the world, and whoever waits for something is told of it.

import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Failure, closing, maskedFrame, unframe, utf8 } from '../wsframes.mjs';
import { checkClose, receive } from './received.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const NO_BYTES = Buffer.alloc(0);

export class Peer {
  constructor(world, session, dialect) {
    this.world = world;
    this.session = session;
    this.dialect = dialect;
    this.bytes = NO_BYTES;
    this.frames = 0; // that it has sent
    this.pings = 0;
    this.status = 0; // of the handshake
    this.body = '';
    this.code = null; // of the close frame that came
    this.gone = false;
    this.pongs = 0;
  }

  // --- The handshake ---

  // Resolves when it is answered; `status` says how.
  open(path, headers) {
    const key = randomBytes(16).toString('base64');
    const { host, port } = this.world.address;
    const lines = [
      `GET ${path} HTTP/1.1`, `Host: ${host}:${port}`, 'Upgrade: websocket',
      'Connection: Upgrade', `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13', ...headers,
    ];
    if (this.dialect !== 'plain')
      lines.push(`Sec-WebSocket-Protocol: ${this.dialect}`);
    this.accept = createHash('sha1').update(key + GUID).digest('base64');
    this.socket = connect({ host, port, noDelay: true });
    this.socket.on('data', (chunk) => this.guard(() => this.received(chunk)));
    this.socket.on('error', ({ code }) => { this.error = code; });
    this.socket.on('close', () => this.guard(() => this.ended()));
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return this.world.until(() => this.status === 101 || this.gone);
  }

  guard(action) {
    try {
      action();
    } catch (error) {
      this.world.failed(error);
    }
    this.world.wake();
  }

  answered() {
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0)
      return;
    const head = this.bytes.subarray(0, end).toString('latin1');
    const status = Number(head.split(' ')[1]);
    if (status !== 101)
      return;
    if (!head.includes(`Accept: ${this.accept}`))
      throw new Failure(`${this.session.name}: another key was accepted`);
    this.status = status;
    this.bytes = this.bytes.subarray(end + 4);
  }

  // --- Receiving ---

  received(chunk) {
    this.bytes = this.bytes.length ? Buffer.concat([this.bytes, chunk]) : chunk;
    if (this.status !== 101)
      this.answered();
    while (this.status === 101 && this.framed())
      ;
  }

  framed() {
    const got = unframe(this.bytes, false);
    if (!got)
      return false;
    this.bytes = this.bytes.subarray(got.size);
    if (this.code !== null)
      throw new Failure(`${this.session.name}: a frame behind the close frame`);
    if (got.kind === 'close')
      this.closing(got.payload);
    else if (got.kind === 'ping')
      this.write(maskedFrame(0x8a, got.payload));
    else
      this.message(utf8(got.payload));
    return true;
  }

  message(text) {
    const lines = this.dialect === 'plain' ? [text] : text.replace(/\n$/, '').split('\n');
    for (const line of lines) {
      receive(this.session, line);
      if (line.startsWith('{"type":"PONG","id":"barrier-'))
        this.pongs++;
    }
  }

  closing(payload) {
    const { code } = closing(payload);
    this.code = code;
    if (!this.session.left)
      this.world.onClose(this, code);
    if (!this.session.left)
      checkClose(this.session, code);
    this.write(maskedFrame(0x88, payload.subarray(0, 2)));
    this.socket.end();
  }

  ended() {
    this.gone = true;
    if (this.status !== 101)
      this.refused(this.bytes.toString('latin1'));
    else if (this.code === null && !this.session.left)
      throw new Failure(`${this.session.name}: ended without a close frame`);
  }

  // The answer to a handshake that was refused, without what is of its time.
  refused(answer) {
    this.status = Number(answer.split(' ')[1]) || -1;
    this.body = answer.replace(/^Date: .*\r\n/m, '') || `no answer: ${this.error}`;
  }

  // --- Sending ---

  write(bytes) {
    if (!this.socket.destroyed && this.socket.writable)
      this.socket.write(bytes);
  }

  text(text) {
    this.frames++;
    return maskedFrame(0x81, Buffer.from(text));
  }

  // Asks for an answer, behind that of all that was sent before.
  ping() {
    const id = `barrier-${++this.pings}`;
    this.session.ping({ id });
    return JSON.stringify({ type: 'PING', id });
  }

  // Waits until its last PING was answered, or it was closed.
  settled() {
    return this.world.until(() => this.pongs === this.pings || this.gone,
      () => `${this.session.name}: no answer to a PING`);
  }

  // Leaves, in order or not.
  async leave(inOrder) {
    this.session.left = true;
    this.session.close(1000);
    if (!inOrder) {
      this.socket.resetAndDestroy();
    } else {
      this.write(maskedFrame(0x88, Buffer.from([0x03, 0xe8])));
      await this.world.until(() => this.code !== null || this.gone);
      this.socket.end();
    }
    await this.world.until(() => this.gone);
  }
}

// SPDX-License-Identifier: MIT
//
// follower - who follows a tenant by HTTP, as events or as lines: has each
// compared as it comes, as peer.mjs does, but never says anything.

import { connect } from 'node:net';
import { Failure } from '../wsframes.mjs';
import { checkClose, receive } from './received.mjs';

const accepts = {
  events: 'text/event-stream', lines: 'application/x-ndjson',
  envelopes: 'application/jsonl',
};

export const kinds = Object.keys(accepts);

export class Follower {
  constructor(world, session, kind) {
    this.world = world;
    this.session = session;
    this.kind = kind;
    this.text = '';
    this.status = 0;
    this.body = '';
    this.code = null; // that it was ended with
    this.gone = false;
  }

  // Resolves when it is answered; `status` says how.
  open(path, headers) {
    const { host, port } = this.world.address;
    const head = [`GET ${path} HTTP/1.1`, `Host: ${host}:${port}`,
      `Accept: ${accepts[this.kind]}`, ...headers].join('\r\n');
    this.socket = connect({ host, port, noDelay: true });
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text) => this.guard(() => this.received(text)));
    this.socket.on('error', ({ code }) => { this.error = code; });
    this.socket.on('close', () => this.guard(() => this.ended()));
    this.socket.write(`${head}\r\n\r\n`);
    return this.world.until(() => this.status === 200 || this.gone);
  }

  guard(action) {
    try {
      action();
    } catch (error) {
      this.world.failed(error);
    }
    this.world.wake();
  }

  // --- What comes ---

  received(text) {
    this.text += text;
    if (this.status !== 200)
      this.answered();
    while (this.status === 200 && this.takePiece())
      ;
  }

  answered() {
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0 || !this.text.startsWith('HTTP/1.1 200 '))
      return;
    this.status = 200;
    this.text = this.text.slice(end + 4);
  }

  // An event, or a line.
  takePiece() {
    const mark = this.kind === 'events' ? '\n\n' : '\n';
    const end = this.text.indexOf(mark);
    if (end < 0)
      return false;
    const piece = this.text.slice(0, end);
    this.text = this.text.slice(end + mark.length);
    if (this.code !== null)
      throw new Failure(`${this.session.name}: ${piece} came behind its end`);
    if (this.kind === 'events')
      this.event(piece);
    else if (piece)
      this.message(piece);
    return true;
  }

  message(text) {
    if (this.kind !== 'lines' && text.startsWith('{"type":"END"'))
      this.closing(JSON.parse(text).code);
    else
      receive(this.session, text);
  }

  event(text) {
    const fields = new Map(text.split('\n').map((line) => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)];
    }));
    const data = fields.get('data');
    if (fields.has('event'))
      this.message(data);
    else if (data !== undefined)
      this.update(fields.get('id'), data);
    else if (fields.has('retry'))
      this.beginning(fields.get('id'));
    else if (text !== ':')
      throw new Failure(`${this.session.name}: ${text} is no event`);
  }

  // As its envelope would be.
  update(id, data) {
    const [epoch, seq] = id.split(':');
    receive(this.session, `{"type":"UPDATE","tenantId":${
      JSON.stringify(this.session.follows)},"epoch":"${epoch}","seq":${seq},"data":${data}}`);
  }

  // Where the stream begins, unless with a GAP.
  beginning(id) {
    const { session } = this;
    const want = session.begins === null ? undefined : session.begins;
    if ((id === undefined ? undefined : Number(id.split(':')[1])) !== want)
      throw new Failure(`${session.name}: begins behind ${id}, not ${want}`);
  }

  // --- The end ---

  closing(code) {
    this.code = code;
    if (this.session.left)
      return;
    this.world.onClose(this, code);
    checkClose(this.session, code);
  }

  // Bare lines do not say why.
  ended() {
    this.gone = true;
    if (this.status !== 200)
      this.refused(this.text);
    else if (this.code === null && !this.session.left && this.kind === 'lines')
      this.closing(this.session.closed ?? this.session.either ?? 4212);
    else if (this.code === null && !this.session.left)
      throw new Failure(`${this.session.name}: ended without a word`);
  }

  refused(answer) {
    this.status = Number(answer.split(' ')[1]) || -1;
    this.body = answer.replace(/^Date: .*\r\n/m, '') || `no answer: ${this.error}`;
  }

  // Leaves.
  async leave() {
    this.session.left = true;
    this.session.close(1000);
    this.socket.destroy();
    await this.world.until(() => this.gone);
  }
}

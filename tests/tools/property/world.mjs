// SPDX-License-Identifier: MIT
//
// world - a wsd, its tokens, what is published, and the connections to it; and
// time, which ends tokens.
//
// One thing is done after the other: what a turn has asked for is answered
// before the next one begins, so that the order in which wsd does it is known.
// Before the end of one of its tokens, or the time by which a token has to have
// come, a connection is at dusk: nothing is asked on it. At the end it goes on
// with what it has left; or, if it has to go, may be sent what is published until
// a timer has told wsd, but must have gone when the night is over, and at once
// when it says something.

import { Failure } from '../wsframes.mjs';
import { Daemon } from './daemon.mjs';
import { missing } from './received.mjs';
import { Streams } from './streams.mjs';
import { Tokens } from './tokens.mjs';

const DUSK_MS = 300; // before an end
const NIGHT_MS = Number(process.env.PROPERTY_NIGHT_MS || 1000); // behind it
const DAWN_MS = 20; // behind an end, which both clocks have passed then
const EARLY_MS = 2; // as clocks are read one after the other
const TICK_MS = 100; // of the timers of wsd
const WAIT_MS = 20000; // for anything
const TRACE = 60; // steps that are shown when something failed

export class World {
  constructor({ program, directory, config, options, random, history, authMs }) {
    this.random = random;
    this.streams = new Streams(history);
    this.tokens = new Tokens(directory, config, random);
    this.queryTokens = config['allow-query-token'] === true;
    this.authMs = authMs;
    this.peers = [];
    this.words = new Map(); // what refusals say
    this.connections = 0; // WebSockets so far
    this.count = 0; // steps
    this.trace = [];
    this.figures = new Map(); // how often it came to what
    this.failure = null;
    this.waiter = null;
    this.daemon = new Daemon(program, this.tokens.writeFiles(), options);
    this.daemon.onChange = () => this.wake();
    this.clock = setInterval(() => this.watch(), 500);
  }

  async start() {
    await this.until(() => this.daemon.isReady(), () => 'wsd does not start');
    this.address = this.daemon.address;
  }

  close() {
    clearInterval(this.clock);
  }

  // --- What has happened ---

  step(text) {
    this.count++;
    this.trace.push(`${this.count} ${text}`);
    if (this.trace.length > TRACE)
      this.trace.shift();
  }

  tally(what) {
    this.figures.set(what, (this.figures.get(what) || 0) + 1);
  }

  failed(error) {
    this.failure ??= error;
  }

  // --- Waiting ---

  until(test, what = () => 'nothing happens') {
    return new Promise((resolve, reject) => {
      this.waiter = { test, resolve, reject, what, since: Date.now() };
      this.wake();
    });
  }

  end(how, value) {
    const { [how]: settle } = this.waiter;
    this.waiter = null;
    settle(value);
  }

  wake() {
    if (!this.waiter)
      return;
    if (this.failure)
      this.end('reject', this.failure);
    else if (this.daemon.status !== null && this.address && !this.stopping)
      this.end('reject', new Failure(`wsd has ended: ${this.daemon.status}\n${this.daemon.log.slice(-3000)}`));
    else if (this.waiter.test())
      this.end('resolve');
  }

  watch() {
    if (this.waiter && Date.now() - this.waiter.since > WAIT_MS)
      this.end('reject', new Failure(this.waiter.what()));
  }

  // --- Time ---

  // When a connection has to have done something: show a token, or go.
  endOf(session) {
    return session.grants.length ? session.ends : session.opened + this.authMs;
  }

  // What ends before is about to.
  get dusk() {
    return Date.now() + DUSK_MS;
  }

  isDusk(session) {
    return this.dusk > this.endOf(session);
  }

  // Whether a token has ended.
  isOver(session) {
    return session.grants.length > 0 && Date.now() > session.ends + DAWN_MS;
  }

  // A time by which a token must have come is kept to a second.
  isNight(session) {
    const late = session.grants.length ? NIGHT_MS : NIGHT_MS + 1200;
    return Date.now() > this.endOf(session) + late;
  }

  // The connection has ended by itself, which it may at the end of a token.
  onClose(peer, code) {
    const { session } = peer;
    const early = session.grants.length ? EARLY_MS : EARLY_MS + TICK_MS;
    if (session.closed !== null || Date.now() < this.endOf(session) - early)
      return;
    const due = session.grants.length ? 4212 : 4010;
    if ((code === due || code === session.either) && session.isDoomedAt(Date.now() + EARLY_MS))
      session.close(code);
  }

  // What time has ended is over.
  async passTime() {
    for (const peer of [...this.peers]) {
      const { session } = peer;
      if (session.closed === null && this.isOver(session))
        await this.dawn(peer);
      if (session.closed === null && this.isNight(session))
        await this.nightOver(peer);
      if (session.closed !== null)
        await this.goodbye(peer);
    }
  }

  // Without what has ended it goes on, or says something that it may not.
  async dawn(peer) {
    const { session } = peer;
    const now = Date.now() - DAWN_MS;
    if (!session.isDoomedAt(now)) {
      session.expire(now);
      session.either = null;
      this.tally('outlived a token');
    } else if (session.follows === null && this.random.chance(0.1)) {
      peer.write(peer.text(JSON.stringify({
        type: 'PUBLISH', id: session.lastId + 1, tenantId: 'acme', data: 'late',
      })));
      this.tally('said something too late');
      await this.until(() => peer.code !== null || peer.gone,
        () => `${session.name}: goes on behind its end`);
    }
  }

  async nightOver(peer) {
    const { session } = peer;
    if (peer.code === null)
      await this.look(this.awake);
    if (peer.code === null)
      throw new Failure(`${session.name}: goes on ${Date.now() - this.endOf(session)} ms after its end`);
  }

  // Has what these peers were sent read.
  async look(peers) {
    const [peer] = peers;
    if (!peer)
      return;
    peer.write(peer.text(peer.ping()));
    await peer.settled();
  }

  // It was closed: everything before that has come.
  async goodbye(peer) {
    await this.until(() => peer.gone,
      () => `${peer.session.name}: is not closed with ${peer.session.closed}`);
    this.streams.left.delete(peer.session);
    this.remove(peer);
  }

  remove(peer) {
    this.peers = this.peers.filter((p) => p !== peer);
  }

  // Those whose end is not near, and of these those that can be asked.
  get lasting() {
    return this.peers.filter(({ session }) =>
      session.closed === null && !this.isDusk(session));
  }

  get awake() {
    return this.lasting.filter(({ session }) => session.follows === null);
  }

  // --- All there ---

  // Nothing that had to come is missing, nothing is on its way.
  async checkpoint() {
    for (let i = 0; i < 2; i++) {
      const { awake } = this;
      for (const peer of awake)
        peer.write(peer.text(peer.ping()));
      for (const peer of awake)
        await peer.settled();
    }
    for (const { session } of this.lasting) {
      await this.until(() => session.closed !== null || !missing(session),
        () => `${session.name}: ${missing(session)}`);
      this.checkNotices(session);
    }
  }

  checkNotices({ name, grants }) {
    if (grants.some(({ told }) => told && Date.now() > told + NIGHT_MS))
      throw new Failure(`${name}: was not told that a token ends`);
  }
}

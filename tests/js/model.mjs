#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// model - plays random histories of a page and its server against clients/js:
// subscriptions with every kind of `since` come and go, updates are published,
// trimmed and skipped, connections end in every way, tokens expire, the page is
// hidden, offline and cached. Whatever happens, each subscription gets every
// update from its beginning on, once and in order, or is told of a gap, and a
// gap of `history` only where the server has these no more; nothing is left.
//
//   model [SEED [COUNT]]
//
// Says the seed of a history that went wrong.

import assert from 'node:assert/strict';
import { FakeSocket, clock, settle, sockets, tell, thrown } from './fakes.mjs';
import { FakeWsd } from './fakewsd.mjs';

const { publish, subscribe } = await import('../../clients/js/client.js');

const STEPS = 250;
const URLS = ['ws://one.test/ws', 'ws://two.test/ws'];
const TENANTS = ['a', 'b'];

let seed;

// A small generator of its own: the same seed is the same history.
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
Math.random = random;

const upTo = (n) => Math.floor(random() * n);
const pick = (list) => list[upTo(list.length)];

// What one subscription was given, checked as it comes.
class Watcher {
  constructor(world, url, id, since) {
    Object.assign(this, { world, id, since, at: null, given: 0 });
    this.wsd = world.wsds.get(url);
    this.logs = this.wsd.tenants; // of the run that its position is of
    this.subscription = subscribe(url, id,
      (data, meta) => this.update(data, meta), {
        token: world.token, since,
        onGap: (gap) => this.gap(gap),
        onState: (state) => this.state(state),
      });
    this.at = this.subscription.position; // where it is known already
  }

  state({ name }) {
    this.name = name;
    if (name === 'live' && !this.at)
      this.begin();
  }

  // Where the server said, in an answer to just this, which it may also have
  // given to another one a moment before.
  begin() {
    this.at = this.subscription.position;
    this.logs = this.wsd.tenants;
    const { epoch, seq } = this.at;
    if (this.since === null)
      return;
    const asked = JSON.stringify(this.since);
    assert(this.wsd.starts.some((start) =>
      start.tenant === this.id && start.since === asked &&
      start.epoch === epoch && start.next === seq + 1),
    `${asked} does not begin at ${seq}`);
  }

  next(epoch, seq) {
    assert.deepEqual({ epoch, seq }, { epoch: this.at.epoch,
      seq: this.at.seq + 1 });
    this.at.seq = seq;
    this.given++;
  }

  update(data, { epoch, seq, tenant, text }) {
    assert.equal(tenant, this.id);
    this.next(epoch, seq);
    assert.equal(text, JSON.stringify(data));
    assert.deepEqual(data, this.logs.get(this.id).log[seq - 1].data);
    this.world.meddle(this);
  }

  gap({ epoch, from, to, seq, reason }) {
    switch (reason) {
    case 'source':
      assert(this.logs.get(this.id).log[seq - 1].source);
      this.next(epoch, seq);
      break;
    case 'restart':
      this.restarted(epoch);
      break;
    case 'history':
      assert(this.logs.get(this.id).first > to, 'it has these still');
      // falls through
    case 'slow':
      assert.deepEqual({ epoch, seq: from }, { epoch: this.at.epoch,
        seq: this.at.seq + 1 });
      assert(to >= from);
      this.at.seq = to;
      break;
    default:
      assert.fail(`a gap of '${reason}'`);
    }
  }

  restarted(epoch) {
    assert(epoch !== this.at.epoch || this.isAhead, 'there was no restart');
    this.isAhead = false;
    this.at = this.subscription.position;
    this.logs = this.wsd.tenants;
    assert.equal(this.at.epoch, epoch);
    assert(this.wsd.starts.some((start) => start.isAll &&
      start.tenant === this.id && start.epoch === epoch &&
      start.next === this.at.seq + 1), 'not all that is retained follows');
  }

  // After all has come to rest.
  settled() {
    const { epoch, log } = this.wsd.tenant(this.id);
    assert.equal(this.name, 'live');
    assert.deepEqual(this.at, { epoch, seq: log.length });
    assert.deepEqual(this.subscription.position, this.at);
  }
}

class World {
  constructor() {
    this.guarded = random() < 0.5;
    this.wsds = new Map(URLS.map((url) =>
      [url, new FakeWsd({ guarded: this.guarded })]));
    this.watchers = [];
    this.published = 0; // numbers that are data
    this.acknowledged = [];
    this.unacknowledged = 0;
    this.tokens = 0;
    this.calm = false;
    this.token = this.guarded ? (context) => this.newToken(context) : undefined;
    sockets.length = 0;
    FakeSocket.made = (socket) => {
      const there = sockets.filter((other) =>
        other.url === socket.url && other.isThere);
      assert.equal(there.length, 1, 'there is a connection already');
    };
  }

  async newToken({ reason }) {
    assert(['connect', 'expiring', 'refused'].includes(reason));
    if (random() < 0.3)
      await settle();
    if (!this.calm && random() < 0.2)
      throw new Error('no token today');
    if (reason === 'expiring' || (reason === 'connect' && !this.wasBad))
      if (random() < 0.1) {
        this.wasBad ||= reason === 'connect'; // of two in a row it is the end
        return 'bad';
      }
    const token = `token ${++this.tokens}`;
    for (const { tokens } of this.wsds.values())
      tokens.set(token, this.calm ? 1e6 : 1000 + upTo(20000));
    return token;
  }

  get conns() {
    return [...this.wsds.values()].flatMap(({ conns }) => [...conns]);
  }

  // --- What the page does ---

  join() {
    const url = random() < 0.8 ? URLS[0] : URLS[1];
    const id = pick(TENANTS);
    const since = this.newSince(url, id);
    const watcher = new Watcher(this, url, id, since);
    watcher.isAhead = since?.seq > watcher.wsd.tenant(id).log.length;
    this.watchers.push(watcher);
  }

  newSince(url, id) {
    const { epoch, log } = this.wsds.get(url).tenant(id);
    switch (upTo(8)) {
    case 0: return 'all';
    case 1: return upTo(10);
    case 2: return { age: '10s' };
    case 3: return { epoch, seq: upTo(log.length + 1) };
    case 4: return { epoch: 'run0.7', seq: upTo(100) };
    case 5: return { epoch, seq: log.length + 100000 };
    default: return null;
    }
  }

  leave() {
    if (!this.watchers.length)
      return;
    const [watcher] = this.watchers.splice(upTo(this.watchers.length), 1);
    watcher.subscription.close();
    watcher.update = watcher.gap = watcher.state =
      () => assert.fail('it was closed');
  }

  // What callbacks do, in the middle of a turn of the client.
  meddle(watcher) {
    const n = this.calm ? 100 : upTo(100);
    if (n < 2) this.join();
    else if (n < 4) this.leave();
    else if (n < 6) this.rejoin(watcher);
    else if (n < 7) this.publishes();
  }

  // Goes, and comes back where it was.
  rejoin(watcher = pick(this.watchers)) {
    if (!watcher?.at || !this.watchers.includes(watcher))
      return;
    const { id, wsd, at, isAhead, logs } = watcher;
    const url = URLS.find((other) => this.wsds.get(other) === wsd);
    this.watchers.splice(this.watchers.indexOf(watcher), 1);
    watcher.subscription.close();
    const next = new Watcher(this, url, id, { ...at });
    Object.assign(next, { isAhead, logs });
    this.watchers.push(next);
  }

  async publishes() {
    const n = ++this.published;
    this.unacknowledged++;
    await publish(URLS[0], pick(TENANTS), { n, own: true },
      { token: this.token });
    this.unacknowledged--;
    this.acknowledged.push(n);
  }

  // --- What the servers do ---

  append() {
    const wsd = pick([...this.wsds.values()]);
    for (let n = 1 + upTo(5); n; n--)
      if (random() < 0.1)
        wsd.append(pick(TENANTS), { source: true });
      else
        wsd.publish(pick(TENANTS), { n: ++this.published });
  }

  trim() {
    const wsd = pick([...this.wsds.values()]);
    const id = pick(TENANTS);
    wsd.trim(id, wsd.tenant(id).log.length + 1 - upTo(8));
  }

  accept() {
    for (const socket of sockets)
      if (socket.state === 'connecting' && !socket.isKnown) {
        socket.isKnown = true;
        if (!this.calm && random() < 0.2)
          socket.end(1006);
        else
          this.wsds.get(socket.url).accept(socket);
      }
  }

  serve() {
    const conn = pick(this.conns);
    if (!conn)
      return;
    conn.watch(Date.now());
    const id = pick([...conn.cursors.keys()]);
    switch (upTo(4)) {
    case 0: conn.read(); break;
    case 1: id && conn.write(id, 1 + upTo(5)); break;
    default: conn.send(1 + upTo(4));
    }
  }

  disconnect() {
    pick(this.conns)?.end(pick([1006, 1001, 4100, 4108, 4200, 4212]));
  }

  drain() {
    pick(this.conns)?.out.push({ type: 'DRAIN', reconnectAfterMs: upTo(3000) });
  }

  skip() {
    const conn = pick(this.conns);
    const id = conn && pick([...conn.cursors.keys()]);
    if (id)
      conn.skip(id);
  }

  // --- A history ---

  async step() {
    const n = upTo(100);
    this.accept();
    if (n < 50) this.serve();
    else if (n < 62) this.append();
    else if (n < 68) this.join();
    else if (n < 71) this.leave();
    else if (n < 73) this.rejoin();
    else if (n < 77) this.trim();
    else if (n < 80) this.disconnect();
    else if (n < 81) pick([...this.wsds.values()]).restart();
    else if (n < 83) this.skip();
    else if (n < 84) this.drain();
    else if (n < 85) this.wsds.get(URLS[0]).busy = random() < 0.5;
    else if (n < 87) this.publishes();
    else if (n < 89) tell(pick(['online', 'offline', 'visibilitychange']));
    else if (n < 90) tell(pick(['pagehide', 'pageshow', 'freeze', 'resume']));
    else if (n < 91) await clock.sleep(upTo(60000));
    else await clock.pass(upTo(2000));
    await settle();
  }

  async rest() {
    this.calm = true;
    this.wsds.get(URLS[0]).busy = false;
    tell('online');
    tell('pageshow');
    for (let quiet = 0, n = 0; quiet < 3; n++) {
      assert(n < 500, 'it does not come to rest');
      await clock.pass(500);
      this.accept();
      for (const conn of this.conns) {
        conn.watch(Date.now());
        while (this.wsds.get(conn.socket.url).conns.has(conn) && !conn.isQuiet) {
          conn.read();
          for (const id of conn.cursors.keys())
            conn.write(id, 1000);
          conn.send(1000);
          await settle();
        }
      }
      quiet = this.watchers.every(({ name }) => name === 'live') &&
        !this.unacknowledged ? quiet + 1 : 0;
    }
  }

  async run() {
    for (let n = 0; n < STEPS; n++)
      await this.step();
    await this.rest();
    for (const watcher of this.watchers)
      watcher.settled();
    const given = this.watchers.reduce((sum, watcher) => sum + watcher.given, 0);
    while (this.watchers.length)
      this.leave();
    await clock.pass(1000);
    assert.equal(new Set(this.acknowledged).size, this.acknowledged.length);
    assert.deepEqual(this.conns, [], 'a connection was left');
    assert.deepEqual(clock.timers, [], 'a timer was left');
    assert.deepEqual(thrown, []);
    return given;
  }
}

const first = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 300);
let given = 0;
for (let n = first; n < first + count; n++) {
  seed = n;
  try {
    given += await new World().run();
  } catch (error) {
    console.error(`seed ${n}:`);
    throw error;
  }
  if (thrown.length) {
    console.error(`seed ${n}:`);
    throw thrown[0];
  }
}
console.log(`${count} histories, ${given} updates and gaps of sources given`);

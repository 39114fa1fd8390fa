// SPDX-License-Identifier: MIT
//
// clients/js against the real wsd, over real connections, which end in every
// way that there is.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { publish, subscribe } from '../../clients/js/client.js';
import { Relay, Wsd, changed, newKey, until, untilAsync, wstoken }
  from './wsd.mjs';

globalThis.WebSocket = WebSocket;
globalThis.crypto ??= webcrypto; // in Node 18

// Connections end here more often than anywhere: delays are a fiftieth.
const { random } = Math;
Math.random = () => random() / 50;

const opened = []; // what a test has opened, ended behind it

afterEach(async () => {
  for (const thing of opened.splice(0).reverse())
    await (thing.close ? thing.close() : thing.stop());
});

function keep(thing) {
  opened.push(thing);
  return thing;
}

const start = async (...options) => keep(await Wsd.start(...options));

async function relayed(...options) {
  const wsd = await Wsd.start(...options);
  const relay = keep(await Relay.start(wsd));
  opened.unshift({ stop: () => relay.target?.stop() });
  return relay;
}

// A subscription that notes what it is given, and checks that it is the next.
class Watcher {
  constructor(url, tenant, options = {}) {
    Object.assign(this, { given: [], gaps: [], states: [] });
    this.subscription = keep(subscribe(url, tenant, (data, meta) => {
      this.next(meta.epoch, meta.seq);
      this.given.push(data);
      changed();
    }, {
      ...options,
      onGap: (gap) => {
        this.gaps.push(gap);
        if (gap.to)
          this.at.seq = gap.to;
        else
          this.at = this.subscription.position;
        changed();
      },
      onState: (state) => {
        this.at ??= this.subscription.position;
        this.states.push(state);
        changed();
      },
    }));
    this.at = options.since?.epoch ? { ...options.since } : null;
  }

  next(epoch, seq) {
    assert.deepEqual({ epoch, seq },
      { epoch: this.at.epoch, seq: this.at.seq + 1 });
    this.at.seq = seq;
  }

  get isLive() {
    return this.subscription.state.name === 'live';
  }

  get isOver() {
    return this.subscription.state.name === 'closed';
  }
}

const numbers = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const live = (...watchers) =>
  until(() => watchers.every((watcher) => watcher.isLive));

const has = (watcher, count) => until(() => watcher.given.length >= count);

test('who waits here lets others have their turn', async () => {
  let isThere = false;
  setImmediate(() => {
    isThere = true;
  });
  await untilAsync(async () => isThere);
});

test('one connection, which ends when nobody needs it', async () => {
  const wsd = await start();
  const watchers = ['a', 'a', 'b'].map((tenant) =>
    new Watcher(wsd.url, tenant));
  await live(...watchers);
  const [only, ...others] = await wsd.connections();
  assert.deepEqual(others, []);
  assert.equal(only.dialect, 'wsd.v1');
  assert.equal(only.subscriptionCount, 2);
  await wsd.publish('a', [1, 2]);
  await wsd.publish('b', [3]);
  await Promise.all([has(watchers[0], 2), has(watchers[1], 2),
    has(watchers[2], 1)]);
  watchers[2].subscription.close();
  await untilAsync(async () =>
    (await wsd.connections())[0].subscriptionCount === 1);
  watchers[0].subscription.close();
  watchers[1].subscription.close();
  await untilAsync(async () => (await wsd.connections()).length === 0);
  const metrics = await (await wsd.get('/metrics')).text();
  assert.match(metrics, /^wsd_subscriptions 0$/m);
});

test('history for who comes later, while updates come', async () => {
  const wsd = await start('--history-count', '100000');
  const first = new Watcher(wsd.url, 't');
  await live(first);
  const later = [];
  for (let n = 1; n <= 5000; n += 50) {
    const published = wsd.publish('t', numbers(n, n + 49));
    if (n % 500 === 1)
      later.push(new Watcher(wsd.url, 't', { since: ['all', 7, null,
        { age: '1h' }, { epoch: first.at.epoch, seq: 3 }][later.length % 5] }));
    await published;
  }
  const all = [first, ...later];
  await until(() => all.every(({ at }) => at?.seq === 5000));
  for (const { given, gaps } of all) {
    assert.deepEqual(gaps, []);
    assert.deepEqual(given, numbers(given[0] ?? 5001, 5000));
  }
  const sizes = later.map(({ given }) => given.length);
  assert.deepEqual([0, 3, 5, 8].map((i) => sizes[i]),
    [5000, 5000, 5000, 5000]);
  assert.equal(sizes[4], 4997);
  assert.equal((await wsd.connections()).length, 1);
});

test('connections that break lose and repeat nothing', async () => {
  const relay = await relayed('--history-count', '100000');
  const watcher = new Watcher(relay.url, 't', { since: 'all' });
  await live(watcher);
  for (let n = 1; n <= 2000; n += 20) {
    await relay.target.publish('t', numbers(n, n + 19));
    if (n % 100 === 1) {
      relay.cut();
      await until(() => !watcher.isLive);
      await live(watcher);
    }
  }
  await has(watcher, 2000);
  assert.deepEqual(watcher.given, numbers(1, 2000));
  assert.deepEqual(watcher.gaps, []);
  assert.equal(relay.taken, 21);
});

test('what is not there any more is told', async () => {
  const relay = await relayed('--history-count', '10');
  const watcher = new Watcher(relay.url, 't');
  await live(watcher);
  await relay.target.publish('t', [1]);
  await has(watcher, 1);
  const { target } = relay;
  relay.target = null;
  relay.cut();
  await until(() => !watcher.isLive);
  await target.publish('t', numbers(2, 50));
  relay.target = target;
  await has(watcher, 11);
  assert.deepEqual(watcher.given, [1, ...numbers(41, 50)]);
  const { epoch } = watcher.at;
  assert.deepEqual(watcher.gaps,
    [{ tenant: 't', epoch, from: 2, to: 40, reason: 'history' }]);
});

test('a wsd that is killed is told as a restart', async () => {
  const relay = await relayed();
  const watcher = new Watcher(relay.url, 't', { since: 'all' });
  await live(watcher);
  for (let run = 1; run <= 4; run++) {
    await relay.target.publish('t', [`${run}.1`, `${run}.2`]);
    await has(watcher, run * 2);
    const { target } = relay;
    relay.target = null;
    await target.kill();
    relay.target = await Wsd.start();
    if (run % 2)
      await relay.target.publish('t', [`${run}.3`]);
    await until(() => watcher.gaps.length === run && watcher.isLive);
  }
  await has(watcher, 10);
  assert.deepEqual(watcher.given, ['1.1', '1.2', '1.3', '2.1', '2.2', '3.1',
    '3.2', '3.3', '4.1', '4.2']);
  assert(watcher.gaps.every(({ reason }) => reason === 'restart'));
});

test('a wsd that is stopped says when to come back', async () => {
  const relay = await relayed();
  const watcher = new Watcher(relay.url, 't');
  await live(watcher);
  await relay.target.publish('t', [1]);
  await relay.target.stop();
  relay.target = await Wsd.start();
  await until(() => watcher.gaps.length === 1 && watcher.isLive);
  assert.deepEqual(watcher.given, [1]);
  const waited = watcher.states.find(({ name }) => name === 'waiting');
  assert.equal(waited.why, 'draining');
  assert.equal(waited.code, 4200);
});

test('who is too slow is closed, and comes back for the rest', async () => {
  const relay = await relayed('--max-lag', '64k', '--sndbuf', '16k',
    '--history-size', '16M', '--history-count', '100000');
  const watcher = new Watcher(relay.url, 't');
  await live(watcher);
  relay.hold();
  const text = 'x'.repeat(1000);
  for (let n = 0; n < 8000; n += 1000)
    await relay.target.publish('t', numbers(n + 1, n + 1000)
      .map((i) => [i, text]));
  relay.resume();
  await has(watcher, 8000);
  assert.deepEqual(watcher.given.map(([n]) => n), numbers(1, 8000));
  assert(watcher.states.some(({ why }) => why === 'slow'));
});

test('tokens are renewed without a new connection', async () => {
  const key = await newKey();
  const wsd = await start('--jwt-key', key);
  const admin = await wstoken('make', '--key', key, '--admin');
  const asked = [];
  const token = ({ reason }) => {
    asked.push(reason);
    changed();
    return wstoken('make', '--key', key, '--subscribe', 't', '--publish', 't',
      '--for', '3s');
  };
  const watcher = new Watcher(wsd.url, 't', { token });
  await live(watcher);
  const [before] = await wsd.connections(admin);
  await until(() => asked.length === 3);
  const { seq } = await publish(wsd.url, 't', 'hello', { token });
  assert.equal(seq, 1);
  await has(watcher, 1);
  const connections = await wsd.connections(admin);
  assert.deepEqual(connections.map(({ connection }) => connection),
    [before.connection]);
  assert.deepEqual(asked.slice(0, 3), ['connect', 'expiring', 'expiring']);
});

test('a token that is not renewed ends it; one that can\'t be, for good',
  async () => {
    const key = await newKey();
    const wsd = await start('--jwt-key', key);
    const make = () => wstoken('make', '--key', key, '--subscribe', 't',
      '--publish', 't', '--for', '2s');
    const text = await make();
    const stale = new Watcher(wsd.url, 't', { token: text });
    const renewed = new Watcher(wsd.url, 't', {
      token: ({ reason }) => (reason === 'expiring'
        ? Promise.reject(new Error('not now')) : make()) });
    await live(stale, renewed);
    await until(() => stale.isOver && renewed.states.filter(({ name }) =>
      name === 'live').length === 2);
    assert.deepEqual(stale.states.map(({ name, why }) => why ?? name),
      ['connecting', 'live', 'token-expired', 'connecting', 'auth-failed']);
    assert.deepEqual(renewed.states.map(({ name, why }) => why ?? name),
      ['connecting', 'live', 'token-expired', 'connecting', 'live']);
    await wsd.publish('t', [1], await make());
    await has(renewed, 1);
  });

test('what is not allowed', async () => {
  const key = await newKey();
  const wsd = await start('--jwt-key', key, '--auth-failures', '0');
  const other = await newKey();
  const token = await wstoken('make', '--key', key, '--subscribe', 't');
  const wrong = await wstoken('make', '--key', other, '--subscribe', 't');
  const ends = Object.entries({
    'forbidden': { token }, 'auth-required': {}, 'auth-failed': { token: wrong },
  }).map(([why, options]) =>
    [why, new Watcher(wsd.url, 'u', options)]);
  const good = new Watcher(wsd.url, 't', { token });
  await until(() => ends.every(([, watcher]) => watcher.isOver));
  for (const [why, { subscription }] of ends)
    assert.equal(subscription.state.why, why);
  await live(good);
  await assert.rejects(publish(wsd.url, 't', 1, { token }),
    { code: 'forbidden' });
});

test('what is published over connections that break is there once', async () => {
  const relay = await relayed('--history-count', '100000');
  const watcher = new Watcher(relay.url, 't', { since: 'all' });
  await live(watcher);
  const results = numbers(1, 200).map((n) =>
    publish(relay.url, 't', n).then((result) => {
      if (n % 20 === 0)
        relay.cut();
      return result;
    }));
  const acknowledged = await Promise.all(results);
  await has(watcher, 200);
  assert.deepEqual(watcher.given, numbers(1, 200));
  assert.deepEqual(acknowledged.map(({ seq }) => seq), numbers(1, 200));
});

test('who was asked for too much is told', async () => {
  const wsd = await start('--max-subscriptions', '2', '--max-message', '1k');
  const watchers = ['a', 'b', 'c'].map((tenant) =>
    new Watcher(wsd.url, tenant));
  await until(() => watchers[2].isOver);
  assert.equal(watchers[2].subscription.state.why, 'too-many-subscriptions');
  const bad = new Watcher(wsd.url, 'not a tenant');
  await until(() => bad.isOver);
  assert.equal(bad.subscription.state.why, 'bad-tenant');
  const far = new Watcher(wsd.url, 'a', { since: { age: 'long' } });
  await until(() => far.isOver);
  assert.equal(far.subscription.state.why, 'bad-request');
  await assert.rejects(publish(wsd.url, 'a', 'x'.repeat(2000)),
    { code: 'too-large' });
  const deep = JSON.parse('['.repeat(200) + ']'.repeat(200));
  await assert.rejects(publish(wsd.url, 'a', deep), { code: 'bad-json' });
  await live(watchers[0], watchers[1]);
  await wsd.publish('a', [1]);
  await has(watchers[0], 1);
});

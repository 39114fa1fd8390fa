// SPDX-License-Identifier: MIT
//
// What clients/js does in one situation after another; that nothing is lost or
// repeated in any of them is what model.mjs shows.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FakeSocket, clock, doc, settle, sockets, tell, thrown }
  from './fakes.mjs';

const { publish, subscribe } = await import('../../clients/js/client.js');

const URL = 'ws://server.test/ws';
const EPOCH = 'e.0';
let open = []; // subscriptions that the test made

// With all that it was told, one line each.
function watch(tenant = 't', options = {}, url = URL) {
  const log = [];
  const subscription = subscribe(url, tenant,
    (data, { seq }) => log.push(`${seq} ${JSON.stringify(data)}`), {
      onGap: ({ from, to, seq, reason }) =>
        log.push(`gap ${reason} ${seq ?? `${from}-${to}`}`),
      onState: ({ name, why, at, code }) => log.push([name, why, code,
        at && at - Date.now()].filter((part) => part !== undefined).join(' ')),
      ...options,
    });
  open.push(subscription);
  return { log, subscription, take: () => log.splice(0) };
}

const last = () => sockets.at(-1);

const update = (seq, data = seq, tenantId = 't') =>
  ({ type: 'UPDATE', tenantId, epoch: EPOCH, seq, time: 'now', data });

const error = ({ id }, code) => ({ type: 'ERROR', id, code, message: code });

// The server's answer to a SUBSCRIBE.
const subscribed = ({ id, tenantId }, next = 1, replayed = 0, epoch = EPOCH) =>
  ({ type: 'SUBSCRIBED', id, tenantId, epoch, next, replayed, recovered: true });

// Lets it connect, and answers all that it asks for.
async function serve(next) {
  await settle();
  last().welcome();
  await settle();
  const requests = last().take();
  for (const request of requests)
    if (request.type === 'AUTH')
      last().receive({ type: 'AUTHENTICATED', id: request.id });
    else if (request.type === 'SUBSCRIBE')
      last().receive(subscribed(request, next));
  await settle();
  return requests;
}

beforeEach(() => {
  Math.random = () => 0.5;
  sockets.length = 0;
  FakeSocket.made = null;
});

// Nothing is left behind by any of them.
afterEach(async () => {
  tell('online');
  tell('pageshow');
  doc.visibilityState = 'visible';
  for (const subscription of open.splice(0))
    subscription.close();
  await clock.pass(1000);
  assert.deepEqual(clock.timers, []);
  assert(sockets.every((socket) => !socket.isThere));
  assert.deepEqual(thrown.splice(0), []);
});

// --- Subscribing ---

test('a tenant, from now on', async () => {
  const { log, subscription } = watch();
  assert.deepEqual(subscription.state, { name: 'connecting' });
  assert.equal(subscription.position, null);
  const requests = await serve(7);
  assert.equal(last().url, URL);
  assert.equal(last().protocol, 'wsd.v1');
  assert.deepEqual(requests,
    [{ type: 'SUBSCRIBE', id: 1, tenantId: 't', since: null }]);
  assert.deepEqual(subscription.position, { epoch: EPOCH, seq: 6 });
  last().receive(update(7), update(8, { a: [1] }));
  assert.deepEqual(log, ['connecting', 'live', '7 7', '8 {"a":[1]}']);
  assert.deepEqual(subscription.position, { epoch: EPOCH, seq: 8 });
  assert.deepEqual(subscription.state, { name: 'live' });
});

test('what comes with an update', async () => {
  let given;
  open.push(subscribe(URL, 42, (data, meta) => {
    given = { data, meta };
  }));
  await serve();
  last().receive('{"type":"UPDATE","tenantId":"42","epoch":"e.0","seq":1,' +
    '"time":"2026-01-01T00:00:00.000Z","data":{"n":12345678901234567890.10}}');
  const { data, meta } = given;
  assert.equal(data.n, 12345678901234567000);
  assert.equal(meta.text, '{"n":12345678901234567890.10}');
  assert.deepEqual({ ...meta }, { tenant: '42', epoch: EPOCH, seq: 1,
    time: '2026-01-01T00:00:00.000Z' });
  last().receive('{"type":"UPDATE","tenantId":"42","epoch":"e.0","seq":2,' +
    '"data":"\\"data\\":1", "more":true}');
  assert.equal(given.meta.text, '"\\"data\\":1"');
});

test('the same tenant twice is one SUBSCRIBE', async () => {
  const a = watch();
  const b = watch();
  assert.equal((await serve()).length, 1);
  last().receive(update(1));
  const c = watch();
  await settle();
  assert.deepEqual(last().take(), []);
  last().receive(update(2));
  assert.deepEqual(a.log, ['connecting', 'live', '1 1', '2 2']);
  assert.deepEqual(b.log, a.log);
  assert.deepEqual(c.log, ['live', '2 2']);
  a.subscription.close();
  a.subscription.close();
  await settle();
  assert.deepEqual(last().take(), []);
  last().receive(update(3));
  assert.equal(a.log.length, 4);
  assert.equal(b.log.at(-1), '3 3');
  b.subscription.close();
  c.subscription.close();
  await settle();
  assert.deepEqual(last().take(), [{ type: 'UNSUBSCRIBE', tenantId: 't' }]);
});

test('one more, with history: subscribed anew, and nobody hears it twice',
  async () => {
    const a = watch();
    await serve();
    last().receive(update(1), update(2));
    const b = watch('t', { since: 'all' });
    await settle();
    const [stop, request] = last().take();
    assert.deepEqual(stop, { type: 'UNSUBSCRIBE', tenantId: 't' });
    assert.equal(request.since, 'all');
    last().receive(update(3)); // was under way
    last().receive(subscribed(request, 1, 3), update(1), update(2), update(3),
      update(4));
    assert.deepEqual(a.log, ['connecting', 'live', '1 1', '2 2', '3 3', '4 4']);
    assert.deepEqual(b.log,
      ['connecting', 'live', '1 1', '2 2', '3 3', '4 4']);
  });

test('some with history, some without: subscribed once', async () => {
  const a = watch();
  const b = watch('t', { since: 'all' });
  const c = watch();
  await settle();
  last().welcome();
  await settle();
  const [request, ...more] = last().take();
  assert.deepEqual([request.since, ...more], ['all']);
  const d = watch();
  last().receive(subscribed(request, 1, 2), update(1), update(2), update(3));
  await settle();
  assert.deepEqual(last().take(), []);
  for (const { log } of [a, c])
    assert.deepEqual(log, ['connecting', 'live', '3 3']);
  assert.deepEqual(b.log, ['connecting', 'live', '1 1', '2 2', '3 3']);
  assert.equal(d.log.at(-1), '3 3');
});

test('one more, with history that begins too late for another one: once more',
  async () => {
    const a = watch();
    await serve();
    last().receive(update(1));
    const b = watch('t', { since: 1 });
    await settle();
    last().receive(subscribed(last().take()[1], 9, 1), update(9));
    await settle();
    const [stop, request] = last().take();
    assert.equal(stop.type, 'UNSUBSCRIBE');
    assert.deepEqual(request.since, { epoch: EPOCH, seq: 1 });
    assert.deepEqual(a.take(), ['connecting', 'live', '1 1']);
    last().receive(subscribed(request, 2, 8));
    for (let seq = 2; seq < 11; seq++)
      last().receive(update(seq));
    assert.deepEqual(a.take(), [2, 3, 4, 5, 6, 7, 8, 9, 10].map((seq) =>
      `${seq} ${seq}`));
    assert.deepEqual(b.take(), ['connecting', 'live', '9 9', '10 10']);
  });

test('what a task takes back again costs nothing', async () => {
  for (let n = 0; n < 3; n++)
    watch().subscription.close();
  await settle();
  assert.equal(sockets.length, 0);
  watch().subscription.close();
  const { log } = watch();
  await serve();
  assert.equal(sockets.length, 1);
  watch('u').subscription.close();
  await settle();
  assert.deepEqual(last().take(), []);
  assert.deepEqual(log, ['connecting', 'live']);
});

test('the connection stays a moment for whoever comes next', async () => {
  watch().subscription.close();
  const a = watch();
  await serve();
  a.subscription.close();
  await clock.pass(999);
  const b = watch();
  await settle();
  const requests = last().take();
  assert.deepEqual(requests.map(({ type }) => type),
    ['UNSUBSCRIBE', 'SUBSCRIBE']);
  last().receive(update(1), subscribed(requests[1], 2), update(2));
  assert.deepEqual(b.log, ['connecting', 'live', '2 2']);
  b.subscription.close();
  await clock.pass(1000);
  assert.equal(sockets.length, 1);
  assert.equal(last().code, 1000);
  assert.deepEqual(b.subscription.state, { name: 'closed', why: 'closed' });
});

test('another URL or source of tokens is another connection', async () => {
  const token = () => 'x';
  watch('t', { token });
  watch('u', { token });
  watch('t', { token: 'x' });
  watch('u', { token: 'x' });
  watch();
  watch('t', {}, 'ws://other.test/ws');
  watch('t', {}, 'http://server.test/ws');
  for (const none of [null, undefined, ''])
    watch('t', { token: none }); // is none for all of them
  await settle();
  assert.equal(sockets.length, 4);
});

test('URLs of a page', async () => {
  globalThis.location = { href: 'https://page.test/a/b?c#d' };
  watch('t', {}, null);
  watch('t', {}, '');
  watch('t', {}, '../ws');
  watch('t', {}, 'http://page.test/x');
  await settle();
  assert.deepEqual(sockets.map(({ url }) => url),
    ['wss://page.test/ws', 'ws://page.test/x']);
  delete globalThis.location;
  const { log } = watch('t', {}, 'ftp://x/');
  await settle();
  assert.deepEqual(log, ['connecting', 'closed bad-url']);
  assert.throws(() => watch('t', {}, '/ws'), TypeError);
  for (const tenant of ['*', undefined, null, {}])
    assert.throws(() => watch(tenant ?? '*'), TypeError);
});

test('many requests are several messages, as without a token they must',
  async () => {
    for (let n = 0; n < 1000; n++)
      watch(`tenant-${n}`);
    await settle();
    last().welcome();
    await settle();
    assert(last().sent.length > 1);
    assert(last().sent.every((text) => text.length < 32768));
    assert.equal(last().take().length, 1000);
  });

test('what a callback throws is told, and harms nobody', async () => {
  open.push(subscribe(URL, 't', () => {
    throw new Error('of the page');
  }));
  const { log } = watch();
  await serve();
  last().receive(update(1), update(2));
  assert.deepEqual(log, ['connecting', 'live', '1 1', '2 2']);
  assert.deepEqual(thrown.splice(0).map(({ message }) => message),
    ['of the page', 'of the page']);
});

test('callbacks may close and subscribe', async () => {
  const inner = [];
  const outer = subscribe(URL, 't', () => {
    inner.push(watch());
    outer.close();
  });
  open.push(outer);
  await serve();
  last().receive(update(1), update(2));
  await settle();
  assert.equal(inner.length, 1);
  assert.deepEqual(inner[0].log, ['live', '2 2']);
});

test('who closes in a callback hears nothing more, of the same turn too',
  async () => {
    const log = [];
    const subscription = subscribe(URL, 't', (data) => log.push(data),
      { since: 'all', onGap: ({ reason }) => {
        log.push(reason);
        subscription.close();
      } });
    await serve();
    last().receive(update(1), update(3), update(4));
    assert.deepEqual(log, [1, 'unknown']);
  });

// --- Gaps ---

test('gaps', async () => {
  const { take, subscription } = watch('t', { since: { epoch: EPOCH, seq: 3 } });
  await settle();
  last().welcome();
  await settle();
  const gap = (members) =>
    ({ type: 'GAP', tenantId: 't', epoch: EPOCH, ...members });
  last().receive(subscribed(last().take()[0], 6, 2),
    gap({ from: 4, to: 5, reason: 'history' }), update(6),
    gap({ seq: 7, reason: 'source' }), gap({ seq: 7, reason: 'source' }),
    update(8), gap({ from: 9, to: 11, reason: 'slow' }),
    gap({ reason: 'of the future' }), update(14), update(14));
  assert.deepEqual(take(), ['connecting', 'live', 'gap history 4-5', '6 6',
    'gap source 7', '8 8', 'gap slow 9-11',
    'gap of the future undefined-undefined', 'gap unknown 12-13', '14 14']);
  assert.deepEqual(subscription.position, { epoch: EPOCH, seq: 14 });
});

test('the server was started anew: told once, then all that it has', async () => {
  const { take } = watch('t', { since: { epoch: EPOCH, seq: 3 } });
  await settle();
  last().welcome();
  await settle();
  last().receive(subscribed(last().take()[0], 1, 2, 'f.0'),
    { type: 'GAP', tenantId: 't', epoch: 'f.0', reason: 'restart' },
    { ...update(1), epoch: 'f.0' });
  last().end();
  await clock.pass(125);
  assert.deepEqual((await serve(2))[0].since, { epoch: 'f.0', seq: 1 });
  assert.deepEqual(take(), ['connecting',
    'gap restart undefined-undefined', 'live', '1 1', 'waiting lost 1006 125',
    'connecting', 'gap restart undefined-undefined', 'live']);
});

test('an epoch that nobody told of is a restart', async () => {
  const { take } = watch();
  await serve();
  last().receive(update(1), { ...update(3), epoch: 'f.0' });
  assert.deepEqual(take(), ['connecting', 'live', '1 1',
    'gap restart undefined-undefined', '3 3']);
});

test('who knows of more than the answer that was under way is not told of it',
  async () => {
    const a = watch('t', { since: { epoch: 'old', seq: 7 } });
    await settle();
    last().welcome();
    await settle();
    const [request] = last().take();
    const b = watch('t', { since: { epoch: EPOCH, seq: 5 } });
    last().receive(subscribed(request, 1, 3));
    await settle();
    const [, again] = last().take();
    assert.deepEqual(again.since, { epoch: EPOCH, seq: 5 });
    last().receive(subscribed(again, 6, 0), update(6));
    assert.deepEqual(b.log, ['connecting', 'live', '6 6']);
    assert.deepEqual(a.log.slice(0, 3),
      ['connecting', 'gap restart undefined-undefined', 'live']);
  });

test('a SUBSCRIBE that is refused for now is tried again', async () => {
  const { take } = watch();
  watch('u');
  await settle();
  last().welcome();
  await settle();
  const [t, u] = last().take();
  last().receive(error(t, 'OVER_CAPACITY'), subscribed(u));
  assert.deepEqual(take(), ['connecting', 'waiting over-capacity 125']);
  await clock.pass(125);
  const [again] = last().take();
  assert.equal(again.type, 'SUBSCRIBE');
  last().receive(error(again, 'RATE_LIMITED'));
  assert.deepEqual(take(), ['connecting', 'waiting rate-limited 250']);
  await clock.pass(250);
  last().receive(subscribed(last().take()[0]));
  assert.deepEqual(take(), ['connecting', 'live']);
  watch('t', { since: 'all' });
  await settle();
  last().receive(error(last().take()[1], 'OVER_CAPACITY'));
  assert.deepEqual(take(), ['waiting over-capacity 125']);
});

test('nobody waits for what was refused after everybody left', async () => {
  watch('u');
  const { subscription } = watch();
  await settle();
  last().welcome();
  await settle();
  const [, request] = last().take();
  subscription.close();
  await settle();
  last().receive(error(request, 'OVER_CAPACITY'));
  await settle();
  assert.deepEqual(clock.timers, [30000]); // that of the connection
});

test('one that is refused for good ends for its tenant alone', async () => {
  const { log, subscription } = watch();
  const other = watch('u');
  await settle();
  last().welcome();
  await settle();
  const [t, u] = last().take();
  last().receive(error(t, 'FORBIDDEN'), subscribed(u));
  await settle();
  assert.deepEqual(log, ['connecting', 'closed forbidden']);
  assert.equal(subscription.state.message, 'FORBIDDEN');
  assert.deepEqual(other.log, ['connecting', 'live']);
  assert.deepEqual(last().take(), []);
});

test('who subscribes anew when it is refused is asked for anew', async () => {
  let count = 0;
  const subscribeOn = () => watch('t', { onState: ({ name }) => {
    if (name === 'closed' && ++count < 5)
      subscribeOn();
  } });
  subscribeOn();
  await settle();
  last().welcome();
  for (let n = 1; n < 5; n++) {
    await settle();
    last().receive(error(last().take()[0], 'FORBIDDEN'));
    assert.equal(count, n);
  }
});

test('a bad `since` ends who gave it', async () => {
  const bad = watch('t', { since: { age: 'long' } });
  const good = watch('t', { since: 'all' });
  await settle();
  last().welcome();
  await settle();
  last().receive(error(last().take()[0], 'BAD_REQUEST'));
  await settle();
  last().receive(subscribed(last().take()[0]));
  assert.deepEqual(bad.log, ['connecting', 'closed bad-request']);
  assert.deepEqual(good.log, ['connecting', 'live']);
});

// --- Losing the connection ---

test('it comes back more and more slowly, and goes on where it was', async () => {
  const { take } = watch();
  await serve();
  last().receive(update(1));
  take();
  await clock.pass(5000);
  last().end();
  for (const ms of [125, 250, 500, 1000, 2000, 4000, 8000, 15000, 15000]) {
    const code = ms === 125 ? 'lost' : 'unreachable';
    assert.deepEqual(take(), [...code === 'lost' ? [] : ['connecting'],
      `waiting ${code} 1006 ${ms}`]);
    const before = sockets.length;
    await clock.pass(ms - 1);
    assert.equal(sockets.length, before);
    await clock.pass(1);
    assert.equal(sockets.length, before + 1);
    if (ms === 15000 && sockets.length > 9)
      break;
    last().end();
  }
  assert.deepEqual(await serve(2),
    [{ type: 'SUBSCRIBE', id: 1, tenantId: 't', since: { epoch: EPOCH, seq: 1 } }]);
  take();
  last().end(); // it was there for no time at all
  assert.deepEqual(take(), ['waiting lost 1006 15000']);
});

test('before the first answer it asks for what it asked for', async () => {
  watch('t', { since: 3 });
  await settle();
  last().welcome();
  await settle();
  last().end();
  await clock.pass(125);
  assert.equal((await serve())[0].since, 3);
});

for (const [code, why, ms] of [[4108, 'slow', 500], [4212, 'token-expired', 100],
  [4200, 'draining', 100], [4299, 'lost', 100], [4100, 'over-capacity', 8000],
  [4101, 'rate-limited', 8000], [1001, 'lost', 125], [1011, 'lost', 125]])
  test(`closed with ${code}`, async () => {
    const { take } = watch();
    await serve();
    take();
    last().end(code);
    assert.deepEqual(take(), [`waiting ${why} ${code} ${ms}`]);
    await clock.pass(ms);
    await serve();
    last().end(code);
    assert.deepEqual(take().slice(-1),
      [`waiting ${why} ${code} ${ms === 8000 ? 15000 : 250}`]);
  });

test('DRAIN says when to come back', async () => {
  const { take } = watch();
  await serve();
  last().receive({ type: 'DRAIN', reconnectAfterMs: 2400 });
  await clock.pass(400);
  take();
  last().end(4200);
  assert.deepEqual(take(), ['waiting draining 4200 2000']);
});

test('DRAIN again and again, at once, is a failure all the same', async () => {
  const { take } = watch();
  const waits = [];
  for (let n = 0; n < 4; n++) {
    await serve();
    last().receive({ type: 'DRAIN', reconnectAfterMs: 0 });
    last().end(4200);
    waits.push(take().at(-1));
    await clock.pass(1000);
  }
  assert.deepEqual(waits, [100, 250, 500, 1000].map((ms) =>
    `waiting draining 4200 ${ms}`));
});

for (const [code, why] of [[4001, 'bad-request'], [4003, 'forbidden'],
  [4010, 'auth-required'], [4011, 'auth-failed'], [4099, 'lost']])
  test(`closed with ${code}, for good`, async () => {
    const { log, subscription } = watch('t', { token: 'x' });
    await serve();
    last().end(code, 'because');
    assert.deepEqual(log, ['connecting', 'live', `closed ${why} ${code}`]);
    assert.deepEqual(subscription.state,
      { name: 'closed', why, code, message: 'because' });
    assert.deepEqual(clock.timers, []);
    const next = watch('t', { token: 'x' });
    await serve();
    assert.deepEqual(next.log, ['connecting', 'live']);
  });

test('what does not say WELCOME is given up', async () => {
  const { log } = watch();
  await clock.pass(15000);
  assert.deepEqual(log, ['connecting', 'waiting unreachable 1006 125']);
  assert(!last().isThere);
});

for (const text of ['hello', 'null', '1', '[]', '{}'])
  test(`${text} is no message, and ends the connection`, async () => {
    const { log } = watch();
    await serve();
    last().receive(text, update(1));
    assert.deepEqual(log, ['connecting', 'live', 'waiting lost 1002 125']);
  });

// --- Whether the server is there ---

test('silence is asked about, and then the connection is dead', async () => {
  const { take } = watch();
  await serve();
  take();
  await clock.pass(20000);
  last().receive(update(1));
  await clock.pass(29999);
  assert.deepEqual(last().take(), []);
  await clock.pass(1);
  assert.deepEqual(last().take(), [{ type: 'PING' }]);
  last().receive({ type: 'PONG' });
  await clock.pass(30000);
  assert.deepEqual(last().take(), [{ type: 'PING' }]);
  await clock.pass(9999);
  assert.deepEqual(take(), ['1 1']);
  await clock.pass(1);
  assert.deepEqual(take(), ['waiting lost 1006 125']);
  assert(!last().isThere);
});

test('a clock that is set forward or back changes nothing', async () => {
  for (const ms of [3600000, -3600000]) {
    const { take } = watch();
    await serve();
    take();
    clock.set(ms);
    await clock.pass(30000);
    assert.deepEqual(last().take(), [{ type: 'PING' }]);
    clock.set(ms);
    await clock.pass(10000);
    assert.deepEqual(take(), ['waiting lost 1006 125']);
    await clock.pass(125);
    await serve();
    last().receive({ type: 'DRAIN', reconnectAfterMs: 2400 });
    clock.set(ms);
    take();
    last().end(4200);
    assert.deepEqual(take(), ['waiting draining 4200 2400']);
    clock.set(-3 * ms);
    open.pop().close();
    await clock.pass(1000);
  }
});

test('a large update may take its time to leave', async () => {
  const results = ['small', 'x'.repeat(1e6)].map((data) =>
    publish(URL, 't', data));
  await settle();
  last().welcome();
  await settle();
  last().receive({ type: 'ACK', id: 1, seq: 1, subscribers: 0 });
  await clock.pass(30000 + 10000 + 1e6 / 8 - 1);
  assert.equal(sockets.length, 1);
  last().receive({ type: 'ACK', id: 2, seq: 2, subscribers: 0 });
  assert.deepEqual((await Promise.all(results)).map(({ seq }) => seq), [1, 2]);
});

test('a large update may take its time to come', async () => {
  FakeSocket.made = (socket) => {
    socket.send = (text) => {
      const request = JSON.parse(text);
      if (request.type === 'SUBSCRIBE')
        queueMicrotask(() => socket.receive(subscribed(request)));
    };
    queueMicrotask(() => socket.welcome());
    queueMicrotask(() => socket.receive(update(sockets.length, 0, 'u')));
    setTimeout(() => socket.receive(update(1)), 80000);
  };
  const { log } = watch();
  await clock.pass(40000 + 50000 + 70000 + 80000 + 1000);
  assert.equal(sockets.length, 4); // which are given 10, 20, 40, 80 seconds
  assert.equal(log.at(-1), '1 1');
  open.pop().close();
  await clock.pass(80000);
});

test('one that answers is given no more time than others', async () => {
  const { take } = watch();
  for (const answers of [false, true, false]) {
    await serve();
    await clock.pass(30000);
    if (answers) {
      last().receive({ type: 'PONG' });
      last().end();
    }
    await clock.pass(10000 - 1);
    assert(answers || last().isThere);
    await clock.pass(1);
    assert(answers || !last().isThere);
    await clock.pass(250);
  }
  assert.equal(take().filter((line) => line === 'live').length, 3);
});

test('after a sleep what has come meanwhile is heard first', async () => {
  const { take } = watch();
  await serve();
  await clock.pass(30000); // PING
  await clock.sleep(3600000);
  await clock.pass(0);
  last().receive({ type: 'PONG' });
  take();
  await clock.pass(20000);
  assert.deepEqual(take(), []);
  await clock.pass(15000); // PING
  await clock.sleep(3600000);
  await clock.pass(0);
  assert.deepEqual(take(), []);
  await clock.pass(2000);
  assert.deepEqual(take().slice(0, 1), ['waiting lost 1006 125']);
});

test('a page that is seen again asks', async () => {
  watch();
  await serve();
  doc.visibilityState = 'hidden';
  tell('visibilitychange');
  await settle();
  assert.deepEqual(last().take(), []);
  doc.visibilityState = 'visible';
  tell('visibilitychange');
  tell('visibilitychange');
  await settle();
  assert.deepEqual(last().take(), [{ type: 'PING' }]);
  last().receive({ type: 'PONG' });
  tell('visibilitychange');
  last().end(); // before that was sent
  await clock.pass(125);
  assert.deepEqual((await serve()).map(({ type }) => type), ['SUBSCRIBE']);
});

// --- The page ---

test('offline it is tried as ever; online it is at once', async () => {
  const { take } = watch();
  await serve();
  take();
  tell('offline'); // it may not be true
  await settle();
  assert.deepEqual(last().take(), [{ type: 'PING' }]);
  await clock.pass(10000);
  assert.deepEqual(take(), ['waiting offline 1006 125']);
  await clock.pass(125);
  last().end();
  assert.deepEqual(take(), ['connecting', 'waiting offline 1006 250']);
  tell('online');
  await settle();
  assert.equal(sockets.length, 3);
  await serve();
  last().end();
  assert.deepEqual(take(), ['connecting', 'live', 'waiting lost 1006 125']);
});

test('a browser that is wrong in that it is offline', async () => {
  tell('offline');
  const { log } = watch();
  await serve();
  assert.deepEqual(log, ['connecting', 'live']);
});

for (const type of ['online', 'visibilitychange']) {
  test(`${type} ends a wait for the network`, async () => {
    let asked = 0;
    const { take } = watch('t', { token: () =>
      (++asked === 3 ? Promise.reject(new Error('no')) : 'x') });
    for (const line of ['unreachable 1006 125', 'unreachable 1006 250',
      'token 500', 'unreachable 1006 1000']) {
      await settle();
      if (!line.startsWith('token'))
        last().end();
      const why = type === 'online' ? line.replace(/\d+$/, '125') : line;
      assert.deepEqual(take(), ['connecting', `waiting ${why}`]);
      tell(type);
    }
    await serve();
    assert.deepEqual(take(), ['connecting', 'live']);
    assert.equal(sockets.length, 4);
  });

  test(`${type} does not end a wait that the server asked for`, async () => {
    const { take } = watch();
    await serve();
    last().end(4101);
    take();
    tell(type);
    await settle();
    assert.equal(sockets.length, 1);
    await clock.pass(8000);
    await serve();
    last().receive({ type: 'DRAIN', reconnectAfterMs: 60000 });
    last().end(4200);
    take();
    tell(type);
    await settle();
    assert.deepEqual(take(), []);
  });
}

test('a page that is seen is there, whatever was said before', async () => {
  const { take } = watch();
  await serve();
  tell('freeze');
  tell('visibilitychange');
  await serve();
  assert.deepEqual(take().slice(-2), ['connecting', 'live']);
});

for (const [hide, show] of [['pagehide', 'pageshow'], ['freeze', 'resume']])
  test(`${hide} lets go of the connection, ${show} makes another`, async () => {
    const { take } = watch();
    await serve();
    tell(hide);
    assert.deepEqual(take(), ['connecting', 'live', 'waiting suspended']);
    assert(!last().isThere);
    watch('u');
    await clock.pass(60000);
    assert.equal(sockets.length, 1);
    tell(show);
    assert.equal((await serve()).length, 2);
    assert.deepEqual(take(), ['connecting', 'live']);
  });

// --- Tokens ---

// A function that is asked for tokens, and what it was asked with.
function source(...tokens) {
  const asked = [];
  const token = ({ reason }) => {
    asked.push(reason);
    return tokens.length > 1 ? tokens.shift() : tokens[0];
  };
  return { token, asked };
}

test('a token is shown before anything is asked for', async () => {
  const { token, asked } = source(Promise.resolve('one'), 'two');
  watch('t', { token });
  const requests = await serve();
  assert.deepEqual(requests.map(({ type, token: text }) => [type, text]),
    [['AUTH', 'one'], ['SUBSCRIBE', undefined]]);
  last().end();
  await clock.pass(125);
  assert.equal((await serve())[0].token, 'two');
  assert.deepEqual(asked, ['connect', 'connect']);
});

test('no token can be had: again later', async () => {
  const { take } = watch('t', { token: () => Promise.reject(new Error('no')) });
  await settle();
  assert.deepEqual(take(), ['connecting', 'waiting token 125']);
  await clock.pass(125);
  assert.deepEqual(take(), ['connecting', 'waiting token 250']);
  assert.equal(sockets.length, 0);
});

test('what is no token', async () => {
  for (const bad of [5n, { token: 'x' }, 5]) {
    const { take } = watch('t', { token: () => bad });
    await settle();
    assert.deepEqual(take(), ['connecting', 'waiting token 125']);
  }
  assert.equal(sockets.length, 0);
});

test('a token that never comes is asked for again', async () => {
  const asked = [];
  const { take } = watch('t', { token: ({ reason }) => {
    asked.push(reason);
    return new Promise(() => {});
  } });
  await clock.pass(60000);
  assert.deepEqual(take(), ['connecting', 'waiting token 125']);
  await clock.pass(60125);
  assert.deepEqual(take(), ['connecting', 'waiting token 250']);
  assert.deepEqual(asked, ['connect', 'connect']);
});

test('a token that comes too late is for nobody', async () => {
  for (const end of ['resolve', 'reject']) {
    let settled;
    const token = () => new Promise((resolve, reject) => {
      settled = { resolve, reject };
    });
    const { take } = watch('t', { token });
    await settle();
    tell('pagehide');
    take();
    settled[end]('late');
    await settle();
    assert.deepEqual(take(), []);
    assert.equal(sockets.length, 0);
    open.pop().close();
    tell('pageshow');
  }
});

// How the server says that it does not like a token.
const refusals = {
  'AUTH_FAILED': () => last().receive(error(last().take()[0], 'AUTH_FAILED'),
    { type: 'EXPIRING', inMs: 9 }, subscribed({ id: 2, tenantId: 't' })),
  'AUTH_REQUIRED': () => last().receive(error(last().take()[1],
    'AUTH_REQUIRED')),
  '4010': () => last().end(4010),
  '4011': () => last().end(4011),
};

for (const [name, refuse] of Object.entries(refusals))
  test(`refused with ${name} it asks for one more`, async () => {
    const { token, asked } = source('bad', 'bad too');
    const { take } = watch('t', { token });
    for (const ends of [false, true]) {
      await settle();
      last().welcome();
      await settle();
      refuse();
      await settle();
      const [line] = take().slice(-1);
      assert.match(line, ends ? /^closed auth-/ : /^waiting auth-.* 100$/);
      assert(!last().isThere);
      await clock.pass(100);
    }
    assert.deepEqual(asked, ['connect', 'refused']);
  });

test('after one that was good it may be asked for one more again', async () => {
  const { token, asked } = source('bad', 'good');
  watch('t', { token });
  await settle();
  last().end(4011);
  await clock.pass(100);
  await serve();
  last().end(4011);
  await clock.pass(125);
  await serve();
  assert.deepEqual(asked, ['connect', 'refused', 'refused']);
});

test('that one was refused is said until there was an answer', async () => {
  const asked = [];
  const tokens = ['bad', new Error('not now'), 'suspended', 'good'];
  watch('t', { token: async ({ reason }) => {
    asked.push(reason);
    const token = tokens.shift();
    if (token instanceof Error)
      throw token;
    return token;
  } });
  await settle();
  last().end(4011);
  await clock.pass(500);
  tell('pagehide');
  tell('pageshow');
  await serve();
  last().end();
  await clock.pass(10000);
  assert.deepEqual(asked, ['connect', 'refused', 'refused', 'refused',
    'connect']);
});

test('too many bad tokens came from here: it waits', async () => {
  const { take } = watch('t', { token: 'x' });
  await settle();
  last().welcome();
  await settle();
  last().receive(error(last().take()[0], 'RATE_LIMITED'));
  assert.deepEqual(take(), ['connecting', 'waiting rate-limited 4101 8000']);
});

const expiring = (inMs) => last().receive({ type: 'EXPIRING', inMs });

test('a token is renewed on the same connection', async () => {
  const { token, asked } = source('one', 'two', 'three');
  watch('t', { token });
  await serve();
  expiring(60000);
  await settle();
  const [request] = last().take();
  assert.deepEqual(request, { type: 'AUTH', token: 'two', id: request.id });
  expiring(59000); // nothing new
  last().receive({ type: 'AUTHENTICATED', id: request.id });
  await clock.pass(3000);
  expiring(60000);
  await settle();
  const [next] = last().take();
  assert.equal(next.token, 'three');
  last().receive({ type: 'AUTHENTICATED', id: next.id });
  await clock.pass(2000);
  expiring(60000);
  await settle();
  assert.deepEqual(last().take(), []); // it would be 'three' again
  assert.deepEqual(asked, ['connect', 'expiring', 'expiring', 'expiring']);
  assert.equal(sockets.length, 1);
});

test('where that fails, or brings the same one, it tries until the end',
  async () => {
    const { token, asked } = source('one', 'one', 5n, 'bad', 'good');
    watch('t', { token });
    await serve();
    expiring(16000);
    await settle();
    assert.deepEqual(last().take(), []);
    await clock.pass(8000);
    assert.deepEqual(last().take(), []);
    await clock.pass(4000);
    last().receive(error(last().take()[0], 'AUTH_FAILED'));
    await clock.pass(2000);
    last().receive({ type: 'AUTHENTICATED', id: last().take()[0].id });
    await clock.pass(10000);
    assert.equal(asked.length, 5);
    expiring(500);
    await clock.pass(10000); // there was no time for more
    assert.equal(asked.length, 6);
    expiring(1400 - 10000); // the one before, told again
    await clock.pass(10000);
    assert.equal(asked.length, 6);
  });

test('a text is not renewed', async () => {
  watch('t', { token: 'x' });
  await serve();
  expiring(1000);
  await clock.pass(1000);
  assert.deepEqual(last().take(), []);
});

test('a new token that takes the right to one tenant leaves the others',
  async () => {
    const { token } = source('one', 'two');
    const t = watch('t', { token });
    const u = watch('u', { token });
    await serve();
    expiring(60000);
    await settle();
    last().end(4003);
    await clock.pass(100);
    last().welcome();
    await settle();
    const [auth, ...requests] = last().take();
    last().receive({ type: 'AUTHENTICATED', id: auth.id },
      error(requests[0], 'FORBIDDEN'), subscribed(requests[1]));
    assert.deepEqual(t.log.slice(-2), ['connecting', 'closed forbidden']);
    assert.deepEqual(u.log.slice(-2), ['connecting', 'live']);
  });

// --- Publishing ---

test('an update is published once, whatever happens to connections', async () => {
  const promise = publish(URL, 't', { a: 1 });
  await serve();
  await settle();
  last().end();
  await clock.pass(125);
  last().welcome();
  await settle();
  const [request] = last().take();
  assert.match(request.key, /^[0-9a-f]{32}$/);
  assert.deepEqual({ ...request, key: '' },
    { type: 'PUBLISH', id: 1, tenantId: 't', key: '', data: { a: 1 } });
  const ack = { epoch: EPOCH, seq: 5, subscribers: 2, duplicate: true };
  last().receive({ type: 'ACK', id: 1, tenantId: 't', ...ack });
  assert.deepEqual(await promise, { tenant: 't', ...ack });
});

test('one after the other, when the token was taken', async () => {
  const results = [1, 2, 3].map((n) => publish(URL, 't', n,
    { token: 'x', key: `k${n}` }).catch(({ code }) => code));
  await settle();
  last().welcome();
  await settle();
  const [auth, ...more] = last().take();
  assert.deepEqual(more, []);
  last().receive({ type: 'AUTHENTICATED', id: auth.id });
  await settle();
  const answers = ['FORBIDDEN', 'DRAINING'];
  for (const code of answers) {
    const requests = last().take();
    assert.equal(requests.length, 1);
    last().receive(error(requests[0], code));
    await settle();
  }
  assert.deepEqual(last().take(), []);
  last().end(4200);
  await clock.pass(100);
  last().welcome();
  await settle();
  last().receive({ type: 'AUTHENTICATED', id: last().take()[0].id });
  await settle();
  const [request] = last().take();
  assert.equal(request.key, 'k2');
  last().receive({ type: 'ACK', id: request.id, seq: 1, subscribers: 0 });
  await settle();
  assert.equal(last().take()[0].key, 'k3');
  last().end(4011);
  assert.deepEqual((await Promise.all(results)).map((result) =>
    result.seq ?? result), ['forbidden', 1, 'auth-failed']);
});

test('what can not be published', async () => {
  await assert.rejects(publish(URL, 't', undefined), TypeError);
  await assert.rejects(publish(URL, '*', 1), TypeError);
  const large = publish(URL, 't', 'ü'.repeat(600));
  await settle();
  last().welcome({ frame: 1024 });
  await assert.rejects(large, { code: 'too-large' });
});

test('an update that the server can not even read harms no other', async () => {
  const deep = publish(URL, 't', [[[1]]]);
  const next = publish(URL, 't', 2);
  await settle();
  last().welcome();
  await settle();
  last().take();
  last().receive({ type: 'ERROR', frame: 1, line: 1, code: 'BAD_JSON',
    message: 'nested too deeply' });
  await assert.rejects(deep, { code: 'bad-json', message: 'nested too deeply' });
  await settle();
  const [{ id, data }] = last().take();
  assert.equal(data, 2);
  last().receive({ type: 'ACK', id, seq: 1, subscribers: 0 });
  assert.equal((await next).seq, 1);
  last().receive({ type: 'ERROR', frame: 9, line: 1, code: 'BAD_JSON' });
});

test('what is given must be of its kind', async () => {
  for (const key of [5n, 5, () => {}, {}])
    await assert.rejects(publish(URL, 't', 1, { key }), TypeError);
  for (const tenant of [NaN, 1.5, Infinity, 5n])
    assert.throws(() => watch(tenant), TypeError);
  const good = watch('good');
  for (const since of [5n, NaN, 'yesterday', { age: 5n }, [[]]])
    watch('t', { since });
  watch('u', { since: { epoch: EPOCH, seq: 1, tenant: 'u', extra: 5n } });
  await serve();
  assert.deepEqual(good.log, ['connecting', 'live']);
});

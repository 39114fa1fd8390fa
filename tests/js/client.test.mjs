// SPDX-License-Identifier: MIT
//
// What clients/js does in one situation after another: subscriptions, gaps and
// lost connections. That nothing is lost or repeated in any of them is what
// model.mjs shows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, settle, sockets, thrown } from './fakes.mjs';
import {
  URL, EPOCH, open, watch, last, update, error, subscribed, serve, subscribe
} from './situation.mjs';

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

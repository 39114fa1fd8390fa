// SPDX-License-Identifier: MIT
//
// The same: servers that are silent, pages that are hidden or offline, tokens,
// and publishing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeSocket, clock, doc, settle, sockets, tell } from './fakes.mjs';
import {
  URL, EPOCH, open, watch, last, update, error, subscribed, serve, publish
} from './situation.mjs';

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

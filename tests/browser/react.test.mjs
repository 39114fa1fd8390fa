// SPDX-License-Identifier: MIT
//
// useUpdates and useSubscription of clients/js in React, in Chromium, with the
// real wsd: each update is shown once, whatever becomes of the components, and
// no connection is left.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Relay, Wsd, newKey, until, untilAsync, wstoken } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { Site, bundle } from './site.mjs';

let site, browser, wsd, relay, page;

before(async () => {
  site = await Site.start();
  site.put('/app.js', 'text/javascript', await bundle('react.jsx'));
  site.page('/', '<div id="app"></div><script type="module" src="/app.js">' +
    '</script>');
  site.page('/elsewhere', 'Nothing is here.');
  // A name for the server that is not one of this machine: see `offline`.
  browser = await launch({ bfcache: true,
    args: ['--host-resolver-rules=MAP wsd.test 127.0.0.1'] });
});

after(async () => {
  await browser.close();
  site.close();
});

beforeEach(async () => {
  wsd = await Wsd.start('--history-count', '100000', '--host', 'wsd.test',
    '--origin', site.url(''));
  relay = await Relay.start(wsd);
  page = await open(browser, `${site.url('/')}?url=${relay.url}`);
});

// Behind each test the page is left, and the server must see that.
afterEach(async () => {
  try {
    const wrong = await page.evaluate(() => window.wrong);
    await page.goto(site.url('/elsewhere'));
    await untilAsync(async () => (await count()) === 0);
    assert.deepEqual(wrong, []);
    // The browser says so when a connection was cut.
    assert.deepEqual(page.problems.filter((text) =>
      !/WebSocket connection to .* failed/.test(text)), []);
  } finally {
    await page.context().close();
    relay.close();
    await wsd.stop();
  }
});

const count = async () => (await wsd.connections()).length;

const show = (...list) => page.evaluate((items) => window.show(items), list);

const section = (name) => page.locator(`[data-name="${name}"]`);

const enters = (name, state) =>
  page.locator(`[data-name="${name}"][data-state="${state}"]`)
    .waitFor({ state: 'attached' });

const live = (...names) =>
  Promise.all(names.map((name) => enters(name, 'live')));

// Waits until a component shows this as its last update, and returns all.
async function shown(name, last) {
  await section(name).locator('.last')
    .and(page.getByText(JSON.stringify(last), { exact: true })).waitFor();
  return (await section(name).locator('ol > li').allTextContents())
    .map((text) => JSON.parse(text));
}

const gaps = (name) => section(name).locator('ul > li').allTextContents();

const numbers = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('StrictMode mounts twice, and has one connection', async () => {
  await show({ name: 'a', tenant: 't' });
  await live('a');
  for (let n = 1; n <= 60; n += 20)
    await wsd.publish('t', numbers(n, n + 19));
  assert.deepEqual(await shown('a', 60), numbers(1, 60));
  assert.equal(relay.taken, 1);
  const [{ subscriptionCount }] = await wsd.connections();
  assert.equal(subscriptionCount, 1);
});

test('the last ones are kept', async () => {
  await show({ name: 'a', tenant: 't', options: { max: 3, since: 'all' } },
    { name: 'b', tenant: 't', options: { since: 2 } },
    { name: 'c', tenant: 't', options: { max: 1 } });
  await live('a', 'b', 'c');
  await wsd.publish('t', numbers(1, 250));
  assert.deepEqual(await shown('a', 250), numbers(248, 250));
  assert.deepEqual(await shown('b', 250), numbers(151, 250));
  assert.deepEqual(await shown('c', 250), [250]);
});

test('another tenant', async () => {
  await show({ name: 'a', tenant: 't', options: { since: 'all' } });
  await live('a');
  await wsd.publish('t', numbers(1, 5));
  await wsd.publish('u', numbers(101, 103));
  await shown('a', 5);
  await show({ name: 'a', tenant: 'u', options: { since: 'all' } });
  assert.deepEqual(await shown('a', 103), numbers(101, 103));
  await untilAsync(async () => {
    const [{ subscriptions }] = await wsd.connections();
    return subscriptions.length === 1 && subscriptions[0].tenantId === 'u';
  });
  await wsd.publish('t', [6]);
  await show({ name: 'a', tenant: 't', options: { since: 'all' } });
  assert.deepEqual(await shown('a', 6), numbers(1, 6));
  await show({ name: 'a', tenant: null });
  await enters('a', 'idle');
  assert.deepEqual(await section('a').locator('ol > li').count(), 0);
  assert.equal(relay.taken, 1);
});

test('what comes while another tenant takes its place is not shown there',
  async () => {
    await page.evaluate(() => {
      const { WebSocket } = window;
      window.WebSocket = class extends WebSocket {
        constructor(...args) {
          super(...args);
          window.socket = this;
        }
      };
      window.committed = (tenant) => {
        if (tenant !== 'u' || window.given++)
          return;
        const { epoch, seq } = window.last;
        window.socket.onmessage({ data: JSON.stringify({ type: 'UPDATE',
          tenantId: 't', epoch, seq: seq + 1, time: 'now', data: 'late' }) });
      };
    });
    await show({ name: 'a', tenant: 't', options: { since: 'all' } });
    await live('a');
    const { epoch, last: seq } = await wsd.publish('t', ['old']);
    await shown('a', 'old');
    await page.evaluate((last) => Object.assign(window, { last, given: 0 }),
      { epoch, seq });
    await show({ name: 'a', tenant: 'u', options: { since: 'all' } });
    await live('a');
    await wsd.publish('u', ['new']);
    assert.deepEqual(await shown('a', 'new'), ['new']);
    assert(await page.evaluate(() => window.given) > 0);
  });

test('no tenant for a while: it begins anew', async () => {
  const item = { name: 'a', tenant: 't', options: { since: 'all' } };
  await show(item);
  await live('a');
  await wsd.publish('t', [1, 2]);
  await shown('a', 2);
  await show({ ...item, tenant: '' });
  await enters('a', 'idle');
  await wsd.publish('t', [3]);
  await show(item);
  assert.deepEqual(await shown('a', 3), [1, 2, 3]);
});

test('components come and go, and the last one ends the connection',
  async () => {
    await show({ name: 'a', tenant: 't' });
    await live('a');
    await wsd.publish('t', numbers(1, 20));
    await shown('a', 20);
    for (let n = 0; n < 30; n++)
      await show({ name: 'a', tenant: 't' }, ...numbers(0, n % 5).map((i) =>
        ({ name: `b${n % 3}.${i}`, tenant: `t${i || ''}`,
          options: { since: n } })));
    await show({ name: 'a', tenant: 't' },
      { name: 'c', tenant: 't', options: { since: 7 } });
    await live('c');
    await wsd.publish('t', [21]);
    assert.deepEqual(await shown('a', 21), numbers(1, 21));
    assert.deepEqual(await shown('c', 21), numbers(14, 21));
    await show();
    await untilAsync(async () => (await count()) === 0);
    assert.equal(relay.taken, 1);
  });

test('a connection that breaks while updates come', async () => {
  await show({ name: 'a', tenant: 't', options: { max: 10000 } },
    { name: 'b', tenant: 't', kind: 'log' });
  await live('a');
  for (let n = 1; n <= 600; n += 20) {
    await wsd.publish('t', numbers(n, n + 19));
    if (n % 200 === 1) {
      const { taken } = relay;
      relay.cut();
      await until(() => relay.taken > taken);
    }
  }
  assert.deepEqual(await shown('a', 600), numbers(1, 600));
  assert.deepEqual(await gaps('a'), []);
  await section('b').getByText('600').waitFor();
  await wsd.publish('t', ['last']);
  await section('b').getByText('601').waitFor();
  const { b } = await page.evaluate(() => window.logs);
  assert.equal(b.pop(), 'last at 600');
  assert.deepEqual(b.map((text) => Number(text.split(' ')[0])),
    numbers(1, 600));
});

test('what <Activity> hides is caught up with when it is seen again',
  async () => {
    const item = { name: 'a', tenant: 't' };
    await show(item);
    await live('a');
    await wsd.publish('t', numbers(1, 3));
    await shown('a', 3);
    await show({ ...item, isHidden: true });
    await untilAsync(async () => (await count()) === 0);
    await wsd.publish('t', numbers(4, 6));
    await show(item);
    assert.deepEqual(await shown('a', 6), numbers(1, 6));
    assert.deepEqual(await gaps('a'), []);
  });

test('another tenant and back again while <Activity> hides it', async () => {
  const item = { name: 'a', tenant: 't', options: { since: 'all' } };
  await show(item);
  await live('a');
  await wsd.publish('t', [1, 2]);
  await shown('a', 2);
  for (const tenant of ['t', 'u', 't']) {
    await show({ ...item, tenant, isHidden: true });
    await page.waitForFunction((name) => window.rendered === name, tenant);
  }
  await wsd.publish('t', [3]);
  await show(item);
  assert.deepEqual(await shown('a', 3), [1, 2, 3]);
});

test('a page that is left, and come back to', async () => {
  await show({ name: 'a', tenant: 't' });
  await live('a');
  await wsd.publish('t', numbers(1, 3));
  await shown('a', 3);
  await page.goto(site.url('/elsewhere'));
  await untilAsync(async () => (await count()) === 0);
  await wsd.publish('t', numbers(4, 6));
  await page.goBack({ waitUntil: 'commit' }); // it was never unloaded
  assert.deepEqual(await shown('a', 6), numbers(1, 6));
  assert.deepEqual(await gaps('a'), []);
});

// Chromium freezes pages that are hidden only, and without a screen none is.
test('a page that is frozen', async () => {
  const tell = (type) => page.evaluate((name) =>
    document.dispatchEvent(new Event(name)), type);
  await show({ name: 'a', tenant: 't' });
  await live('a');
  await wsd.publish('t', [1]);
  await shown('a', 1);
  await tell('freeze');
  await untilAsync(async () => (await count()) === 0);
  await wsd.publish('t', [2, 3]);
  await tell('resume');
  assert.deepEqual(await shown('a', 3), [1, 2, 3]);
});

test('offline', async () => {
  const options = { url: relay.url.replace('127.0.0.1', 'wsd.test') };
  await show({ name: 'a', tenant: 't', options });
  await live('a');
  await wsd.publish('t', [1]);
  await shown('a', 1);
  await page.context().setOffline(true);
  relay.cut();
  await section('a').locator('.why').getByText('offline').waitFor();
  await wsd.publish('t', [2]);
  await page.context().setOffline(false);
  assert.deepEqual(await shown('a', 2), [1, 2]);
  assert.equal(relay.taken, 2);
});

test('a wsd that is started anew', async () => {
  await show({ name: 'a', tenant: 't' });
  await live('a');
  await wsd.publish('t', ['old']);
  await shown('a', 'old');
  await wsd.kill();
  wsd = await Wsd.start();
  await wsd.publish('t', ['new']);
  relay.target = wsd;
  assert.deepEqual(await shown('a', 'new'), ['old', 'new']);
  assert.deepEqual(await gaps('a'), ['restart undefined-undefined']);
});

test('tokens: one connection, another token, none at all', async () => {
  const open = wsd;
  const key = await newKey();
  const make = (tenant) => wstoken('make', '--key', key, '--subscribe', tenant,
    '--publish', tenant);
  const admin = await wstoken('make', '--key', key, '--admin');
  wsd = relay.target = await Wsd.start('--jwt-key', key);
  await open.stop();
  wsd.connections = Wsd.prototype.connections.bind(wsd, admin);
  let asked = 0;
  await page.exposeFunction('makeToken', ({ reason }) => {
    assert.equal(reason, 'connect');
    asked++;
    return make('*');
  });
  await show({ name: 'a', tenant: 't', options: { token: 'function' } },
    { name: 'b', tenant: 'u', options: { token: 'function' } },
    { name: 'c', tenant: 't', options: { token: 'inline' } },
    { name: 'd', tenant: 't', options: { token: await make('t') } },
    { name: 'e', tenant: 't', options: { token: await make('u') } },
    { name: 'f', tenant: 't' });
  await live('a', 'b', 'c', 'd');
  assert.equal(asked, 2);
  for (const [name, why] of [['e', 'forbidden'], ['f', 'auth-required']]) {
    await enters(name, 'closed');
    assert.equal(await section(name).locator('.why').textContent(), why);
  }
  const token = await make('t*');
  await wsd.publish('t', [1, 2], token);
  await shown('c', 2);
  await show({ name: 'c', tenant: 't', options: { token: 'inline' } },
    { name: 'd', tenant: 't', options: { token } }); // to go on with
  await wsd.publish('t', [3], token);
  assert.deepEqual(await shown('c', 3), [1, 2, 3]);
  assert.deepEqual(await shown('d', 3), [1, 2, 3]);
  assert.equal(asked, 2);
});

// --- At random ---

const upTo = (n) => Math.floor(Math.random() * n);
const pick = (list) => list[upTo(list.length)];

// What becomes of the components of a page.
function change(items) {
  const name = pick(['a', 'b', 'c', 'd']);
  const item = items.get(name);
  if (upTo(5) === 0)
    items.delete(name);
  else if (item && upTo(4) === 0)
    items.set(name, { ...item, isHidden: !item.isHidden });
  else
    items.set(name, { name, tenant: pick(['t', 'u', 'v', '']), options: {
      max: 10000, since: pick([null, 'all', 3, { age: '1h' }]) } });
}

// Its updates are the last ones, all of them where it began with the first.
async function showsAll({ name, tenant, options }, head) {
  if (!tenant) {
    assert.equal(await section(name).locator('ol > li').count(), 0);
    return;
  }
  const updates = await shown(name, head);
  const isAll = typeof (options.since ?? 0) !== 'number';
  const from = isAll ? 1 : head - updates.length + 1;
  assert.deepEqual(updates, numbers(from, head));
  assert.deepEqual(await gaps(name), []);
}

for (const round of numbers(1, 4))
  test(`whatever is done, all is shown once: ${round}`, async () => {
    const heads = { t: 0, u: 0, v: 0 };
    const items = new Map();
    const publish = (tenant, count) => wsd.publish(tenant,
      numbers(heads[tenant] + 1, heads[tenant] += count));
    for (let step = 0; step < 60; step++)
      switch (upTo(5)) {
      case 0:
      case 1:
        await publish(pick(Object.keys(heads)), 1 + upTo(20));
        break;
      case 2:
        if (upTo(2))
          relay.cut();
        break;
      default:
        change(items);
        change(items);
        await show(...items.values());
      }
    const all = [...items.values()].map((item) => ({ ...item, isHidden: false }));
    await show(...all);
    for (const { name, tenant } of all)
      await enters(name, tenant ? 'live' : 'idle');
    for (const tenant of Object.keys(heads))
      await publish(tenant, 1);
    for (const item of all)
      await showsAll(item, heads[item.tenant]);
  });

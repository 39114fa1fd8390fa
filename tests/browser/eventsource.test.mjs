// SPDX-License-Identifier: MIT
//
// The EventSource of Chromium against wsd, through a relay that can be cut: it
// comes back by itself, and never loses or repeats. With WSD_TLS, the directory
// of a key and a certificate, all of it over TLS.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { newKey, Relay, until, Wsd, wstoken } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { areNumbers, datas, follow, numbers, types } from './events.mjs';
import { trusting } from './examples.mjs';
import { Site } from './site.mjs';

const PATH = '/v1/tenants/tenant-1/updates';
const manual = readFileSync(new URL('../../man/wsd-protocol.7',
  import.meta.url), 'utf8');

const tls = process.env.WSD_TLS;
const files = tls
  ? ['--tls-cert', `${tls}/cert`, '--tls-key', `${tls}/key`] : [];

let site, browser, wsd, relay, page;

before(async () => {
  site = await Site.start();
  site.page('/', 'a page');
  browser = await launch({ args: tls
    ? [trusting(readFileSync(`${tls}/cert`))] : [] });
});

after(async () => {
  await browser.close();
  site.close();
});

async function start(...options) {
  wsd = await Wsd.start('--history-count', '100000', ...files, ...options);
  relay.target = wsd;
}

beforeEach(async () => {
  relay = await Relay.start(null);
  page = await open(browser, site.url('/'));
});

afterEach(async () => {
  await page.context().close();
  relay.close();
  await wsd.stop();
});

const url = (query = '') => relay.url.replace('ws:', tls ? 'https:' : 'http:')
  .replace('/ws', PATH + query);

const publish = (...updates) => wsd.publish('tenant-1', updates);

test('what was published arrives as it was', async () => {
  await start();
  const heard = await follow(page, url());
  await heard.opened(1);
  const updates = [{ job: 7, done: true }, 'grüße € 😀', null, 0, '', [],
    'a\u2028b\u2029c\u0085d\ufeff', '\ufeff', '\0\r\n\\', 'data: x\n\nid: 1\n\n',
    { text: 'ü'.repeat(500000) }];
  await publish(...updates);
  await fetch(wsd.http + PATH, { method: 'POST',
    body: ' \r\n{\r"lines":\n\r\n2\r} \n' });
  await heard.messages(updates.length + 1);
  const events = await heard.events();
  assert.deepEqual(datas(events), [...updates, { lines: 2 }]);
  assert.deepEqual(events.map(({ id }) => Number(id.split(':')[1])),
    numbers(1, events.length));
  assert.deepEqual(page.problems, []);
});

test('cut again and again it misses nothing, and gets nothing twice', async () => {
  await start();
  const heard = await follow(page, url());
  await heard.opened(1);
  for (let cut = 0; cut < 4; cut++) {
    await publish(...numbers(cut * 100 + 1, cut * 100 + 50));
    relay.cut(); // perhaps within an event
    await publish(...numbers(cut * 100 + 51, cut * 100 + 100));
    await heard.opened(cut + 2);
  }
  await heard.messages(400);
  areNumbers(await heard.events(), 1, 400);
});

test('cut before the first event it misses nothing', async () => {
  await start();
  await publish('before');
  const heard = await follow(page, url());
  await heard.opened(1);
  relay.cut();
  await publish('meanwhile');
  await heard.messages(1);
  assert.deepEqual(datas(await heard.events()), ['meanwhile']);
});

test('what is not there any more is a gap, told once', async () => {
  await start('--history-count', '10');
  const heard = await follow(page, url());
  await heard.opened(1);
  await publish(...numbers(1, 5));
  await heard.messages(5);
  relay.target = null;
  relay.cut();
  await publish(...numbers(6, 30));
  relay.target = wsd;
  await heard.messages(15);
  relay.cut();
  await heard.opened(3);
  await publish(31);
  await heard.messages(16);
  const events = await heard.events();
  const at = events.findIndex(({ type }) => type === 'gap');
  const { from, to, reason } = JSON.parse(events[at].data);
  assert.deepEqual({ at, from, to, reason },
    { at: 5, from: 6, to: 20, reason: 'history' });
  assert.deepEqual(datas(events), [...numbers(1, 5), ...numbers(21, 31)]);
});

for (const end of ['stop', 'kill'])
  test(`wsd is started anew (${end}): one gap, and then all that it has`,
    async () => {
      await start();
      const heard = await follow(page, url());
      await heard.opened(1);
      await publish(1, 2);
      await heard.messages(2);
      relay.target = null;
      await wsd[end]();
      await heard.errors(3); // two attempts at least were in vain
      await start();
      await publish(3);
      await heard.messages(3);
      relay.cut();
      await publish(4);
      await heard.messages(4);
      const events = await heard.events();
      assert.deepEqual(types(events), ['message', 'message',
        ...(end === 'stop' ? ['drain', 'end'] : []), 'gap', 'message',
        'message']);
      assert.deepEqual(datas(events), [1, 2, 3, 4]);
      assert.equal(JSON.parse(events.find(({ type }) => type === 'gap').data)
        .reason, 'restart');
    });

// It has no back-off: what it was told last holds until it is connected again.
test('while there is no server it comes back now and then', async () => {
  await start();
  const heard = await follow(page, url());
  await heard.opened(1);
  relay.target = null;
  const begin = Date.now();
  await wsd.stop();
  await heard.errors(4);
  assert(Date.now() - begin > 2500, 'it comes back at once');
  await start();
});

test('who is refused does not come back', async () => {
  const key = await newKey();
  await start('--jwt-key', key, '--allow-query-token');
  const token = await wstoken('make', '--key', key, '--subscribe', 'tenant-1',
    '--publish', 'tenant-1', '--for', '1m');
  let heard = await follow(page, url());
  await heard.errors(1);
  assert.equal(await heard.state(), 2); // EventSource.CLOSED
  heard = await follow(page, url(`?access_token=${token}`));
  await heard.opened(1);
  await wsd.publish('tenant-1', [1], token);
  await heard.messages(1);
  relay.cut();
  await wsd.publish('tenant-1', [2], token);
  await heard.messages(2);
  areNumbers(await heard.events(), 1, 2);
});

// What the manual says to do where it does not come back by itself.
test('a page makes another where it was refused for a moment', async () => {
  await start('--max-connections', '2');
  await publish(1);
  const others = new AbortController();
  for (const signal of [others.signal, others.signal])
    await fetch(wsd.http + PATH, { signal,
      headers: { Accept: 'text/event-stream' } });
  const script = /let last = [^]*?(?=\.Ed)/.exec(manual)[0]
    .replace(PATH, url()).replace('5000', '100');
  await page.evaluate((text) => {
    window.shown = [];
    new Function('show', 'reload', `${text}; follow();`)(
      (data) => shown.push(data), () => {});
  }, script);
  await until(() => relay.taken >= 3);
  others.abort();
  await page.waitForFunction(() => shown.length === 1);
  relay.cut();
  await publish(2);
  await page.waitForFunction(() => shown.length === 2);
  assert.deepEqual(await page.evaluate(() => shown), [1, 2]);
});

// EventSource shows no token in a header, so there are clients that take
// fetch(), which asks in a preflight what it may send.
test('what follows by fetch() may say where it was, and who it is', async () => {
  const key = await newKey();
  await start('--jwt-key', key);
  const token = await wstoken('make', '--key', key, '--subscribe', 'tenant-1',
    '--publish', 'tenant-1', '--for', '1m');
  const { epoch } = await wsd.publish('tenant-1', [1, 2], token);
  const text = await page.evaluate(async ({ from, headers }) => {
    const answer = await fetch(from, { headers });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let all = ''; ;) {
      all += (await reader.read()).value;
      if (all.includes('data: 2\n\n'))
        return all;
    }
  }, { from: url(), headers: { Accept: 'text/event-stream',
    Authorization: `Bearer ${token}`, 'Last-Event-ID': `${epoch}:1` } });
  assert.doesNotMatch(text, /data: 1/);
});

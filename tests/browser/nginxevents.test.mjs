// SPDX-License-Identifier: MIT
//
// The EventSource of Chromium through nginx: it lives on when connections are
// cut, when nginx is reloaded, and when wsd is away for a while. The arguments
// are the URL of a page that nginx serves, and the Unix socket at which it has
// wsd.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { Relay, Wsd } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { areNumbers, datas, follow, numbers, types } from './events.mjs';

const [, , front, socket, config, ...reload] = process.argv;
const PATH = '/v1/tenants/tenant-1/updates';

let browser, wsd, relay, page;

const start = async () => {
  wsd = await Wsd.start('--config', config, '--behind-proxy', 'unix', '--listen',
    `unix:${socket}`);
};

const publish = (...updates) => wsd.publish('tenant-1', updates);

before(async () => {
  browser = await launch();
});

after(() => browser.close());

beforeEach(async () => {
  await start();
  relay = await Relay.start({ port: new URL(front).port });
  page = await open(browser, relay.url.replace('ws:', 'http:')
    .replace('/ws', '/'));
});

afterEach(async () => {
  await page.context().close();
  relay.close();
  await wsd.stop();
});

test('cut, and nginx reloaded, it misses nothing and gets nothing twice',
  async () => {
    const heard = await follow(page, PATH);
    await heard.opened(1);
    for (let cut = 0; cut < 3; cut++) {
      await publish(...numbers(cut * 100 + 1, cut * 100 + 50));
      if (cut % 2)
        execFileSync(reload[0], reload.slice(1));
      else
        relay.cut();
      await publish(...numbers(cut * 100 + 51, cut * 100 + 100));
      await heard.opened(cut + 2);
    }
    await heard.messages(300);
    areNumbers(await heard.events(), 1, 300);
  });

for (const end of ['stop', 'kill'])
  test(`wsd is away for a while (${end}), and then has one gap and all that is new`,
    async () => {
      const heard = await follow(page, PATH);
      await heard.opened(1);
      await publish(1, 2);
      await heard.messages(2);
      await wsd[end]();
      await heard.errors(3); // nginx has answered, as it is there
      assert.equal(await heard.state(), 0); // EventSource.CONNECTING
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
    });

test('who does not read events is told by 503 that wsd is away', async () => {
  await wsd.kill();
  const answer = await fetch(front + PATH,
    { headers: { Accept: 'application/x-ndjson' } });
  assert.equal(answer.status, 503);
  await start();
});

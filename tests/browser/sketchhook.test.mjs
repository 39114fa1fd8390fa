// SPDX-License-Identifier: MIT
//
// The sketch's hook, as it is in examples/react, in Chromium, in StrictMode.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Wsd, wspub } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { example, has, metrics, readdressed, shows } from './examples.mjs';
import { Site, bundle } from './site.mjs';

let site, browser, script, wsd, page;

before(async () => {
  site = await Site.start();
  script = await bundle('../../examples/react/main.jsx');
  site.put('/', 'text/html', example('react/index.html'));
  site.page('/elsewhere', 'Nothing is here.');
  browser = await launch();
});

after(async () => {
  await browser.close();
  site.close();
});

beforeEach(async () => {
  wsd = await Wsd.start();
  site.put('/main.js', 'text/javascript', readdressed(script, wsd));
  page = await open(browser, site.url('/'));
  await subscribed('tenant-1');
});

// The page is left, and the server must see that.
afterEach(async () => {
  // Chromium says so of what StrictMode closes before it is open.
  assert.deepEqual(page.problems.filter((text) =>
    !/closed before the connection is established/.test(text)), []);
  await page.goto(site.url('/elsewhere'));
  await has(wsd, 0);
  await page.context().close();
  await wsd.stop();
});

const publish = (tenant, ...updates) => wspub('-u', wsd.url, tenant,
  ...updates.map((data) => JSON.stringify(data)));

const choose = (tenant) => page.locator('select').selectOption(tenant);

// One connection is left, which has subscribed to this and nothing else.
async function subscribed(tenant) {
  await has(wsd, 1);
  const [{ subscriptions }] = await wsd.connections();
  assert.deepEqual(subscriptions.map(({ tenantId }) => tenantId), [tenant]);
}

test('StrictMode mounts twice, and each update is shown once', async () => {
  const updates = Array.from({ length: 300 }, (_, n) => ({ n }));
  await publish('tenant-1', ...updates);
  await shows(page, updates);
  assert.ok((await metrics(wsd)).wsd_connections_accepted_total >= 2);
});

test('another tenant', async () => {
  await publish('tenant-1', 'old');
  await shows(page, ['old']);
  await choose('tenant-2');
  await subscribed('tenant-2');
  await publish('tenant-1', 'not shown');
  await publish('tenant-2', 'new');
  await shows(page, ['old', 'new']); // the hook keeps what it has
});

test('tenants that change faster than connections open', async () => {
  for (let n = 0; n < 100; n++)
    await choose(`tenant-${1 + n % 2}`);
  await subscribed('tenant-2');
  await publish('tenant-1', 'not shown');
  await publish('tenant-2', 'new');
  await shows(page, ['new']);
});

test('mounted and unmounted', async () => {
  for (let n = 0; n < 20; n++) {
    await choose('');
    if (n % 4 === 0)
      await has(wsd, 0);
    await choose('tenant-1');
    if (n % 3 === 0)
      await subscribed('tenant-1');
  }
  await choose('');
  await has(wsd, 0);
  await choose('tenant-1');
  await subscribed('tenant-1');
  await publish('tenant-1', 1);
  await shows(page, [1]);
});

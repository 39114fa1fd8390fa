// SPDX-License-Identifier: MIT
//
// The sketch's snippet, as it is in examples/browser, in Chromium.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Wsd, wspub } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { example, has, metrics, readdressed, shows } from './examples.mjs';
import { Site } from './site.mjs';

let site, browser, wsd, page;

before(async () => {
  site = await Site.start();
  site.page('/elsewhere', 'Nothing is here.');
  browser = await launch();
});

after(async () => {
  await browser.close();
  site.close();
});

beforeEach(async () => {
  wsd = await Wsd.start();
  site.put('/', 'text/html', readdressed(example('browser/index.html'), wsd));
  page = await open(browser, site.url('/'));
  await has(wsd, 1);
});

afterEach(async () => {
  await page.context().close();
  await has(wsd, 0);
  await wsd.stop();
});

const publish = (...updates) => wspub('-u', wsd.url, 'tenant-1',
  ...updates.map((data) => JSON.stringify(data)));

test('it shows what wspub publishes', async () => {
  const updates = [{ job: 7, done: true }, 'grüße € 😀', null, 0, [],
    { html: '<img src=x onerror="throw 1">' }, { text: 'x'.repeat(100000) }];
  await publish(...updates);
  await shows(page, updates);
  await wspub('-u', wsd.url, 'tenant-2', '"of another tenant"');
  const more = Array.from({ length: 500 }, (_, n) => ({ n }));
  await publish(...more);
  await shows(page, [...updates, ...more]);
  assert.deepEqual(page.problems, []);
});

test('it shows the ERROR of what is no JSON, and stays', async () => {
  await page.evaluate(() => ws.send('{"type":'));
  const item = page.locator('#updates > li');
  await item.first().waitFor();
  const error = JSON.parse(await item.textContent());
  assert.equal(error.type, 'ERROR');
  assert.equal(error.code, 'BAD_JSON');
  assert.match(error.message, /./);
  await publish(1);
  await shows(page, [error, 1]);
  assert.equal((await metrics(wsd))['wsd_errors_total{code="BAD_JSON"}'], 1);
  assert.deepEqual(page.problems, []);
});

test('it publishes', async () => {
  await page.evaluate(() => ws.send(JSON.stringify(
    { type: 'PUBLISH', tenantId: 'tenant-1', data: { by: 'page' } })));
  await shows(page, [{ by: 'page' }]);
});

test('left, come back to, loaded again and closed, it leaves nothing behind',
  async () => {
    await page.goto(site.url('/elsewhere'));
    await has(wsd, 0);
    await page.goBack();
    await has(wsd, 1);
    for (let n = 0; n < 20; n++)
      await page.reload();
    await has(wsd, 1);
    const other = await page.context().newPage();
    await other.goto(site.url('/'));
    await has(wsd, 2);
    await publish('both');
    await shows(page, ['both']);
    await shows(other, ['both']);
    await other.close();
    await has(wsd, 1);
  });

// Chromium keeps a page that is left, and its connection with it, for some
// minutes; it cuts that when the page is seen again, and the sketch's page does
// not connect anew.
test('a page that the browser keeps: its connection ends with it', async () => {
  const keeping = await launch({ bfcache: true });
  try {
    const kept = await open(keeping, site.url('/'));
    await has(wsd, 2);
    await kept.goto(site.url('/elsewhere'));
    await kept.goBack({ waitUntil: 'commit' }); // it was never unloaded
    await has(wsd, 1);
    await kept.waitForFunction(() => ws.readyState === WebSocket.CLOSED);
    await kept.reload();
    await has(wsd, 2);
    await kept.goto(site.url('/elsewhere'));
    await kept.close();
    await has(wsd, 1);
  } finally {
    await keeping.close();
  }
});

test('wsd that ends says so to the page', async () => {
  await page.evaluate(() => {
    window.ending = new Promise((resolve) => {
      ws.onclose = ({ code, wasClean }) => resolve([code, wasClean]);
    });
  });
  const ended = wsd.stop();
  assert.deepEqual(await page.evaluate(() => window.ending), [1001, true]);
  await ended;
  wsd = await Wsd.start();
});

test('opened from the disk it is refused, and the log says why', async () => {
  const file = `${process.env.BATS_TEST_TMPDIR}/index.html`;
  writeFileSync(file, readdressed(example('browser/index.html'), wsd));
  await page.goto(pathToFileURL(file).href);
  await page.waitForFunction(() => ws.readyState === WebSocket.CLOSED);
  assert.match(page.problems.join('\n'), /403/);
  await has(wsd, 0);
  await wsd.stop();
  assert.match(wsd.log, /refused a web page of origin 'null'/);
  wsd = await Wsd.start();
});

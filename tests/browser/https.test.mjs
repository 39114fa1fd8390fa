// SPDX-License-Identifier: MIT
//
// Pages over https, in Chromium, and a wsd that speaks TLS. WSD_TLS is the
// directory of the key and certificate.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { Wsd, wspub } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { example, has, readdressed, shows, trusting } from './examples.mjs';
import { Site } from './site.mjs';

const NAME = 'wsd.test'; // of no loopback address, as far as Chromium knows
const tls = Object.fromEntries(['key', 'cert'].map((name) =>
  [name, readFileSync(`${process.env.WSD_TLS}/${name}`)]));
const files = ['--tls-cert', `${process.env.WSD_TLS}/cert`, '--tls-key',
  `${process.env.WSD_TLS}/key`];

let plainSite, site, browser, wsd, page;

before(async () => {
  plainSite = await Site.start();
  site = await Site.start(tls);
  browser = await launch({ args: [trusting(tls.cert),
    `--host-resolver-rules=MAP ${NAME} 127.0.0.1`] });
});

after(async () => {
  await browser.close();
  plainSite.close();
  site.close();
});

afterEach(async () => {
  await page.context().close();
  await has(wsd, 0);
  await wsd.stop();
});

const start = (...options) => Wsd.start('--host', NAME, '--origin',
  site.url('', NAME), ...options);

// Opens a page of the examples, which has wsd at this host.
async function visit(from, file, pageHost, host) {
  from.put('/', 'text/html', readdressed(example(file), wsd, host));
  page = await open(browser, from.url('/', pageHost));
}

async function works() {
  await has(wsd, 1);
  await wspub('-u', wsd.url, 'tenant-1', '{"done":true}');
  await shows(page, [{ done: true }]);
  assert.deepEqual(page.problems, []);
}

for (const host of ['localhost', NAME])
  test(`an https page of ${host} takes wss`, async () => {
    wsd = await start(...files);
    await visit(site, 'browser/https.html', host, host);
    assert.equal(await page.evaluate(() => ws.url),
      `wss://${host}:${wsd.port}/ws`);
    await works();
  });

test('the same page over http takes ws', async () => {
  wsd = await start();
  await visit(plainSite, 'browser/https.html', 'localhost', 'localhost');
  assert.equal(await page.evaluate(() => ws.url),
    `ws://localhost:${wsd.port}/ws`);
  await works();
});

test('ws from an https page is blocked', async () => {
  wsd = await start();
  await visit(site, 'browser/index.html', NAME, NAME);
  assert.equal(page.problems.length, 2);
  assert.match(page.problems.join('\n'), /insecure WebSocket/);
  // Nothing came here: what asks for it is the first.
  assert.equal((await (await wsd.get('/metrics')).text())
    .match(/^wsd_connections_accepted_total (.*)$/m)[1], '1');
});

test('ws from an https page to this machine is not', async () => {
  wsd = await start();
  await visit(site, 'browser/index.html', NAME, 'localhost');
  await works();
});

test('without trust in the certificate there is no connection', async () => {
  wsd = await start(...files);
  const stranger = await launch();
  try {
    plainSite.put('/', 'text/html', readdressed(
      example('browser/index.html'), wsd).replace('ws://', 'wss://'));
    page = await open(stranger, plainSite.url('/'));
    await page.waitForFunction(() => ws.readyState === WebSocket.CLOSED);
    assert.match(page.problems.join('\n'), /ERR_CERT_AUTHORITY_INVALID/);
  } finally {
    await stranger.close();
  }
});

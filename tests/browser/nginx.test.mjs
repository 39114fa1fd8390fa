// SPDX-License-Identifier: MIT
//
// A page that nginx serves over https, and whose WebSocket it passes on, in
// Chromium. The arguments are the URL of the page, that of wsd, which speaks no
// TLS, and nginx's certificate.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { wspub } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { has, shows, trusting } from './examples.mjs';

const [, , url, target, certificate] = process.argv;
const wsd = { get: (path) => fetch(target.replace(/^ws/, 'http')
  .replace(/\/ws$/, path)) };

test('behind nginx', async () => {
  const browser = await launch({ args: [trusting(readFileSync(certificate))] });
  try {
    const page = await open(browser, url);
    assert.equal(await page.evaluate(() => ws.url),
      url.replace('https:', 'wss:') + 'ws');
    await has(wsd, 1);
    await wspub('-u', target, 'tenant-1', '{"done":true}');
    await shows(page, [{ done: true }]);
    assert.deepEqual(page.problems, []);
    await page.close();
    await has(wsd, 0);
  } finally {
    await browser.close();
  }
});

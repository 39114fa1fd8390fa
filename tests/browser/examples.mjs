// SPDX-License-Identifier: MIT
//
// examples - the pages of examples/ for tests: as they are, but for the address
// of wsd, which has a port of the system's choice; what they show; and what the
// server has of them.

import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { moment } from '../js/wsd.mjs';

const ADDRESS = 'localhost:3000'; // in the examples
const TIMEOUT_MS = 20000;

// A text with another address of wsd in it, which must be there once.
export function readdressed(text, wsd, host = 'localhost') {
  const parts = text.split(`//${ADDRESS}/ws"`); // with its quotes around
  if (parts.length === 2)
    return parts.join(`//${host}:${wsd.port}/ws"`);
  const constant = text.split(`"${ADDRESS}"`);
  assert.equal(constant.length, 2, 'the address is not there once');
  return constant.join(`"${host}:${wsd.port}"`);
}

export function example(path) {
  return readFileSync(new URL(`../../examples/${path}`, import.meta.url),
    'utf8');
}

// Waits until the page shows just these, in this order.
export async function shows(page, expected) {
  const items = page.locator('#updates > li');
  await items.nth(expected.length - 1).waitFor();
  assert.deepEqual((await items.allTextContents()).map((text) =>
    JSON.parse(text)), expected);
}

// The numbers in /metrics, by name and labels as they stand there.
export async function metrics(wsd) {
  const text = await (await wsd.get('/metrics')).text();
  return Object.fromEntries(text.split('\n').filter((line) =>
    line && !line.startsWith('#')).map((line) => {
    const at = line.lastIndexOf(' ');
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }));
}

// Waits until /metrics has so many connections with so many subscriptions in
// all, beside the connection that asks for it. Fails when that takes too long.
export async function has(wsd, connections, subscriptions = connections) {
  const wanted = { plain: connections, v1: 0, http: 1, subscriptions };
  const end = Date.now() + TIMEOUT_MS;
  for (;;) {
    const all = await metrics(wsd);
    const found = {
      plain: all['wsd_connections{dialect="plain"}'],
      v1: all['wsd_connections{dialect="wsd.v1"}'],
      http: all['wsd_connections{dialect="http"}'],
      subscriptions: all.wsd_subscriptions,
    };
    if (isDeepStrictEqual(found, wanted))
      return;
    if (Date.now() > end)
      assert.deepEqual(found, wanted);
    await moment();
  }
}

// What has Chromium take this certificate for a good one, and no other: it has
// no option for an authority of its own. ignoreHTTPSErrors of playwright would
// take any, and so not prove that it is this one that the page got.
export function trusting(certificate) {
  const key = new X509Certificate(certificate).publicKey
    .export({ type: 'spki', format: 'der' });
  return '--ignore-certificate-errors-spki-list=' +
    createHash('sha256').update(key).digest('base64');
}

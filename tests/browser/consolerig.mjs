// SPDX-License-Identifier: MIT
//
// consolerig - the console page in Chromium, with the real wsd, for the files
// console*.mjs, which have one situation for each name:
//
//   FILE NAME [DIRECTORY]
//
// In each: no request leaves for another server, nothing breaks the page's
// policy, no error is thrown, and axe-core finds no serious fault in what is
// shown at the end. Screenshots go to DIRECTORY.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Relay, Wsd } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';

const [, , name, directory] = process.argv;
const axe = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const tenant = 't';

export let wsd, relay, page;
let browser, proxy, requests, base;

// `through`: by a relay, whose address stays when wsd is another one;
// `front` stands before wsd: of its URL it makes { base, close() }. `args` are
// of the browser.
export async function begin({ options = [], context, through, front,
  hash = '', args = [] } = {}) {
  wsd = await Wsd.start(...options);
  relay = through ? await Relay.start(wsd) : null;
  proxy = await front?.(wsd.http);
  base = proxy?.base ?? relay?.url.replace(/^ws(.*)\/ws$/, 'http$1') ??
    wsd.http;
  browser = await launch({ args });
  page = await open(browser, null, context);
  requests = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('websocket', (socket) => requests.push(socket.url()));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ blockedURI,
      effectiveDirective }) =>
      window.violations.push(`${effectiveDirective} ${blockedURI}`));
    window.longest = 0;
    window.marks = []; // tasks of our own: { from, resolve }
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        const [mark] = window.marks;
        if (mark && startTime + duration > mark.from)
          window.marks.shift().resolve();
        else
          window.longest = Math.max(window.longest, duration);
      }
    }).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(`${base}/${hash}`);
}

// `expected` is what the browser may have written as an error.
export async function end(expected = /^$/) {
  await audit();
  const { host } = new URL(base);
  assert.deepEqual(requests.filter((url) => new URL(url).host !== host &&
    !url.startsWith('data:')), []);
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.deepEqual(page.problems.filter((text) => !expected.test(text)), []);
  await browser.close();
  relay?.close();
  proxy?.close();
  await wsd.stop();
}

export async function audit() {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) =>
      `${html} ${failureSummary}`)]), []);
}

export const shot = (as = name) => directory &&
  page.screenshot({ path: `${directory}/${as}.png` });

export const state = (wanted) =>
  page.locator(`#status[data-state="${wanted}"]`).waitFor();

export async function connect(id = tenant) {
  await page.fill('#tenant', id);
  await page.press('#tenant', 'Enter');
  await state('live');
}

export const publish = (...updates) => wsd.publish(tenant, updates);

// So many updates at once.
export const flood = (n, of = (i) => i) =>
  publish(...Array.from({ length: n }, (_, i) => of(i)));

// A line of the list that has this text.
export const line = (text) => page.locator('.line').filter({ hasText: text });

export const text = (id) => page.locator(`#${id}`);

// Waits until an element has this text.
export const says = (id, wanted) =>
  text(id).filter({ hasText: wanted }).waitFor();

// The lines of the list from the top: what each says.
export const lines = () => page.evaluate(() =>
  [...document.querySelectorAll('.row')]
    .sort((a, b) => a.ariaPosInSet - b.ariaPosInSet)
    .map((row) => row.querySelector('.preview, .text').textContent));

export const counted = (n) => page.waitForFunction((wanted) =>
  document.querySelector('[aria-setsize]')?.ariaSetSize === wanted, String(n));

// Another one has taken the place of the wsd.
export async function restarted() {
  wsd = relay.target = await Wsd.start();
}

export const copied = () =>
  page.evaluate(() => navigator.clipboard.readText());

export const clipboard =
  { permissions: ['clipboard-read', 'clipboard-write'] };

// Until the browser has told of all tasks so far that were long: it tells of
// those from 50 ms on, so one more is made, which comes last.
const toldOfTasks = () => page.evaluate(() => new Promise((resolve) =>
  requestAnimationFrame(() => setTimeout(() => {
    const from = performance.now();
    window.marks.push({ from, resolve });
    while (performance.now() < from + 60)
      ;
  }))));

// For how long the page's longest task held it up while `action` ran, in ms; 0:
// there was none of 50 ms.
export async function longest(action) {
  await toldOfTasks();
  await page.evaluate(() => (window.longest = 0));
  await action();
  await toldOfTasks();
  return page.evaluate(() => window.longest);
}

export async function run(scenarios) {
  await scenarios[name]();
  process.exit(0);
}

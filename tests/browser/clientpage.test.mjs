// SPDX-License-Identifier: MIT
//
// The client of clients/js in pages without a build: as wsd serves it, to a page
// of another origin that allows nothing else; and what its README prints.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { Wsd, untilAsync } from '../js/wsd.mjs';
import { launch, open } from './browser.mjs';
import { shows } from './examples.mjs';
import { Site, bundleText } from './site.mjs';

const read = (name) => readFileSync(new URL(`../../clients/js/${name}`,
  import.meta.url), 'utf8');

// What is printed between ``` in the README, in its order.
const [intro, before1, after1, before2, after2, tokens] =
  [...read('README.md').matchAll(/^```jsx?\n(.*?)^```$/gms)].map(([, text]) =>
    text);
const IMPORT = intro.split('\n')[0];
const SHOW = `
  const show = (update) => {
    const item = document.createElement('li');
    item.textContent = JSON.stringify(update);
    document.querySelector('#updates').append(item);
  };`;

// Not of this machine, as far as Chromium and wsd know; it has all the same
// site, and so the same cache, as a wsd on another port.
const NAME = 'page.test';

let site, browser, wsd, page, origin;

before(async () => {
  site = await Site.start();
  origin = site.url('', NAME);
  site.put('/client.js', 'text/javascript', read('client.js'));
  browser = await launch({ args: [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`,
    `--unsafely-treat-insecure-origin-as-secure=${origin}`] }); // for COEP
});

after(async () => {
  await browser.close();
  site.close();
});

afterEach(async () => {
  await page.context().close();
  await wsd.stop();
});

// A page with this module and, where there is a policy, nothing else.
function put(script, headers = {}) {
  site.page('/', '<ol id="updates"></ol>' +
    `<script type="module" nonce="n">${script}</script>`, headers);
}

const start = (...options) => Wsd.start('--host', NAME, ...options);

const visit = async () => {
  page = await open(browser);
  return page.goto(`${origin}/`);
};

async function publishes(...updates) {
  await wsd.publish('tenant-1', updates);
  await shows(page, updates);
}

// Until the page has subscribed; what is published before is not for it.
const subscribed = () => untilAsync(async () =>
  (await wsd.connections()).some((one) => one.subscriptionCount > 0));

// --- Of another origin ---

function strict() {
  const server = `${NAME}:${wsd.port}`;
  put(`import { subscribe } from 'http://${server}/client.js';
    ${SHOW}
    subscribe('http://${server}/ws', 'tenant-1', show, { since: 'all' });`, {
    'Content-Security-Policy': `default-src 'none'; script-src 'nonce-n' ${
      server}; connect-src ws://${server}; img-src data:; ` +
      'require-trusted-types-for \'script\'; trusted-types \'none\'',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  });
}

test('wsd serves it to a page of another origin that allows nothing else',
  async () => {
    wsd = await start('--origin', origin);
    strict();
    await visit();
    await publishes(1);
    await page.reload();
    await shows(page, [1]);
    assert.deepEqual(page.problems, []);
    // Its cache may have it from an answer to wsd's own origin.
    const other = await page.context().newPage();
    assert.equal((await other.goto(`http://${NAME}:${wsd.port}/client.js`))
      .status(), 200);
    await page.reload();
    await shows(page, [1]);
    assert.deepEqual(page.problems, []);
  });

test('a page that wsd does not know gets nothing', async () => {
  wsd = await start();
  strict();
  page = await open(browser);
  const told = page.waitForEvent('console');
  await page.goto(`${origin}/`);
  assert.match((await told).text(), /blocked by CORS policy/);
  assert.deepEqual(await wsd.connections(), []);
});

test('a worker has it as a page does', async () => {
  wsd = await start('--origin', origin);
  site.put('/worker.js', 'text/javascript', `
    import { subscribe } from './client.js';
    subscribe('${wsd.url}', 'tenant-1', (update) => postMessage(update));`);
  put(`${SHOW}
    new Worker('/worker.js', { type: 'module' }).onmessage =
      ({ data }) => show(data);`);
  await visit();
  await subscribed();
  await publishes(1);
  await page.goto('about:blank');
  await untilAsync(async () => (await wsd.connections()).length === 0);
  assert.deepEqual(page.problems, []);
});

// --- What the README prints ---

const here = (text) =>
  text.replace(/wss?:\/\/(localhost:3000|updates\.example\.com)\/ws/g, wsd.url);

for (const [name, script] of Object.entries({
  'the first lines': `${SHOW}${intro}`,
  'the snippet, before': `${SHOW}${before1}`,
  'the snippet, after': `${IMPORT}${SHOW}${after1}`,
}))
  test(`${name} of the README`, async () => {
    wsd = await start('--origin', origin);
    put(here(script));
    await visit();
    await subscribed();
    await publishes({ done: true }, 2);
    assert.deepEqual(page.problems, []);
  });

for (const [name, hook] of Object.entries({
  'before': `import { useEffect, useState } from 'react';\n${before2}`,
  'after': after2,
}))
  test(`the hook of the README, ${name}`, async () => {
    wsd = await start('--origin', origin);
    put(await bundleText(here(`${hook}
      import { createRoot } from 'react-dom/client';

      const App = () => useJobUpdates('tenant-1').map((update, i) =>
        <li key={i}>{JSON.stringify(update)}</li>);
      createRoot(document.querySelector('#updates')).render(<App />);`)));
    await visit();
    await subscribed();
    await publishes({ done: true }, 2);
    assert.deepEqual(page.problems, []);
  });

test('tokens, as the README has them', async () => {
  wsd = await start('--origin', origin);
  site.page('/', `<script type="module">
    window.WebSocket = class {
      constructor(...args) {
        window.asked = args;
        window.socket = this;
        this.sent = '';
      }
      send(text) {
        this.sent += text;
      }
      close() {}
    };
    const show = () => {};
    ${IMPORT}
    ${tokens}</script>`);
  page = await open(browser);
  const refused = page.waitForResponse(/updates-token/);
  await page.goto(`${origin}/`);
  assert.equal((await refused).status(), 404); // is no token, and no end
  site.put('/api/updates-token', 'text/plain', 'secret');
  await page.waitForFunction(() => window.socket);
  assert.deepEqual(await page.evaluate(() => window.asked),
    [`${origin.replace('http', 'ws')}/ws`, 'wsd.v1']);
  await page.evaluate(() => window.socket.onmessage(
    { data: '{"type":"WELCOME","limits":{}}' }));
  await page.waitForFunction(() => window.socket.sent);
  const sent = await page.evaluate(() => window.socket.sent);
  assert.deepEqual(sent.trim().split('\n').map((line) => {
    const { type, token, tenantId } = JSON.parse(line);
    return [type, token ?? tenantId];
  }), [['AUTH', 'secret'], ['SUBSCRIBE', 'tenant-1'],
    ['SUBSCRIBE', 'tenant-2']]);
});

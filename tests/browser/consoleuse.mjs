// SPDX-License-Identifier: MIT
//
// consoleuse - the console in use: commands that are copied, tokens that end,
// servers that don't answer, small windows; see consolerig.mjs.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { newKey, until, wstoken } from '../js/wsd.mjs';
import { begin, clipboard, connect, copied, counted, end, flood, line, lines,
  page, publish, relay, run, says, shot, state, tenant, text, wsd }
  from './consolerig.mjs';
import { trusting } from './examples.mjs';

async function command(id) {
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await text(id).click();
  await page.waitForFunction(() => navigator.clipboard.readText());
  return copied();
}

const environment = (token = '') => ({ ...process.env, WSD_TOKEN: token,
  PATH: `${process.env.BIN ?? 'bin'}:${process.env.PATH}` });

function execute(shell, words, token) {
  const run = promisify(execFile)(shell, ['-c', words],
    { env: environment(token) });
  run.child.stdin.end();
  return run;
}

// Runs a command that follows; next() gives each line that it writes.
function following(shell, words, token) {
  const child = spawn(shell, ['-c', words], { detached: true,
    env: environment(token), stdio: ['ignore', 'pipe', 'inherit'] });
  const lineReader = createInterface({ input: child.stdout });
  const output = lineReader[Symbol.asyncIterator]();
  return {
    next: async () => (await output.next()).value,
    async stop() {
      process.kill(-child.pid, 'SIGKILL'); // all of the pipe
      await once(child, 'exit');
    },
  };
}

// A proxy that has wsd below a path, and forwards upgrades.
async function prefixed(target, prefix = '/tools/wsd') {
  const { port } = new URL(target);
  const proxy = http.createServer((request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end();
      return;
    }
    request.pipe(http.request({ port, host: '127.0.0.1', method: request.method,
      path: request.url.slice(prefix.length), headers: request.headers },
    (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }));
  });
  proxy.on('upgrade', ({ url, headers }, socket) => {
    const server = net.connect(port, '127.0.0.1');
    server.write(`GET ${url.slice(prefix.length)} HTTP/1.1\r\n` +
      Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        .join('') + '\r\n');
    socket.pipe(server).pipe(socket);
    for (const one of [socket, server])
      one.on('error', () => {});
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    base: `http://127.0.0.1:${proxy.address().port}${prefix}`,
    close() {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

// Follows and publishes by each of the four commands, as they are copied.
async function allCommands(shell, token = '') {
  let n = 0;
  const next = () =>
    JSON.stringify({ n: ++n, shell, "it's": '$(id) `id` "\\' });
  for (const tool of ['wspub', 'curl']) {
    const update = next();
    await page.fill('#editor', update);
    const words = await command(`publish-${tool}`);
    assert.match(words, new RegExp(`\\b${tool} -`));
    assert.ok(!token || !words.includes(token));
    await execute(shell, words, token);
    await line(update).waitFor();
  }
  for (const tool of ['wssub', 'curl']) {
    const words = await command(`follow-${tool}`);
    assert.match(words, new RegExp(`\\b${tool} -`));
    assert.ok(!token || !words.includes(token));
    const tail = following(shell, words, token);
    while (JSON.parse(await tail.next()).shell !== shell)
      ; // since "all" there may be those of the shell before
    await page.fill('#editor', next());
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as');
    for (let seen; seen !== n;)
      ({ n: seen } = JSON.parse(await tail.next()));
    await tail.stop();
  }
}

const scenarios = {
  async commands() {
    const id = 'a.b_c:d@e-F';
    await begin({ context: clipboard });
    await text('since').selectOption('all');
    await connect(id);
    for (const shell of ['sh', 'bash'])
      await allCommands(shell);
    await end();
  },

  async guarded() {
    const key = await newKey();
    const token = await wstoken('make', '--key', key, '--for', '5m',
      '--subscribe', tenant, '--publish', tenant);
    await begin({ options: ['--jwt-key', key], context: clipboard });
    await text('since').selectOption('all');
    await page.fill('#token', token);
    await connect();
    for (const shell of ['sh', 'bash'])
      await allCommands(shell, token);
    await says('toast', 'WSD_TOKEN');
    await line('"n":1').first().click();
    for (const tool of ['wspub', 'curl']) {
      await page.locator('.meta').getByRole('button',
        { name: `Copy as ${tool}` }).click();
      await says('toast', 'Copied');
      await execute('sh', await copied(), token);
    }
    await counted(10);
    await end(/status of 40[13]/);
  },

  // What is published or copied is for what one sees.
  async target() {
    await begin({ context: clipboard });
    await connect();
    await page.fill('#tenant', 'other');
    await page.fill('#editor', '7');
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as 1 to 1 subscriber of t');
    assert.match(await command('follow-wssub'), / t$/);
    assert.match(await command('publish-curl'), /\/t\/updates$/);
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard',
      { value: undefined })); // as without https
    await text('follow-curl').click();
    await says('toast', 'Copied the command');
    await text('go').click();
    await state('idle');
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as 1 to 0 subscribers of other');
    await end();
  },

  // With the next token one goes on where the one before ended.
  async expiry() {
    const key = await newKey();
    const make = (time) => wstoken('make', '--key', key, '--for', time,
      '--subscribe', tenant, '--publish', tenant);
    await begin({ options: ['--jwt-key', key] });
    await page.fill('#token', await make('5s'));
    await connect();
    const token = await make('1m');
    await wsd.publish(tenant, [{ n: 1 }], token);
    await line('"n":1').waitFor();
    await state('closed');
    await says('status-text', 'the token has expired (4212)');
    await wsd.publish(tenant, [{ n: 2 }], token);
    await shot();
    await page.fill('#token', token);
    await page.press('#token', 'Enter');
    await line('"n":2').waitFor();
    await line('Connected again after').waitFor();
    await line('"n":1').waitFor();
    await says('fact-received', /^2$/);
    await page.fill('#token', await make('2m')); // while it is live
    await page.press('#token', 'Enter');
    await wsd.publish(tenant, [{ n: 3 }], token);
    await line('"n":3').waitFor();
    await line('"n":1').waitFor();
    await end(/status of 40[13]/);
  },

  // Enter, where nothing has changed, loses nothing and waits for nothing.
  async again() {
    await begin({ through: true });
    await connect();
    await publish({ n: 1 });
    await counted(1);
    await page.press('#tenant', 'Enter');
    await publish({ n: 2 });
    await counted(2);
    await page.evaluate(() => (Math.random = () => 0.99)); // of its delays
    relay.target = null;
    relay.cut();
    await says('status', /again in [4-9] s/);
    relay.target = wsd;
    const from = performance.now();
    await page.press('#tenant', 'Enter');
    await state('live');
    assert.ok(performance.now() - from < 3000);
    await counted(4);
    assert.deepEqual((await lines()).slice(2), ['{"n":2}', '{"n":1}']);
    await text('clear').click();
    await says('empty', 'Nothing has come since');
    await end(/WebSocket connection to|ERR_/);
  },

  // Who listens to the page is told what has changed, and that once.
  async quiet() {
    await begin({ through: true });
    await connect();
    await page.evaluate(() => {
      window.told = [];
      for (const region of document.querySelectorAll('[role=status]'))
        new MutationObserver(() => region.textContent &&
          window.told.push(region.textContent))
          .observe(region, { childList: true, subtree: true });
    });
    await flood(200);
    await counted(200);
    await page.locator('#editor').pressSequentially('{"a":[1,2]}');
    await text('pause').click();
    await publish(1);
    await says('pause', '(1 new)');
    assert.deepEqual(await page.evaluate(() => window.told), []);
    relay.target = null;
    relay.cut();
    await state('waiting');
    const { taken } = relay;
    await until(() => relay.taken >= taken + 4);
    await says('status', /again in [1-9]/);
    await says('fact-subscribers', '–'); // nobody knows now
    assert.deepEqual(await page.evaluate(() => window.told),
      ['the connection was lost', 'the server cannot be reached']);
    relay.target = wsd;
    await state('live');
    assert.equal((await page.evaluate(() => window.told)).at(-1), 'live');
    await end(/WebSocket connection to|ERR_/);
  },

  // A server that does not answer is not asked more and more.
  async stalled() {
    await begin();
    const answers = [];
    await page.route('**/v1/tenants/t', (route) => answers.push(route));
    await connect();
    await page.waitForFunction(() =>
      (window.ticks = (window.ticks ?? 0) + 1) > 3, null, { polling: 1000 });
    assert.equal(answers.length, 1);
    await answers[0].continue();
    await says('fact-subscribers', /^1$/);
    const put = async (words) => {
      await page.fill('#editor', '7');
      await page.press('#editor', 'Control+Enter');
      await says('outcome', words);
    };
    await page.route('**/updates', (route) => route.abort());
    await put('No answer: it may have been published, or not');
    await page.route('**/updates', (route) => route.fulfill({ status: 502,
      contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }));
    await put('Not published: the answer is 502');
    await page.fill('#token', 'never “this”');
    await page.press('#token', 'Enter');
    assert.equal(await page.evaluate(() =>
      document.querySelector('#token').validity.customError), true);
    await page.fill('#tenant', ''); // nothing keeps one from that:
    await text('go').click();
    await state('idle');
    await page.fill('#tenant', tenant);
    await put('Not published: this is no token');
    await end(/status of 502|ERR_FAILED/);
  },

  // From a telephone, a part of a screen, or with 200 or 400 % to a large one.
  async sizes() {
    await begin({ through: true });
    await connect();
    await flood(40, (n) => ({ n, text: 'word '.repeat(100) }));
    await counted(40);
    for (const [width, height] of [[320, 256], [640, 360], [360, 740],
      [800, 700], [900, 700], [1000, 700], [1280, 400], [2560, 1000]]) {
      await page.setViewportSize({ width, height });
      const seen = await page.evaluate(() => {
        const box = (id) => document.querySelector(id).getBoundingClientRect();
        const [list, updates, aside] = ['#list', '#updates', 'aside'].map(box);
        return { list: list.height, bar: list.top - updates.top, over: Math.max(
          document.documentElement.scrollWidth - innerWidth,
          list.right - updates.right,
          aside.width && updates.right - aside.left),
        reach: document.documentElement.scrollHeight - list.bottom };
      });
      assert.ok(seen.list >= Math.min(200, 0.8 * height),
        `${width} ${seen.list}`);
      assert.ok(seen.bar < 160, `${width} ${seen.bar}`);
      assert.ok(seen.over < 1, `${width} ${seen.over}`);
      assert.ok(seen.reach > -1, `${width} ${seen.reach}`);
      await shot(`size-${width}`);
    }
    // Its connection is lost, on the smallest of these.
    await page.setViewportSize({ width: 320, height: 640 });
    const height = () => page.locator('header').evaluate((header) =>
      header.offsetHeight);
    const before = await height();
    relay.target = null;
    relay.cut();
    await says('status', /again in/);
    assert.ok(await height() < before + 40);
    assert.equal(await page.locator('.lost .text').evaluate((words) =>
      words.scrollWidth > words.clientWidth ||
      words.scrollHeight > words.clientHeight), false);
    await shot('size-waiting');
    await page.setViewportSize({ width: 2560, height: 1000 });
    const preview = page.locator('.preview').first();
    assert.match(await preview.textContent(), /…$/);
    await end(/WebSocket connection to|ERR_/);
  },

  // What is nested as deep as wsd takes it can be read, on a telephone too.
  async deep() {
    await begin({ context: { viewport: { width: 360, height: 740 } } });
    await connect();
    const put = (depth) => fetch(`${wsd.http}/v1/tenants/${tenant}/updates`,
      { method: 'POST', body: '['.repeat(depth) + ']'.repeat(depth) });
    const refused = await put(129);
    assert.equal(refused.status, 400);
    assert.equal((await refused.json()).error.message, 'nested too deeply');
    assert.equal((await put(128)).status, 200);
    await counted(1);
    await page.locator('.line').click();
    await page.evaluate(async () => {
      for (let next; (next = document.querySelector('details:not([open])'));) {
        const opened = new Promise((resolve) =>
          next.addEventListener('toggle', resolve));
        next.firstChild.click();
        await opened;
      }
    });
    assert.equal(await page.locator('.tree details').count(), 127);
    const deepest = page.locator('.tree .leaf');
    await deepest.scrollIntoViewIfNeeded();
    const { x, width } = await deepest.boundingBox();
    assert.ok(x >= 0 && x + width <= 360 && width > 50, `${x} ${width}`);
    assert.equal(await deepest.evaluate((leaf) => {
      const { left, top } = leaf.getBoundingClientRect();
      return leaf.contains(document.elementFromPoint(left + 20, top + 8));
    }), true);
    await shot();
    await end();
  },

  async tls() {
    const [key, cert] = ['key', 'cert'].map((name) =>
      `${process.env.WSD_TLS}/${name}`);
    await begin({ options: ['--tls-cert', cert, '--tls-key', key],
      context: clipboard, args: [trusting(readFileSync(cert))] });
    await text('since').selectOption('all');
    await connect();
    await allCommands('sh');
    await end();
  },

  async prefix() {
    await begin({ front: prefixed, context: clipboard });
    await connect();
    await page.fill('#editor', '{"n":1}');
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as 1 to 1 subscriber');
    await says('fact-subscribers', /^1$/);
    await execute('sh', await command('publish-curl'));
    await counted(2);
    const tail = following('sh', (await command('follow-curl')) + '?since=1');
    assert.equal(await tail.next(), '{"n":1}');
    await tail.stop();
    await end();
  },

  // What a link says is text; and what is kept of a page.
  async link() {
    const evil = '"><img src=x onerror=alert(1)>\u202e';
    await begin({ hash: `#tenant=${encodeURIComponent(evil)}&since=all` });
    await state('closed');
    await says('status-text', 'this is no tenant');
    await shot();
    const go = (hash) => page.evaluate((to) => (location.hash = to), hash);
    await go(`tenant=${'x'.repeat(300000)}`);
    await says('status-text', /this is no tenant|did not take/);
    await go('tenant=t&since=<script>');
    assert.equal(await page.evaluate(() =>
      document.querySelector('#point').validity.customError), true);
    await page.evaluate(() => window.opened = history.length);
    await go('tenant=t&since=5');
    await state('live');
    await page.fill('#token', 'seen-by-nobody');
    await page.press('#token', 'Enter');
    await says('status-text', /./);
    const [kept, dom] = await page.evaluate(async () => [
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href,
        document.cookie, history.state, await caches.keys(),
        await indexedDB.databases()]),
      document.documentElement.outerHTML]);
    assert.equal(kept.includes('seen-by-nobody'), false);
    assert.equal(dom.includes('seen-by-nobody'), false);
    assert.equal(await page.locator('main img, header img').count(), 0);
    await end();
  },

  async still() {
    await begin({ through: true, context: { reducedMotion: 'reduce' } });
    await connect();
    relay.target = null;
    relay.cut();
    await state('waiting');
    assert.equal(await page.locator('.dot').evaluate((dot) =>
      getComputedStyle(dot).animationName), 'none');
    await end(/WebSocket connection to|ERR_/);
  },
};

await run(scenarios);

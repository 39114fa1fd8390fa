// SPDX-License-Identifier: MIT
//
// console - what the console shows, and what one does there; see
// consolerig.mjs.

import assert from 'node:assert/strict';
import { newKey, wstoken } from '../js/wsd.mjs';
import { audit, begin, clipboard, connect, copied, counted, end, line, lines,
  longest, page, publish, relay, restarted, run, says, shot, state, tenant,
  text, wsd } from './consolerig.mjs';

const BLOCK_MS = 50; // shorter ones the browser does not tell of

const scenarios = {
  async live() {
    await begin();
    await shot('start');
    await connect();
    await publish({ n: 1, deep: { list: [1, { a: 2 }] } }, { n: 2 }, { n: 3 });
    await counted(3);
    assert.deepEqual(await lines(), ['{"n":3}', '{"n":2}',
      '{"n":1,"deep":{"list":[1,{"a":2}]}}']);
    await line('"n":1').click();
    const tree = page.locator('.tree');
    await tree.getByText('"list"').waitFor();
    await tree.locator('summary').first().click();
    assert.equal(await tree.getByText('"list"').isVisible(), false);
    await tree.locator('summary').first().click();
    await says('fact-subscribers', /^1$/);
    await says('fact-retained', '3 updates (1 to 3)');
    await page.locator('#rate').filter({ hasText: /^[1-9]/ }).or(
      text('peak').filter({ hasText: 'peak 3/s' })).first().waitFor();
    await shot();
    await text('go').click();
    await state('idle');
    await publish({ n: 4 });
    assert.equal((await lines()).length, 3);
    await end();
  },

  async tenants() {
    await begin({ hash: '#' });
    await says('empty-words', 'Name a tenant');
    assert.equal(await text('tenants').isVisible(), false);
    await wsd.publish('acme-2', [1]);
    await wsd.publish('acme-1', [1, 2]);
    for (let n = 0; n < 60; n++)
      await wsd.publish(`other-${n}`, [n]);
    const buttons = text('tenants').locator('button');
    await buttons.first().waitFor();
    await says('tenants', 'and 22 more: type a part of the name');
    assert.equal(await buttons.count(), 40);
    assert.equal(await buttons.first().innerText(),
      'acme-1\n0 subscribers, 2 updates retained');
    await shot();
    await audit();
    await page.fill('#tenant', 'acme');
    await buttons.nth(1).waitFor();
    await buttons.nth(1).focus();
    await wsd.publish('acme-2', [2, 3]); // which brings it to the front
    await buttons.first().filter({ hasText: 'acme-2' }).waitFor();
    await page.keyboard.press('Enter');
    await state('live');
    assert.equal(await page.inputValue('#tenant'), 'acme-2');
    assert.equal(await text('tenants').isVisible(), false);
    await wsd.publish('acme-2', [4]);
    await counted(1);
    await end();
  },

  async filter() {
    await begin();
    await connect();
    await publish(...Array.from({ length: 60 }, (_, n) =>
      ({ n, job: { state: n % 3 ? 'run' : 'done' } })));
    await wsd.get('/readyz');
    await fetch(`${wsd.http}/v1/tenants/${tenant}/updates`,
      { method: 'POST', body: '{"id":9007199254740993,"Text":"Übung"}' });
    await counted(61);
    for (const [filter, want] of [['übung', 1], ['.job.state=done', 20],
      ['.job.state!=done', 40], ['.n>50', 9], ['.id=9007199254740993', 1],
      ['.id=9007199254740992', 0], ['.Text', 1], ['.job.state~DO', 20],
      ['"state":"done"', 20], ['.*(', 0]]) {
      await page.fill('#filter', filter);
      await says('shown', new RegExp(`^${want} of 61$`));
    }
    await says('empty', 'No update has this text');
    await page.fill('#filter', '.job.state=done');
    await says('shown', '20 of 61');
    await publish({ job: { state: 'done' } }, { job: { state: 'new' } });
    await says('shown', '21 of 63');
    await shot();
    await page.fill('#filter', '');
    await counted(63);
    await end();
  },

  async pause() {
    await begin();
    await connect();
    await publish({ n: 1 });
    await counted(1);
    await text('pause').click();
    await publish({ n: 2 }, { n: 3 });
    await says('pause', 'Go on (2 new)');
    assert.deepEqual(await lines(), ['{"n":1}']);
    await shot();
    await text('pause').click();
    await counted(3);
    assert.deepEqual(await lines(), ['{"n":3}', '{"n":2}', '{"n":1}']);
    await end();
  },

  async publish() {
    await begin();
    await connect();
    for (const [typed, wrong] of [['{"a":1,}', 'column 8: a name in quotes'],
      ['{"a":\n tru}', 'Line 2, column 2: a value'], ['[1 2]', "',' or ']'"],
      ['"a', 'does not end'], ['"\\x"', 'no such escape'], ['1 2', 'behind'],
      ['{"a"', 'it ends where'], ['01', 'behind the value'],
      ['"a\nb"', 'line break']]) {
      await page.fill('#editor', typed);
      await says('verdict', wrong);
      assert.equal(await text('publish').isDisabled(), true);
    }
    await page.fill('#editor', '{"a":1,}');
    await shot();
    await page.fill('#editor', '{"id":12345678901234567890,"x":1.10}');
    await says('verdict', 'Valid JSON, 36 B');
    await text('publish').click();
    await says('outcome', 'Published as 1 to 1 subscriber');
    await line('{"id":12345678901234567890,"x":1.10}').click();
    await page.locator('.tree .number')
      .filter({ hasText: /^12345678901234567890$/ }).waitFor();
    await page.fill('#editor', `"${'x'.repeat(1100000)}"`);
    await text('publish').click();
    await says('outcome', 'Not published: the update is larger');
    await end(/status of 413/);
  },

  async history() {
    await begin({ options: ['--history-count', '5'] });
    const { epoch } = await publish(...Array(20).keys());
    await text('since').selectOption('other');
    await page.fill('#point', 'x');
    await page.fill('#tenant', tenant);
    await page.press('#point', 'Enter');
    assert.equal(await page.evaluate(() =>
      document.querySelector('#point').validity.customError), true);
    await page.fill('#point', `${epoch}:12`);
    await page.press('#point', 'Enter');
    await line('Gap: updates 13 to 15 are no longer retained (3 updates)')
      .waitFor();
    await counted(6);
    await says('fact-gaps', '1');
    await shot('gap');
    await end();
  },

  async restart() {
    await begin({ through: true });
    await connect();
    await publish({ n: 1 });
    await counted(1);
    relay.target = null;
    await wsd.stop();
    await state('waiting');
    await line('Disconnected: the server shuts down').waitFor();
    await shot('waiting');
    await restarted();
    await state('live');
    await line('Connected again after').waitFor();
    await line('Gap: the server began anew').waitFor();
    await publish({ n: 2 });
    await line('{"n":2}').waitFor();
    await line('{"n":1}').waitFor();
    await shot();
    // The new one knows no such tenant until the page has subscribed.
    await end(/WebSocket connection to|ERR_(EMPTY|CONNECTION)|status of 404/);
  },

  async token() {
    const key = await newKey();
    await begin({ options: ['--jwt-key', key], hash: `#tenant=${tenant}` });
    await state('closed');
    await says('status-text', 'a token is needed');
    await shot('error');
    const make = (...rights) =>
      wstoken('make', '--key', key, '--for', '1m', ...rights);
    const good = await make('--subscribe', tenant, '--publish', tenant);
    await page.fill('#token', good);
    await page.press('#token', 'Enter');
    await state('live');
    await says('fact-note', 'the right admin');
    await page.fill('#editor', '7');
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as 1 to 1 subscriber');
    await line('7').waitFor();
    await page.fill('#editor', '{"it\'s": "\u2028",\n "n":[1]}');
    await page.fill('#token', await make('--publish', tenant));
    await page.fill('#editor', '8'); // with that one
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as 2 to 1 subscriber');
    await page.fill('#token', await make('--subscribe', 'u'));
    await page.press('#token', 'Enter');
    await state('closed');
    await says('status-text', 'gives no right');
    const token = await make('--admin', '--subscribe', tenant);
    await page.fill('#token', token);
    await page.press('#token', 'Enter');
    await says('fact-subscribers', /^1$/);
    const stored = await page.evaluate(() => JSON.stringify([localStorage,
      sessionStorage, document.cookie, location.href]));
    assert.equal(stored.includes(token), false);
    await page.fill('#token', 'nonsense');
    await page.press('#token', 'Enter');
    await says('status-text', 'not good');
    await end(/status of 40[13]/);
  },

  async keyboard() {
    await begin({ context: clipboard });
    const press = (...keys) => keys.reduce((before, key) =>
      before.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = () => page.evaluate(() => document.activeElement.id ||
      document.activeElement.querySelector('.preview')?.textContent);
    await press('t');
    await page.keyboard.type(tenant);
    await press('Enter');
    await state('live');
    await press('Escape', 'e');
    await page.keyboard.type("{\"n\":\"it's\"}");
    await press('Control+Enter');
    await says('outcome', 'Published as 1');
    await publish({ n: 2 }, { n: 3 });
    await counted(3);
    await press('Escape');
    assert.equal(await focused(), '{"n":3}');
    await press('j', 'ArrowDown');
    assert.equal(await focused(), '{"n":"it\'s"}');
    await press('ArrowRight');
    await page.locator('.row.open .tree').waitFor();
    await shot();
    await press('Tab', 'Tab', 'Tab', 'Enter');
    await says('toast', 'Copied');
    assert.equal(await copied(), 'curl -d \'{"n":"it\'\\\'\'s"}\' ' +
      `${wsd.http}/v1/tenants/t/updates`);
    await press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'ArrowLeft', 'k', 'c');
    await page.waitForFunction(async () =>
      (await navigator.clipboard.readText()) === '{"n":2}');
    assert.equal(await page.locator('.row.open').count(), 0);
    await publish({ n: 4 }); // the row keeps the keyboard
    await counted(4);
    assert.equal(await focused(), '{"n":2}');
    await press('Home');
    assert.equal(await focused(), '{"n":4}');
    await press('End');
    assert.equal(await focused(), '{"n":"it\'s"}');
    await press('/');
    await page.keyboard.type('.n=3');
    await says('shown', '1 of 4');
    await press('Escape', 'Escape');
    assert.equal(await focused(), '{"n":"it\'s"}');
    await press('p');
    await says('pause', 'Go on');
    await press('p', '?');
    await page.locator('#help[open]').waitFor();
    await press('Escape');
    await text('follow-wssub').focus();
    await press('Enter');
    assert.equal(await copied(), `wssub -u ${wsd.url} t`);
    await end();
  },

  async hostile() {
    await begin();
    await connect();
    const bidi = '\u202egpj.exe\u2066 \u200f\u061c';
    const html = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    await publish({ html, bidi, 'a\u202eb': '\u0085\u2028\ud834' },
      '</bdi></div><style>*{}</style>');
    await line('<style>').waitFor();
    await line('onerror').click();
    await page.locator('.tree').waitFor();
    const shown = await page.locator('.tree').textContent();
    assert.match(shown, /\\u202egpj\.exe\\u2066 \\u200f\\u061c/);
    assert.match(shown, /"a\\u202eb"/);
    assert.doesNotMatch(await page.locator('body').textContent(),
      /[\u202a-\u202e\u2066-\u2069\u200f\u061c\u0085\u2028]/);
    assert.equal(
      await page.locator('#rows :is(img, script, style)').count(), 0);
    await shot();
    await end();
  },

  // Whatever is JSON is shown as it was sent.
  async exact() {
    await begin();
    await connect();
    const sent = '{"__proto__":{"polluted":1},"constructor":null,"a":1,"a":2,' +
      '"n":[9007199254740993,12345678901234567890,1e400,-0,0.10,1E+2],' +
      '"":"\\ud800\\u0000\\/","t":" \u00a0 x  y ","k\u200d":true}';
    await fetch(`${wsd.http}/v1/tenants/${tenant}/updates`,
      { method: 'POST', body: sent });
    await line('__proto__').click();
    const [preview] = await lines();
    assert.equal(preview, sent.replace('\u200d', '\\u200d'));
    const leaves = await page.evaluate(() =>
      [...document.querySelectorAll('.tree .leaf')].map((leaf) =>
        leaf.textContent));
    assert.deepEqual(leaves, ['"polluted": 1', '"constructor": null', '"a": 1',
      '"a": 2', '0: 9007199254740993', '1: 12345678901234567890', '2: 1e400',
      '3: -0', '4: 0.10', '5: 1E+2', '"": "\\ud800\\u0000\\/"',
      '"t": " \u00a0 x  y "', '"k\\u200d": true']);
    assert.equal(await page.evaluate(() => ({}).polluted), undefined);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.press('#editor', 'Control+Enter');
    await says('outcome', 'Published as 2');
    await line('polluted').nth(1).waitFor();
    await shot();
    await end();
  },

  // A megabyte is shown in pieces, and filtered in slices.
  async large() {
    await begin();
    await connect();
    await page.setViewportSize({ width: 400, height: 700 });
    const words = `${'x'.repeat(996000)}😀`;
    await publish({ words, list: [...Array(3000).keys()] });
    await line('"words"').click();
    const all = page.getByText('show all 996,004 characters');
    await all.waitFor();
    assert.ok((await page.locator('.tree').textContent()).length < 20000);
    await page.locator('.tree summary').nth(1).click();
    await page.getByText('show 100 more').click();
    await page.locator('.tree .name').filter({ hasText: /^199$/ }).waitFor();
    const value = page.locator('.tree .string').first();
    const blocked = await longest(async () => {
      await all.click();
      await page.waitForFunction(() => document
        .querySelector('.tree .string').textContent.length === 996004);
    });
    await shot();
    assert.equal(await value.evaluate((element) => {
      getSelection().selectAllChildren(element);
      const selected = String(getSelection());
      getSelection().removeAllRanges();
      return selected;
    }), `"${words}"`);
    // Those that are not seen yet are taken to be as high as the first one.
    const heights = await page.locator('.piece').evaluateAll((pieces) =>
      pieces.slice(0, -1).map(({ offsetHeight }) => offsetHeight));
    assert.ok(Math.max(...heights) < 1.1 * Math.min(...heights), heights);
    // The same at once, to know what it takes where this runs.
    const atOnce = await longest(() => value.evaluate((element) => {
      element.textContent = element.textContent;
      return element.offsetHeight;
    }));
    console.log(`blocked for ${blocked} ms, at once for ${atOnce} ms`);
    assert.ok(blocked < Math.max(100, 0.6 * atOnce));
    await page.getByRole('button', { name: 'Edit' }).click();
    await says('toast', 'too long to edit');
    await page.getByRole('button', { name: 'Copy as curl' }).nth(1).click();
    await says('toast', 'too long for a command');
    await line('"words"').click();
    for (let n = 0; n < 20; n++)
      await publish({ n, words });
    await counted(21);
    const one = await page.evaluate((text) => {
      const from = performance.now();
      text.toLowerCase().includes('zzz');
      return performance.now() - from;
    }, words);
    const filtered = await longest(async () => {
      await page.fill('#filter', '.words~zzz');
      await says('shown', '0 of 21');
    });
    console.log(`filtered with ${filtered} ms, one takes ${one}`);
    assert.ok(filtered < Math.max(100, 8 * one));
    await end();
  },

  async narrow() {
    await begin({ context: { viewport: { width: 360, height: 740 },
      hasTouch: true, isMobile: true } });
    await connect();
    await publish(...Array.from({ length: 50 }, (_, n) =>
      ({ job: n, state: 'running', text: 'a b c '.repeat(20) })));
    await counted(50);
    await line('"job":49').tap();
    await page.locator('.row.open .tree').waitFor();
    const wide = () => page.evaluate(({ scrollWidth, clientWidth } =
      document.documentElement) => scrollWidth - clientWidth);
    assert.equal(await wide(), 0);
    await shot();
    await page.getByRole('button', { name: 'Tenant and publish' }).tap();
    await page.fill('#editor', '{"a":1}');
    await text('publish').tap();
    await says('outcome', 'Published as 51');
    assert.equal(await wide(), 0);
    await shot('narrow-tenant');
    await end();
  },

  async dark() {
    await begin({ context: { colorScheme: 'dark' },
      options: ['--history-count', '2'] });
    const { epoch } = await publish(1, 2, { state: 'done', n: [1, null] },
      { state: 'failed', error: 'none' });
    await page.fill('#tenant', tenant);
    await text('since').selectOption('other');
    await page.fill('#point', `${epoch}:1`);
    await page.press('#point', 'Enter');
    await line('"done"').click();
    await page.locator('.tree').waitFor();
    assert.notEqual(await page.evaluate(() =>
      getComputedStyle(document.body).backgroundColor), 'rgb(244, 245, 244)');
    await shot();
    await text('help-open').click();
    await shot('help');
    await audit();
    await text('help-close').click();
    await end();
  },

  // Scrolled down, one keeps what one sees while more comes.
  async scroll() {
    await begin();
    await connect();
    await publish(...Array(300).keys());
    await counted(300);
    await page.evaluate(() =>
      (document.querySelector('#list').scrollTop = 3000));
    const row = line(/^\D*[\d:.]+\s*200199$/);
    const at = async () => (await line('199').first().boundingBox()).y;
    await line('199').first().waitFor();
    const before = await at();
    assert.ok(await row.count() <= 1);
    await publish(...Array(40).keys());
    await counted(340);
    assert.equal(await at(), before);
    assert.ok(await page.locator('.row').count() < 60);
    await text('top').click();
    await page.waitForFunction(() =>
      document.querySelector('#list').scrollTop === 0);
    await end();
  },

  // LOAD_RATE updates a second for LOAD_SECONDS; prints for how long the page
  // was held up at most, where it was at all.
  async load() {
    const rate = Number(process.env.LOAD_RATE ?? 1000);
    const seconds = Number(process.env.LOAD_SECONDS ?? 5);
    await begin();
    await connect();
    await publish(0);
    await counted(1);
    let took;
    const block = await longest(async () => {
      const started = performance.now();
      let sent = 0;
      while (sent < rate * seconds) {
        const due = Math.min(rate * seconds,
          Math.floor((performance.now() - started) * rate / 1000));
        if (due > sent)
          await publish(...Array.from({ length: due - sent }, (_, i) =>
            ({ n: sent + i, state: 'running', text: 'x'.repeat(100) })));
        sent = due;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await says('fact-received', new RegExp(
        `^${(rate * seconds + 1).toLocaleString('en')}$`));
      took = (performance.now() - started) / 1000;
    });
    console.log(`${Math.round(rate * seconds / took)} updates/s,`, block
      ? `longest block ${Math.round(block)} ms` : `no block of ${BLOCK_MS} ms`);
    await shot();
    assert.ok(block < Number(process.env.LOAD_BLOCK_MS ?? 100));
    await end();
  },
};

await run(scenarios);

// SPDX-License-Identifier: MIT
//
// consolelist - the console's list, while rows stream in; see consolerig.mjs.

import assert from 'node:assert/strict';
import { begin, connect, counted, end, flood, line, lines, page, publish, run,
  says, text } from './consolerig.mjs';

const scrolled = () => page.evaluate(() =>
  document.querySelector('#list').scrollTop);

// One after the other, each when the page has the one before.
async function trickle(from, to) {
  for (let n = from; n < to; n++) {
    await publish({ trickle: n });
    await says('fact-received', new RegExp(`^${n + 1}$`));
  }
}

// Until nothing in the list has changed for a few frames.
const settled = () => page.evaluate(() => new Promise((resolve) => {
  let calm = 0;
  const watch = new MutationObserver(() => (calm = 0));
  watch.observe(document.querySelector('#rows'),
    { attributes: true, childList: true, subtree: true });
  const frame = () => {
    if (++calm < 6) {
      requestAnimationFrame(frame);
      return;
    }
    watch.disconnect();
    resolve();
  };
  frame();
}));

// What is wrong with the list as it is drawn: rows are in order, one below the
// other, all that are in sight are there, and hardly any others.
const faults = () => page.evaluate(() => {
  const list = document.querySelector('#list');
  const rows = [...document.querySelectorAll('.row')].map((row) => ({
    serial: row.serial, place: row.ariaPosInSet - 0, size: row.ariaSetSize - 0,
    top: Number(/translateY\((.*)px\)/.exec(row.style.transform)[1]),
    height: row.offsetHeight, isOpen: row.classList.contains('open'),
    hasBody: Boolean(row.querySelector('.body')),
  })).sort((a, b) => a.place - b.place);
  const found = [];
  const wrong = (what, ...which) => found.push([what, ...which]);
  rows.forEach((row, i) => {
    const before = rows[i - 1];
    if (before && (before.serial <= row.serial || before.place === row.place))
      wrong('order', before, row);
    if (before?.place === row.place - 1 &&
      Math.abs(before.top + before.height - row.top) > 1.5)
      wrong('place', before, row);
    if (row.isOpen !== row.hasBody)
      wrong('open', row);
  });
  const end = list.scrollTop + list.clientHeight;
  const seen = rows.filter(({ top, height }) =>
    top + height > list.scrollTop && top < end);
  if (seen.some(({ place }, i) => i && place !== seen[i - 1].place + 1))
    wrong('hole', seen);
  if (rows.length && (seen[0].top > list.scrollTop + 1 ||
    seen.at(-1).top + seen.at(-1).height <
      Math.min(end, document.querySelector('#rows').offsetHeight) - 1))
    wrong('unseen', list.scrollTop, end, seen);
  if (rows.length > list.clientHeight / 30 + 20)
    wrong('many', rows.length);
  return found.slice(0, 3);
});

const scenarios = {
  // At the top one follows, unless one is busy with a row.
  async follow() {
    await begin();
    await connect();
    await flood(300);
    await counted(300);
    await page.evaluate(() =>
      (document.querySelector('#list').scrollTop = 3000));
    await text('top').click();
    await trickle(300, 305);
    assert.equal(await scrolled(), 0);
    const held = page.locator('.row').nth(3).locator('.line');
    await line('"trickle":301').click();
    await trickle(305, 308);
    assert.equal(await scrolled(), 3 * 30);
    assert.ok(await held.isVisible());
    await page.locator('#list').hover();
    await page.mouse.wheel(0, -1000);
    await page.waitForFunction(() =>
      document.querySelector('#list').scrollTop === 0);
    await trickle(308, 311);
    assert.equal(await scrolled(), 0);
    await end();
  },

  // What one selects stays where it is.
  async select() {
    await begin();
    await connect();
    await flood(100, (n) => ({ n, word: 'selected' }));
    await counted(100);
    await line('"n":95').click();
    await text('filter').focus();
    const word = page.locator('.tree .string').first();
    await word.dblclick();
    const before = await word.boundingBox();
    await trickle(100, 104);
    assert.deepEqual(await word.boundingBox(), before);
    assert.match(await page.evaluate(() => String(getSelection())), /selected/);
    await page.evaluate(() => getSelection().removeAllRanges());
    await end();
  },

  // A click hits the row that it was aimed at, however fast they come.
  async click() {
    await begin();
    await connect();
    await flood(100);
    await counted(100);
    const { x, y } = await page.locator('#list').boundingBox();
    let goesOn = true;
    const streaming = (async () => {
      while (goesOn)
        await flood(20);
    })();
    const under = () => page.evaluate(([left, top]) => document
      .elementFromPoint(left, top).closest('.row').serial, [x + 200, y + 200]);
    await page.mouse.move(x + 200, y + 200);
    await page.mouse.down();
    const aimed = await under();
    const { received } = await page.evaluate(() =>
      ({ received: document.querySelector('#fact-received').textContent }));
    await page.waitForFunction((before) => document
      .querySelector('#fact-received').textContent !== before, received);
    assert.equal(await under(), aimed);
    await page.mouse.up();
    await page.locator('.row.open').waitFor();
    assert.equal(await page.evaluate(() =>
      document.querySelector('.row.open').serial), aimed);
    goesOn = false;
    await streaming;
    await end();
  },

  // More than the page can hold: it is told, and who looks keeps his place.
  async bound() {
    await begin();
    await connect();
    await flood(10, (n) => ({ first: n }));
    await counted(10);
    await text('pause').click();
    const seen = await lines();
    await flood(50005);
    await says('pause', 'Go on (50,005 new)');
    assert.deepEqual(await lines(), seen);
    await page.fill('#filter', '.first>=7'); // of what is paused
    await says('shown', '3 of 10');
    await page.fill('#filter', '');
    await text('pause').click();
    await says('shown', 'last 50,000');
    await counted(50000);
    await page.locator('.line').first().focus();
    await page.keyboard.press('End');
    const focused = () => page.evaluate(() =>
      document.activeElement.querySelector('.preview')?.textContent);
    assert.equal(await focused(), '5');
    await flood(7);
    await page.waitForFunction(() =>
      document.activeElement.querySelector('.preview')?.textContent === '12');
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(), '13');
    await end();
  },

  // Whatever is done with it, in an order that nobody thought of.
  async random() {
    await begin();
    await connect();
    let seed = Number(process.env.SEED ?? 7);
    const below = (n) => (seed = seed * 48271 % 2147483647) % n;
    const pick = (...of) => of[below(of.length)];
    const some = (n) => flood(n, (i) => ({ i, state: pick('run', 'done'),
      words: 'word '.repeat(below(30)), list: [1, { a: [2, i] }] }));
    const actions = {
      burst: () => some(1 + below(2000)),
      few: () => some(1 + below(20)),
      one: () => some(1),
      scroll: () => page.evaluate((part) => {
        const list = document.querySelector('#list');
        list.scrollTop = part * list.scrollHeight;
      }, below(1000) / 1000),
      open: () => page.evaluate((n) => {
        const all = document.querySelectorAll('button.line');
        all[n % all.length]?.click();
      }, below(100)),
      pause: () => text('pause').click(),
      filter: () => page.fill('#filter',
        pick('', '.state=done', 'run', '.i>=9')),
      async newest() {
        if (await text('top').isVisible())
          await text('top').click();
      },
      async keys() {
        await page.evaluate(() => document.activeElement.blur());
        for (let n = below(6); n >= 0; n--)
          await page.keyboard.press(pick('j', 'k', 'End', 'Home', 'PageDown',
            'ArrowRight', 'ArrowLeft'));
      },
      resize: () => page.setViewportSize({ width: pick(360, 900, 1280),
        height: pick(300, 500, 740) }),
    };
    for (let step = 0; step < Number(process.env.STEPS ?? 60); step++) {
      const action = pick(...Object.keys(actions));
      await actions[action]();
      await settled();
      assert.deepEqual(await faults(), [], `step ${step}: ${action}`);
    }
    await end();
  },
};

await run(scenarios);

// SPDX-License-Identifier: MIT
//
// The parts of the console that need no page: what is shown of a text, what is
// filtered, which commands are copied, what is kept, and the chart's figures.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';

const { Chart } = await import('../../web/chart.js');
const { follow, publish } = await import('../../web/commands.js');
const { compile } = await import('../../web/filter.js');
const { check, find, readPath } = await import('../../web/json.js');
const { CHARS_MAX, ENTRIES_MAX, Store } = await import('../../web/store.js');
const { cut, visible } = await import('../../web/text.js');

// --- What is shown ---

test('what is not seen, or moves others, is an escape', () => {
  for (const [text, shown] of [
    ['a\u202eb\u2066c\u200f', 'a\\u202eb\\u2066c\\u200f'],
    ['\0\x1b[2J\x7f\x85\n\t', '\\u0000\\u001b[2J\\u007f\\u0085\\u000a\\u0009'],
    ['\ud800 \udc00', '\\ud800 \\udc00'],
    ['id\u200d\u200c\ufe0f', 'id\\u200d\\u200c\\ufe0f'],
    ['\u3164\u115f\u034f\u2800', '\\u3164\\u115f\\u034f\\u2800'],
    ['\u{e0041}\u{e0100}', '\\udb40\\udc41\\udb40\\udd00'],
    ['Übung 日本 שלום 👨‍👩‍👧 ❤️ नमस्‍ते', 'Übung 日本 שלום 👨‍👩‍👧 ❤️ नमस्‍ते'],
  ])
    assert.equal(visible(text), shown);
});

test('what is cut keeps its last character whole', () => {
  assert.equal(cut('ab😀', 3), 'ab');
  assert.equal(cut('ab😀', 4), 'ab😀');
  assert.equal(cut('ab', 4), 'ab');
  assert.equal(cut('', 4), '');
});

// --- Filter ---

const passes = (filter, text) => compile(filter).test(text);

test('paths find what was sent', () => {
  const text = '{"__proto__":{"x":1},"constructor":2,"a":1,' +
    '"a":[5,{"b c":"y"}],"n":-0,"big":9007199254740993,"far":1e400,' +
    '"dec":1.10,"esc\\u0061pe":"\\u00e4",' +
    '"":{"0":7},"s":"10","e":""}';
  for (const [filter, is] of [['.__proto__.x', true], ['.toString', false],
    ['.constructor=2', true], ['.a[0]=5', true], ['.a=1', false],
    ['.a[1]["b c"]=y', true], ['.a.1', true], ['.n=-0', true], ['.n=0', false],
    ['.n>=0', true], ['.big=9007199254740993', true],
    ['.big=9007199254740992', false], ['.big>9007199254740992', true],
    ['.big<9007199254740994', true], ['.big>=9007199254740994', false],
    ['.big<=9007199254740993.5', true], ['.far=1e400', true],
    ['.far>1e308', true], ['.dec=1.10', true], ['.dec=1.1', false],
    ['.dec>=1.1', true], ['.escape=ä', true], ['.escape~Ä', true],
    ['[""]["0"]=7', true], ['.s>=10', true], ['.s==10', true], ['.s<9', false],
    ['.e=', true], ['.e<1', false], ['.e>=0', false], ['.a > 0', false],
    ['.constructor >= 2', true], ['.constructor<=1', false]])
    assert.equal(passes(filter, text), is, filter);
});

test('everything else is looked for in the text', () => {
  for (const [filter, text, is] of [['.*(', 'x.*(y', true], ['$&', 'a', false],
    ['ÜB', '"übung"', true], ['.5', '{"5":0}', true],
    ['./a', '"./a"', true], ['[1,2]', '[1,2]', true],
    ['.a.', '{"b":".A."}', true], ['__proto__', '{"__proto__":1}', true]])
    assert.equal(passes(filter, text), is, filter);
  assert.equal(compile('  '), null);
});

test('JSON is told from what is none', () => {
  for (const text of ['-0', '1e400', '"\\ud800"', '[[],{}]', ' 1\r\n',
    '{"__proto__":1,"__proto__":2}', '9'.repeat(1000),
    '['.repeat(100000) + ']'.repeat(100000)])
    assert.equal(check(text), null);
  for (const text of ['', '+1', '.5', '1.', '01', 'NaN', "'a'", '[1,]', '{a:1}',
    '"\t"', '"\\u12"', '\u00a01', '[', '{"a":1}}', 'tru', '-'])
    assert.notEqual(check(text), null, text);
});

test('nothing is nested too deep to look for', () => {
  const deep = 100000;
  const text = '{"a":'.repeat(deep) + '1' + '}'.repeat(deep);
  assert.ok(find(text, readPath('.a.a.a').steps));
  assert.equal(find(text, readPath('.a.b').steps), null);
});

// --- Commands ---

const directory =
  mkdtempSync(`${process.env.BATS_TEST_TMPDIR ?? tmpdir()}/sh.`);

after(() => rmSync(directory, { recursive: true }));

// In the place of the tools: they say what they were given, and what comes in.
for (const name of ['curl', 'wssub', 'wspub']) {
  writeFileSync(`${directory}/${name}`,
    '#!/bin/sh\nprintf "%s\\0" "$@"\n[ -t 0 ] || cat\n');
  chmodSync(`${directory}/${name}`, 0o755);
}

function given(shell, command) {
  const out = execFileSync(shell, ['-c', command], { cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: `${directory}:${process.env.PATH}`, WSD_TOKEN: 'a.b$c' } });
  const [input, ...args] = out.toString().split('\0').reverse();
  return { args: args.reverse(), input };
}

const where = { ws: 'ws://h:1/p/ws', http: 'http://h:1/p/', tenant: 't',
  since: '', isGuarded: false };
const NASTY = ["it's", '"$HOME"', '`id`', '$(id >&2)', 'a\\b\\', '!! !1', ';id',
  '-n', '--help', '*', '~', '=ls', '#x', 'a\nb', '\u202e', '\x1b[200~', '&',
  '{a,b}'];
const bytes = (text) => visible(text);

for (const shell of ['sh', 'bash'])
  test(`${shell} gives each tool what was meant`, () => {
    for (const tenant of NASTY) {
      const id = encodeURIComponent(tenant);
      const at = `http://h:1/p/v1/tenants/${id}/updates`;
      const text = JSON.stringify({ [tenant]: tenant });
      const all = { ...where, tenant, since: tenant };
      assert.deepEqual(given(shell, follow.wssub(all)).args, ['-u', all.ws,
        '--since', bytes(tenant), ...(tenant[0] === '-' ? ['--'] : []),
        bytes(tenant)]);
      assert.deepEqual(given(shell, follow.curl(all)).args, ['-N', '-H',
        'Accept: application/x-ndjson',
        `${at}?since=${id}`]);
      assert.deepEqual(given(shell, publish.wspub(all, text)).args,
        ['-u', all.ws, '--', bytes(tenant), bytes(text)]);
      assert.deepEqual(given(shell, publish.curl(all, text)).args,
        ['-d', bytes(text), at]);
      const guarded = { ...all, isGuarded: true };
      for (const command of [follow.curl(guarded),
        publish.curl(guarded, text)]) {
        const { args, input } = given(shell, command);
        assert.deepEqual(args.slice(0, 2), ['-H', '@-']);
        assert.equal(input, 'Authorization: Bearer a.b$c\n');
      }
    }
  });

test('a command is one line that a terminal takes as it is', () => {
  const command = publish.curl(where, '{"a":\t"\u202e\u007f\u0085",\r\n"b":1}');
  assert.match(command, /^[\x20-\x7e]+$/);
  assert.equal(publish.wspub(where, '-1'), 'wspub -u ws://h:1/p/ws -- t -1');
});

test('what is too long for a command is none', () => {
  const text = (n) => JSON.stringify('x'.repeat(n));
  given('sh', publish.wspub(where, text(99000)));
  assert.equal(publish.wspub(where, text(140000)), null);
  assert.equal(publish.curl(where, text(140000)), null);
});

// --- What is kept ---

const update = (text = '1') => ({ kind: 'update', text });
const fill = (store, n, text) => {
  for (let i = 0; i < n; i++)
    store.add(update(text));
};

test('the store has a bound, of entries and of characters', () => {
  const store = new Store();
  fill(store, ENTRIES_MAX + 10);
  assert.equal(store.length, ENTRIES_MAX);
  assert.equal(store.dropped, 10);
  assert.equal(store.first, 10);
  assert.equal(store.get(10).serial, 10);
  assert.ok(!store.get(9));
  store.clear();
  fill(store, 70, 'x'.repeat(1024 * 1024));
  assert.equal(store.chars, CHARS_MAX);
  assert.equal(store.length, 64);
  store.add(update('x'.repeat(CHARS_MAX + 1)));
  assert.equal(store.length, 1);
});

test('held it keeps what is there, and what is left out is told', () => {
  const store = new Store();
  fill(store, ENTRIES_MAX);
  store.hold();
  fill(store, ENTRIES_MAX + 7);
  store.add({ kind: 'lost', text: '', words: 'gone' });
  assert.equal(store.first, 0);
  assert.equal(store.missed, 7);
  assert.equal(store.length, 2 * ENTRIES_MAX + 1);
  store.release();
  const last = store.get(store.next - 1);
  assert.match(last.words, /^Left out: 7 updates/);
  assert.equal(store.get(store.next - 2).words, 'gone');
  assert.equal(store.missed, 0);
  assert.equal(store.length, ENTRIES_MAX);
  fill(store, 1);
  assert.equal(store.get(store.next - 1).kind, 'update');
});

// --- The chart ---

test('a second has what came in it, whenever it is drawn', () => {
  const element = () => ({ setAttribute() {}, append() {} });
  globalThis.document = { createElementNS: element };
  const [now, peak] = [{}, {}];
  const chart = new Chart(element(), now, peak);
  const said = () => [now.textContent, peak.textContent.split(' ')[1]];
  chart.tick(10000);
  for (let ms = 10000; ms < 310000; ms += 100) // and nobody looks
    chart.add(ms);
  chart.tick(310000);
  assert.deepEqual(said(), ['10/s', '10/s']);
  chart.tick(312000);
  assert.deepEqual(said(), ['0/s', '10/s']);
  chart.add(312500);
  chart.tick(900000);
  assert.deepEqual(said(), ['0/s', '0/s']);
});

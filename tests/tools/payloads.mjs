#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// payloads - real webhook payloads as test data: writes those of the npm
// package @octokit/webhooks-examples to a directory.
//
//   payloads DIRECTORY
//
//   lines     one payload a line; of every second one all but ASCII is escaped
//   tenants   the same, with a member "tenantId":"t" first, last or between
//   pretty/N  the same, one a file, indented
//   flat      what of those must arrive: newlines became spaces
//   publish   the lines as PUBLISH messages
//
// Prints how many there are.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';

const root = new URL('../../node_modules/@octokit/webhooks-examples/',
  import.meta.url);
const [out] = process.argv.slice(2);

function read(file) {
  return JSON.parse(readFileSync(new URL(file, root)))
    .flatMap((event) => event.examples);
}

function escape(text) {
  return text.replace(/[\u007f-\uffff]/g, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// Where the members of an object can have one before them: its outermost
// commas, found by putting the members in text one by one.
function withTenant(payload, text, i) {
  const names = Object.keys(payload);
  const members = names.map((name) => text(name) + ':' + text(payload[name]));
  members.splice(i % (names.length + 1), 0, '"tenantId":"t"');
  return `{${members.join(',')}}`;
}

const payloads = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap((entry) => read(`${entry.name}/index.json`));
const texts = payloads.map((_, i) => i % 2
  ? (value) => escape(JSON.stringify(value)) : (value) => JSON.stringify(value));
const lines = payloads.map((payload, i) => texts[i](payload));
const pretty = payloads.map((payload) => JSON.stringify(payload, null, '\t'));
const put = (name, list) =>
  writeFileSync(`${out}/${name}`, list.map((line) => `${line}\n`).join(''));

mkdirSync(`${out}/pretty`, { recursive: true });
put('lines', lines);
put('tenants', payloads.map((payload, i) => withTenant(payload, texts[i], i)));
pretty.forEach((text, i) =>
  writeFileSync(`${out}/pretty/${String(i).padStart(4, '0')}`, `${text}\n`));
put('flat', pretty.map((text) => text.replaceAll('\n', ' ')));
put('publish', lines.map((line, i) =>
  `{"type":"PUBLISH","id":${i + 1},"tenantId":"t","data":${line}}`));
console.log(payloads.length);

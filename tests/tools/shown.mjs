#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// shown - shows every forged token to a wsd in each way in which a token can be
// shown. None may be taken, and in each way all must get the same answer, byte
// for byte; why they are bad is for the log, which has nothing of them.
//
//   shown WSD DIRECTORY
//
// DIRECTORY has the keys that forge.mjs has made, and what it has printed, in
// the file table. Prints in which ways how many tokens were refused, and exits 1
// when something was wrong.

import { readFileSync, writeFileSync } from 'node:fs';
import { Daemon, checkLog } from './property/daemon.mjs';
import { exchange } from './property/http.mjs';
import { talk } from './property/talk.mjs';
import { Failure } from './wsframes.mjs';

const [program, directory] = process.argv.slice(2);
const MANY = 100; // at a time
const HEAD_MAX = 7000; // bytes of a token in a header

const keys = ['r=rsa.pub', 'e=ec.pub', 'd=ed.pub', 'h=hmac'];

const table = readFileSync(`${directory}/table`, 'utf8').split('\n').slice(0, -1)
  .map((line) => {
    const [name, want, text] = line.split('\t');
    return { name, want, token: JSON.parse(`"${text}"`), plain: !text.includes('\\') };
  });
const forged = table.filter(({ want }) => want !== 'good');

// In a header bytes may be as they are, but for blanks at the ends.
const inHeader = ({ token }) => !/[\0-\x1f\x7f]|^ | $/.test(token) &&
  Buffer.byteLength(token) < HEAD_MAX;
const inQuery = ({ token }) => !token.includes('\0') && encoded(token).length < HEAD_MAX;

const encoded = (token) => [...Buffer.from(token)]
  .map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

// As latin1, so that each byte goes as it is.
const bearer = (token) =>
  [`Authorization: Bearer ${Buffer.from(token).toString('latin1')}`];

const json = (type, more) => JSON.stringify({ type, id: 1, ...more });

// Each way: which tokens can come, and what becomes of one.
const ways = {
  'header of a handshake': [inHeader, (to, token) =>
    talk(to, { path: '/ws', headers: bearer(token) })],
  'URL of a handshake': [inQuery, (to, token) =>
    talk(to, { path: `/ws?access_token=${encoded(token)}` })],
  'header of a POST': [inHeader, (to, token) =>
    exchange(to, 'POST', '/v1/tenants/t/updates', bearer(token), '1')],
  'URL of a POST': [inQuery, (to, token) => exchange(to, 'POST',
    `/v1/tenants/t/updates?access_token=${encoded(token)}`, [], '1')],
  'header of a GET': [inHeader, (to, token) =>
    exchange(to, 'GET', '/metrics', bearer(token))],
  'header of who follows': [inHeader, (to, token) =>
    exchange(to, 'GET', '/v1/tenants/t/updates',
      ['Accept: text/event-stream', ...bearer(token)])],
  'AUTH': [({ plain }) => plain, (to, token) =>
    talk(to, { protocol: 'wsd.v1', texts: [json('AUTH', { token })] })],
  'AUTH, in plain': [({ plain }) => plain, (to, token) =>
    talk(to, { texts: [json('AUTH', { token })] })],
  'SUBSCRIBE': [({ plain }) => plain, (to, token) => talk(to,
    { protocol: 'wsd.v1', texts: [json('SUBSCRIBE', { tenantId: 't', token })] })],
  'SUBSCRIBE, in plain': [({ plain }) => plain, (to, token) =>
    talk(to, { texts: [json('SUBSCRIBE', { tenantId: 't', token })] })],
};

// All of these, some at a time, in order.
async function each(list, action) {
  for (let at = 0; at < list.length; at += MANY)
    await Promise.all(list.slice(at, at + MANY).map(action));
}

async function refuseAll(address, way) {
  const [can, show] = ways[way];
  const shown = forged.filter(can);
  let first = null;
  await each(shown, async ({ name, token }) => {
    const { text } = await show(address, token);
    first ??= text;
    if (text !== first)
      throw new Failure(`${way}, ${name}: ${text}\nand not ${first}`);
  });
  checkAnswer(way, first);
  return shown.length;
}

// It is a refusal, and no reason is in it.
function checkAnswer(way, text) {
  if (!/^HTTP\/1.1 401 |"code":"AUTH_FAILED"[^]* 4011 /.test(text))
    throw new Failure(`${way}: ${text}`);
  for (const { want } of forged)
    if (want !== 'bad' && text.includes(want))
      throw new Failure(`${way}: the answer has '${want}'`);
}

// What is told of one that is good is another thing.
async function takeGood(address) {
  const { token } = table.find(({ want }) => want === 'good');
  const { text } = await exchange(address, 'POST', '/v1/tenants/t/updates', bearer(token), '1');
  if (!text.startsWith('HTTP/1.1 200 '))
    throw new Failure(`a good token was answered by ${text}`);
}

async function run(format) {
  const config = `${directory}/shown.json`;
  writeFileSync(config, JSON.stringify({
    'jwt-key': keys.map((key) => key.replace('=', `=${directory}/`)),
    'allow-query-token': true, 'auth-failures': 0, 'log-format': format, 'verbose': 2,
  }));
  const daemon = new Daemon(program, config, []);
  try {
    await daemon.ready();
    await takeGood(daemon.address);
    for (const way of Object.keys(ways))
      console.log(`${way}: ${await refuseAll(daemon.address, way)} refused`);
    await daemon.stop();
  } finally {
    daemon.kill();
  }
  checkLog(daemon.log, table.map(({ token }) => token), format === 'json');
  if (!forged.some(({ want }) => want !== 'bad' && daemon.log.includes(want)))
    throw new Failure('the log has no reason');
}

try {
  await run('text');
  await run('json');
} catch (error) {
  console.log(`shown: ${error.stack}`);
  process.exitCode = 1;
}

#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// secrets - floods a wsd, which logs all that it can, with what must not get
// into a log: tokens, updates, control characters, texts that turn around or
// drive a terminal, and lines that look as if they were its own; wherever a
// peer can put them.
//
//   secrets WSD DIRECTORY text|json
//
// DIRECTORY is empty. Exits 1 when the log has any of it.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Daemon, checkLog } from './property/daemon.mjs';
import { exchange } from './property/http.mjs';
import { newKey, signed } from './property/jwt.mjs';
import { talk } from './property/talk.mjs';
import { Failure, maskedFrame } from './wsframes.mjs';

const [program, directory, format] = process.argv.slice(2);
const ROUNDS = 9; // of each wsd
const TEXTS = 3; // nasty ones that one wsd is sent: of a kind ten are logged

// All that is checked for; also in the middle of something.
const MARK = 'payload-marker';

const nasty = [
  'wsd: everything is fine', '\nwsd: everything is fine\n', '\r\n', '\u0000',
  '\u001b[2J\u001b[31mred', '\u001b]0;title\u0007', '\u009b31m', '\u202etxet',
  '\u2066\u2069\u200b\ufeff', '"}\n{"level":"error","event":"failed"}', '\u007f\b',
  '%n%s%x', "'; rm -rf /; '", '$(id) `id`', '\ud83d\ude00', 'é', '\t\v\f',
].map((text) => `${text}${MARK}${text}`);

const key = newKey('HS256', 'k');
const tokens = [];

// A good token whose every text is nasty.
function token(text, more) {
  const claims = {
    exp: Math.floor(Date.now() / 1000) + 60, sub: text, jti: text, name: text,
    subscribe: ['t'], [text]: text, ...more,
  };
  tokens.push(signed(key, { alg: 'HS256', kid: 'k', typ: text }, claims));
  return tokens.at(-1);
}

function secret() {
  tokens.push(randomBytes(33).toString('base64url'));
  return tokens.at(-1);
}

const percent = (text) => [...Buffer.from(text)]
  .map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const latin1 = (text) => Buffer.from(text).toString('latin1');
// A refused Host or Origin is shown, as far as that is harmless.
const unmarked = (text) => latin1(text.replaceAll(MARK, ''));
const update = (text) => JSON.stringify({ secret: MARK, text });

// --- Where it can be put ---

const upgrade = (headers) => ({ headers });

const handshakes = [
  (text) => upgrade([`Origin: http://${unmarked(text)}`]),
  (text) => upgrade([`Origin: ${unmarked(text)}?${MARK}`]),
  (text) => upgrade([`Authorization: Bearer ${secret()}${latin1(text)}`]),
  (text) => upgrade([`Authorization: ${latin1(text)} ${secret()}`]),
  (text) => upgrade([`Authorization: Bearer ${token(text, { exp: 1 })}`]),
  (text) => upgrade([`Cookie: a=${secret()}; b=${latin1(text)}`]),
  (text) => upgrade([`User-Agent: ${latin1(text)}`, `Referer: http://x/?a=${secret()}`]),
  (text) => upgrade([`${latin1(text)}: ${latin1(text)}`]),
  (text) => upgrade([`X-Forwarded-For: ${latin1(text)}`]),
  (text) => upgrade([`Sec-WebSocket-Protocol: ${latin1(text)}, ${secret()}`]),
  (text) => ({ path: `/ws?access_token=${secret()}${percent(text)}` }),
  (text) => ({ path: `/ws?access_token=${secret()}&access_token=${secret()}&${percent(text)}` }),
  (text) => ({ path: `/ws?x=${percent(text)}&Access_Token=${secret()}` }),
  (text) => ({ path: `/${percent(text)}/${secret()}` }),
  (text) => ({ path: `/ws?${latin1(text)}` }),
];

const requests = [
  (text) => ['POST', `/v1/tenants/${percent(text)}/updates`, [], update(text)],
  (text) => ['POST', '/v1/tenants/t/updates', [`Authorization: Bearer ${token(text)}`], update(text)],
  (text) => ['POST', '/v1/tenants/t/updates',
    [`Authorization: Bearer ${token(text, { publish: ['t'] })}`,
      `Idempotency-Key: ${MARK}${secret()}`], update(text)],
  (text) => ['POST', '/v1/tenants/t/updates',
    [`Authorization: Bearer ${token(text, { publish: ['t'] })}`,
      `Content-Type: application/${MARK}`], update(text)],
  (text) => ['POST', '/v1/tenants/t/updates',
    [`Authorization: Bearer ${token(text, { publish: ['t'] })}`], `${update(text)}${text}`],
  (text) => ['GET', `/v1/tenants?after=${percent(text)}&access_token=${token(text, { admin: true })}`, []],
  (text) => ['GET', '/v1/connections?limit=9', [`Authorization: Bearer ${token(text, { admin: true })}`]],
  (text) => ['GET', `/metrics?${percent(text)}`, [`Authorization: Bearer ${secret()}`]],
  (text) => [latin1(text), '/metrics', []],
  (text) => ['GET', `http://${secret()}@${unmarked(text)}/metrics?${secret()}`, []],
  (text) => ['GET', `http://user:${secret()}@example.com/?${secret()}`, []],
  (text) => ['GET', '/healthz', [`Host: ${unmarked(text)}`]],
  (text) => ['GET', '/healthz', ['Host: a', `Host: ${MARK}${latin1(text)}`]],
];

const say = (type, more) => JSON.stringify({ type, ...more });

// On a WebSocket; the last one of each makes the server end it, and log that.
const speeches = [
  (text) => [say('AUTH', { token: token(text) }), say('SUBSCRIBE', { tenantId: 't' }),
    say('AUTH', { token: token(text, { subscribe: [] }) })],
  (text) => [say('AUTH', { id: MARK, token: secret() + text })],
  (text) => [say('AUTH', { token: secret() }), text],
  (text) => [say('SUBSCRIBE', { tenantId: text, token: token(text) }),
    say('SUBSCRIBE', { tenantId: 'other', token: secret() })],
  (text) => [say('AUTH', { token: token(text, { publish: ['*'] }) }),
    say('PUBLISH', { tenantId: 't', key: `${MARK}${text}`, data: { text, secret: MARK } }),
    say('GAP', { tenantId: 't', reason: text }), say('PRODUCER', { producer: MARK }),
    say('PRODUCER', { producer: text }), say(text, { id: text }), `{"type":"${text}`,
    say('AUTH', { token: secret() }), say('UNSUBSCRIBE', { tenantId: text })],
  (text) => [say('PUBLISH', { tenantId: 't', data: text }), say('AUTH', { token: secret() })],
];

// Ends a conversation that has come so far.
const goodbyes = [
  () => maskedFrame(0x88, Buffer.concat([Buffer.from([3, 232]), Buffer.from(MARK)])),
  () => maskedFrame(0x88, Buffer.from([3, 232, 27, 91, 255])),
  () => maskedFrame(0x82, Buffer.from(`${MARK}\u001b[2J`)),
  () => maskedFrame(0x81, Buffer.from([0xff, 0x1b, 0x0a])),
  () => maskedFrame(0xf1, Buffer.from(MARK)),
];

async function round(address, text, number) {
  const protocol = number % 2 ? 'wsd.v1' : undefined;
  await Promise.all([
    ...handshakes.map((make) => talk(address, { ...make(text), raw: [goodbyes[0]()] })),
    ...requests.map((make) => exchange(address, ...make(text)).catch(() => {})),
    ...speeches.map((make, i) => talk(address, { protocol, texts: make(text),
      raw: [goodbyes[(number + i) % goodbyes.length]()] })),
  ]);
}

// Whoever keeps the files can slip, too: a token in place of its hash, and one
// in place of a file.
async function spoil(daemon, config) {
  const options = { ...config, tokens: [`${directory}/list`] };
  writeFileSync(`${directory}/list`, `${secret()} name subscribe=t\n`, { mode: 0o600 });
  writeFileSync(`${directory}/wsd.json`, JSON.stringify(options));
  daemon.process.kill('SIGHUP');
  await daemon.logs('stays as it was');
}

// One wsd, and all of these texts.
async function run(texts) {
  const config = { 'jwt-key': [`k=${directory}/key`], 'allow-query-token': true,
    'log-format': format, 'verbose': 2, 'auth-timeout': '200ms' };
  writeFileSync(`${directory}/key`, key.secret, { mode: 0o600 });
  writeFileSync(`${directory}/wsd.json`, JSON.stringify(config));
  const daemon = new Daemon(program, `${directory}/wsd.json`, []);
  try {
    await daemon.ready();
    for (let number = 0; number < ROUNDS; number++)
      await round(daemon.address, texts[number % texts.length], number);
    await spoil(daemon, config);
    await daemon.stop();
  } finally {
    daemon.kill();
  }
  checkLog(daemon.log, tokens.concat(key.secret), format === 'json');
  if (/^wsd: everything is fine/m.test(daemon.log))
    throw new Failure('a line of the log is not its own');
  return daemon.log;
}

// It was said that something was refused, or nothing was tried.
function checkEvents(log) {
  const events = ['refused a token', 'refused a web page', 'refused a request for host',
    'is closed with', 'answered by'];
  const lacks = events.find((event) => !log.includes(event));
  if (lacks)
    throw new Failure(`the logs lack '${lacks}'`);
}

try {
  let logs = '';
  for (let at = 0; at < nasty.length; at += TEXTS)
    logs += await run(nasty.slice(at, at + TEXTS));
  checkEvents(logs);
  console.log(`${tokens.length} tokens in no log`);
} catch (error) {
  console.log(`secrets: ${error.stack}`);
  process.exitCode = 1;
}

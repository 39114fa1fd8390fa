#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// flood - gives numbers, of each tenant 1, 2, 3 and so on, to a Redis, while it
// reads what a `wssub -e` of all these tenants writes, so that it is never far
// ahead of that, however slow the way is or how often it breaks.
//
//   flood channel|stream NAME SOCKET WATCHED DIRECTORY TENANT...
//
// A message is {"tenantId":"a","n":1}; of a stream an entry has it in the field
// data, and ids of its own: what was not answered is sent again only where it
// is not in the stream. A channel gets nothing twice.
//
// It writes to DIRECTORY, as JSON lines:
//   seen   the lines of WATCHED
//   took   what Redis took (of a channel); "unsure": it did not answer
//   holes  of each tenant a range of numbers between `down` and `up`
//
// Commands come on stdin, one a line; each is answered, when it is done, by the
// same line on stdout:
//   soon N   N more updates were seen
//   after N  the same, and of each tenant something that was sent since
//   jam      it is as far ahead as it may be, and nothing has come for 100 ms
//   down     from here on numbers may be missing,
//   up       and not any more
//   stop     it has stopped, and what was sent last was seen
//   end      an update {"end":true} was seen of each tenant; it ends

import { createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Redis } from './resp.mjs';

const LEAD = 4000; // numbers that may be sent and not seen
const BURST = 200; // at once
const TICK_MS = 10;
const JAM_TICKS = 10;

const [kind, name, socket, watched, out, ...ids] = process.argv.slice(2);
const isStream = kind === 'stream';
const tenants = new Map(ids.map((id) =>
  [id, { id, sent: 0, seen: 0, mark: 0, low: 0, end: false }]));
const turn = [...tenants.values()];
const files = Object.fromEntries(['seen', 'took', 'holes']
  .map((file) => [file, openSync(`${out}/${file}`, 'w')]));

let stopped = false;
let looked = false; // at what is in the stream, on this connection
let total = 0; // sent
let updates = 0; // seen
let quiet = 0; // ticks since something was
let again = []; // not answered, and perhaps not in the stream
const commands = [];

function put(file, lines) {
  writeSync(files[file], lines.map((line) => `${line}\n`).join(''));
}

// --- To Redis ---

function textOf(item) {
  return JSON.stringify({ tenantId: item.tenant, n: item.n });
}

function wordsOf(item) {
  return isStream
    ? ['XADD', name, `${item.id}-0`, 'data', textOf(item)]
    : ['PUBLISH', name, textOf(item)];
}

function send(items) {
  redis.send(items.map((item) => [item, wordsOf(item)]));
}

function make(tenant) {
  return { tenant: tenant.id, n: ++tenant.sent, id: ++total };
}

function ahead() {
  return turn.reduce((sum, t) => sum + t.sent - t.seen, 0);
}

function pump() {
  if (stopped || !redis.open || !looked || ahead() >= LEAD)
    return;
  const items = [];
  for (let i = 0; i < BURST; i++)
    items.push(make(turn[total % turn.length]));
  send(items);
}

// What was lost is not waited for.
function trickle() {
  if (!stopped && redis.open && looked && !redis.asked.length)
    send(turn.map(make));
}

function tookLine(item, unsure) {
  return JSON.stringify({ tenantId: item.tenant, n: item.n,
    ...(unsure && { unsure }) });
}

const redis = new Redis(socket, {
  ready() {
    looked = !isStream;
    if (isStream)
      redis.send([['look', ['XREVRANGE', name, '+', '-', 'COUNT', '1']]]);
    pump();
  },
  reply(value, what) {
    if (what === 'look') {
      const last = value.length ? parseInt(value[0][0], 10) : 0;
      looked = true;
      send(again.splice(0).filter((item) => item.id > last));
    } else if (!isStream) {
      put('took', [tookLine(what)]);
    }
    pump();
    look();
  },
  lost(items) {
    const numbers = items.filter((item) => item !== 'look');
    if (isStream)
      again.push(...numbers);
    else
      put('took', numbers.map((item) => tookLine(item, true)));
  },
});

// --- From the subscriber ---

function takeLine(line) {
  put('seen', [line]);
  const message = JSON.parse(line);
  if (message.type !== 'UPDATE')
    return;
  const tenant = tenants.get(message.tenantId);
  updates++;
  if (message.data.end)
    tenant.end = true;
  else
    tenant.seen = Math.max(tenant.seen, message.data.n);
}

// --- Commands ---

function allSeen(what) {
  return turn.every((t) => t.seen > t[what]);
}

function setMarks() {
  for (const t of turn)
    t.mark = t.sent;
}

// Each begins when the one before is done, and is done when this is true.
const verbs = {
  soon: { done: (c) => updates >= c.from + c.n },
  after: { begin: setMarks,
    done: (c) => updates >= c.from + c.n && allSeen('mark') },
  jam: { done: () => ahead() >= LEAD && quiet >= JAM_TICKS },
  down: { begin: () => turn.forEach((t) => { t.low = t.seen; }) },
  up: { begin: () => put('holes', turn.map((t) => JSON.stringify(
    { tenantId: t.id, from: t.low + 1, to: t.sent }))) },
  stop: { begin: setMarks, done: hasStopped },
  end: { done: () => turn.every((t) => t.end) },
};

// First it must be sure that the way is whole.
function hasStopped() {
  stopped ||= allSeen('mark');
  return stopped && !redis.asked.length && !again.length &&
    turn.every((t) => t.seen === t.sent);
}

function look() {
  for (let c; (c = commands[0]); commands.shift()) {
    const verb = verbs[c.verb];
    if (!c.begun) {
      c.begun = true;
      c.from = updates;
      verb.begin?.();
    }
    if (verb.done && !verb.done(c))
      return;
    writeSync(1, `${c.line}\n`);
    if (c.verb === 'end')
      process.exit();
  }
}

createInterface(process.stdin).on('line', (line) => {
  const [verb, n] = line.split(' ');
  commands.push({ line, verb, n: Number(n) });
  look();
});

createInterface(createReadStream(watched)).on('line', (line) => {
  quiet = 0;
  takeLine(line);
  look();
  pump();
});

setInterval(() => {
  quiet++;
  trickle();
  pump();
  look();
}, TICK_MS);

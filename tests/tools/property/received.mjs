// SPDX-License-Identifier: MIT
//
// received - compares what came on a connection with what its session says had
// to come. Whatever is missing, comes twice, in another order, or was not to
// come at all is a Failure; so is an update of a tenant without a right.

import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../wsframes.mjs';
import { ALL } from './streams.mjs';

const EARLY_MS = 20; // of a notice, as clocks are read one after the other

const shown = (value) => JSON.stringify(value);

function fail(session, text) {
  throw new Failure(`${session.name}: ${text}`);
}

// Whether a value is what was to come, or within a range { low, high }.
function fits(value, want) {
  return want?.high === undefined ? isDeepStrictEqual(value, want)
    : value >= want.low && value <= want.high;
}

function checkFields(session, message, want) {
  for (const [name, value] of Object.entries(want))
    if (name !== 'publish' && !fits(message[name], value))
      fail(session, `${shown(message)} came, not ${shown(want)}`);
  if (('id' in message) !== (want.id !== undefined))
    fail(session, `${shown(message)} has an id, or lacks it`);
}

// An epoch stays what it was when it was first told.
function checkEpoch(session, message) {
  if (!('epoch' in message) || message.tenantId === ALL)
    return;
  const stream = session.streams.find(message.tenantId);
  if (!stream)
    fail(session, `${shown(message)} came, of a tenant that nobody had a right to`);
  stream.epoch ??= message.epoch;
  if (stream.epoch !== message.epoch)
    fail(session, `the epoch of ${shown(message)} was ${stream.epoch} before`);
}

// --- What has its place among the updates of a tenant ---

// Takes the next item off a queue, which `is` says it is; what is loose may
// have been left out, but not in the middle of its block.
function takeOff(queue, is) {
  let at = 0;
  while (at < queue.length && queue[at].loose && !is(queue[at]))
    at++;
  const item = queue[at];
  if (!item || !is(item) || (at && item.loose && item.block === queue[at - 1].block))
    return null;
  queue.splice(0, at + 1);
  return item;
}

function unexpected(session, tenant, what) {
  const next = (session.queues.get(tenant) || [])[0];
  if (!session.may('subscribe', tenant))
    fail(session, `LEAK: ${what} of ${shown(tenant)}, to which it has no right`);
  if (!next)
    fail(session, `${what} of ${shown(tenant)} came, where nothing had to`);
  fail(session, `${what} of ${shown(tenant)} came, not ${shown(next)}`);
}

function takeAmong(session, tenant, what, is) {
  const item = takeOff(session.queues.get(tenant) || [], is);
  return item || unexpected(session, tenant, what);
}

// The same of an update, or a GAP of a publisher, which whoever hears all
// tenants gets too. No connection of the test hears both at a time.
function takeHeard(session, tenant, what, is) {
  const all = session.queues.get(ALL) || [];
  const item = takeOff(session.queues.get(tenant) || [], is) ||
    takeOff(all, (i) => i.tenant === tenant && is(i));
  return item || unexpected(session, session.heard.has(ALL) ? ALL : tenant, what);
}

function takeUpdate(session, message, line) {
  const { tenantId: tenant, seq } = message;
  const item = takeHeard(session, tenant, `update ${shown(message)}`,
    (i) => i.kind === 'update' && i.seq === seq);
  if (message.data.t !== tenant || !line.endsWith(`,"data":${item.text}}`))
    fail(session, `${line} came, not ${item.text} of ${shown(tenant)}`);
}

// In plain an update says only by itself whose it is.
function takeBare(session, message, text) {
  const published = session.streams.published.get(message.n);
  if (!published || published.text !== text)
    fail(session, `${text} came, which nobody has published`);
  takeHeard(session, published.tenant, `update ${text}`,
    (i) => i.kind === 'update' && i.seq === published.seq);
}

function takeGap(session, { tenantId: tenant, ...message }) {
  const what = `GAP ${shown(message)}`;
  if (message.reason === 'source')
    takeHeard(session, tenant, what, (i) => i.kind === 'source' && i.seq === message.seq);
  else
    takeAmong(session, tenant, what, (i) => i.kind === 'gap' &&
      i.reason === message.reason && i.from === message.from && i.to === message.to);
}

// --- Answers ---

// It settles all before it, but not what an ERROR is still to refuse.
function takeAck(session, message) {
  const at = session.acks.findIndex((item) => item.id === message.id);
  if (at < 0)
    fail(session, `${shown(message)} came, where no such ACK had to`);
  checkFields(session, message, session.acks[at]);
  session.acks.splice(0, at + 1);
  if (session.answers.some((item) => item.publish < message.id))
    fail(session, `${shown(message)} came before the ERROR of an id below it`);
}

// Of several that end at that time it is the one that was to be told of first.
function takeExpiring(session, message) {
  const [grant] = session.grants.concat(session.former)
    .filter(({ told, ends }) => told && message.expires === new Date(ends).toISOString())
    .sort((a, b) => a.told - b.told);
  if (!grant)
    fail(session, `${shown(message)} came, for no grant that it has`);
  if (Date.now() < grant.told - EARLY_MS)
    fail(session, `${shown(message)} came ${grant.told - Date.now()} ms too early`);
  grant.told = null;
}

// Of a kind of refusal the text is the same for every reason.
function checkWords(session, { code, message }) {
  const words = session.world.words;
  if (!['AUTH_FAILED', 'AUTH_REQUIRED'].includes(code))
    return;
  if (!words.has(code))
    words.set(code, message);
  if (words.get(code) !== message)
    fail(session, `${code} says '${message}', and said '${words.get(code)}'`);
}

// What was on its way when a subscription ended does not come behind this one;
// what is loose as a token ends may.
function dropLoose(session) {
  session.former = [];
  for (const queue of session.queues.values())
    for (let i = queue.length - 1; i >= 0; i--)
      if (queue[i].loose && queue[i].block !== session)
        queue.splice(i, 1);
}

// Its place is before the update that it says is next.
function takePlaced(session, message, want) {
  const { tenantId: tenant, next } = message;
  if (session.placed.has(want)) {
    takeAmong(session, tenant, shown(message),
      (i) => i.kind === 'answer' && i.item === want);
    return;
  }
  const item = session.queues.get(tenant)?.find((i) => !i.loose);
  if (!session.plain && tenant !== ALL && item?.seq && item.seq !== next)
    fail(session, `${shown(message)} came before ${shown(item)}`);
}

function takeAnswer(session, message) {
  const want = session.answers.shift();
  if (!want)
    fail(session, `${shown(message)} came, where no answer had to`);
  checkFields(session, message, want);
  if (message.type === 'SUBSCRIBED' || message.type === 'UNSUBSCRIBED')
    takePlaced(session, message, want);
  if (message.type === 'ERROR')
    checkWords(session, message);
  if (message.type === 'PONG' && !session.closed)
    dropLoose(session);
}

function takeEnvelope(session, message, line) {
  checkEpoch(session, message);
  if (message.type === 'UPDATE')
    takeUpdate(session, message, line);
  else if (message.type === 'GAP')
    takeGap(session, message);
  else if (message.type === 'ACK' && !session.plain)
    takeAck(session, message);
  else if (message.type === 'EXPIRING')
    takeExpiring(session, message);
  else
    takeAnswer(session, message);
}

// Takes one message of the server.
export function receive(session, text) {
  const message = JSON.parse(text);
  session.world.tally(message.type || 'bare');
  if (session.plain && !('type' in message))
    takeBare(session, message, text);
  else
    takeEnvelope(session, message, text);
}

// --- The end ---

// What has to have come when the connection has been closed, or when PINGs have
// shown that nothing is on its way. Null, or what is missing.
export function missing(session) {
  for (const [tenant, queue] of session.queues) {
    const item = queue.find((i) => !i.loose);
    if (item)
      return `of ${shown(tenant)} ${shown(item)} has not come`;
  }
  const [answer] = session.answers.concat(session.acks);
  return answer ? `${shown(answer)} has not come` : null;
}

export function checkClose(session, code) {
  if (session.closed !== code && session.either !== code)
    fail(session, `was closed with ${code}, not ${session.closed}`);
  if (session.answers.length || session.acks.length)
    fail(session, `was closed, and ${missing(session)}`);
}

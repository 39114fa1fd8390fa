// SPDX-License-Identifier: MIT
//
// situation - what the tests of clients/js share that have it in one situation
// after another, with fakes for all that a browser has.

import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { FakeSocket, clock, doc, settle, sockets, tell, thrown }
  from './fakes.mjs';

export const { publish, subscribe } = await import('../../clients/js/client.js');

export const URL = 'ws://server.test/ws';
export const EPOCH = 'e.0';
export const open = []; // subscriptions that the test made

// With all that it was told, one line each.
export function watch(tenant = 't', options = {}, url = URL) {
  const log = [];
  const subscription = subscribe(url, tenant,
    (data, { seq }) => log.push(`${seq} ${JSON.stringify(data)}`), {
      onGap: ({ from, to, seq, reason }) =>
        log.push(`gap ${reason} ${seq ?? `${from}-${to}`}`),
      onState: ({ name, why, at, code }) => log.push([name, why, code,
        at && at - Date.now()].filter((part) => part !== undefined).join(' ')),
      ...options,
    });
  open.push(subscription);
  return { log, subscription, take: () => log.splice(0) };
}

export const last = () => sockets.at(-1);

export const update = (seq, data = seq, tenantId = 't') =>
  ({ type: 'UPDATE', tenantId, epoch: EPOCH, seq, time: 'now', data });

export const error = ({ id }, code) => ({ type: 'ERROR', id, code, message: code });

// The server's answer to a SUBSCRIBE.
export const subscribed = ({ id, tenantId }, next = 1, replayed = 0, epoch = EPOCH) =>
  ({ type: 'SUBSCRIBED', id, tenantId, epoch, next, replayed, recovered: true });

// Lets it connect, and answers all that it asks for.
export async function serve(next) {
  await settle();
  last().welcome();
  await settle();
  const requests = last().take();
  for (const request of requests)
    if (request.type === 'AUTH')
      last().receive({ type: 'AUTHENTICATED', id: request.id });
    else if (request.type === 'SUBSCRIBE')
      last().receive(subscribed(request, next));
  await settle();
  return requests;
}

beforeEach(() => {
  Math.random = () => 0.5;
  sockets.length = 0;
  FakeSocket.made = null;
});

// Nothing is left behind by any of them.
afterEach(async () => {
  tell('online');
  tell('pageshow');
  doc.visibilityState = 'visible';
  for (const subscription of open.splice(0))
    subscription.close();
  await clock.pass(1000);
  assert.deepEqual(clock.timers, []);
  assert(sockets.every((socket) => !socket.isThere));
  assert.deepEqual(thrown.splice(0), []);
});

// SPDX-License-Identifier: MIT
//
// connection - a subscription, and in words what becomes of it.

import { subscribe } from '../client.js';
import { count, many } from './text.js';

const WHY = {
  unreachable: 'the server cannot be reached',
  lost: 'the connection was lost',
  offline: 'this computer is offline',
  suspended: 'the page is asleep',
  draining: 'the server shuts down',
  slow: 'this page was too slow',
  'token-expired': 'the token has expired',
  'rate-limited': 'too many requests',
  'over-capacity': 'the server has no room',
  'auth-required': 'a token is needed',
  'auth-failed': 'the token is not good',
  forbidden: 'the token gives no right to this tenant',
  'bad-tenant': 'this is no tenant',
  'bad-request': 'the server did not take the request',
  closed: 'not connected',
};

// What the server said is told where it says more than we do.
export function whyOf({ why, code, message }) {
  const words = WHY[why] ?? why.replaceAll('-', ' ');
  const more = message && (!WHY[why] || why.startsWith('bad-'))
    ? `: ${message}` : '';
  return `${words}${more}${code && code !== 1006 ? ` (${code})` : ''}`;
}

function range({ from, to }) {
  return from === to ? `update ${from} is` : `updates ${from} to ${to} are`;
}

export function gapWords(gap) {
  const { from, to, reason } = gap;
  const n = to > from ? ` (${many(to - from + 1, 'update')})` : '';
  switch (reason) {
  case 'history':
    return `Gap: ${range(gap)} no longer retained${n}`;
  case 'slow':
    return `Gap: ${range(gap)} left out, as this page was too slow${n}`;
  case 'restart':
    return 'Gap: the server began anew; what it had before is gone';
  case 'source':
    return 'Gap: the publisher says that its source lost updates';
  default:
    return from ? `Gap: ${range(gap)} missing${n}` : `Gap: ${reason}`;
  }
}

// What is typed for `since`, as wssub takes it: '', all, 10, 10m, EPOCH:SEQ.
// undefined: it is none of these.
export function readSince(text) {
  if (!text)
    return null;
  if (text === 'all')
    return 'all';
  if (/^\d{1,15}$/.test(text))
    return Number(text);
  if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text))
    return { age: text };
  const position = /^([^:\s]+):(\d{1,15})$/.exec(text);
  return position
    ? { epoch: position[1], seq: Number(position[2]) } : undefined;
}

// What can be in an Authorization header (RFC 6750).
export const isToken = (text) => /^[\x21-\x7e]+$/.test(text);

// Calls ops.update(entry), ops.event(entry), ops.state(state). `before` is the
// connection that this one goes on from.
export class Connection {
  constructor(url, { tenant, since, token }, ops, before = null) {
    this.ops = ops;
    this.token = token;
    this.gaps = before?.gaps ?? 0;
    this.received = before?.received ?? 0;
    this.lostAt = before?.lostAt ?? 0;
    this.state = { name: 'connecting' };
    this.subscription = subscribe(url, tenant, (_, meta) => this.update(meta), {
      token: token || null,
      since,
      onGap: (gap) => this.gap(gap),
      onState: (state) => this.enter(state),
    });
  }

  update({ epoch, seq, time, text }) {
    this.received++;
    this.ops.update({ kind: 'update', epoch, seq, time, text });
  }

  event(kind, words) {
    this.ops.event({ kind, words, text: '', time: Date.now() });
  }

  gap(gap) {
    this.gaps++;
    this.event('gap', gapWords(gap));
  }

  // That it is tried again and again is said by the status, and not here. There
  // is no other token to try, when it has expired.
  enter(state) {
    const isOver = state.name === 'waiting' && state.why === 'token-expired';
    if (isOver)
      this.subscription.close();
    this.note(isOver ? { ...state, name: 'closed' } : state);
  }

  note(state) {
    const { name } = state;
    if (name === 'live' && this.lostAt)
      this.event('live', `Connected again after ${this.away()}`);
    if (name === 'live')
      this.lostAt = 0;
    if (name === 'waiting' && this.state.name === 'live') {
      this.lostAt = Date.now();
      this.event('lost', `Disconnected: ${whyOf(state)}`);
    }
    if (name === 'closed') {
      this.lostAt ||= this.position ? Date.now() : 0;
      this.event('lost', `Closed: ${whyOf(state)}`);
    }
    if (name !== 'connecting' || !this.lostAt)
      this.state = state;
    this.ops.state(state);
  }

  // Whether the tenant was ever subscribed to, and where one then was.
  get position() {
    return this.subscription.position;
  }

  get tenant() {
    return this.subscription.tenant;
  }

  away() {
    const ms = Date.now() - this.lostAt;
    return ms < 1000 ? `${count(ms)} ms`
      : many(Math.round(ms / 1000), 'second');
  }

  close() {
    this.subscription.close();
    this.state = { name: 'idle' };
  }
}

// SPDX-License-Identifier: MIT
//
// session - the oracle's model of one connection: what it may do, by the grants
// of the tokens that it has shown, and from that what it must be sent.
//
// A request changes the model and queues what has to come: answers, in their
// order; ACKs of wsd.v1, which may come behind them; of each tenant updates
// with what has its place among them. received.mjs compares. An item that is
// `loose` may be missing, together with those behind it in its block: it was
// still on its way when something ended.
//
// A request is { id, frame, line, ... }: the place in the connection counts
// where there is no id. A Close is queued by close() and ends the model.

import { matches } from './names.mjs';
import { ALL } from './streams.mjs';

const GRANTS_MAX = 8;

function allows(grants, what, tenant) {
  return grants.some((grant) =>
    grant[what].some((pattern) => matches(pattern, tenant)));
}

export class Session {
  constructor(world, name, dialect) {
    this.world = world;
    this.streams = world.streams;
    this.name = name;
    this.plain = dialect === 'plain' || dialect === 'lines';
    this.follows = null; // the tenant, by HTTP
    this.grants = [];
    this.heard = new Map(); // tenant to the first number
    this.answers = [];
    this.acks = [];
    this.queues = new Map(); // tenant to what must come of it
    this.placed = new WeakSet(); // of the answers those that are among that
    this.former = []; // grants that it had, of whose end it may be told yet
    this.lastId = 0;
    this.producer = null;
    this.closed = null; // the code
  }

  // --- Rights ---

  may(what, tenant) {
    return allows(this.grants, what, tenant);
  }

  // Whether these would do for all that it hears.
  suffice(grants) {
    return [...this.heard.keys()].every((tenant) =>
      allows(grants, 'subscribe', tenant));
  }

  // When the first of its grants ends.
  get ends() {
    return Math.min(...this.grants.map((grant) => grant.ends));
  }

  // Whether it has to go when what ends until then is over.
  isDoomedAt(ms) {
    const rest = this.grants.filter((grant) => grant.ends > ms);
    return !rest.length || !this.suffice(rest);
  }

  // It is about to end, or has ended already.
  get mayBeGone() {
    return this.world.isDusk(this) && this.isDoomedAt(this.world.dusk);
  }

  add(grant) {
    this.grants.push(grant);
    if (this.plain || grant.ends === Infinity)
      return;
    const quarter = (grant.ends - Date.now()) / 4;
    grant.told = grant.ends - Math.min(quarter, 60000); // null: it was
  }

  // Has these and no others.
  keep(grants) {
    this.former.push(...this.grants.filter((grant) => !grants.includes(grant)));
    this.grants = grants;
  }

  // Time is past the end of some.
  expire(now) {
    this.keep(this.grants.filter((grant) => grant.ends > now));
  }

  // Files were read anew: a static token may have been taken back.
  revise() {
    const { tokens } = this.world;
    if (this.grants.every((grant) => tokens.holds(grant)))
      return;
    this.keep(this.grants.filter((grant) => tokens.holds(grant)));
    if (!this.grants.length || !this.suffice(this.grants))
      this.close(4011);
  }

  // --- What must come ---

  queue(tenant) {
    if (!this.queues.has(tenant))
      this.queues.set(tenant, []);
    return this.queues.get(tenant);
  }

  // An answer; in plain one that is asked for by an id.
  answer(r, fields) {
    if (this.plain && r.id === undefined)
      return null;
    const item = { ...fields };
    if (r.id !== undefined)
      item.id = r.id;
    this.answers.push(item);
    return item;
  }

  refuse(r, code) {
    const item = { type: 'ERROR', code };
    this.world.tally(code);
    if (r.id !== undefined)
      item.id = r.id;
    else
      Object.assign(item, { frame: r.frame }, this.plain ? {} : { line: r.line });
    if (r.numbered)
      item.publish = r.id;
    this.answers.push(item);
    return false;
  }

  loosen(tenant) {
    const block = {};
    for (const item of this.queue(tenant))
      if (!item.loose && (item.kind === 'update' || item.kind === 'source'))
        Object.assign(item, { loose: true, block });
  }

  leave(tenant) {
    this.heard.delete(tenant);
    this.streams.find(tenant).sessions.delete(this);
    this.loosen(tenant);
  }

  // Whatever is published from now on does not come.
  close(code) {
    this.lingers = new Set(this.heard.keys());
    this.streams.left.add(this);
    for (const tenant of [...this.heard.keys()])
      this.leave(tenant);
    if (this.producer)
      this.producer.owner = null;
    this.producer = null;
    this.closed = code;
    this.world.tally(`close ${code}`);
    return false;
  }

  // An update of a tenant that it hears, or of one of all that it hears.
  hear(tenant, item) {
    if (item.kind === 'source' && this.plain)
      return;
    const loose = this.mayBeGone;
    this.queue(tenant).push({ ...item, loose, block: loose ? this : null });
  }

  // --- Requests ---

  ping(r) {
    this.answer(r, { type: 'PONG' });
  }

  auth(r) {
    const grant = this.world.tokens.judge(r.token);
    if (!grant) {
      this.refuse(r, 'AUTH_FAILED');
      return this.grants.length ? false : this.close(4011);
    }
    this.keep([]);
    this.add(grant);
    if (!this.suffice(this.grants))
      return this.close(4003);
    const expires = grant.ends === Infinity ? {}
      : { expires: new Date(grant.ends).toISOString() };
    this.answer(r, { type: 'AUTHENTICATED', expires: undefined, ...expires });
    return true;
  }

  // Takes the token of a SUBSCRIBE.
  bring(r) {
    const grant = this.world.tokens.judge(r.token);
    if (!grant) {
      this.refuse(r, 'AUTH_FAILED');
      return this.grants.length ? false : this.close(4011);
    }
    this.add(grant);
    if (this.grants.length <= GRANTS_MAX)
      return true;
    const fits = this.suffice(this.grants.slice(1));
    this.world.tally(fits ? 'the oldest token goes' : 'the newest token goes');
    this.keep(fits ? this.grants.slice(1) : this.grants.slice(0, -1));
    return fits || this.refuse(r, 'TOO_MANY_SUBSCRIPTIONS');
  }

  permits(r, what) {
    if (this.may(what, r.tenant))
      return true;
    return this.refuse(r, this.grants.length ? 'FORBIDDEN' : 'AUTH_REQUIRED');
  }

  subscribe(r) {
    if (r.tenant === ALL && (r.since ?? null) !== null) {
      this.refuse(r, 'BAD_REQUEST');
      return;
    }
    const brought = !r.token || this.bring(r);
    if (this.closed)
      return;
    const code = this.grants.length ? 4003 : 4010;
    if (!brought || !this.permits(r, 'subscribe')) {
      if (this.plain)
        this.close(code);
      return;
    }
    if (r.tenant === ALL) {
      this.subscribeAll(r);
      return;
    }
    const stream = this.streams.get(r.tenant);
    if (this.heard.has(r.tenant))
      this.subscribeAgain(r, stream);
    else
      this.subscribeNew(r, stream, this.streams.since(stream, r.since));
  }

  subscribed(r, fields) {
    return this.answer(r, { type: 'SUBSCRIBED', tenantId: r.tenant, ...fields });
  }

  // What is sent next depends on how much has left.
  subscribeAgain(r, stream) {
    const low = this.heard.get(r.tenant);
    this.subscribed(r, {
      next: { low, high: stream.head + 1 }, replayed: 0, recovered: true,
    });
  }

  // By HTTP, from its begin to its end. False: what it asks for is not there,
  // and it can't be told so.
  follow(tenant, since, kind) {
    const stream = this.streams.get(tenant);
    const start = this.streams.since(stream, since);
    if (start.gap && this.plain)
      return false;
    this.follows = tenant;
    this.begins = start.gap ? null : start.next - 1;
    this.hearFrom({ tenant }, stream, start, kind === 'envelopes');
    return true;
  }

  // Its numbers are its own, and shown nowhere else.
  subscribeAll(r) {
    if (this.plain) {
      this.refuse(r, 'BAD_REQUEST');
      this.close(4001);
      return;
    }
    const item = this.subscribed(r,
      { next: { low: 1, high: Infinity }, replayed: 0, recovered: true });
    if (this.heard.has(ALL))
      return;
    this.place(ALL, item);
    this.heard.set(ALL, 1);
    this.streams.overview.sessions.add(this);
    this.world.tally('heard all');
  }

  // An answer that has its place among the updates of a tenant.
  place(tenant, item) {
    if (!item)
      return;
    this.queue(tenant).push({ kind: 'answer', item });
    this.placed.add(item);
  }

  subscribeNew(r, stream, start) {
    if (start.gap && this.plain)
      this.close(4001);
    else
      this.hearFrom(r, stream, start, true);
  }

  hearFrom(r, stream, { next, recovered, gap }, told) {
    stream.sessions.add(this);
    this.heard.set(r.tenant, next);
    if (told)
      this.place(r.tenant, this.subscribed(r,
        { next, replayed: stream.head + 1 - next, recovered }));
    if (gap)
      this.queue(r.tenant).push({ kind: 'gap', tenant: r.tenant, ...gap });
    for (const item of stream.items.slice(next - 1))
      this.hear(r.tenant, item);
  }

  unsubscribe(r) {
    if (this.heard.has(r.tenant))
      this.leave(r.tenant);
    this.place(r.tenant,
      this.answer(r, { type: 'UNSUBSCRIBED', tenantId: r.tenant }));
  }

  producing(r) {
    if (!this.grants.length)
      return this.refuse(r, 'AUTH_REQUIRED');
    if (!this.grants.some((grant) => grant.publish.length))
      return this.refuse(r, 'FORBIDDEN');
    if (this.plain || this.producer)
      return this.refuse(r, 'BAD_REQUEST');
    const producer = this.streams.producer(r.name);
    const older = producer.owner;
    producer.owner = null;
    if (older) {
      older.producer = null;
      older.close(4001);
    }
    producer.owner = this;
    this.producer = producer;
    return true;
  }

  // Whether the id of a PUBLISH may come now.
  isInOrder(r) {
    if (this.plain || r.id === undefined)
      return true;
    if (!r.numbered || r.id <= this.lastId)
      return this.refuse(r, 'BAD_REQUEST');
    this.lastId = r.id;
    return true;
  }

  publish(r) {
    if (!this.isInOrder(r))
      return;
    const named = this.producer && r.numbered ? this.producer : null;
    const resent = named?.has(r.id);
    if (!this.permits(r, 'publish')) {
      if (named && !resent)
        named.wasRefused(r.id);
      return;
    }
    this.streams.get(r.tenant);
    if (resent) {
      this.acknowledge(r, { subscribers: 0, duplicate: true });
      return;
    }
    this.acknowledge(r, this.streams.publish(r.tenant, r.update, r.key));
    named?.took(r.id);
  }

  acknowledge(r, { seq, subscribers, duplicate }) {
    if (r.id === undefined)
      return;
    const item = {
      type: 'ACK', id: r.id, tenantId: r.tenant, seq, subscribers, duplicate,
    };
    (this.plain ? this.answers : this.acks).push(item);
  }
}

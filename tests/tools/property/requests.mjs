// SPDX-License-Identifier: MIT
//
// requests - random requests on a WebSocket. Each is put together, shown to the
// session, which then knows what has to come, and returned as text.

import { noTenants, tenants } from './names.mjs';
import { ALL } from './streams.mjs';

const PRODUCERS = 6;

// With escapes that mean the same.
function escaped(text) {
  return `"${[...text].map((c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
}

function randomId(random, count) {
  return random.weighted([
    [8, () => `q${count}`], [3, () => count], [1, () => null],
    [1, () => [count, { q: 'é' }]], [2, () => undefined],
  ])();
}

export class Requests {
  constructor(world) {
    this.world = world;
    this.random = world.random;
    this.asked = 0;
  }

  // A tenant that is of interest for a session, for this right: that of the
  // request before, of the PUBLISH before, one that is allowed, or any. A plain
  // connection is closed by what is not allowed, so that comes less often.
  tenant(session, what) {
    const random = this.random;
    const any = !session.plain ? 4 : session.steady ? 0 : 2;
    session.lastTenant = random.weighted([
      [2, () => session.lastTenant],
      [what === 'publish' ? 4 : 0, () => session.lastPublished],
      [10 - any, () => random.pick(tenants.filter((t) => session.may(what, t)))],
      [any, () => random.pick(tenants)],
    ])() || random.pick(tenants);
    return session.lastTenant;
  }

  // A token; a steady connection gets those alone that do not end it.
  token(session, fits) {
    const { tokens } = this.world;
    const some = [1, 2, 3, 4, 5].map(() => tokens.pick(this.random));
    const good = some.find((token) => {
      const grant = tokens.judge(token);
      return grant && fits(grant);
    });
    if (session.steady && (session.plain || !session.grants.length || this.random.chance(0.6)))
      return good || null;
    return (this.random.chance(0.5) && good) || some[0];
  }

  // The members of a request as text, `tenantId` in one of its spellings.
  text(type, r, members) {
    const random = this.random;
    const all = { type: JSON.stringify(type) };
    if (r.id !== undefined)
      all.id = JSON.stringify(r.id);
    if (r.tenant !== undefined)
      all.tenantId = /^(0|-?[1-9]\d*)$/.test(r.tenant) && random.chance(0.5)
        ? r.tenant
        : random.chance(0.05) ? escaped(r.tenant) : JSON.stringify(r.tenant);
    Object.assign(all, members);
    const names = Object.keys(all);
    if (random.chance(0.2))
      names.reverse();
    return `{${names.map((name) => `"${name}":${all[name]}`).join(',')}}`;
  }

  // --- Of each type ---

  auth(session, r) {
    r.token = this.token(session, (grant) => session.suffice([grant]));
    if (!r.token)
      return null;
    session.auth(r);
    return this.text('AUTH', r, { token: JSON.stringify(r.token.text) });
  }

  subscribe(session, r) {
    const random = this.random;
    const members = {};
    r.tenant = this.subject(session);
    if (!r.tenant)
      return null;
    if (random.chance(session.brief ? 0.01 : session.collects ? 0.8 : 0.15))
      r.token = this.token(session, () => true);
    if (r.token)
      members.token = JSON.stringify(r.token.text);
    r.since = r.tenant === ALL && random.chance(0.9) ? undefined
      : this.since(r.tenant);
    if (r.since !== undefined)
      members.since = JSON.stringify(r.since);
    session.subscribe(r);
    return this.text('SUBSCRIBE', r, members);
  }

  // What to subscribe to: a tenant, or all; null while it hears all, as nobody
  // could tell then which of the two an update belongs to.
  subject(session) {
    const { random } = this;
    const { heard, plain, steady } = session;
    const may = session.may('subscribe', ALL);
    if (!heard.size || heard.has(ALL))
      if (random.chance(may && !plain ? 0.3 : plain && steady ? 0 : 0.03))
        return ALL;
    return heard.has(ALL) ? null : this.tenant(session, 'subscribe');
  }

  since(tenant) {
    const random = this.random;
    const stream = this.world.streams.find(tenant);
    const head = stream ? stream.head : 0;
    const epoch = stream?.epoch || 'k3x9q2.0';
    return random.weighted([
      [8, () => undefined], [1, () => null], [2, () => 'all'],
      [3, () => random.int(12)], [1, () => ({ age: '1h' })],
      [5, () => ({ epoch, seq: Math.max(0, head - random.int(60)) })],
      [1, () => ({ epoch, seq: head + random.int(3) })],
      [1, () => ({ epoch: 'another.0', seq: random.int(9) })],
    ])();
  }

  unsubscribe(session, r) {
    const random = this.random;
    r.tenant = session.heard.size && random.chance(0.8)
      ? random.pick([...session.heard.keys()]) : random.pick(tenants);
    session.unsubscribe(r);
    return this.text('UNSUBSCRIBE', r, {});
  }

  // In wsd.v1 the ids of PUBLISH and GAP are numbers that grow.
  number(session, r) {
    const random = this.random;
    if (session.plain || r.id === undefined)
      return;
    r.numbered = true;
    r.id = session.lastId + (random.chance(0.97) ? random.between(1, 2) : 0) || 1;
  }

  key(r, members) {
    if (!this.random.chance(0.1))
      return;
    r.key = `key-${this.random.int(40)}`;
    members.key = JSON.stringify(r.key);
  }

  publish(session, r) {
    const members = {};
    this.number(session, r);
    r.tenant = this.tenant(session, 'publish');
    this.key(r, members);
    r.update = this.world.streams.makeUpdate(this.random, r.tenant);
    members.data = r.update.text;
    session.lastPublished = r.tenant;
    session.publish(r);
    return this.text('PUBLISH', r, members);
  }

  gap(session, r) {
    const members = this.random.chance(0.5) ? { reason: '"source"' } : {};
    this.number(session, r);
    r.tenant = this.tenant(session, 'publish');
    this.key(r, members);
    r.update = null;
    session.publish(r);
    return this.text('GAP', r, members);
  }

  producer(session, r) {
    r.name = `producer-${this.random.int(PRODUCERS)}`;
    const older = this.world.streams.producer(r.name).owner;
    if (older && (older === session || this.world.isDusk(older)))
      return null;
    session.producing(r);
    return this.text('PRODUCER', r, { producer: JSON.stringify(r.name) });
  }

  ping(session, r) {
    session.ping(r);
    return this.text('PING', r, {});
  }

  // What is wrong by itself, whoever says it.
  wrong(session, r) {
    const random = this.random;
    const isShort = ({ text }) => text.length < 8000; // it is there twice
    const token = JSON.stringify(this.world.tokens.pick(random, isShort).text);
    const tenant = JSON.stringify(random.pick(tenants));
    const [code, type, members] = random.pick([
      ['BAD_TENANT', 'SUBSCRIBE', { tenantId: JSON.stringify(random.pick(noTenants)) }],
      ['BAD_TENANT', 'PUBLISH', { tenantId: JSON.stringify(random.pick(noTenants)), data: '1' }],
      ['BAD_TENANT', 'SUBSCRIBE', { tenantId: random.pick(['1.5', '1e2', 'null', '["a"]']) }],
      ['BAD_TENANT', 'PUBLISH', { tenantId: '"*"', data: '1' }],
      ['BAD_TENANT', 'GAP', { tenantId: '"*"' }],
      ['BAD_REQUEST', 'SUBSCRIBE', { token }],
      ['BAD_REQUEST', 'SUBSCRIBE', { tenantId: tenant, token: '7' }],
      ['BAD_REQUEST', 'SUBSCRIBE', { tenantId: tenant, since: '"some"' }],
      ['BAD_REQUEST', 'SUBSCRIBE', { tenantId: tenant, 'tenant\\u0049d': '"acme"' }],
      ['BAD_REQUEST', 'PUBLISH', { tenantId: tenant }],
      ['BAD_REQUEST', 'AUTH', {}],
      ['BAD_REQUEST', 'AUTH', { token, 'toke\\u006e': token }],
      ['BAD_REQUEST', 'GAP', { tenantId: tenant, reason: '"other"' }],
      ['UNKNOWN_TYPE', 'subscribe', { tenantId: tenant, token }],
    ]);
    session.refuse(r, code);
    return this.text(type, r, members);
  }

  // A random request, at this place of the connection. Null: none now.
  make(session, frame, line) {
    const random = this.random;
    const r = { id: randomId(random, ++this.asked), frame, line };
    const { steady, mute } = session;
    const type = random.weighted([
      [440, 'publish'], [mute ? 0 : 190, 'subscribe'], [120, 'unsubscribe'],
      [mute ? 0 : steady ? 4 : 80, 'auth'], [30, 'gap'],
      [steady ? 1 : 20, 'producer'], [20, 'ping'], [30, 'wrong'],
    ]);
    return this[type](session, r);
  }
}

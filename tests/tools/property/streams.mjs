// SPDX-License-Identifier: MIT
//
// streams - the oracle's model of what is published: of each tenant a numbered
// list, who hears it, who hears all tenants, and the keys and producers that
// keep it from being published twice. It is that of wsd-protocol(7).

export const ALL = '*'; // in place of a tenant

const REFUSED_MAX = 16; // ids of a producer that are known as refused

// The updates of one tenant.
class Stream {
  constructor(tenant) {
    this.tenant = tenant;
    this.epoch = undefined; // until somebody is told
    this.items = []; // of number 1 and so on
    this.keys = new Map();
    this.sessions = new Set();
  }

  get head() {
    return this.items.length;
  }
}

class Producer {
  constructor() {
    this.owner = null;
    this.last = 0;
    this.refused = [];
  }

  has(id) {
    return id <= this.last && !this.refused.includes(id);
  }

  took(id) {
    this.refused = this.refused.map((refused) => refused === id ? 0 : refused);
    this.last = Math.max(this.last, id);
  }

  wasRefused(id) {
    if (!this.refused.includes(id))
      this.refused = [...this.refused, id].slice(-REFUSED_MAX);
  }
}

export class Streams {
  constructor(history) {
    this.history = history; // updates of a tenant that are retained
    this.all = new Map();
    this.overview = new Stream(ALL); // of which only who hears it counts
    this.producers = new Map();
    this.published = new Map(); // what was, by the number in it
    this.left = new Set(); // sessions that ended, and may still be counted
    this.number = 0;
  }

  // What there is of a tenant, or null.
  find(tenant) {
    return tenant === ALL ? this.overview : this.all.get(tenant) || null;
  }

  // The same, made when new.
  get(tenant) {
    if (!this.all.has(tenant))
      this.all.set(tenant, new Stream(tenant));
    return this.all.get(tenant);
  }

  producer(name) {
    if (!this.producers.has(name))
      this.producers.set(name, new Producer());
    return this.producers.get(name);
  }

  // A new update: JSON that names its tenant, with a number that no other has.
  makeUpdate(random, tenant) {
    const n = ++this.number;
    const more = random.pick([
      '', ',"x": 1.50', ',"x":[1, 2 ,{"y":null}]', ',"x":"\\u00e9\\n"',
      ',"x":{"type":"UPDATE","tenantId":"acme"}', ',"x":1e400', ' ',
    ]);
    return { n, text: `{"t":${JSON.stringify(tenant)},"n":${n},"secret":"payload-marker-${n}"${more}}` };
  }

  first(stream) {
    return Math.max(1, stream.head - this.history + 1);
  }

  // How many hear a tenant: without those that may have gone already, and with
  // those that have gone, which the server may count for a moment.
  count(stream) {
    const sure = [...stream.sessions].filter((s) => !s.mayBeGone);
    const left = [...this.left].filter((s) => s.lingers.has(stream.tenant));
    return { low: sure.length, high: stream.sessions.size + left.length };
  }

  // Publishes an update, or a GAP (null); returns what its publisher is told.
  publish(tenant, update, key) {
    const stream = this.get(tenant);
    const subscribers = this.count(stream);
    if (key !== undefined && stream.keys.has(key))
      return { ...stream.keys.get(key), subscribers, duplicate: true };
    const item = {
      kind: update ? 'update' : 'source', seq: stream.head + 1,
      text: update?.text, tenant,
    };
    stream.items.push(item);
    if (update)
      this.published.set(update.n, item);
    if (key !== undefined)
      stream.keys.set(key, { seq: item.seq });
    for (const session of stream.sessions)
      session.hear(tenant, item);
    for (const session of this.overview.sessions)
      session.hear(ALL, item);
    return { seq: item.seq, subscribers };
  }

  // Where `since` begins: the first number, and a GAP that is told before.
  since(stream, since) {
    const head = stream.head;
    const first = this.first(stream);
    const retained = head + 1 - first;
    if (since === undefined || since === null)
      return { next: head + 1, recovered: true };
    if (since === 'all')
      return { next: first, recovered: true };
    if (typeof since === 'number')
      return { next: head + 1 - Math.min(since, retained), recovered: true };
    if (since.age)
      return { next: first, recovered: true }; // no run takes so long
    if (since.epoch !== stream.epoch || since.seq > head)
      return { next: first, recovered: false, gap: { reason: 'restart' } };
    if (since.seq + 1 < first)
      return { next: first, recovered: false,
        gap: { reason: 'history', from: since.seq + 1, to: first - 1 } };
    return { next: since.seq + 1, recovered: true };
  }
}

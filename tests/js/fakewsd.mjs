// SPDX-License-Identifier: MIT
//
// fakewsd - a wsd for the model test of clients/js: the half of wsd-protocol(7)
// that a subscriber sees, without a network. What it has read, written and sent
// moves on when it is told to, one step at a time, so that a test can put
// anything between any two.

export class FakeWsd {
  constructor({ guarded }) {
    this.guarded = guarded; // it asks for tokens, which are
    this.tokens = new Map(); // good for so many ms since they were shown
    this.runs = 0;
    this.starts = []; // of each SUBSCRIBE: what was asked, and where it began
    this.conns = new Set();
    this.restart();
  }

  // All connections end, and all history.
  restart() {
    for (const conn of [...this.conns])
      conn.end(1006);
    this.runs++;
    this.keys = new Map();
    this.tenants = new Map();
  }

  tenant(id) {
    if (!this.tenants.has(id))
      this.tenants.set(id, { id, epoch: `run${this.runs}.0`, first: 1, log: [] });
    return this.tenants.get(id);
  }

  append(id, entry) {
    const { epoch, log } = this.tenant(id);
    log.push({ ...entry, seq: log.length + 1, epoch });
    return log.at(-1);
  }

  publish(id, data, key) {
    if (key && this.keys.has(key))
      return { ...this.keys.get(key), duplicate: true };
    const entry = this.append(id, { data });
    if (key)
      this.keys.set(key, entry);
    return entry;
  }

  // What lies before is retained no more; who is behind still gets it.
  trim(id, first) {
    const tenant = this.tenant(id);
    tenant.first = Math.max(tenant.first,
      Math.min(first, tenant.log.length + 1));
  }

  accept(socket) {
    this.conns.add(new Conn(this, socket));
  }

  // Where a subscription begins, and the gap behind the answer to it.
  start(tenant, since, now) {
    const head = tenant.log.length;
    const from = (next, gap) => ({ next: Math.max(next, tenant.first), gap });
    if (since === null || since === undefined)
      return { next: head + 1 };
    if (since === 'all')
      return from(1);
    if (typeof since === 'number')
      return from(head - since + 1);
    if (since.age !== undefined)
      return from(now % (head + 1) + 1); // as good as any
    if (since.epoch !== tenant.epoch || since.seq > head)
      return from(1, { reason: 'restart' });
    return since.seq + 1 >= tenant.first ? { next: since.seq + 1 }
      : from(1, { from: since.seq + 1, to: tenant.first - 1,
        reason: 'history' });
  }
}

class Conn {
  constructor(wsd, socket) {
    this.wsd = wsd;
    this.socket = socket;
    this.cursors = new Map(); // tenant: the next number
    this.out = [{ type: 'WELCOME', connection: '1', server: 'fake',
      limits: { frame: 4096 } }];
    this.until = 0; // when its token ends
    this.warned = false;
    this.lastId = 0;
    socket.left = () => wsd.conns.delete(this);
  }

  end(code) {
    this.wsd.conns.delete(this);
    this.socket.end(code);
  }

  get isQuiet() {
    return !this.out.length && !this.socket.sent.length &&
      [...this.cursors].every(([id, next]) =>
        next > this.wsd.tenant(id).log.length);
  }

  // --- One step each ---

  read() {
    for (const line of this.socket.sent.splice(0, 1).join('').split('\n'))
      if (line && this.wsd.conns.has(this))
        this.serve(JSON.parse(line));
  }

  write(id, count) {
    const { epoch, log } = this.wsd.tenant(id);
    const next = this.cursors.get(id);
    for (const { seq, data, source } of log.slice(next - 1, next - 1 + count))
      this.out.push(source
        ? { type: 'GAP', tenantId: id, epoch, seq, reason: 'source' }
        : { type: 'UPDATE', tenantId: id, epoch, seq, time: 'now', data });
    this.cursors.set(id, Math.min(next + count, log.length + 1));
  }

  // As by --slow skip.
  skip(id) {
    const { epoch, log } = this.wsd.tenant(id);
    const next = this.cursors.get(id);
    if (next > log.length)
      return;
    this.out.push({ type: 'GAP', tenantId: id, epoch, from: next,
      to: log.length, reason: 'slow' });
    this.cursors.set(id, log.length + 1);
  }

  send(count) {
    const messages = this.out.splice(0, count);
    if (messages.length)
      this.socket.receive(...messages);
  }

  watch(now) {
    if (!this.wsd.guarded || !this.until)
      return;
    if (now >= this.until) {
      this.end(4212);
    } else if (!this.warned && now >= this.until - 2000) {
      this.warned = true;
      this.out.push({ type: 'EXPIRING', inMs: this.until - now });
    }
  }

  // --- Requests ---

  serve(request) {
    const { id, type } = request;
    if ((type === 'PUBLISH' && !(id > this.lastId)))
      throw new Error(`an id of ${id} behind ${this.lastId}`);
    this.lastId = type === 'PUBLISH' ? id : this.lastId;
    if (this.wsd.guarded && !this.until &&
      (type === 'SUBSCRIBE' || type === 'PUBLISH'))
      this.out.push({ type: 'ERROR', id, code: 'AUTH_REQUIRED', message: '' });
    else
      this[type](request);
  }

  AUTH({ id, token }) {
    const ms = this.wsd.tokens.get(token);
    if (this.wsd.guarded && !ms) {
      this.out.push({ type: 'ERROR', id, code: 'AUTH_FAILED', message: '' });
      return;
    }
    this.until = Date.now() + ms;
    this.warned = false;
    this.out.push({ type: 'AUTHENTICATED', id });
  }

  SUBSCRIBE({ id, tenantId, since }) {
    if (this.cursors.has(tenantId))
      throw new Error(`${tenantId} is subscribed to already`);
    if (this.wsd.busy) {
      this.out.push({ type: 'ERROR', id, code: 'OVER_CAPACITY', message: '' });
      return;
    }
    const tenant = this.wsd.tenant(tenantId);
    const { epoch, log } = tenant;
    const { next, gap } = this.wsd.start(tenant, since, Date.now());
    this.wsd.starts.push({ tenant: tenantId, since: JSON.stringify(since ?? null),
      epoch, next, isAll: next === tenant.first });
    this.cursors.set(tenantId, next);
    this.out.push({ type: 'SUBSCRIBED', id, tenantId, epoch, next,
      replayed: log.length + 1 - next, recovered: !gap });
    if (gap)
      this.out.push({ type: 'GAP', tenantId, epoch, ...gap });
  }

  UNSUBSCRIBE({ id, tenantId }) {
    this.cursors.delete(tenantId);
    this.out.push({ type: 'UNSUBSCRIBED', id, tenantId });
  }

  PUBLISH({ id, tenantId, key, data }) {
    const { epoch, seq, duplicate } = this.wsd.publish(tenantId, data, key);
    this.out.push({ type: 'ACK', id, tenantId, epoch, seq, subscribers: 1,
      duplicate });
  }

  PING({ id }) {
    this.out.push({ type: 'PONG', id });
  }
}

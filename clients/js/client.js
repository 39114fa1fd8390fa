// SPDX-License-Identifier: MIT
//
// @wsd/client - subscribes a page to tenants of a wsd. README.md says how it is
// used, wsd-protocol(7) what is said on the connection.
//
// A Link is a connection that is made anew whenever it ends; all that have the
// same URL and source of tokens share one. It has a Channel for each tenant, and
// that has the Members, one for each call of subscribe(). A Member knows the
// number of the last update that it was given and takes only those behind it:
// whatever the server sends twice or not at all, each update is given once and
// in order, or a gap is told.
//
// Nothing goes out at once: what a task of the page asks for leaves together
// when it is done (Link.pump), so that what it takes back again costs nothing.

const PROTOCOL = 'wsd.v1';
const GRACE_MS = 1000; // a connection that nobody needs stays so long
const TOKEN_MS = 60000; // a function must have a token within this
const OPEN_MS = 15000; // a new connection must say WELCOME within this
const QUIET_MS = 30000; // when nothing has come for so long a PING is sent,
const PONG_MS = 10000; // and when nothing comes then it is dead;
const PATIENCE_MAX = 4; // this is doubled up to so often
const SLOWEST = 8; // bytes of an update leave in a millisecond, at least
const LATE_MS = 2000; // a timer that is later was held up by the browser
const STABLE_MS = 5000; // the end of a younger connection counts as a failure
const BACKOFF_MS = 250; // the first delay is random up to this,
const BACKOFF_MAX_MS = 30000; // and doubles up to this
const PATIENT = 6; // doublings to begin with where the server asks for it
const QUICK_MS = 200; // "at once", but not everybody in the same moment
const SOON_MS = 1000;
const RENEW_MS = 1000; // a token is not asked for more often
const FRAME_CHARS = 16384; // requests in a message; without a token 32 KiB may be

const CONNECTING = Object.freeze({ name: 'connecting' });
const LIVE = Object.freeze({ name: 'live' });
const SUSPENDED = Object.freeze({ name: 'waiting', why: 'suspended' });

const WHY = {
  4001: 'bad-request', 4003: 'forbidden', 4010: 'auth-required',
  4011: 'auth-failed', 4100: 'over-capacity', 4101: 'rate-limited',
  4108: 'slow', 4200: 'draining', 4212: 'token-expired',
};

// Waits that end at once when the page is seen, or the browser comes online.
const NETWORK = new Set(['unreachable', 'lost', 'offline', 'token']);

// Errors after which the same request may succeed later.
const PASSING = new Set(['OVER_CAPACITY', 'RATE_LIMITED', 'DRAINING',
  'INTERNAL']);

const now = () => performance.now(); // which nobody sets
const random = (ms) => Math.floor(Math.random() * ms);
const backoff = (failures) =>
  random(Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** failures));
const isPosition = (since) => typeof since?.epoch === 'string';
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const reasonOf = (code) => code.toLowerCase().replaceAll('_', '-');

// What a callback throws is the page's, and keeps nothing else from its turn.
function throwLater(error) {
  if (typeof globalThis.reportError === 'function')
    globalThis.reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}

// --- What comes with an update ------------------------------------------------

class Meta {
  #line;
  #data;

  constructor({ tenantId, epoch, seq, time, data }, line) {
    this.tenant = tenantId;
    this.epoch = epoch;
    this.seq = seq;
    this.time = time;
    this.#line = line;
    this.#data = data;
  }

  // The update as it was published. It is the last member of its envelope; if
  // some day it is not, what lies behind it makes this no JSON.
  get text() {
    const text = this.#line.trimEnd()
      .slice(this.#line.indexOf('"data":') + '"data":'.length, -1);
    try {
      JSON.parse(text);
      return text;
    } catch {
      return JSON.stringify(this.#data);
    }
  }
}

// --- Who subscribed -----------------------------------------------------------

class Member {
  constructor(tenant, onUpdate, { since, onGap, onState }) {
    this.tenant = tenant;
    this.callbacks = { onUpdate, onGap, onState };
    this.since = sinceOf(since);
    this.at = isPosition(since) ? this.since : null; // the last it was given
    this.attached = false; // what the server sends is what it needs next
    this.state = null; // what it was told last
    this.over = false;
  }

  call(name, ...args) {
    if (this.over)
      return;
    try {
      this.callbacks[name]?.(...args);
    } catch (error) {
      throwLater(error);
    }
  }

  enter(state) {
    if (this.over || state === this.state)
      return;
    this.state = state;
    this.call('onState', state);
  }

  end(state) {
    this.enter(state);
    this.over = true;
  }

  tell(gap) {
    this.call('onGap', { tenant: this.tenant, ...gap });
  }

  // Those up to `seq` are not to be had, and nobody knows how many they are.
  restart(epoch, seq) {
    this.at = { epoch, seq };
    this.tell({ epoch, reason: 'restart' });
  }

  lose({ epoch, from, to, reason }) {
    if (!this.attached || epoch !== this.at.epoch || to <= this.at.seq)
      return;
    const first = Math.max(from, this.at.seq + 1);
    this.at = { epoch, seq: to };
    this.tell({ epoch, from: first, to, reason });
  }

  // Something that has a number; `give` hands it out when it is the next one.
  take(epoch, seq, give) {
    if (!this.attached)
      return;
    this.enter(LIVE); // it may have come in this very turn
    if (epoch !== this.at.epoch)
      this.restart(epoch, seq - 1);
    this.lose({ epoch, from: 1, to: seq - 1, reason: 'unknown' });
    if (seq <= this.at.seq)
      return;
    this.at = { epoch, seq };
    give(this);
  }
}

// --- A tenant on a connection -------------------------------------------------
//
// The server sends a tenant once, from one number on. When a Member needs other
// updates than those (it has just come, and wants history), the tenant is
// unsubscribed and subscribed anew from there, in one go; the others pass over
// what they have had. Where that begins behind what one of the others needs
// (it was "the last 10"), it is done once more, from there.

class Channel {
  constructor(link, tenant) {
    this.link = link;
    this.tenant = tenant;
    this.members = new Set();
    this.head = null; // { epoch, seq }: the last that is known to be there
    this.failures = 0;
    this.forget();
  }

  // Nothing is sent any more: there is another connection, or none.
  forget() {
    this.flows = false; // the server sends it
    this.asked = false; // SUBSCRIBE is not answered yet
    clearTimeout(this.retry);
    this.retry = null; // it was refused, and is asked for again then
    for (const member of this.members)
      member.attached = false;
  }

  // Who wants what comes from now on has it.
  join(member) {
    this.members.add(member);
    if (this.flows && member.since === null) {
      member.at = { ...this.head };
      member.attached = true;
    }
    this.link.schedule();
  }

  leave(member) {
    member.over = true;
    this.members.delete(member);
    this.link.schedule();
  }

  // From where to subscribe; undefined when everybody has what he needs. First
  // from a position that the server may not know: then all that it has follows.
  // Who wants what comes from now on has it wherever the others begin.
  need() {
    const all = [...this.members];
    const lacking = all.filter((member) => !member.attached);
    if (!lacking.some((member) => member.at))
      return (lacking.find(({ since }) => since !== null) ?? lacking[0])?.since;
    const placed = all.filter((member) => member.at).map(({ at }) => at);
    return placed.find(({ epoch, seq }) =>
      epoch !== this.head?.epoch || seq > this.head.seq) ??
      placed.reduce((a, b) => (b.seq < a.seq ? b : a));
  }

  sync() {
    if (!this.members.size) {
      this.stop();
      this.link.channels.delete(this.tenant);
      this.forget();
      return;
    }
    for (const member of this.members)
      if (!member.state)
        member.enter(member.attached ? LIVE : this.link.state);
    if (this.link.phase !== 'open' || this.asked || this.retry)
      return;
    const since = this.need();
    if (since !== undefined)
      this.subscribe(since);
  }

  stop() {
    if (this.flows || this.asked)
      this.link.request({ type: 'UNSUBSCRIBE', tenantId: this.tenant });
  }

  subscribe(since) {
    const asking = new Set(this.members);
    this.stop();
    this.asked = true;
    this.link.request({ type: 'SUBSCRIBE', tenantId: this.tenant, since },
      (answer) => {
        if (this.link.channels.get(this.tenant) !== this)
          return; // everybody has left meanwhile
        this.asked = false;
        if (answer.type === 'SUBSCRIBED')
          this.subscribed(since, asking, answer);
        else
          this.refused(since, answer);
        this.link.schedule();
      });
  }

  // `next` is the first number that will come; up to `next` + `replayed` - 1
  // there are updates already. A GAP follows where one is due. That of a restart
  // is told here: who has been told begins at `next` from here on. Who was not
  // yet there when the request was sent may know of later updates.
  subscribed(since, asking, { epoch, next, replayed }) {
    this.flows = true;
    this.failures = 0;
    this.moved(epoch, next + replayed - 1);
    const isKnown = (at) => at.epoch === epoch && at.seq < next + replayed;
    const isServed = (at) => isKnown(at) && (at.seq >= next - 1 ||
      (since?.epoch === epoch && since.seq <= at.seq));
    const isRestart = isPosition(since) && !isKnown(since);
    for (const member of this.members) {
      if (!member.at && same(member.since, since)) {
        member.at = { epoch, seq: next - 1 };
      } else if (!member.at && member.since === null) {
        member.at = { ...this.head };
      } else if (member.at && isRestart && asking.has(member) &&
        !isKnown(member.at)) {
        member.restart(epoch, next - 1);
      }
      member.attached = Boolean(member.at) && isServed(member.at);
      if (member.attached)
        member.enter(LIVE);
    }
  }

  refused(since, { code, message }) {
    this.forget();
    if (code === 'AUTH_REQUIRED') {
      this.link.refused('auth-required', { message });
      return;
    }
    if (PASSING.has(code)) {
      this.again(reasonOf(code), message);
      return;
    }
    const state = Object.freeze({ name: 'closed', why: reasonOf(code), message });
    for (const member of [...this.members]) { // none that is told may add
      if (code === 'BAD_REQUEST' && !same(member.at ?? member.since, since))
        continue; // it was another one's
      this.members.delete(member);
      member.end(state);
    }
  }

  again(why, message) {
    const ms = backoff(this.failures++);
    this.enter(Object.freeze(
      { name: 'waiting', why, at: Date.now() + ms, message }));
    this.retry = setTimeout(() => {
      this.retry = null;
      this.enter(CONNECTING);
      this.link.schedule();
    }, ms);
  }

  enter(state) {
    for (const member of this.members)
      member.enter(state);
  }

  moved(epoch, seq) {
    if (epoch !== this.head?.epoch || seq > this.head.seq)
      this.head = { epoch, seq };
  }

  update(message, line) {
    const { epoch, seq, data } = message;
    const meta = new Meta(message, line);
    this.moved(epoch, seq);
    for (const member of this.members)
      member.take(epoch, seq, () => member.call('onUpdate', data, meta));
  }

  gap({ epoch, from, to, seq, reason }) {
    if (reason === 'restart')
      return;
    if (seq ?? to)
      this.moved(epoch, seq ?? to);
    for (const member of this.members)
      if (seq)
        member.take(epoch, seq, () => member.tell({ epoch, seq, reason }));
      else if (from)
        member.lose({ epoch, from, to, reason });
      else if (member.attached)
        member.tell({ epoch, reason });
  }
}

// --- A connection -------------------------------------------------------------

const links = [];
let suspended = false; // the page is in the browser's cache, or frozen

class Link {
  constructor(url, token) {
    this.url = url;
    this.token = token; // a text, or a function that is asked for one
    this.channels = new Map();
    this.publications = [];
    this.phase = 'idle'; // token, opening, open, waiting, over
    this.state = CONNECTING;
    this.failures = 0; // ends since the last stable connection
    this.refusals = 0; // of tokens, since the last one that was good
    this.silences = 0; // that ended connections, since a PING was answered
    this.drop();
  }

  channel(tenant) {
    if (!this.channels.has(tenant))
      this.channels.set(tenant, new Channel(this, tenant));
    return this.channels.get(tenant);
  }

  enter(state) {
    this.state = state;
    for (const channel of this.channels.values())
      channel.enter(state);
  }

  // --- Sending ---

  schedule() {
    if (!this.pumping)
      queueMicrotask(() => this.pump());
    this.pumping = true;
  }

  pump() {
    this.pumping = false;
    if (this.phase === 'over')
      return;
    for (const channel of this.channels.values())
      channel.sync();
    this.publishNext();
    this.flush();
    if (this.channels.size || this.publications.length)
      this.keep();
    else if (this.phase === 'idle')
      this.dispose();
    else
      this.grace ??= setTimeout(() => this.dispose(), GRACE_MS);
  }

  keep() {
    clearTimeout(this.grace);
    this.grace = null;
    if (this.phase !== 'idle')
      return;
    if (suspended)
      this.park();
    else
      this.connect();
  }

  request(message, answer) {
    if (answer) {
      message.id = ++this.lastId;
      this.answers.set(message.id, answer);
    }
    this.lines.push(JSON.stringify(message));
    this.schedule();
  }

  flush() {
    let frame = '';
    for (const line of this.lines.splice(0)) {
      if (frame && frame.length + line.length > FRAME_CHARS) {
        this.socket.send(frame);
        frame = '';
      }
      frame += `${line}\n`;
    }
    if (frame)
      this.socket.send(frame);
  }

  // --- Connecting ---

  async connect() {
    this.drop();
    const attempt = this.attempt = {};
    this.phase = 'token';
    this.timer = setTimeout(() => this.lack('no token came in time'), TOKEN_MS);
    this.enter(CONNECTING);
    try {
      const token = await this.ask(this.refusals ? 'refused' : 'connect');
      if (attempt === this.attempt)
        this.dial(token);
    } catch (error) {
      if (attempt === this.attempt)
        this.lack(String(error?.message ?? error));
    }
  }

  async ask(reason) {
    const token = typeof this.token === 'function'
      ? await this.token({ reason }) : this.token;
    if (typeof (token ?? '') !== 'string')
      throw new TypeError('the token is not a text');
    return token;
  }

  lack(message) {
    this.wait('token', backoff(this.failures++), { message });
  }

  dial(token) {
    clearTimeout(this.timer);
    this.shown = token;
    this.phase = 'opening';
    try {
      this.socket = new WebSocket(this.url, PROTOCOL);
    } catch (error) {
      this.finish('bad-url', { message: error.message });
      return;
    }
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = (event) => this.lost(event.code, event.reason);
    this.socket.onerror = () => {}; // onclose follows
    this.timer = setTimeout(() => this.lost(1006, 'no answer in time'), OPEN_MS);
  }

  welcome({ limits }) {
    clearTimeout(this.timer);
    this.limits = limits ?? {};
    this.phase = 'open';
    this.openedAt = now();
    this.watch(QUIET_MS);
    if (this.shown)
      this.request({ type: 'AUTH', token: this.shown },
        (answer) => this.authenticated(answer));
    this.schedule();
  }

  // What there is of a connection is let go.
  drop() {
    const { socket } = this;
    for (const timer of [this.timer, this.alive, this.renewal])
      clearTimeout(timer);
    this.attempt = null; // by it late answers are known
    this.socket = null;
    this.lines = []; // of requests that wait for their turn
    this.answers = new Map(); // id: what is done with it
    this.lastId = 0;
    this.pinged = false;
    this.isGood = false; // its token was taken
    this.renewed = false; // by another one than it began with
    this.isRenewing = false; // or will do so
    this.goodUntil = 0;
    this.drainUntil = 0;
    this.publishing = 0; // the id of the update that is under way
    for (const channel of this.channels.values())
      channel.forget();
    if (!socket)
      return;
    socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  // --- Its end ---

  lost(code, message) {
    const { phase, renewed, drainUntil } = this;
    if (phase === 'open' && now() - this.openedAt >= STABLE_MS)
      this.failures = 0;
    const why = WHY[code] ?? (phase === 'open' ? 'lost' : 'unreachable');
    this.drop();
    if (code >= 4000 && code < 4100)
      this.refused(why, { code, message }, renewed);
    else
      this.wait(why, Math.max(this.delay(code), drainUntil - now()),
        { code, message });
  }

  delay(code) {
    if (code >= 4100 && code < 4200 && code !== 4108)
      this.failures = Math.max(this.failures, PATIENT);
    const failures = this.failures++;
    if (failures === 0 && code === 4108)
      return random(SOON_MS);
    if (failures === 0 && code >= 4200 && code < 4300)
      return random(QUICK_MS);
    return backoff(failures);
  }

  // With another token it may be allowed. When that was just shown, and is what
  // takes the right to one of the tenants, a new connection finds out to which.
  refused(why, detail, renewed = false) {
    const helps = why.startsWith('auth-') || (why === 'forbidden' && renewed);
    if (helps && typeof this.token === 'function' && this.refusals++ === 0)
      this.wait(why, random(QUICK_MS), detail);
    else
      this.finish(why, detail);
  }

  park() {
    this.drop();
    this.phase = 'idle';
    this.enter(SUSPENDED);
  }

  // Whether the browser is offline is told, but it may be wrong, or the server
  // be on the same machine.
  wait(why, ms, detail) {
    const isOffline = NETWORK.has(why) && globalThis.navigator?.onLine === false;
    this.drop();
    this.phase = 'waiting';
    this.timer = setTimeout(() => this.connect(), ms);
    this.enter(Object.freeze({ name: 'waiting', why: isOffline ? 'offline' : why,
      at: Date.now() + ms, ...detail }));
  }

  // It will not be made again.
  dispose() {
    clearTimeout(this.grace);
    this.drop();
    this.phase = 'over';
    links.splice(links.indexOf(this), 1);
  }

  finish(why, detail) {
    const state = Object.freeze({ name: 'closed', why, ...detail });
    this.dispose();
    for (const channel of this.channels.values())
      for (const member of channel.members)
        member.end(state);
    for (const { reject } of this.publications)
      reject(Object.assign(new Error(detail.message || why), { code: why }));
  }

  // --- Receiving ---

  receive(text) {
    const { attempt } = this;
    this.heardAt = now();
    this.pinged = false;
    for (const line of text.split('\n')) {
      if (attempt !== this.attempt)
        return; // it was ended by what came before
      if (line.trim())
        this.parse(line);
    }
  }

  parse(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      // It has no type either.
    }
    if (typeof message?.type === 'string')
      this.take(message, line);
    else
      this.lost(1002, 'the server sent what is no message');
  }

  take(message, line) {
    switch (message.type) {
    case 'UPDATE':
      this.channels.get(message.tenantId)?.update(message, line);
      break;
    case 'GAP':
      this.channels.get(message.tenantId)?.gap(message);
      break;
    case 'PONG':
      this.silences = 0;
      break;
    case 'WELCOME':
      this.welcome(message);
      break;
    case 'EXPIRING':
      this.expiring(now() + message.inMs);
      break;
    case 'DRAIN':
      this.drainUntil = now() + (message.reconnectAfterMs ?? 0);
      break;
    default:
      this.settle(message);
    }
  }

  // Without an id the server could not read it, and that is not of our making:
  // it is the update of the page, such as one that is nested too deeply.
  settle(message) {
    const id = message.id ?? (message.type === 'ERROR' && this.publishing);
    const answer = this.answers.get(id);
    this.answers.delete(id);
    answer?.(message);
  }

  // --- Tokens ---

  authenticated({ type, code, message }) {
    if (type === 'AUTHENTICATED') {
      this.isGood = true;
      this.refusals = 0;
      this.schedule();
    } else if (PASSING.has(code)) {
      this.lost(code === 'RATE_LIMITED' ? 4101 : 4100, message);
    } else {
      this.drop();
      this.refused(reasonOf(code), { message });
    }
  }

  // Told again of a token that is no newer there is no hurry.
  expiring(until) {
    if (typeof this.token !== 'function' || this.isRenewing)
      return;
    if (until > this.goodUntil + RENEW_MS)
      this.renew(until);
    else
      this.renewLater(until);
    this.goodUntil = until;
  }

  renewLater(until) {
    const left = until - now();
    this.isRenewing = left > RENEW_MS;
    if (this.isRenewing)
      this.renewal = setTimeout(() => this.renew(until),
        Math.max(RENEW_MS, left / 2));
  }

  // If it fails, again, as long as there is time: the connection ends then.
  async renew(until) {
    const { attempt } = this;
    this.isRenewing = true;
    const next = await this.ask('expiring').catch(() => null);
    if (attempt !== this.attempt)
      return;
    if (!next || next === this.shown) {
      this.renewLater(until);
      return;
    }
    this.request({ type: 'AUTH', token: next }, ({ type }) => {
      this.isRenewing = false;
      if (type !== 'AUTHENTICATED') {
        this.renewLater(until);
        return;
      }
      this.shown = next;
      this.renewed = true;
    });
    this.renewed = true; // also if the answer is a close frame
  }

  // --- Whether it lives ---

  watch(ms) {
    clearTimeout(this.alive);
    this.due = now() + ms;
    this.alive = setTimeout(() => this.check(), ms);
  }

  // When timers were held up, what came meanwhile may wait behind this one.
  check() {
    const quiet = now() - this.heardAt;
    if (this.pinged && now() - this.due > LATE_MS && !this.spared) {
      this.spared = true;
      this.watch(LATE_MS);
    } else if (this.pinged) {
      this.silences++;
      this.lost(1006, 'the server does not answer');
    } else if (quiet < QUIET_MS) {
      this.watch(QUIET_MS - quiet);
    } else {
      this.probe();
    }
  }

  // It leaves behind the update that is published, and its answer comes behind
  // one that is larger than the network carries meanwhile: that is sent anew on
  // the next connection, so more and more time is given.
  probe() {
    if (this.phase !== 'open' || this.pinged)
      return;
    const before = this.publishing ? this.publications[0].text.length : 0;
    const patience = 2 ** Math.min(this.silences, PATIENCE_MAX);
    this.pinged = true;
    this.spared = false;
    this.request({ type: 'PING' });
    this.watch(PONG_MS * patience + before / SLOWEST);
  }

  // What the browser says of the page.
  page(event) {
    switch (event) {
    case 'pagehide':
    case 'freeze':
      this.park();
      break;
    case 'pageshow':
    case 'resume':
    case 'visible':
      this.wake();
      break;
    case 'online':
      this.failures = 0;
      this.wake();
      break;
    case 'offline':
      this.probe();
    }
  }

  wake() {
    if (this.phase === 'idle')
      this.schedule();
    else if (this.phase === 'waiting' && NETWORK.has(this.state.why))
      this.connect();
    this.probe();
  }

  // --- Publishing, one at a time ---

  publishNext() {
    const [next] = this.publications;
    if (!next || this.publishing || this.phase !== 'open' ||
      (this.shown && !this.isGood))
      return;
    const id = this.publishing = ++this.lastId;
    const line = `{"type":"PUBLISH","id":${id},"tenantId":` +
      `${JSON.stringify(next.tenant)},"key":${JSON.stringify(next.key)},` +
      `"data":${next.text}}`;
    this.answers.set(id, (answer) => this.published(next, answer));
    if (new TextEncoder().encode(line).length > this.limits.frame)
      this.settle({ type: 'ERROR', id, code: 'TOO_LARGE',
        message: 'the update is larger than the server takes' });
    else
      this.lines.push(line);
  }

  // While the server drains it waits for the next connection.
  published(publication, { type, epoch, seq, subscribers, duplicate, code,
    message }) {
    if (code === 'AUTH_REQUIRED')
      this.refused('auth-required', { message });
    if (code === 'DRAINING' || code === 'AUTH_REQUIRED')
      return;
    this.publishing = 0;
    this.publications.shift();
    this.schedule();
    if (type === 'ACK')
      publication.resolve({ tenant: publication.tenant, epoch, seq, subscribers,
        duplicate: duplicate === true });
    else
      publication.reject(Object.assign(new Error(message),
        { code: reasonOf(code) }));
  }
}

// --- The page -----------------------------------------------------------------

function onPage({ type }) {
  const event = type === 'visibilitychange' ? document.visibilityState : type;
  if (event === 'pagehide' || event === 'freeze')
    suspended = true;
  else if (event === 'pageshow' || event === 'resume' || event === 'visible')
    suspended = false;
  for (const link of [...links])
    link.page(event);
}

// Once for all links; it stays.
let listening = false;

function listen() {
  if (listening)
    return;
  listening = true;
  for (const type of ['online', 'offline', 'pagehide', 'pageshow'])
    globalThis.addEventListener?.(type, onPage);
  for (const type of ['freeze', 'resume', 'visibilitychange'])
    globalThis.document?.addEventListener(type, onPage);
}

// ws:// and http:// are the same here; what is not absolute is of the page.
function absolute(url) {
  const { href } = new URL(url || '/ws', globalThis.location?.href);
  return href.replace(/^http/, 'ws');
}

function linkOf(url, token) {
  const href = absolute(url);
  const source = token || null;
  let link = links.find((other) =>
    other.url === href && other.token === source);
  if (!link) {
    listen();
    link = new Link(href, source);
    links.push(link);
  }
  return link;
}

function tenantOf(tenant) {
  const text = Number.isSafeInteger(tenant) ? String(tenant) : tenant;
  if (typeof text !== 'string' || text === '*')
    throw new TypeError(`'${tenant}' is not a tenant`);
  return text;
}

// Whatever it is, there is JSON for it: what is none of these the server takes
// for a bad age.
function sinceOf(since) {
  if (isPosition(since))
    return { epoch: since.epoch, seq: Number(since.seq) };
  if (since === undefined || since === null || since === 'all' ||
    Number.isFinite(since))
    return since ?? null;
  return { age: String(since.age) };
}

// --- What it is for; the types are in client.d.ts -----------------------------

/**
 * Calls `onUpdate(data, meta)` for each update of a tenant, until it is closed.
 *
 * @param {string | URL | null | undefined} url of the server; that of the page's
 *   own, `/ws`, if it is left out
 * @param {string | number} tenant
 * @param {(data: unknown, meta: Meta) => void} onUpdate
 * @param {object} [options] token, since, onGap, onState
 * @returns {{ tenant: string, state: object, position: object | null,
 *   close(): void }}
 */
export function subscribe(url, tenant, onUpdate, options = {}) {
  const id = tenantOf(tenant);
  const member = new Member(id, onUpdate, options);
  const channel = linkOf(url, options.token).channel(id);
  channel.join(member);
  return {
    tenant: id,
    get state() {
      return member.state ?? CONNECTING;
    },
    get position() {
      return member.at && { ...member.at };
    },
    close() {
      if (member.over)
        return;
      channel.leave(member);
      member.state = Object.freeze({ name: 'closed', why: 'closed' });
    },
  };
}

/**
 * Publishes an update. Until it is acknowledged it is sent again on every new
 * connection, with a key by which the server knows it, so it is published once.
 *
 * @param {string | URL | null | undefined} url
 * @param {string | number} tenant
 * @param {unknown} data what JSON.stringify takes
 * @param {object} [options] token, key
 * @returns {Promise<object>} { tenant, epoch, seq, subscribers, duplicate }
 */
export async function publish(url, tenant, data, options = {}) {
  const { token, key = randomKey() } = options;
  const text = JSON.stringify(data);
  if (text === undefined)
    throw new TypeError('there is no JSON for this');
  if (typeof key !== 'string')
    throw new TypeError('the key is not a text');
  const id = tenantOf(tenant);
  const link = linkOf(url, token);
  return new Promise((resolve, reject) => {
    link.publications.push({ tenant: id, text, key, resolve, reject });
    link.schedule();
  });
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, '0')).join('');
}

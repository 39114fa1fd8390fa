// SPDX-License-Identifier: MIT
//
// turns - what the property test does, at random: batches of requests on one of
// its connections, connections that come and go, requests by HTTP, and changes
// of the keys and tokens of wsd.

import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../wsframes.mjs';
import { Follower, kinds } from './follower.mjs';
import { exchange } from './http.mjs';
import { noTenants, tenants } from './names.mjs';
import { Peer } from './peer.mjs';
import { Requests } from './requests.mjs';
import { Session } from './session.mjs';

const PEERS = 40;
const STEADY = 26; // of these stay, if nothing is wrong with them, for seconds
const BATCH = 8; // requests
const FRAME_MAX = 8000; // bytes, and a token: before the first good one 32 KiB are allowed

const isWord = ({ text }) => /^[!-~]+$/.test(text) && text.length < 6000;

// In a URL, with some bytes that need not be percent-encoded.
function encoded(text, random) {
  return [...text].map((c) => random.chance(0.1)
    ? `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`
    : encodeURIComponent(c)).join('');
}

export class Turns {
  constructor(world) {
    this.world = world;
    this.random = world.random;
    this.requests = new Requests(world);
    this.answers = new Map(); // texts of refusals, which are all the same
  }

  // --- Credentials of a request ---

  // { path, headers } with one or more, and what that is: 'none', 'bad' (more
  // than one, or in a wrong place), or a token.
  credentials(path) {
    const { random, world } = this;
    const token = world.tokens.pick(random, isWord);
    const header = `${random.pick(['Authorization', 'authorization'])}: ` +
      `${random.pick(['Bearer', 'bearer'])}${random.pick([' ', '  '])}${token.text}`;
    const mark = path.includes('?') ? '&' : '?';
    const query = `${path}${mark}access_token=${encoded(token.text, random)}`;
    return random.weighted([
      [12, () => ({ path, headers: [header], token })],
      [4, () => ({ path: query, headers: [], token, query: true })],
      [2, () => ({ path, headers: [], token: null })],
      [1, () => ({ path, headers: ['Authorization: Basic YTpi'], token: null })],
      [1, () => ({ path: query, headers: [header], token, twice: true })],
      [1, () => ({ path, headers: [header, header], token, twice: true })],
    ])();
  }

  // What credentials are worth: { status, code } of a refusal, or { grant },
  // null where there are none.
  judge({ token, query, twice }) {
    if (twice || (query && !this.world.queryTokens))
      return { status: 400, code: 'BAD_REQUEST' };
    if (!token)
      return { grant: null };
    const grant = this.world.tokens.judge(token);
    return grant ? { grant } : { status: 401, code: 'AUTH_FAILED' };
  }

  // A refusal says the same whatever the reason, by header and status.
  checkRefusal(path, { status, code }, text) {
    const kind = `${path} ${status} ${code}`;
    this.world.tally(kind);
    if (!this.answers.has(kind))
      this.answers.set(kind, text);
    if (!text.startsWith(`HTTP/1.1 ${status} `) || !text.includes(`"code":"${code}"`))
      throw new Failure(`${kind} was to come, not ${text}`);
    if (status !== 400 && this.answers.get(kind) !== text)
      throw new Failure(`${kind}: ${text} is not ${this.answers.get(kind)}`);
  }

  // --- Connections ---

  async open() {
    const { random, world } = this;
    if (world.peers.length >= PEERS) {
      await this.leave();
      return;
    }
    if (random.chance(0.2)) {
      await this.follow();
      return;
    }
    const dialect = random.pick(['plain', 'wsd.v1', 'wsd.v1', 'wsd.v1.bulk']);
    const session = new Session(world, `#${world.connections + 1} (${dialect})`, dialect);
    const shown = this.temper(session);
    const verdict = this.judge(shown);
    const peer = new Peer(world, session, dialect);
    world.step(`open ${session.name} with ${shown.token ? world.tokens.describe(shown.token) : 'nothing'}`);
    session.opened = Date.now();
    this.expectWelcome(session, verdict);
    await peer.open(shown.path, shown.headers);
    if (verdict.status) {
      this.checkRefusal('/ws', verdict, peer.body);
      return;
    }
    if (peer.status !== 101)
      throw new Failure(`${session.name}: ${peer.status} ${peer.body}`);
    world.peers.push(peer);
    await world.look([peer]);
  }

  // Follows a tenant by HTTP.
  async follow() {
    const { random, world } = this;
    const kind = random.pick(kinds);
    const session = new Session(world, `#${world.connections + 1} (${kind})`, kind);
    const brief = random.chance(0.7) ? world.tokens.brief(random) : null;
    const { tenant, path, since } = this.whatToFollow(kind, brief);
    const shown = brief ? this.bearing(path, brief) : this.credentials(path);
    const refusal = this.refusal(shown, (grant) => {
      session.add(grant);
      return session.may('subscribe', tenant);
    });
    const follower = new Follower(world, session, kind);
    session.opened = Date.now();
    session.steady = true;
    const there = refusal ? false : session.follow(tenant, since, kind);
    world.step(`${session.name} ${path} with ${shown.token
      ? world.tokens.describe(shown.token) : 'nothing'}`);
    world.connections += refusal ? 0 : 1;
    session.number = String(world.connections);
    await follower.open(shown.path, shown.headers);
    world.tally(`follows as ${kind}: ${follower.status}`);
    if (there && follower.status === 200)
      world.peers.push(follower);
    else
      this.checkRefusal('FOLLOW', refusal || { status: 410, code: 'GONE' }, follower.body);
  }

  // Most often what a token allows.
  whatToFollow(kind, token) {
    const { random, world } = this;
    const judge = new Session(world, '', kind);
    judge.grants = token ? [world.tokens.judge(token)] : [];
    const allowed = tenants.filter((t) => judge.may('subscribe', t));
    const tenant = random.pick(random.chance(0.8) && allowed.length ? allowed : tenants);
    const since = random.chance(0.6) ? this.requests.since(tenant) : undefined;
    const text = since?.age ?? (since?.epoch ? `${since.epoch}:${since.seq}` : since);
    const query = [
      ...(text === undefined || text === null ? [] : [`since=${text}`]),
      ...(kind === 'envelopes' ? ['envelope=1'] : []),
    ].join('&');
    return { tenant, since, path: `/v1/tenants/${encodeURIComponent(tenant)}/updates${
      query && `?${query}`}` };
  }

  bearing(path, token) {
    return { path, headers: [`Authorization: Bearer ${token.text}`], token };
  }

  // Some connections are steady: they do nothing that ends them. Of these some
  // are brief: a token that soon ends is all they have. Others collect tokens.
  // Those that are mute show none, until they are closed for that.
  temper(session) {
    const { random, world } = this;
    const steady = world.peers.filter((peer) => peer.session.steady);
    session.collects = random.chance(0.3);
    session.steady = steady.length < STEADY && random.chance(0.7);
    session.mute = random.chance(0.05);
    session.brief = session.steady && !session.mute && random.chance(0.6);
    if (session.mute)
      return { path: '/ws', headers: [], token: null };
    if (!session.brief)
      return this.credentials('/ws');
    return this.bearing('/ws', world.tokens.brief(random));
  }

  expectWelcome(session, { status, grant }) {
    if (status)
      return;
    const number = ++this.world.connections;
    session.number = String(number);
    if (!session.plain)
      session.answers.push({ type: 'WELCOME', connection: session.number });
    if (grant)
      session.add(grant);
  }

  async leave() {
    const { random, world } = this;
    const late = Date.now() + 10000;
    const restless = world.lasting.filter(({ session }) => session.steady || session.mute
      ? session.grants.length && session.ends > late && random.chance(0.04) : true);
    if (!restless.length)
      return;
    const peer = random.pick(restless);
    const inOrder = random.chance(0.7);
    world.step(`${peer.session.name} leaves ${inOrder ? 'in order' : 'at once'}`);
    await peer.leave(inOrder);
    world.remove(peer);
  }

  // --- Requests ---

  // Some requests on one connection, in one frame or more.
  async batch() {
    const { random, world } = this;
    const { awake } = world;
    if (!awake.length) {
      await this.open();
      return;
    }
    const peer = random.pick(awake);
    const bytes = [];
    let frame = [];
    for (let left = random.between(1, BATCH); left > 0 && peer.session.closed === null; left--) {
      if (frame.length && (peer.session.plain || random.chance(0.2) ||
        frame.join('').length > FRAME_MAX))
        bytes.push(this.frame(peer, frame.splice(0)));
      this.request(peer, frame);
    }
    if (peer.session.closed === null) {
      if (peer.session.plain && frame.length)
        bytes.push(this.frame(peer, frame.splice(0)));
      frame.push(peer.ping());
    }
    bytes.push(this.frame(peer, frame));
    peer.write(Buffer.concat(bytes));
    await peer.settled();
    await world.passTime();
  }

  request(peer, frame) {
    const { random, world } = this;
    if (!peer.session.plain && random.chance(0.05))
      frame.push('');
    const text = this.requests.make(peer.session, peer.frames + 1, frame.length + 1);
    if (text === null)
      return;
    frame.push(text);
    world.step(`${peer.session.name} ${text.length > 400 ? `${text.slice(0, 400)}...` : text}` +
      `${peer.session.closed === null ? '' : ` -> ${peer.session.closed}`}`);
  }

  frame(peer, lines) {
    const end = !peer.session.plain && this.random.chance(0.5) ? '\n' : '';
    return peer.text(lines.join('\n') + end);
  }

  // --- HTTP ---

  async http(method, shown, more, body) {
    const { world } = this;
    world.step(`${method} ${shown.path.split('?')[0]} with ${shown.token
      ? world.tokens.describe(shown.token) : 'nothing'} ${more.join(' ')}`);
    return exchange(world.address, method, shown.path, shown.headers.concat(more), body);
  }

  // Which refusal is due; null: none.
  refusal(shown, permits) {
    const verdict = this.judge(shown);
    if (verdict.status)
      return verdict;
    if (verdict.grant && permits(verdict.grant))
      return null;
    return verdict.grant ? { status: 403, code: 'FORBIDDEN' }
      : { status: 401, code: 'AUTH_REQUIRED' };
  }

  async post() {
    const { random, world } = this;
    const wrong = random.chance(0.03);
    const tenant = random.pick(wrong ? noTenants.filter((t) => t && !/[/\0]/.test(t))
      : tenants);
    const path = `/v1/tenants/${random.chance(0.3) ? encoded(tenant, random)
      : encodeURIComponent(tenant)}/updates`;
    const shown = this.credentials(path);
    const judge = new Session(world, 'HTTP', 'plain');
    const refusal = wrong ? { status: 400, code: 'BAD_TENANT' }
      : this.refusal(shown, (grant) => {
        judge.grants = [grant];
        return judge.may('publish', tenant);
      });
    const lines = random.chance(0.5) ? random.between(1, 5) : 0;
    const updates = Array.from({ length: lines || 1 },
      () => world.streams.makeUpdate(random, tenant));
    const more = lines ? ['Content-Type: application/x-ndjson'] : [];
    const want = refusal ? null : this.publish(tenant, updates);
    const answer = await this.http('POST', shown, more,
      updates.map(({ text }) => text).join('\n'));
    if (refusal)
      this.checkPostRefusal(shown, refusal, answer);
    else
      this.checkPublished(answer, want);
  }

  // Two tokens are found behind what is wrong with a path.
  checkPostRefusal(shown, refusal, answer) {
    const path = refusal.code === 'BAD_TENANT' ? 'no tenant' : 'POST';
    this.checkRefusal(path, refusal, answer.text);
  }

  publish(tenant, updates) {
    const acks = updates.map((update) => this.world.streams.publish(tenant, update));
    return {
      tenantId: tenant, first: acks[0].seq, last: acks.at(-1).seq,
      count: acks.length, subscribers: acks.at(-1).subscribers,
    };
  }

  checkPublished(answer, want) {
    const got = answer.status === 200 ? JSON.parse(answer.body) : {};
    const { low, high } = want.subscribers;
    if (!['tenantId', 'first', 'last', 'count'].every((name) => got[name] === want[name]) ||
      got.subscribers < low || got.subscribers > high)
      throw new Failure(`${answer.text} came, not ${JSON.stringify(want)}`);
  }

  // What only those with the right `admin` may see.
  async get() {
    const path = this.random.pick(['/metrics', '/v1/tenants?limit=1000',
      '/v1/connections?limit=1000', '/v1/tenants?after=acme&limit=1', '/v1/connections']);
    const shown = this.credentials(path);
    const refusal = this.refusal(shown, (grant) => grant.admin);
    const answer = await this.http('GET', shown, []);
    if (refusal)
      this.checkRefusal('GET', refusal, answer.text);
    else if (answer.status !== 200)
      throw new Failure(`${path}: ${answer.text}`);
    else if (path === '/v1/tenants?limit=1000')
      this.checkTenants(JSON.parse(answer.body).tenants);
  }

  // Those that nothing was published to and nobody heard are not there.
  checkTenants(told) {
    const { streams } = this.world;
    const got = told.map(({ tenantId, seq }) => [tenantId, seq]).sort();
    const want = [...streams.all.values()].map((s) => [s.tenant, s.head]).sort();
    if (!isDeepStrictEqual(got, want))
      throw new Failure(`tenants ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
  }

  // What everybody may see, with whatever token.
  async probe() {
    const shown = this.credentials(this.random.pick(['/healthz', '/readyz']));
    const answer = await this.http('GET', shown, []);
    if (answer.status !== 200)
      throw new Failure(`${shown.path}: ${answer.text}`);
  }

  // --- Time and change ---

  // Nobody who was let in leaves, but by a static token that is no more.
  async reload() {
    const { random, world } = this;
    const { reloads } = world.daemon;
    world.step('SIGHUP');
    world.tokens.change(random);
    world.tokens.writeFiles();
    for (const { session } of world.peers)
      if (session.closed === null)
        this.revise(session);
    world.daemon.process.kill('SIGHUP');
    await world.until(() => world.daemon.reloads > reloads, () => 'no reload');
  }

  // One at dusk may have gone before, or have nothing else left by now.
  revise(session) {
    const dusk = this.world.isDusk(session);
    const code = session.grants.length ? 4212 : 4010;
    session.revise();
    if (!dusk)
      return;
    session.either = session.closed === null ? 4011 : code;
    for (const tenant of session.heard.keys())
      session.loosen(tenant);
  }

  // Who left is not counted as a subscriber any more.
  async settleLeft() {
    const { streams } = this.world;
    const { master } = this.world.tokens;
    while (streams.left.size) {
      const { body } = await exchange(this.world.address, 'GET',
        '/v1/connections?limit=1000', [`Authorization: Bearer ${master.text}`]);
      const there = new Set(JSON.parse(body).connections.map((c) => c.connection));
      for (const session of streams.left)
        if (!there.has(session.number))
          streams.left.delete(session);
    }
  }

  async checkpoint() {
    await this.world.passTime();
    await this.world.checkpoint();
    await this.settleLeft();
  }

  async turn(number) {
    const { random, world } = this;
    random.turn(number);
    const kind = random.weighted([
      [700, 'batch'], [80, 'open'], [40, 'leave'], [80, 'post'], [40, 'get'],
      [5, 'probe'], [3, 'reload'], [10, 'checkpoint'],
    ]);
    await this[kind]();
    await world.passTime();
  }
}

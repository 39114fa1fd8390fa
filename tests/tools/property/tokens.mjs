// SPDX-License-Identifier: MIT
//
// tokens - the tokens that a run shows to its wsd, good and bad, and the files
// that this one checks them with. What a token is worth is known from how it
// was made, not from reading it.
//
// A good one gives a grant: { subscribe, publish, admin, ends }, patterns, and
// the end in ms since 1970 or Infinity.

import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { forge } from './forge.mjs';
import { algorithms, keySetText, keyText, newKey, signed } from './jwt.mjs';
import { isWithin, noTenants, randomPatterns, tenants } from './names.mjs';

const POOL = 80; // tokens that are in use
const STATIC = 10;
const FORGED = 0.22; // so many of them
const MARGIN_MS = 1500; // a token is not shown so shortly before it ends

// What must not get into a log as it is.
const subjects = [
  'ci', '', 'a\nwsd: everything is fine', '\u001b[31mred\u001b[0m', '\u202etxet',
  'x\u0000y', '\r\n', '\u0007', '"}\n{"level":"error"}', 'é☃', '\u2066\u2069\ufeff',
];

const everyone = ['subscribe', 'publish'];

const hashOf = (text) => createHash('sha256').update(text).digest('hex');

function randomClaims(random, config) {
  const seconds = Math.floor(Date.now() / 1000);
  const claims = {
    exp: seconds + random.weighted([[3, 3600], [7, random.between(2, 4)]]),
    sub: random.pick(subjects),
  };
  for (const what of everyone) {
    const patterns = randomPatterns(random);
    if (patterns.length === 1 && random.chance(0.3))
      claims[what] = patterns[0];
    else if (patterns.length || random.chance(0.5))
      claims[what] = patterns;
  }
  if (random.chance(0.15))
    claims.admin = random.chance(0.8);
  claims.aud = random.pick(['test', ['others', 'test']]);
  claims.iss = 'issuer';
  if (random.chance(0.2))
    claims.nbf = seconds - random.between(1, 1000);
  if (config['tenant-claim'] && random.chance(0.5))
    claims.org_id = random.pick(tenants);
  return claims;
}

const listed = (patterns) => [patterns ?? []].flat();

function grantOf(claims, config) {
  const own = config['tenant-claim'] && claims.org_id !== undefined
    ? [String(claims.org_id)] : [];
  return {
    subscribe: listed(claims.subscribe).concat(own),
    publish: listed(claims.publish),
    admin: claims.admin === true,
    ends: claims.exp * 1000,
  };
}

function randomRights(random) {
  return {
    subscribe: randomPatterns(random), publish: randomPatterns(random),
    admin: random.chance(0.2),
  };
}

export class Tokens {
  constructor(directory, config, random) {
    this.directory = directory;
    this.config = config;
    this.all = []; // texts that were ever shown
    this.pool = [];
    this.makeKeys();
    this.statics = Array.from({ length: STATIC }, () => this.newStatic(random));
    this.statics[0].rights = { subscribe: ['*'], publish: ['*'], admin: true };
    this.statics[0].stays = true;
  }

  // --- Keys ---

  makeKeys() {
    const named = (alg, kid, file, more) =>
      ({ ...newKey(alg, kid), file, present: true, ...more });
    this.keys = [
      named('HS256', 'h1', 'h1=h1.key'), named('HS256', 'h2', 'keys.json'),
      named('RS256', 'r1', 'r1=r1.pem'), named('ES256', 'e1', 'e1=e1.pem'),
      named('ES256', 'e2', 'keys.json'), named('EdDSA', 'd1', 'keys.json'),
      named('EdDSA', undefined, 'unnamed.pem'),
    ];
    this.foreign = Object.fromEntries(algorithms.map((alg) => [alg, newKey(alg)]));
  }

  // The key of a token, by its name, or the rule for those without one.
  keyOf({ kid, alg, key }) {
    const present = this.keys.filter((k) => k.present);
    if (kid !== undefined)
      return present.find((k) => k.kid === kid);
    const same = present.filter((k) => k.alg === alg);
    return same.length === 1 ? same[0]
      : same.find((k) => k.kid === undefined && k === key);
  }

  // --- Files ---

  path(name) {
    return `${this.directory}/${name}`;
  }

  write(name, text) {
    writeFileSync(this.path(name), text, { mode: 0o600 });
  }

  writeStatics() {
    const lines = this.statics.filter((s) => s.present).map((s, i) => {
      const rights = everyone.filter((what) => s.rights[what].length)
        .map((what) => ` ${what}=${s.rights[what].join(',')}`).join('');
      return `${s.hash} machine-${i}${rights}${s.rights.admin ? ' admin' : ''}\n`;
    });
    this.write('tokens.1', lines.slice(0, 3).join(''));
    this.write('tokens.2', `# more\n\n${lines.slice(3).join('')}`);
  }

  // Writes all, with a configuration that names them; returns its path.
  writeFiles() {
    const set = this.keys.filter((k) => k.file === 'keys.json');
    const present = set.filter((k) => k.present);
    const single = this.keys.filter((k) => !set.includes(k) && k.present);
    for (const key of single)
      this.write(key.file.replace(/^\w+=/, ''), keyText(key));
    this.write('keys.json', keySetText(present));
    this.writeStatics();
    const at = (file) => file.replace(/^(\w+=)?/, (kid) => kid + this.path(''));
    const files = single.map((k) => k.file).concat(present.length ? 'keys.json' : []);
    this.write('wsd.json', JSON.stringify({
      ...this.config, 'jwt-key': files.map(at),
      'tokens': ['tokens.1', 'tokens.2'].map((file) => this.path(file)),
    }));
    return this.path('wsd.json');
  }

  // Other keys and tokens than before; nothing is written yet.
  change(random) {
    for (const key of this.keys.slice(1))
      key.present = random.chance(0.8);
    for (const s of this.statics) {
      if (s.stays)
        continue;
      s.present = random.chance(0.8);
      if (random.chance(0.15))
        s.rights = randomRights(random);
    }
  }

  // --- Tokens ---

  newStatic(random) {
    const text = randomBytes(32).toString('base64url');
    const hash = hashOf(text);
    this.all.push(text);
    return { text, hash, rights: randomRights(random), present: true };
  }

  newJwt(random) {
    const key = random.pick(this.keys);
    const named = key.kid !== undefined && !random.chance(0.15);
    const header = { alg: key.alg };
    if (named)
      header.kid = key.kid;
    if (random.chance(0.5))
      header.typ = 'JWT';
    const claims = randomClaims(random, this.config);
    return { key, header, claims, kid: header.kid, alg: key.alg,
      text: signed(key, header, claims) };
  }

  newBad(random) {
    const config = { aud: this.config['jwt-aud'], iss: this.config['jwt-iss'] };
    if (random.chance(0.1)) {
      const { text } = random.pick(this.statics);
      return { fault: 'static: cut', text: text.slice(0, -1) };
    }
    if (config && this.config['tenant-claim'] && random.chance(0.05)) {
      const t = this.newJwt(random);
      t.claims.org_id = random.pick([...noTenants, '*', 1.5, null, ['acme']]);
      return { fault: 'org_id: no tenant', text: signed(t.key, t.header, t.claims) };
    }
    const { name, text } = forge(this.newJwt(random), random, this, config);
    return { fault: name, text };
  }

  newToken(random) {
    const token = random.weighted([
      [STATIC, () => ({ listed: random.pick(this.statics) })],
      [POOL * FORGED, () => this.newBad(random)],
      [POOL * (1 - FORGED), () => this.newJwt(random)],
    ])();
    if (token.listed)
      token.text = token.listed.text;
    else
      this.all.push(token.text);
    return token;
  }

  // A new one that is good, for some seconds.
  brief(random) {
    const half = Date.now() + 10000;
    for (;;) {
      const token = this.newJwt(random);
      const grant = this.judge(token);
      if (!grant || grant.ends > half || !this.isSettled(token))
        continue;
      this.all.push(token.text);
      return token;
    }
  }

  // One to show now; what it is worth will be the same a moment later.
  pick(random, usable = () => true) {
    for (;;) {
      if (this.pool.length < POOL || random.chance(0.1))
        this.pool.push(this.newToken(random));
      if (this.pool.length > POOL)
        this.pool.splice(random.int(POOL), 1);
      const token = random.pick(this.pool);
      if (usable(token) && this.isSettled(token))
        return token;
    }
  }

  isSettled({ claims }) {
    const left = claims ? claims.exp * 1000 - Date.now() : Infinity;
    return left > MARGIN_MS || left < -100;
  }

  // The grant of a token, as of now; null when it is not good.
  judge(token) {
    if (token.fault)
      return null;
    if (token.listed)
      return token.listed.present
        ? { ...token.listed.rights, ends: Infinity, listed: token.listed } : null;
    const good = this.keyOf(token) === token.key &&
      token.claims.exp * 1000 > Date.now();
    return good ? grantOf(token.claims, this.config) : null;
  }

  // Whether a grant goes on after the files were read anew.
  holds(grant) {
    if (!grant.listed)
      return true;
    const { present, rights } = grant.listed;
    return present && (rights.admin || !grant.admin) && everyone.every((what) =>
      grant[what].every((pattern) => isWithin(pattern, rights[what])));
  }

  describe(token) {
    const grant = this.judge(token);
    if (!grant)
      return `bad token (${token.fault || 'expired, or without key'})`;
    const { subscribe, publish, admin, ends } = grant;
    return `good token ${JSON.stringify({ subscribe, publish, admin,
      ends: ends === Infinity ? 'never' : new Date(ends).toISOString() })}`;
  }

  // One that gives all rights and stays.
  get master() {
    return { listed: this.statics[0], text: this.statics[0].text };
  }
}

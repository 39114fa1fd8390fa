// SPDX-License-Identifier: MIT
//
// forge - tokens that must be refused, each made from what would have been a
// good one: `t` is that, with `header`, `claims`, `key` and `text`, and `keys`
// are all that a wsd has, `foreign` one of each algorithm that it has not.

import { createHmac, sign } from 'node:crypto';
import { base64url, publicPem, signature, signed, signingInput } from './jwt.mjs';
import { noPatterns } from './names.mjs';

const parts = (t) => t.text.split('.');

const withHeader = (t, more) => signed(t.key, { ...t.header, ...more }, t.claims);
const withClaims = (t, more) => signed(t.key, t.header, { ...t.claims, ...more });

// Without a member.
function less(object, name) {
  const { [name]: _, ...rest } = object;
  return rest;
}

// The text of an object with one more member in front of the others.
function doubled(object, name, value) {
  return `{${JSON.stringify(name)}:${JSON.stringify(value)},` +
    JSON.stringify(object).slice(1);
}

function flipped(text, random) {
  const bytes = Buffer.from(text, 'base64url');
  bytes[random.int(bytes.length)] ^= 1 << random.int(8);
  return base64url(bytes);
}

const everything = { subscribe: ['*'], publish: ['*'], admin: true };

// How a signature is wrong.
const unsigned = {
  'signature: a bit is another one': (t, random) => {
    const [header, claims, last] = parts(t);
    return `${header}.${claims}.${flipped(last, random)}`;
  },
  'signature: of other claims': (t) => {
    const last = parts(t)[2];
    return `${signingInput(t.header, { ...t.claims, ...everything })}.${last}`;
  },
  'signature: of another header': (t) => {
    const [, claims, last] = parts(t);
    const header = base64url(JSON.stringify({ ...t.header, typ: 'jwt' }));
    return `${header}.${claims}.${last}`;
  },
  'signature: none': (t) => `${parts(t).slice(0, 2).join('.')}.`,
  'signature: cut': (t, random) => t.text.slice(0, -random.between(2, 20)),
  'signature: zeros': (t) =>
    `${parts(t).slice(0, 2).join('.')}.${base64url(Buffer.alloc(64))}`,
  'signature: as long as one of another algorithm': (t) =>
    `${parts(t).slice(0, 2).join('.')}.${base64url(Buffer.alloc(256, 7))}`,
  'key: one that nobody has': (t, random, { foreign }) =>
    signed(foreign[t.key.alg], t.header, t.claims),
};

// How its algorithm is.
const swapped = {
  'alg: none': (t, random) => {
    const alg = random.pick(['none', 'None', 'NONE', 'nOnE', '']);
    return `${signingInput({ ...t.header, alg }, t.claims)}.`;
  },
  'alg: none, signed': (t) => withHeader(t, { alg: 'none' }),
  'alg: missing': (t) => signed(t.key, less(t.header, 'alg'), t.claims),
  'alg: no string': (t) => withHeader(t, { alg: ['HS256'] }),
  'alg: unknown': (t, random) =>
    withHeader(t, { alg: random.pick(['HS512', 'RS512', 'PS256', 'ES384', 'hs256']) }),
  'alg: HS256 by a public key': (t, random, { keys }) => {
    const key = random.pick(keys.filter((k) => k.publicKey));
    const input = signingInput({ ...t.header, alg: 'HS256', kid: key.kid },
      { ...t.claims, ...everything });
    const secret = random.chance(0.5) ? publicPem(key) : publicPem(key).trim();
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  },
  'alg: another than that of its key': (t, random, { foreign }) => {
    const other = random.pick(Object.values(foreign)
      .filter((key) => key.alg !== t.key.alg));
    return signed(other, { ...t.header, alg: other.alg, kid: t.key.kid || 'x' }, t.claims);
  },
};

// How its header is.
const headed = {
  'kid: unknown': (t, random) =>
    withHeader(t, { kid: random.pick(['nobody', '', '../../etc/passwd', 'h1\u0000', '*']) }),
  'kid: of another key': (t, random, { keys }) =>
    withHeader(t, { kid: random.pick(keys.filter((k) => k.kid && k.kid !== t.key.kid)).kid }),
  'kid: no string': (t) => withHeader(t, { kid: 1 }),
  'crit': (t) => withHeader(t, { crit: ['exp'] }),
  'b64': (t) => withHeader(t, { b64: true }),
  'jku, x5u': (t, random) =>
    withHeader(t, { [random.pick(['jku', 'x5u'])]: 'https://keys.example/jwks.json' }),
  'jwk: its own': (t, random, { foreign }) => signed(foreign.ES256,
    { alg: 'ES256', jwk: foreign.ES256.publicKey.export({ format: 'jwk' }) }, t.claims),
  'x5c': (t) => withHeader(t, { x5c: ['MIIB'] }),
  'header: alg twice': (t) => signed(t.key, doubled(t.header, 'alg', t.key.alg), t.claims),
  'header: no object': (t, random) =>
    signed(t.key, random.pick(['[]', '"x"', '{', '']), t.claims),
};

// How its claims are, though the signature is good.
const claimed = {
  'exp: missing': (t) => signed(t.key, t.header, less(t.claims, 'exp')),
  'exp: over': (t, random) => withClaims(t,
    { exp: Math.floor(Date.now() / 1000) - random.pick([1, 60, 1e6]) }),
  'exp: no number': (t, random) =>
    withClaims(t, { exp: random.pick([String(t.claims.exp), null, true, {}, -1]) }),
  'exp: twice': (t) =>
    signed(t.key, t.header, doubled(t.claims, 'exp', t.claims.exp)),
  'exp: with an exponent': (t) => signed(t.key, t.header,
    JSON.stringify({ ...t.claims, exp: 0 }).replace('"exp":0', '"exp":4e12')),
  'nbf: not yet': (t) => withClaims(t, { nbf: t.claims.exp }),
  'nbf: no number': (t) => withClaims(t, { nbf: '0' }),
  'aud: another': (t, random) => withClaims(t,
    { aud: random.pick(['others', ['others', 'tester'], 'test ', 'tes', '', 7, null]) }),
  'aud: missing': (t) => signed(t.key, t.header, less(t.claims, 'aud')),
  'iss: another': (t, random) =>
    withClaims(t, { iss: random.pick(['others', '', 7, ['issuer']]) }),
  'iss: missing': (t) => signed(t.key, t.header, less(t.claims, 'iss')),
  'sub: no string': (t) => withClaims(t, { sub: { name: 'x' } }),
  'admin: no boolean': (t, random) =>
    withClaims(t, { admin: random.pick(['true', 1, null, []]) }),
  'subscribe, publish: no pattern': (t, random) => withClaims(t, {
    [random.pick(['subscribe', 'publish'])]: random.pick([
      [random.pick(noPatterns)], random.pick(noPatterns), ['acme', 7], 7, {}, null,
    ]),
  }),
  'subscribe: too many': (t) =>
    withClaims(t, { subscribe: Array.from({ length: 257 }, (_, i) => `t${i}`) }),
  'publish: twice': (t) =>
    signed(t.key, t.header, doubled({ publish: [], ...t.claims }, 'publish', ['*'])),
  'claims: no object': (t, random) =>
    signed(t.key, t.header, random.pick(['[]', '{', '', `${JSON.stringify(t.claims)}x`])),
};

// How its text is.
const mangled = {
  'text: a fourth part': (t) => `${t.text}.${parts(t)[2]}`,
  'text: two parts': (t) => parts(t).slice(0, 2).join('.'),
  'text: padding': (t) => parts(t).map((part) => `${part}=`).join('.'),
  'text: no base64url': (t) => t.text.replace('.', '.+/'),
  'text: a part is empty': (t) => `.${parts(t).slice(1).join('.')}`,
  'text: dots': () => '..',
  'text: too long': (t) => withClaims(t, { more: 'x'.repeat(13000) }),
  'text: cut': (t, random) => t.text.slice(0, random.between(1, t.text.length - 2)),
  'text: begun later': (t, random) => t.text.slice(random.between(1, 20)),
  'ES256 in DER': (t, random, { keys }) => {
    const key = keys.find((k) => k.alg === 'ES256' && k.kid);
    const input = signingInput({ alg: 'ES256', kid: key.kid }, t.claims);
    return `${input}.${base64url(sign('sha256', Buffer.from(input), key.privateKey))}`;
  },
};

export const forgeries = { ...unsigned, ...swapped, ...headed, ...claimed, ...mangled };

// Those that are wrong only for a wsd that asks for this.
const asked = { aud: /^aud:/, iss: /^iss:/ };

// The name of one and its text. `config` says what a wsd asks for.
export function forge(t, random, keys, config) {
  const names = Object.keys(forgeries).filter((name) =>
    Object.entries(asked).every(([what, of]) => config[what] || !of.test(name)));
  const name = random.pick(names);
  return { name, text: forgeries[name](t, random, keys) };
}

export { signature };

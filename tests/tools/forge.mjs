#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// forge - tokens that another program has made: good ones, and what an attacker
// or a careless library could send.
//
//   forge DIRECTORY
//
// Writes keys to the directory: rsa.pub, ec.pub and ed.pub (PEM), hmac (a
// secret). Whoever checks the tokens has them by the kids r, e, d and h. Prints
// a line for each token:
//
//   NAME <TAB> WANT <TAB> TOKEN
//
// TOKEN, which may be empty, is escaped as within a JSON string. WANT is "good",
// "bad", or bad with the reason that refusal_strerror() has. Names that begin with "cut" or "flip"
// are many, and need e and h alone.

import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const [directory] = process.argv.slice(2);
const now = Math.floor(Date.now() / 1000);
const claims = { exp: now + 3600, subscribe: '*', publish: '*' };

// Reasons
const FORM = 'it is not three parts in base64url';
const HEADER = 'its header is no JSON object with unique members of the right types';
const ALGORITHM = 'its algorithm is none of HS256, RS256, ES256, EdDSA';
const CRITICAL = "its header has 'crit' or 'b64'";
const OWN_KEY = "its header chooses a key: 'jku', 'jwk', 'x5u' or 'x5c'";
const KID = "no key has its 'kid'";
const PINNED = 'its algorithm is not that of its key';
const SIGNATURE = 'its signature is wrong';
const CLAIMS = 'its claims are no JSON object with unique members';
const TIME = "its 'exp' or 'nbf' is no time";
const PATTERN = "its 'subscribe' or 'publish' is no list of at most 256 tenant patterns";
const ADMIN = "its 'admin' is neither true nor false";
const SUBJECT = "its 'sub' is no string of at most 1024 bytes";
const LONG = 'it is above 16 KiB';
const UNKNOWN = 'there is neither such a token nor a key for it';

// Keys

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const secret = randomBytes(30).toString('base64url');
const spki = (key) => key.export({ type: 'spki', format: 'pem' });
const pems = { rsa: spki(rsa.publicKey), ec: spki(ec.publicKey),
  ed: spki(ed.publicKey) };

for (const [name, pem] of Object.entries(pems))
  writeFileSync(`${directory}/${name}.pub`, pem, { mode: 0o644 });
writeFileSync(`${directory}/hmac`, `${secret}\n`, { mode: 0o600 });

// Signatures, of the text in front of the last dot

const hmac = (key) => (text) => createHmac('sha256', key).update(text).digest();
const rs256 = (key) => (text) => sign('sha256', text, key);
const es256 = (key) => (text) =>
  sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' });
const eddsa = (key) => (text) => sign(null, text, key);
const algorithms = {
  HS256: { kid: 'h', by: hmac(secret) },
  RS256: { kid: 'r', by: rs256(rsa.privateKey) },
  ES256: { kid: 'e', by: es256(ec.privateKey) },
  EdDSA: { kid: 'd', by: eddsa(ed.privateKey) },
};

// Tokens

const part = (x) => Buffer.from(Buffer.isBuffer(x) || typeof x === 'string'
  ? x : JSON.stringify(x)).toString('base64url');

// `header` and `body` are objects, or bytes as they are.
function make(header, body, by) {
  const input = `${part(header)}.${part(body)}`;
  return `${input}.${by(Buffer.from(input)).toString('base64url')}`;
}

// A good token but for what is in `header` and `body`.
function altered(alg, header, body) {
  return make({ alg, ...header }, { ...claims, ...body }, algorithms[alg].by);
}

function put(name, token, want) {
  console.log([name, want, JSON.stringify(token).slice(1, -1)].join('\t'));
}

const all = (cases, want, token) => cases.forEach((value, i) =>
  put(`${token.name} ${i}`, token(value), want));

// Good ones

for (const [alg, { kid }] of Object.entries(algorithms)) {
  put(`${alg} by its kid`, altered(alg, { kid }), 'good');
  put(`${alg} without a kid`, altered(alg), 'good');
  put(`${alg} with members that choose nothing`,
    altered(alg, { typ: 'at+jwt', cty: 'x', x5t: 'AA', 'x5t#S256': 'AA', n: 1 },
      { iat: -1, jti: 'x', scope: ['a'], nbf: 0, sub: '\u00e9' }), 'good');
}
put('escaped names and values',
  make('{"\\u0061lg":"HS\\u003256","k\\u0069d":"\\u0068"}', claims,
    hmac(secret)), 'good');
put('a fraction of a second',
  altered('HS256', {}, { exp: now + 3600.5, nbf: now - 0.5 }), 'good');
put('the last second that counts',
  altered('HS256', {}, { exp: Number.MAX_SAFE_INTEGER }), 'good');
put('blanks in JSON', make('\n{ "alg" : "HS256" }\t',
  ` ${JSON.stringify(claims, null, 2)}\r\n`, hmac(secret)), 'good');

// Algorithms

const unsigned = (alg) =>
  `${part({ alg })}.${part(claims)}.`;
const signedAs = (alg) => make({ alg }, claims, hmac(secret));
const names = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\0', '', 'HS384', 'HS512', 'RS384', 'RS512', 'PS256', 'ES384', 'ES512',
  'ES256K', 'Ed25519', 'Ed448', 'hs256', 'rs256', 'Es256', 'EDDSA', 'HS256 ',
  'HS256\0', 'A128KW', 'dir'];
all(names, ALGORITHM, unsigned);
all(names, ALGORITHM, signedAs);
const strange = (alg) => make({ alg }, claims, hmac(secret));
all([null, 1, true, ['HS256'], { alg: 'HS256' }, undefined], HEADER, strange);

// Signatures by what everybody knows

const der = rsa.publicKey.export({ type: 'spki', format: 'der' });
const jwk = rsa.publicKey.export({ format: 'jwk' });
const known = [pems.rsa, pems.rsa.trim(), pems.ec, pems.ed, der,
  Buffer.from(jwk.n, 'base64url'), jwk.n, JSON.stringify(jwk), '', secret + '\n'];
const byPublicKey = (key) => make({ alg: 'HS256' }, claims, hmac(key));
const byPublicKeyNamed = (key) =>
  make({ alg: 'HS256', kid: 'r' }, claims, hmac(key));
all(known, SIGNATURE, byPublicKey);
all(known, PINNED, byPublicKeyNamed);
for (const [alg, { by }] of Object.entries(algorithms))
  for (const [other, { kid }] of Object.entries(algorithms))
    if (alg !== other) {
      put(`${alg}, and the key of ${other}`,
        make({ alg, kid }, claims, by), PINNED);
      put(`${other}, signed as ${alg}`,
        make({ alg: other }, claims, by), SIGNATURE);
    }

// Signatures by others, or none

const others = {
  HS256: hmac(randomBytes(32)),
  RS256: rs256(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  ES256: es256(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  EdDSA: eddsa(generateKeyPairSync('ed25519').privateKey),
};
for (const [alg, by] of Object.entries(others)) {
  const good = altered(alg);
  const [header, body, signature] = good.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const with_ = (changed) => `${header}.${body}.${part(changed)}`;

  put(`${alg} by another key`, make({ alg }, claims, by), SIGNATURE);
  put(`${alg} without a signature`, `${header}.${body}.`, SIGNATURE);
  put(`${alg} of zeros`, with_(Buffer.alloc(bytes.length)), SIGNATURE);
  put(`${alg} of ones`, with_(Buffer.alloc(bytes.length, 255)), SIGNATURE);
  put(`${alg} and a byte`, with_(Buffer.concat([bytes, Buffer.alloc(1)])),
    SIGNATURE);
  put(`${alg} behind a byte`, with_(Buffer.concat([Buffer.alloc(1), bytes])),
    SIGNATURE);
  put(`${alg} without its last byte`, with_(bytes.subarray(0, -1)), SIGNATURE);
  put(`${alg} with other claims`, `${header}.${
    part({ ...claims, admin: true })}.${signature}`, SIGNATURE);
  put(`${alg} with another header`,
    `${part({ alg, typ: 'JWT' })}.${body}.${signature}`, SIGNATURE);
  put(`${alg} with its parts exchanged`, `${body}.${header}.${signature}`,
    HEADER);
}

// Numbers: r and s of ECDSA, s of RSA and of Ed25519

const big = (bytes) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const bytesOf = (n, size) =>
  Buffer.from(n.toString(16).padStart(2 * size, '0'), 'hex');
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const group = 2n ** 252n + 27742317777372353535851937790883648493n;

{
  const [header, body, signature] = altered('ES256').split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
  const with_ = (one, two) =>
    `${header}.${body}.${part(Buffer.concat([one, two]))}`;
  const number = (n) => bytesOf(n, 32);

  put('ES256 in DER', make({ alg: 'ES256' }, claims,
    (text) => sign('sha256', text, ec.privateKey)), SIGNATURE);
  put('ES256 with s negated, which is a signature too',
    with_(r, number(order - big(s))), 'good');
  put('ES256 with r and s exchanged', with_(s, r), SIGNATURE);
  put('ES256 with r = 0', with_(number(0n), s), SIGNATURE);
  put('ES256 with s = 0', with_(r, number(0n)), SIGNATURE);
  put('ES256 with r = s = the order', with_(number(order), number(order)),
    SIGNATURE);
  put('ES256 with r = s = 1', with_(number(1n), number(1n)), SIGNATURE);
}
{
  const [header, body, signature] = altered('EdDSA').split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = big(Buffer.from(bytes.subarray(32)).reverse()) + group;
  const high = bytesOf(s, 32).reverse();

  put('EdDSA with s above the order',
    `${header}.${body}.${part(Buffer.concat([bytes.subarray(0, 32), high]))}`,
    SIGNATURE);
}
{
  const [header, body, signature] = altered('RS256').split('.');
  const s = big(Buffer.from(signature, 'base64url'));
  const n = big(Buffer.from(jwk.n, 'base64url'));
  const with_ = (x) => `${header}.${body}.${part(bytesOf(x, 256))}`;

  put('RS256 with s = 0', with_(0n), SIGNATURE);
  put('RS256 with s = 1', with_(1n), SIGNATURE);
  put('RS256 with s = n - 1', with_(n - 1n), SIGNATURE);
  put('RS256 with s negated', with_(n - s), SIGNATURE);
}

// Which key

const kids = ['', ' ', 'R', 'r ', 'r\0', '../../../../dev/null', '/dev/null',
  'C:\\NUL', "' OR 1=1 --", '$(id)', 'x'.repeat(257), '\ud83d\ude00', '\u0131'];
const byKid = (kid) => altered('RS256', { kid });
all(kids, KID, byKid);
const byStrangeKid = (kid) => altered('RS256', { kid });
all([null, 1, true, ['r'], { r: 1 }], HEADER, byStrangeKid);
const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const own = (member) => make({ alg: 'ES256', ...member }, claims,
  es256(mine.privateKey));
all([{ jwk: mine.publicKey.export({ format: 'jwk' }) }, { jwk: null },
  { jku: 'https://evil.example/jwks.json', kid: 'e' }, { jku: '' },
  { x5u: 'file:///etc/passwd' }, { x5c: ['AA'] }, { x5c: [] }], OWN_KEY, own);
const critical = (member) => altered('ES256', member);
all([{ crit: ['exp'] }, { crit: [] }, { crit: null }, { crit: ['b64'], b64: false },
  { b64: false }, { b64: true }, { crit: ['http://example.invalid/UNDEFINED'] }],
CRITICAL, critical);
put('crit, escaped', make('{"alg":"HS256","cr\\u0069t":["exp"]}', claims,
  hmac(secret)), CRITICAL);

// JSON

const byHeader = (header) => make(header, claims, hmac(secret));
all(['', '{}x', '[]', '"HS256"', 'null', '{"alg":"HS256"', '{"alg":"HS256",}',
  "{'alg':'HS256'}", '{alg:"HS256"}', '{"alg":"HS256","alg":"HS256"}',
  '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","\\u0061lg":"none"}',
  '{"alg":"HS256","kid":"h","kid":"h"}', '{"alg":"HS256","typ":1}',
  '\ufeff{"alg":"HS256"}', '{"alg":"HS256"}\0', '{"alg":"HS256","x":"\n"}',
  '{"alg":"HS256","x":NaN}', '{"alg":"HS256"}//', '{"alg":"HS256","x":01}',
  Buffer.from('{"alg":"HS256","x":"\xff"}', 'latin1'),
  `{"alg":"HS256","x":${'['.repeat(5000)}${']'.repeat(5000)}}`,
], HEADER, byHeader);
const byClaims = (body) => make({ alg: 'HS256' }, body, hmac(secret));
const exp = `"exp":${claims.exp}`;
all(['', `{${exp}}x`, `[{${exp}}]`, '"x"', '1', 'null', `{${exp}`, `{${exp},}`,
  `{${exp},${exp}}`, `{${exp},"e\\u0078p":1}`, `{"admin":false,${exp},"admin":true}`,
  `\ufeff{${exp}}`, `{${exp}}\0`, `{${exp},"x":tru}`,
  Buffer.from(`{${exp},"sub":"\xc3\x28"}`, 'latin1'),
  `{${exp},${Array.from({ length: 100 }, (_, i) => `"m${i}":1`)}}`,
], CLAIMS, byClaims);

// Claims

put('no exp', altered('HS256', {}, { exp: undefined }), "it has no 'exp'");
const byTime = (times) =>
  make({ alg: 'HS256' }, `{"publish":"*",${times}}`, hmac(secret));
all(['"exp":"9999999999"', '"exp":null', '"exp":true', '"exp":[9999999999]',
  '"exp":-1', '"exp":-9999999999', '"exp":1e10', '"exp":1E400', '"exp":1e-1',
  '"exp":9007199254740992', '"exp":18446744073709551616',
  `"exp":${'9'.repeat(400)}`, '"exp":99999999999999999999.5', '"exp":-0',
  `${exp},"nbf":-1`, `${exp},"nbf":"0"`, `${exp},"nbf":null`, `${exp},"nbf":1e1`,
], TIME, byTime);
put('expired', altered('HS256', {}, { exp: now - 1 }), 'it has expired');
put('expired in 1970', altered('HS256', {}, { exp: 0 }), 'it has expired');
put('too early', altered('HS256', {}, { nbf: now + 1800 }),
  "it is not valid yet ('nbf')");
const byPatterns = (subscribe) => altered('HS256', {}, { subscribe });
all([1, null, true, {}, ['a', 1], [['a']], '', 'a*b', '**', '*a', 'a b', 'a/b',
  'a\0', '\u00e9', ['a', '..'], ['a', '*a'], 'x'.repeat(300), '.',
  Array.from({ length: 257 }, (_, i) => `t${i}`)], PATTERN, byPatterns);
const byAdmin = (admin) => altered('HS256', {}, { admin });
all(['true', 1, null, [true], {}], ADMIN, byAdmin);
const bySubject = (sub) => altered('HS256', {}, { sub });
all([1, null, ['x'], 'x'.repeat(1025), '\ud800'], SUBJECT, bySubject);
put('above 16 KiB', altered('HS256', {}, { sub: 'x', y: 'x'.repeat(16384) }),
  LONG);

// The text

{
  const good = altered('HS256');
  const [header, body, signature] = good.split('.');
  const last = signature.at(-1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const text = (changed) => changed;

  // 43 characters hold 258 bits, of which two are none.
  const spare = alphabet[alphabet.indexOf(last) ^ 1];
  const odd = altered('HS256', { x: '?>' }).replaceAll('-', '+')
    .replaceAll('_', '/');
  all([`${good}=`, `${good}==`, `${header}=.${body}.${signature}`,
    `${header}.${body}=.${signature}`, `${good}.`, `.${good}`, `${good}.AA`,
    `${header}..${body}.${signature}`, `${header}.${body}`, '...', '.',
    ` ${good}`, `${good} `, `${good}\n\n`, `${good}\r`, `${good}\t`,
    `${header} .${body}.${signature}`, `${header}.${body}.\n${signature}`,
    `Bearer ${good}`, `"${good}"`, `${good},${good}`, `${good}%00`,
    `${header}.${body}.${signature.slice(0, -1)}${spare}`,
    `${header}.${body}.${signature}!`,
    good.replace('.', '\u3002'), `\ufeff${good}`], FORM, text);
  if (/[+/]/.test(odd))
    put('the other alphabet', odd, FORM);
  put('a header that is no header', `e30.${body}.${signature}`, HEADER);
  put('a character behind it', `${good}A`, SIGNATURE);
  put('three empty parts', '..', HEADER);
  put('nothing', '', 'bad');
  put('a NUL behind it', `${good}\0`, 'bad');
  put('one word', 'abc', UNKNOWN);
  put('the secret itself', secret, UNKNOWN);
  put('two words', 'a.b', FORM);
  put('five parts, as encrypted ones have', 'a.b.c.d.e', FORM);
}

// Many: each beginning of a token, and one bit of each byte that it stands for.
for (const alg of ['HS256', 'ES256']) {
  const good = altered(alg);
  const parts = good.split('.').map((text) => Buffer.from(text, 'base64url'));

  for (let i = 1; i < good.length; i++)
    put(`cut ${alg} at ${i}`, good.slice(0, i), 'bad');
  parts.forEach((bytes, which) => bytes.forEach((_, i) => {
    const flipped = parts.map((b) => Buffer.from(b));

    flipped[which][i] ^= 1 << (i % 8);
    put(`flip ${alg} ${which} ${i}`, flipped.map(part).join('.'), 'bad');
  }));
}

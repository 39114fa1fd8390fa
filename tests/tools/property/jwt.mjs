// SPDX-License-Identifier: MIT
//
// jwt - JSON Web Tokens (RFC 7515, RFC 7519) by the crypto of node, and the
// files of keys that a wsd checks them with. It signs whatever it is given.

import {
  createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign,
} from 'node:crypto';

export const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

const generators = {
  HS256: () => ({ secret: randomBytes(32).toString('base64url') }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

export const algorithms = Object.keys(generators);

// A key of an algorithm; `kid` is undefined for one without a name.
export function newKey(alg, kid) {
  return { alg, kid, ...generators[alg]() };
}

const signers = {
  HS256: (key, input) =>
    createHmac('sha256', key.secret).update(input).digest(),
  RS256: (key, input) => sign('sha256', input, key.privateKey),
  ES256: (key, input) => sign('sha256', input,
    { key: key.privateKey, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (key, input) => sign(null, input, key.privateKey),
};

// The signature of `input`, as bytes.
export function signature(key, input) {
  return signers[key.alg](key, Buffer.from(input));
}

// The part of a token that is signed; header and claims can be text, too.
export function signingInput(header, claims) {
  const text = (part) => typeof part === 'string' ? part : JSON.stringify(part);
  return `${base64url(text(header))}.${base64url(text(claims))}`;
}

export function signed(key, header, claims) {
  const input = signingInput(header, claims);
  return `${input}.${base64url(signature(key, input))}`;
}

export function publicPem(key) {
  return key.publicKey.export({ type: 'spki', format: 'pem' });
}

function jwkOf(key) {
  const jwk = key.secret ? { kty: 'oct', k: base64url(key.secret) }
    : createPublicKey(publicPem(key)).export({ format: 'jwk' });
  return { ...jwk, kid: key.kid, alg: key.alg };
}

// What the file of one key has in it, and that of several, a JWK Set.
export const keyText = (key) => key.secret || publicPem(key);
export const keySetText = (keys) => JSON.stringify({ keys: keys.map(jwkOf) });

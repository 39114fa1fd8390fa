// SPDX-License-Identifier: MIT
//
// wsframes - WebSocket frames (RFC 6455 section 5.2) for the tools of tests:
// makes any, also wrong ones, and takes only flawless ones apart.

import { randomBytes } from 'node:crypto';

const KINDS = {
  0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong',
};

// What a peer did wrong.
export class Failure extends Error {}

export function fail(text) {
  throw new Failure(text);
}

// The first byte, and a length in its shortest form.
export function header(byte, length, masked) {
  const head = [byte];
  const mask = masked ? 0x80 : 0;
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64BE(BigInt(length));
  if (length < 126)
    head.push(mask | Number(length));
  else if (length < 65536)
    head.push(mask | 126, ...wide.subarray(6));
  else
    head.push(mask | 127, ...wide);
  return Buffer.from(head);
}

function toggle(payload, mask) {
  const bytes = Buffer.from(payload);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] ^= mask[i & 3];
  return bytes;
}

// As a client sends it.
export function maskedFrame(byte, payload) {
  const mask = randomBytes(4);
  return Buffer.concat([header(byte, payload.length, true), mask,
    toggle(payload, mask)]);
}

// As a server sends it.
export function plainFrame(byte, payload) {
  return Buffer.concat([header(byte, payload.length, false), payload]);
}

// Takes one frame off the front of `bytes`, which must be masked or not; null
// when it is not whole. `final` is false when more of the message follows.
export function unframe(bytes, masked) {
  if (bytes.length < 2)
    return null;
  const kind = KINDS[bytes[0] & 0x0f];
  const final = bytes[0] >= 0x80;
  let length = bytes[1] & 0x7f;
  let at = 2;
  if (!kind || bytes[0] & 0x70 || bytes[1] >= 0x80 !== masked)
    fail(`bad frame header ${bytes.subarray(0, 16).toString('hex')}`);
  if (length >= 126) {
    const least = length === 126 ? 126 : 65536;
    at += length === 126 ? 2 : 8;
    if (bytes.length < at)
      return null;
    length = parseInt(bytes.subarray(2, at).toString('hex'), 16);
    if (length < least)
      fail(`length ${length} is not in its shortest form`);
  }
  if (bytes[0] & 8 && (length > 125 || !final))
    fail(`${kind} of ${length} bytes${final ? '' : ', a fragment'}`);
  if (masked)
    at += 4;
  if (bytes.length < at + length)
    return null;
  const payload = bytes.subarray(at, at + length);
  return {
    kind, final, size: at + length,
    payload: masked ? toggle(payload, bytes.subarray(at - 4, at)) : payload,
  };
}

export function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return fail(`not UTF-8: ${bytes.subarray(0, 80).toString('latin1')}`);
  }
}

// The code and the reason of a close frame; 1005 when it has none.
export function closing(payload) {
  if (payload.length === 1)
    fail('a close frame with half a code');
  return {
    code: payload.length ? payload.readUInt16BE(0) : 1005,
    reason: utf8(payload.subarray(2)),
  };
}

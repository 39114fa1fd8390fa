// SPDX-License-Identifier: MIT
//
// resp - a connection to a Redis at a Unix socket for the tools of tests, made
// again whenever it ends, at once. Only what such a tool needs of the protocol.

import { connect } from 'node:net';

const AGAIN_MS = 5; // until the next try, while nobody is there

// An error that Redis replied.
export class Refusal extends Error {}

function format(words) {
  const texts = words.map(String);
  return `*${texts.length}\r\n` +
    texts.map((t) => `$${Buffer.byteLength(t)}\r\n${t}\r\n`).join('');
}

// The reply at `from`, and where the next begins; null when it is not whole.
// Texts of replies are ASCII here.
function parse(text, from) {
  const end = text.indexOf('\r\n', from);
  if (end < 0)
    return null;
  const rest = text.slice(from + 1, end);
  switch (text[from]) {
  case '+': return { value: rest, next: end + 2 };
  case '-': return { value: new Refusal(rest), next: end + 2 };
  case ':': return { value: Number(rest), next: end + 2 };
  case '$': return parseBulk(text, Number(rest), end + 2);
  case '*': return parseArray(text, Number(rest), end + 2);
  default: throw new Error(`Redis replies ${text.slice(from, end)}`);
  }
}

function parseBulk(text, length, from) {
  if (length < 0)
    return { value: null, next: from };
  if (text.length < from + length + 2)
    return null;
  return { value: text.slice(from, from + length), next: from + length + 2 };
}

function parseArray(text, count, from) {
  const value = [];
  let next = from;
  for (let i = 0; i < count; i++) {
    const item = parse(text, next);
    if (!item)
      return null;
    value.push(item.value);
    next = item.next;
  }
  return { value, next };
}

// events.ready() when it is connected, events.reply(value, what) for each reply
// with what was given to send(), events.lost(whats) with what was not answered.
export class Redis {
  constructor(path, events) {
    this.path = path;
    this.events = events;
    this.asked = [];
    this.open = false;
    this.dial();
  }

  dial() {
    this.text = '';
    this.socket = connect(this.path);
    this.socket.setEncoding('latin1');
    this.socket.on('connect', () => {
      this.open = true;
      this.events.ready();
    });
    this.socket.on('data', (text) => this.take(text));
    this.socket.on('error', () => {}); // 'close' follows
    this.socket.on('close', () => this.gone());
  }

  gone() {
    const asked = this.asked;
    this.asked = [];
    this.open = false;
    this.events.lost(asked);
    setTimeout(() => this.dial(), AGAIN_MS);
  }

  // Several commands, each as [what, words].
  send(commands) {
    for (const [what] of commands)
      this.asked.push(what);
    this.socket.write(commands.map(([, words]) => format(words)).join(''));
  }

  // While Redis still reads its file, nobody is there yet.
  take(text) {
    this.text += text;
    let at = 0;
    for (let item; (item = parse(this.text, at)); at = item.next) {
      if (item.value instanceof Refusal) {
        if (!item.value.message.startsWith('LOADING'))
          throw item.value;
        this.socket.destroy();
        return;
      }
      this.events.reply(item.value, this.asked.shift());
    }
    this.text = this.text.slice(at);
  }
}

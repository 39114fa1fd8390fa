// SPDX-License-Identifier: MIT
//
// fakes - what a browser has, for the unit tests of clients/js: a clock that
// moves when it is told to, a WebSocket whose other end is in the same program,
// and the events of a page. Imported before the client.

import { webcrypto } from 'node:crypto';

const setImmediate = globalThis.setImmediate;

globalThis.crypto ??= webcrypto; // in Node 18

// Until everything that was promised has happened.
export const settle = () => new Promise((resolve) => setImmediate(resolve));

// --- The clock ---

let now = 1000; // ms since the page was opened
let wall = Date.UTC(2026, 0, 1);
let timers = [];
let lastTimer = 0;

Date.now = () => wall + now;
Object.defineProperty(globalThis, 'performance',
  { value: { now: () => now }, configurable: true });
globalThis.setTimeout = (run, ms = 0) => {
  timers.push({ id: ++lastTimer, at: now + Math.max(0, ms), run });
  return lastTimer;
};
globalThis.clearTimeout = (id) => {
  timers = timers.filter((timer) => timer.id !== id);
};

export const clock = {
  get timers() {
    return timers.map(({ at }) => at - now).sort((a, b) => a - b);
  },

  // Lets so much time pass, with all that is due in it.
  async pass(ms) {
    const end = now + ms;
    await settle();
    for (;;) {
      const due = timers.filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at || a.id - b.id)[0];
      if (!due)
        break;
      clearTimeout(due.id);
      now = Math.max(now, due.at);
      due.run();
      await settle();
    }
    now = end;
  },

  // Somebody sets the clock of the machine.
  set(ms) {
    wall += ms;
  },

  // The same while timers are held up: what is due runs at the end.
  async sleep(ms) {
    await settle();
    now += ms;
  },
};

// --- The page ---

export const page = new EventTarget();
export const doc = new EventTarget();

Object.assign(doc, { visibilityState: 'visible' });
globalThis.addEventListener = (...args) => page.addEventListener(...args);
globalThis.document = doc;
Object.defineProperty(globalThis, 'navigator',
  { value: { onLine: true }, configurable: true });

export const thrown = []; // by callbacks
globalThis.reportError = (error) => thrown.push(error);

export function tell(type) {
  if (type === 'online' || type === 'offline')
    navigator.onLine = type === 'online';
  const ofDocument = ['freeze', 'resume', 'visibilitychange'].includes(type);
  (ofDocument ? doc : page).dispatchEvent(new Event(type));
}

// --- The network ---

export const sockets = []; // all that were made; what a test does with them

export class FakeSocket {
  constructor(url, protocol) {
    if (!/^wss?:/.test(url))
      throw new SyntaxError(`'${url}' is no URL of a WebSocket`);
    this.url = url;
    this.protocol = protocol;
    this.sent = []; // messages to the server
    this.state = 'connecting';
    sockets.push(this);
    FakeSocket.made?.(this);
  }

  // --- What the client calls ---

  send(text) {
    if (this.state === 'connecting')
      throw new Error('it is still connecting');
    if (this.state === 'open')
      this.sent.push(text);
  }

  close(code) {
    if (this.state === 'closed' || this.state === 'left')
      return;
    this.state = 'left';
    this.code = code;
    this.left?.();
    queueMicrotask(() => this.onclose?.({ code, reason: '' }));
  }

  // --- What the test does ---

  get isThere() {
    return this.state === 'connecting' || this.state === 'open';
  }

  receive(...messages) {
    if (this.isThere) {
      this.state = 'open';
      this.onmessage?.({ data: messages.map((message) => `${
        typeof message === 'string' ? message : JSON.stringify(message)}\n`)
        .join('') });
    }
  }

  welcome(limits = { message: 1 << 20, frame: 1 << 21, subscriptions: 1000 }) {
    this.receive({ type: 'WELCOME', connection: '1', server: 'fake', limits });
  }

  end(code = 1006, reason = '') {
    if (!this.isThere)
      return;
    this.state = 'closed';
    this.onclose?.({ code, reason });
  }

  // The requests that were sent since, parsed.
  take() {
    return this.sent.splice(0).join('').split('\n').filter(Boolean)
      .map((line) => JSON.parse(line));
  }
}

globalThis.WebSocket = FakeSocket;

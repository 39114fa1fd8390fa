// SPDX-License-Identifier: MIT
//
// wsd - starts and ends the real programs for tests in JavaScript, and stands
// between a client and wsd as a Relay, which has a port of its own for as long
// as a test takes, whatever becomes of the wsd behind it.
//
// Whatever is started here ends with the test: by its pid.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const BIN = process.env.BIN ??
  fileURLToPath(new URL('../../bin', import.meta.url));
const running = new Set();
const directory = mkdtempSync(`${process.env.BATS_TEST_TMPDIR ?? tmpdir()}/js.`);

process.on('exit', () => {
  for (const child of running)
    child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});
for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => process.exit(1));

export class Wsd {
  // Resolves when it listens. `url` is of its WebSocket, `http` the rest.
  static async start(...options) {
    const wsd = new Wsd();
    wsd.child = spawn(`${BIN}/wsd`, ['--listen', '127.0.0.1:0', '--ready-fd',
      '3', ...options], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    running.add(wsd.child);
    wsd.log = '';
    wsd.child.stderr.on('data', (text) => (wsd.log += text));
    wsd.ended = once(wsd.child, 'close').then(([code, signal]) => {
      running.delete(wsd.child);
      return signal ?? code;
    });
    let text = '';
    for await (const chunk of wsd.child.stdio[3])
      text += chunk;
    [wsd.url] = text.split('\n');
    if (!wsd.url)
      throw new Error(`wsd does not start: ${wsd.log}`);
    wsd.http = wsd.url.replace(/^ws/, 'http').replace(/\/ws$/, '');
    wsd.port = Number(new URL(wsd.url).port);
    return wsd;
  }

  // It drains, and must exit with 0.
  async stop() {
    this.child.kill('SIGTERM');
    const status = await this.ended;
    if (status !== 0)
      throw new Error(`wsd ended with ${status}: ${this.log}`);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async get(path, token) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(this.http + path, { headers });
    if (!answer.ok)
      throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async connections(token) {
    const answer = await this.get('/v1/connections', token);
    return (await answer.json()).connections;
  }

  // Several updates in one request.
  async publish(tenant, updates, token) {
    const answer = await fetch(`${this.http}/v1/tenants/${tenant}/updates`, {
      method: 'POST', body: updates.map((data) => JSON.stringify(data))
        .join('\n'), headers: { 'Content-Type': 'application/x-ndjson',
        ...(token ? { Authorization: `Bearer ${token}` } : {}) } });
    if (!answer.ok)
      throw new Error(`publishing: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

// What a program writes; `wstoken(...)` makes tokens, `wspub(...)` publishes.
function run(program, args) {
  return new Promise((resolve, reject) => {
    execFile(`${BIN}/${program}`, args, (error, stdout) =>
      (error ? reject(error) : resolve(stdout.trim())));
  });
}

export const wstoken = (...args) => run('wstoken', args);
export const wspub = (...args) => run('wspub', args);

let keys = 0;

export async function newKey() {
  const file = `${directory}/key.${++keys}`;
  await wstoken('keygen', file);
  return file;
}

// --- Between the two ---

export class Relay {
  static async start(target) {
    const relay = new Relay();
    relay.target = target; // a Wsd; null refuses
    relay.pairs = new Set();
    relay.held = false;
    relay.taken = 0; // connections
    relay.server = net.createServer((socket) => relay.take(socket));
    relay.server.listen(0, '127.0.0.1');
    await once(relay.server, 'listening');
    relay.url = `ws://127.0.0.1:${relay.server.address().port}/ws`;
    return relay;
  }

  take(client) {
    this.taken++;
    changed();
    if (!this.target) {
      client.destroy();
      return;
    }
    const server = net.connect(this.target.port, '127.0.0.1');
    const pair = [client, server];
    this.pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => {
        this.pairs.delete(pair);
        pair.forEach((other) => other.destroy());
      });
    }
    client.pipe(server);
    server.pipe(client);
    if (this.held)
      server.pause();
  }

  // All connections end without a word.
  cut() {
    for (const pair of this.pairs)
      pair.forEach((socket) => socket.destroy());
  }

  // Nothing comes from the server any more.
  hold() {
    this.held = true;
    for (const [client, server] of this.pairs) {
      server.unpipe(client);
      server.pause();
    }
  }

  resume() {
    this.held = false;
    for (const [client, server] of this.pairs)
      server.pipe(client);
  }

  close() {
    this.cut();
    this.server.close();
  }
}

// --- Waiting ---

const WAIT_MS = 30000;
const ASK_MS = 10;
const waiting = new Set();

// Something may have changed: see until().
export function changed() {
  for (const wake of [...waiting])
    wake();
}

// Resolves when `condition()` is true, which is asked after each changed().
// What never is ends the test.
export function until(condition) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      waiting.delete(wake);
      settle(value);
    };
    const timer = setTimeout(() =>
      end(reject, new Error(`it never came: ${condition}`)), WAIT_MS);
    const wake = () => condition() && end(resolve);
    waiting.add(wake);
    wake();
  });
}

// The same for what only a server knows: it is asked again and again, and can
// do something between.
export async function untilAsync(condition) {
  const end = Date.now() + WAIT_MS;
  while (!(await condition())) {
    if (Date.now() > end)
      throw new Error(`it never came: ${condition}`);
    await moment();
  }
}

// Between two questions, so that what is asked has the processor.
export const moment = () => new Promise((resolve) => setTimeout(resolve, ASK_MS));

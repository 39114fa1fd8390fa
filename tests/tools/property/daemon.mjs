// SPDX-License-Identifier: MIT
//
// daemon - the wsd that is tested: started with a file of its configuration,
// told to read it anew, stopped; and all that it has logged.

import { spawn } from 'node:child_process';
import { Failure } from '../wsframes.mjs';

const RELOADED = 'keys and tokens were read anew';
const PIECE = 12; // bytes of a secret that a log may not have

export class Daemon {
  constructor(program, config, options) {
    this.log = '';
    this.url = '';
    this.status = null;
    this.process = spawn(program, ['--config', config, '--listen', '127.0.0.1:0',
      '--ready-fd', '3', ...options], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    process.once('exit', () => this.kill());
    this.process.stderr.on('data', (text) => { this.log += text; this.changed(); });
    this.process.stdio[3].on('data', (text) => { this.url += text; this.changed(); });
    this.exit = new Promise((resolve) => this.process.on('close', (code, signal) => {
      this.status = code ?? signal;
      this.changed();
      resolve();
    }));
  }

  changed() {
    this.onChange?.();
  }

  get address() {
    const { hostname: host, port } = new URL(this.url.split('\n')[0]);
    return { host, port };
  }

  isReady() {
    return this.url.includes('\n') || this.status !== null;
  }

  // Resolves when `test` holds; fails when it ends before.
  until(test) {
    return new Promise((resolve, reject) => {
      this.onChange = () => {
        if (test())
          resolve();
        else if (this.status !== null)
          reject(new Failure(`wsd has ended with ${this.status}: ${this.log}`));
      };
      this.changed();
    });
  }

  // When it listens, and when its log has this.
  ready() {
    return this.until(() => this.url.includes('\n'));
  }

  logs(text) {
    return this.until(() => this.log.includes(text));
  }

  // How often it has read its configuration anew.
  get reloads() {
    return this.log.split(RELOADED).length - 1;
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.exit;
    if (this.status !== 0)
      throw new Failure(`wsd ended with ${this.status}\n${this.log.slice(-4000)}`);
  }

  // At the end of a run that failed; nothing when it has ended.
  kill() {
    this.process.kill('SIGKILL');
  }
}

// Whether a log has a piece of one of these texts.
function findPiece(log, texts) {
  const pieces = new Set();
  for (let i = 0; i + PIECE <= log.length; i++)
    pieces.add(log.slice(i, i + PIECE));
  for (const text of texts)
    for (let i = 0; i + PIECE <= text.length; i++)
      if (pieces.has(text.slice(i, i + PIECE)))
        return text.slice(i, i + PIECE);
  return null;
}

// No token, no payload, nothing that drives a terminal, no line of others.
export function checkLog(log, tokens, json) {
  const piece = findPiece(log, tokens);
  if (piece)
    throw new Failure(`the log has '${piece}' of a token`);
  for (const line of log.split('\n').slice(0, -1)) {
    if (/[^ -~]/.test(line))
      throw new Failure(`the log has control characters or worse: ${JSON.stringify(line)}`);
    if (/payload-marker|access_token/.test(line))
      throw new Failure(`the log has what was sent: ${line}`);
    if (json ? typeof JSON.parse(line).event !== 'string' : !/^(wsd|libwebsockets): /.test(line))
      throw new Failure(`a line of the log is none: ${line}`);
  }
}

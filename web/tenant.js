// SPDX-License-Identifier: MIT
//
// tenant - what the server says of the tenant, asked for every second
// while the page is seen and connected. It may be asked by whoever has the
// right admin; who has not is told so, once.

import { count, many, size, visible } from './text.js';

const EVERY_MS = 1000;
const LATE_MS = 10000; // an answer that is later will not come

export class Tenant {
  constructor(field, note) {
    this.field = field; // of a name: its element
    this.note = note;
    this.stop();
  }

  start(tenant, token) {
    clearInterval(this.timer);
    this.wanted = { tenant, token, isAsked: false };
    this.ask();
    this.timer = setInterval(() => this.ask(), EVERY_MS);
  }

  // What only the server knows is not known now.
  rest() {
    clearInterval(this.timer);
    this.wanted = null;
    this.say('');
    for (const name of ['subscribers', 'retained', 'bytes'])
      this.field(name).textContent = '–';
  }

  stop() {
    this.rest();
    for (const name of ['seq', 'epoch'])
      this.field(name).textContent = '–';
  }

  say(words) {
    this.note.textContent = words;
    this.note.hidden = !words;
  }

  async ask() {
    const { wanted } = this;
    if (document.hidden || !wanted || wanted.isAsked)
      return;
    wanted.isAsked = true;
    const headers = wanted.token
      ? { Authorization: `Bearer ${wanted.token}` } : {};
    let answer;
    let facts;
    try {
      answer = await fetch(`v1/tenants/${encodeURIComponent(wanted.tenant)}`,
        { headers, cache: 'no-store', signal: AbortSignal.timeout(LATE_MS) });
      facts = await answer.json();
    } catch {
      return; // the status says so
    } finally {
      wanted.isAsked = false;
    }
    if (wanted !== this.wanted)
      return;
    if (answer.ok)
      this.show(facts);
    else if (answer.status === 401 || answer.status === 403)
      this.refused();
  }

  refused() {
    clearInterval(this.timer);
    this.say('More is told to a token with the right admin.');
  }

  show({ subscribers, retained, first, bytes, seq, epoch }) {
    const numbers = retained ? ` (${first} to ${seq})` : '';
    this.field('subscribers').textContent = count(subscribers);
    this.field('retained').textContent = many(retained, 'update') + numbers;
    this.field('bytes').textContent = size(bytes);
    this.saw(epoch, seq);
  }

  // Of an update, or in the answer to one.
  saw(epoch, seq, subscribers) {
    this.field('seq').textContent = seq;
    this.field('epoch').textContent = visible(epoch);
    if (subscribers !== undefined)
      this.field('subscribers').textContent = count(subscribers);
  }
}

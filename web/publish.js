// SPDX-License-Identifier: MIT
//
// publish - an update that is written by hand. It is sent as it was typed, so
// that its numbers keep their digits.

import { check } from './json.js';
import { bytesOf, many, size, visible } from './text.js';

const EXCERPT = 30; // characters of a line, on each side of what is wrong

async function post(tenant, text, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token)
    headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(
    `v1/tenants/${encodeURIComponent(tenant)}/updates`,
    { method: 'POST', headers, body: text });
  const said = await answer.json();
  if (!answer.ok)
    throw new Error(said.error?.message ?? `the answer is ${answer.status}`);
  return said;
}

export class Publisher {
  // `who` gives { tenant, token }, `done` is given what the server answered.
  constructor({ editor, verdict, outcome, button, curl }, who, done) {
    Object.assign(this, { editor, verdict, outcome, button, curl, who, done });
    editor.addEventListener('input', () => this.judge());
    editor.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey))
        return;
      event.preventDefault();
      this.publish();
    });
    button.addEventListener('click', () => this.publish());
  }

  set text(text) {
    this.editor.value = text;
    this.judge();
    this.editor.focus();
  }

  get text() {
    return this.editor.value.trim();
  }

  judge() {
    const { editor, verdict } = this;
    const text = editor.value;
    const isEmpty = !text.trim();
    const fault = isEmpty ? null : check(text);
    this.isGood = !isEmpty && !fault;
    this.button.disabled = this.curl.disabled = !this.isGood;
    this.outcome.textContent = '';
    editor.setAttribute('aria-invalid', Boolean(fault));
    verdict.className = fault ? 'bad' : this.isGood ? 'good' : 'quiet';
    verdict.textContent = isEmpty ? 'JSON is checked as you type.'
      : fault ? this.wrong(text, fault)
        : `Valid JSON, ${size(bytesOf(text.trim()))}`;
  }

  wrong(text, { line, column, at, message }) {
    const before = text.slice(Math.max(0, at - EXCERPT), at).split('\n').at(-1);
    const behind = text.slice(at, at + EXCERPT).split('\n')[0];
    const where = before + behind
      ? `: ${visible(before)}▸${visible(behind)}` : '';
    return `Line ${line}, column ${column}: ${message}${where}`;
  }

  async publish() {
    const { outcome } = this;
    const { tenant, token } = this.who();
    if (!this.isGood || this.isBusy)
      return;
    outcome.className = 'bad';
    if (!tenant) {
      outcome.textContent = 'To which tenant? It is written above.';
      return;
    }
    this.isBusy = true;
    try {
      const said = await post(tenant, this.text, token);
      outcome.className = 'good';
      outcome.textContent = `Published as ${said.last} to ` +
        many(said.subscribers, 'subscriber');
      this.done(said);
    } catch (error) {
      outcome.textContent = visible(error instanceof TypeError
        ? 'Not published: the server cannot be reached'
        : `Not published: ${error.message}`);
    }
    this.isBusy = false;
  }
}

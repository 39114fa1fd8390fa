// SPDX-License-Identifier: MIT
//
// publish - an update that is written by hand. It is sent as it was typed, so
// that its numbers keep their digits.

import { isToken } from './connection.js';
import { check } from './json.js';
import { bytesOf, many, size, visible } from './text.js';

const LATE_MS = 30000; // an answer that is later will not come
const EXCERPT = 30; // characters of a line, on each side of what is wrong

// { said } or { refused }, in words; or neither, when it is not known what
// became of it.
async function post(tenant, text, token) {
  if (token && !isToken(token))
    return { refused: 'this is no token' };
  const headers = { 'Content-Type': 'application/json' };
  if (token)
    headers.Authorization = `Bearer ${token}`;
  let answer;
  let said = null;
  try {
    answer = await fetch(`v1/tenants/${encodeURIComponent(tenant)}/updates`,
      { method: 'POST', headers, body: text,
        signal: AbortSignal.timeout(LATE_MS) });
    said = await answer.json();
  } catch {} // or what stands before the server answers for it
  return !answer || answer.ok ? { said }
    : { refused: said?.error?.message ?? `the answer is ${answer.status}` };
}

const published = ({ last, subscribers, tenantId }) =>
  `Published as ${last} to ${many(subscribers, 'subscriber')} of ${tenantId}`;

export class Publisher {
  // `who` gives { tenant, token }, `done` is given what the server answered.
  constructor({ editor, verdict, outcome, buttons }, who, done) {
    Object.assign(this, { editor, verdict, outcome, buttons, who, done });
    editor.addEventListener('input', () => this.judge());
    editor.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey))
        return;
      event.preventDefault();
      this.publish();
    });
    buttons[0].addEventListener('click', () => this.publish());
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
    for (const button of this.buttons)
      button.disabled = !this.isGood;
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
    if (!tenant) {
      outcome.className = 'bad';
      outcome.textContent = 'To which tenant? It is written above.';
      return;
    }
    this.isBusy = true;
    outcome.className = 'quiet';
    outcome.textContent = 'Publishing…';
    const { said, refused } = await post(tenant, this.text, token);
    this.isBusy = false;
    outcome.className = said ? 'good' : 'bad';
    outcome.textContent = visible(said ? published(said)
      : refused ? `Not published: ${refused}`
        : 'No answer: it may have been published, or not');
    if (said)
      this.done(said);
  }
}

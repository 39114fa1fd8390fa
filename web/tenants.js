// SPDX-License-Identifier: MIT
//
// tenants - who comes here first does not know how the tenant is spelt: those
// that the server remembers, to choose from, while there is no connection. It
// may be asked by whoever has the right admin; others choose by typing.

import { count, make, many } from './text.js';

const EVERY_MS = 3000;
const ASKED = 1000; // tenants of an answer, at most
const SHOWN = 40;

const { compare } = new Intl.Collator('en', { numeric: true });

// Those who are watched first, then those of whom there is something to see.
const busiestFirst = (a, b) => b.subscribers - a.subscribers ||
  b.retained - a.retained || compare(a.tenantId, b.tenantId);

export class Tenants {
  // `who` gives { typed, token }; `pick` is given the id that is chosen.
  constructor(element, who, pick) {
    Object.assign(this, { element, who, pick, timer: null, known: [] });
    element.addEventListener('click', ({ target }) => {
      const button = target.closest('button');
      if (button)
        pick(button.dataset.id);
    });
  }

  start() {
    if (this.timer)
      return;
    this.timer = setInterval(() => this.ask(), EVERY_MS);
    this.ask();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.known = [];
    this.show();
  }

  async ask() {
    const { timer } = this;
    const { token } = this.who();
    if (document.hidden || this.denied === token)
      return;
    let answer;
    let said;
    try {
      answer = await fetch(`v1/tenants?limit=${ASKED}`, { cache: 'no-store',
        headers: token ? { Authorization: `Bearer ${token}` } : {} });
      said = await answer.json();
    } catch {
      said = {}; // who connects is told
    }
    if (timer !== this.timer)
      return;
    // One that is refused is not shown again.
    this.denied = answer?.status === 401 || answer?.status === 403
      ? token : null;
    this.known = answer?.ok ? said.tenants.sort(busiestFirst) : [];
    this.hasMore = Boolean(said.next);
    this.show();
  }

  // Those that have in their name what is typed.
  show() {
    const { typed } = this.who();
    const found = this.known.filter(({ tenantId }) => tenantId.includes(typed));
    const text = JSON.stringify([found.slice(0, SHOWN), found.length]);
    if (text === this.shown)
      return; // so that a button stays under the pointer, and the focus on it
    this.shown = text;
    const focused = this.element.contains(document.activeElement)
      ? document.activeElement.dataset.id : null;
    this.element.hidden = !found.length;
    this.element.replaceChildren(make('h3', '', 'Tenants on this server'),
      make('ul', '', ...found.slice(0, SHOWN).map(item)), this.rest(found));
    for (const button of this.element.querySelectorAll('button'))
      if (button.dataset.id === focused)
        button.focus();
  }

  rest(found) {
    const n = found.length - SHOWN;
    const words = n <= 0 ? '' : this.hasMore
      ? `and ${count(n)} of the first ${count(ASKED)}: type a part of the name`
      : `and ${count(n)} more: type a part of the name`;
    return make('p', 'quiet', words);
  }
}

function item({ tenantId, subscribers, retained }) {
  const button = make('button', '', make('b', '', tenantId),
    make('span', 'quiet', `${many(subscribers, 'subscriber')}, ` +
      `${many(retained, 'update')} retained`));
  button.type = 'button';
  button.dataset.id = tenantId;
  return make('li', '', button);
}

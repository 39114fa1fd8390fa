// SPDX-License-Identifier: MIT
//
// events - the EventSource of a real browser, in a page: what it heard, and that
// this is all there was to hear.
//
//   const heard = await follow(page, url);
//   ...
//   await heard.messages(10);       // waits for so many
//   (await heard.events())[0]       // { type, id, data }
//   await heard.errors(2);          // waits for so many
//   await heard.state()             // readyState

import assert from 'node:assert/strict';

const NAMED = ['gap', 'drain', 'expiring', 'end'];

/* In the page. */
function listen({ url, options, named }) {
  const source = new EventSource(url, options);
  const heard = { source, events: [], opened: 0, errors: 0, messages: 0 };
  source.onopen = () => heard.opened++;
  source.onerror = () => heard.errors++;
  for (const name of ['message', ...named])
    source.addEventListener(name, ({ type, lastEventId, data }) => {
      heard.events.push({ type, id: lastEventId, data });
      heard.messages += type === 'message';
    });
  window.heard = heard;
}

class Heard {
  constructor(page) {
    this.page = page;
  }

  has(member, count) {
    return this.page.waitForFunction(([name, n]) => heard[name] >= n,
      [member, count]);
  }

  opened(count) {
    return this.has('opened', count);
  }

  messages(count) {
    return this.has('messages', count);
  }

  errors(count) {
    return this.has('errors', count);
  }

  events() {
    return this.page.evaluate(() => heard.events);
  }

  count(member) {
    return this.page.evaluate((name) => heard[name], member);
  }

  state() {
    return this.page.evaluate(() => heard.source.readyState);
  }
}

export async function follow(page, url, options = {}) {
  await page.evaluate(listen, { url, options, named: NAMED });
  return new Heard(page);
}

export const datas = (events) => events
  .filter(({ type }) => type === 'message')
  .map(({ data }) => JSON.parse(data));

export const types = (events) => events.map(({ type }) => type);

// Whether these events have every number from `first` to `last`, once, in order.
export function areNumbers(events, first, last) {
  assert.deepEqual(datas(events), Array.from({ length: last + 1 - first },
    (_, n) => first + n));
}

// The numbers from `first` to `last`.
export const numbers = (first, last) =>
  Array.from({ length: last + 1 - first }, (_, n) => first + n);

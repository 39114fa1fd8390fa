// SPDX-License-Identifier: MIT
//
// console - puts the page together. What is typed for a token is in this page's
// memory alone; tenant and since are in its address, behind the #.

import { Chart } from './chart.js';
import { copy, follow, oneLine, publish } from './commands.js';
import { Connection, isToken, readSince, whyOf } from './connection.js';
import { compile } from './filter.js';
import { List } from './list.js';
import { Publisher } from './publish.js';
import * as rows from './rows.js';
import { Store } from './store.js';
import { Tenant } from './tenant.js';
import { Tenants } from './tenants.js';
import { count, visible } from './text.js';

const $ = (id) => document.getElementById(id);
const server = new URL('ws', location.href);
server.protocol = server.protocol.replace('http', 'ws');
server.hash = server.search = '';
const http = new URL('.', server.href.replace('ws', 'http')).href;
const EDIT_MAX = 100000; // characters; more of them hold up a browser

const store = new Store();
const chart = new Chart($('chart'), $('rate'), $('peak'));
const tenant = new Tenant((name) => $(`fact-${name}`), $('fact-note'));
let connection = null;
let wanted = null; // { tenant, since, token } of it, as typed
let proven = ''; // a token that the server has taken
const tenants = new Tenants($('tenants'),
  () => ({ typed: fields().tenant, token: proven }), (id) => {
    $('tenant').value = id;
    connect();
  });
let last = null; // the newest update

// --- The list ----------------------------------------------------------------

const page = {
  async copy(text, what) {
    toast(await copy(text) ? `Copied ${what}` : 'The browser did not copy it');
  },
  // A command of `follow` or `publish`.
  async copyCommand(make, text) {
    const { tenant: id, since, token } = target();
    const command = make({ ws: server.href, http, tenant: id, since,
      isGuarded: Boolean(token) }, text);
    if (command === null)
      toast('It is too long for a command: copy the JSON');
    else
      await page.copy(command, token
        ? 'the command; it takes the token from WSD_TOKEN' : 'the command');
  },
  copyAs: (tool, text) => page.copyCommand(publish[tool], text),
  edit(text) {
    if (text.length > EDIT_MAX) {
      toast('It is too long to edit here: copy the JSON');
      return;
    }
    view('tenant');
    publisher.text = oneLine(text);
  },
};

const list = new List($('list'), store, {
  row: rows.row,
  fill: rows.fill,
  body: (entry) => rows.body(entry, page),
  changed: () => tell(),
});

function emptyWords() {
  if (store.length && list.test)
    return list.seen < list.limit ? 'Looking…' : filtered.none;
  if (!connection)
    return 'Name a tenant and connect\nto see its updates here, newest first.';
  if (connection.state.name !== 'live')
    return '';
  return connection.received ? 'Live. Nothing has come since.'
    : 'Live. No update has come yet.';
}

// What changes with what comes; once in a frame.
function tell() {
  const { shown: n, of } = list.counts;
  const waiting = store.next - list.limit + store.missed;
  $('empty-words').textContent = list.length ? '' : emptyWords();
  if (list.length || store.length || connection)
    tenants.stop();
  else
    tenants.start();
  $('shown').textContent = [
    list.test && `${count(n)} of ${count(of)}`,
    store.missed && `${count(store.missed)} left out`,
    !list.test && store.dropped && `last ${count(store.length)}`,
  ].filter(Boolean).join(', ');
  $('pause').firstChild.data = list.end === null ? 'Pause' : 'Go on';
  $('waiting').textContent = waiting ? ` (${count(waiting)} new)` : '';
  $('top').hidden = list.top < 200;
  $('fact-received').textContent = count(connection?.received ?? 0);
  $('fact-gaps').textContent = count(connection?.gaps ?? 0);
  $('fact-gaps').classList.toggle('some', connection?.gaps > 0);
  if (last)
    tenant.saw(last.epoch, last.seq);
  last = null;
}

function pause(isWanted = list.end === null) {
  if (isWanted)
    store.hold();
  else
    store.release();
  list.end = isWanted ? store.next : null;
  $('pause').classList.toggle('on', isWanted);
  list.schedule();
}

function clear() {
  store.clear();
  list.clear();
  if (list.end !== null)
    list.end = store.next;
}

// --- The connection ----------------------------------------------------------

function fields() {
  const since = $('since').value === 'other' ? $('point').value.trim()
    : $('since').value;
  const [id, token] = ['tenant', 'token'].map((name) => $(name).value.trim());
  return { tenant: id, since, token };
}

// What a command or an update is for: what one sees, and not what one has begun
// to type above; but with the token that was typed last.
function target() {
  const isOver = !connection || connection.state.name === 'closed';
  return isOver ? fields() : { ...wanted, token: fields().token };
}

function connect() {
  const { tenant: id, since: text, token } = fields();
  const since = readSince(text);
  $('point').setCustomValidity(since === undefined
    ? 'all, a number of last updates, an age such as 10m, or EPOCH:SEQ' : '');
  $('token').setCustomValidity(!token || isToken(token) ? ''
    : 'a token is printable ASCII without spaces');
  if (!$('connect').reportValidity())
    return;
  if (isWanted(id, text, token)) {
    window.dispatchEvent(new Event('online')); // the client tries at once
    return;
  }
  const before = resumed(id, text);
  disconnect();
  if (!before) {
    clear();
    pause(false);
  }
  wanted = { tenant: id, since: text, token };
  remember(id, text);
  try {
    connection = new Connection(server, { tenant: id,
      since: before?.position ?? since, token }, {
      update(entry) {
        store.add(entry);
        last = entry;
        chart.add();
        list.schedule();
      },
      event(entry) {
        store.add(entry);
        list.schedule();
      },
      state: (state) => show(state),
    }, before);
  } catch (error) {
    show({ name: 'closed', why: 'bad-tenant', message: error.message });
    return;
  }
  show(connection.state);
}

// Whether there is that connection already, or it is being made.
const isWanted = (id, since, token) => connection &&
  connection.state.name !== 'closed' && id === wanted.tenant &&
  since === wanted.since && token === wanted.token;

// The connection to go on from: with another token, or when it was ended by the
// server, nothing is to be lost. Else one begins anew.
const resumed = (id, since) => connection?.position &&
  id === wanted.tenant && since === wanted.since ? connection : null;

function disconnect() {
  connection?.close();
  connection = null;
  tenant.stop();
  show({ name: 'idle' });
}

function remember(id, since) {
  const hash = new URLSearchParams({ tenant: id, ...(since && { since }) });
  history.replaceState(null, '', `#${hash}`);
  document.title = `${visible(id)} · wsd console`;
}

function recall() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const since = hash.get('since') ?? '';
  $('tenant').value = hash.get('tenant') ?? '';
  $('since').value = since;
  if ($('since').value !== since) {
    $('since').value = 'other';
    $('point').value = since;
  }
  otherPoint();
  if ($('tenant').value)
    connect();
}

const STATUS = { idle: 'not connected', connecting: 'connecting',
  live: 'live' };

let shown = { name: 'idle' };

// When it is tried again; not read out, as it changes each second.
function countDown() {
  const s = Math.ceil((shown.at - Date.now()) / 1000);
  $('status-next').textContent = shown.name !== 'waiting' || !shown.at ? ''
    : s > 0 ? `; again in ${s} s` : '; trying again';
}

// While it is tried again the reason stays.
function show(state) {
  if (state.name === 'connecting' && shown.name === 'waiting')
    state = { ...shown, at: 1 };
  shown = state;
  countDown();
  const words = visible(STATUS[state.name] ?? whyOf(state));
  $('status').dataset.state = document.body.dataset.state = state.name;
  if ($('status-text').textContent !== words)
    $('status-text').textContent = words;
  const isOver = state.name === 'idle' || state.name === 'closed';
  $('go').textContent = isOver ? 'Connect' : 'Disconnect';
  $('go').classList.toggle('primary', isOver);
  if (state.name === 'closed')
    tenant.stop();
  if (state.name === 'waiting')
    tenant.rest();
  if (state.name === 'live') {
    proven = connection.token;
    tenant.start(connection.tenant, proven);
  }
  list.schedule();
}

function otherPoint() {
  $('point-field').hidden = $('since').value !== 'other';
  $('point').disabled = $('point-field').hidden;
  $('point').required = !$('point-field').hidden;
}

$('connect').addEventListener('submit', (event) => {
  event.preventDefault();
  if ($('go').textContent === 'Disconnect' &&
    !document.activeElement.matches('input, select')) // there Enter was pressed
    disconnect();
  else
    connect();
});
$('tenant').addEventListener('input', () => tenants.show());
$('since').addEventListener('change', () => {
  otherPoint();
  if ($('since').value === 'other')
    $('point').focus();
});
for (const name of ['point', 'token'])
  $(name).addEventListener('input', () => $(name).setCustomValidity(''));
window.addEventListener('hashchange', recall);

// --- What else can be done ---------------------------------------------------

const publisher = new Publisher({
  editor: $('editor'), verdict: $('verdict'), outcome: $('outcome'),
  buttons: ['publish', 'publish-wspub', 'publish-curl'].map($),
}, target, ({ epoch, last: seq, subscribers, tenantId }) => {
  if (tenantId === connection?.tenant)
    tenant.saw(epoch, seq, subscribers);
});

let toastTimer = null;

function toast(words) {
  $('toast').textContent = words;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ($('toast').textContent = ''), 2500);
}

function view(name) {
  document.body.dataset.view = name;
  for (const button of $('views').children)
    button.setAttribute('aria-pressed', button.dataset.view === name);
  list.schedule();
}

let filterTimer = null;
let filtered = null;

function filter() {
  filtered = compile($('filter').value);
  list.filter(filtered?.test ?? null);
}

// Not while one types.
$('filter').addEventListener('input', () => {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(filter, 120);
});
$('pause').addEventListener('click', () => pause());
$('clear').addEventListener('click', () => clear());
for (const tool of Object.keys(follow))
  $(`follow-${tool}`).addEventListener('click', () =>
    page.copyCommand(follow[tool]));
for (const tool of Object.keys(publish))
  $(`publish-${tool}`).addEventListener('click', () =>
    page.copyAs(tool, publisher.text));
$('top').addEventListener('click', () => list.follow());
$('help-open').addEventListener('click', () => $('help').showModal());
$('help-close').addEventListener('click', () => $('help').close());
$('views').addEventListener('click', ({ target }) =>
  target.dataset.view && view(target.dataset.view));
$('rows').addEventListener('click', ({ target }) => {
  const line = target.closest('.line');
  if (!line)
    return;
  list.enter(line.parentElement.serial);
  list.toggle(line.parentElement.serial);
});
$('rows').addEventListener('focusin', ({ target }) =>
  list.enter(target.closest('.row').serial));

// --- The keyboard ------------------------------------------------------------

function focus(id, name) {
  view(name);
  $(id).focus();
  $(id).select?.();
}

const keys = {
  '/': () => focus('filter', 'updates'),
  '?': () => $('help').showModal(),
  p: () => pause(),
  t: () => focus('tenant', 'updates'),
  e: () => focus('editor', 'tenant'),
  c: () => store.get(list.cursor)?.kind === 'update' &&
    page.copy(store.get(list.cursor).text, 'the update'),
  j: () => list.move(1),
  k: () => list.move(-1),
  ArrowDown: () => list.move(1),
  ArrowUp: () => list.move(-1),
};

// Only on a row: elsewhere they have another meaning.
const rowKeys = {
  ArrowRight: () => list.toggle(list.cursor, true),
  ArrowLeft: () => list.toggle(list.cursor, false),
  Home: () => list.move(-Infinity),
  End: () => list.move(Infinity),
  PageDown: () => list.move(15),
  PageUp: () => list.move(-15),
};

// From a field to the updates; from a filter first to none.
function leave(field) {
  if (field.id === 'filter' && field.value) {
    field.value = '';
    filter();
    return;
  }
  view('updates');
  if (list.length)
    list.move(0);
  else
    field.blur();
}

document.addEventListener('keydown', (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open)
    return;
  if (target.matches('input, select, textarea')) {
    if (key === 'Escape') {
      event.preventDefault();
      leave(target);
    }
    return;
  }
  const action = keys[key] ??
    (target.classList.contains('line') ? rowKeys[key] : null);
  if (!action ||
    (key.startsWith('Arrow') && target.closest('aside, .body, nav')))
    return;
  event.preventDefault();
  action();
});

setInterval(() => {
  chart.tick();
  countDown();
}, 1000);
recall();

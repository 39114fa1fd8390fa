// SPDX-License-Identifier: MIT
//
// console - puts the page together. What is typed for a token is in this page's
// memory alone; tenant and since are in its address, behind the #.

import { Chart } from './chart.js';
import { copy, curl, wssub } from './commands.js';
import { Connection, readSince, whyOf } from './connection.js';
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

const store = new Store();
const chart = new Chart($('chart'), $('rate'), $('peak'));
const tenant = new Tenant((name) => $(`fact-${name}`), $('fact-note'));
let connection = null;
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
  curl: (text) => curl({ http: new URL('.', location.href).href.split('#')[0],
    tenant: fields().tenant, text, isGuarded: Boolean(fields().token) }),
  edit(text) {
    view('tenant');
    publisher.text = text;
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
    return list.seen < list.limit ? 'Looking…'
      : 'No update matches the filter.';
  if (!connection)
    return 'Name a tenant and connect\nto see its updates here, newest first.';
  return connection.state.name === 'live'
    ? 'Live. No update has come yet.' : '';
}

// What changes with what comes; once in a frame.
function tell() {
  const waiting = store.next - list.limit;
  $('empty-words').textContent = list.length ? '' : emptyWords();
  if (list.length || store.length || connection)
    tenants.stop();
  else
    tenants.start();
  $('shown').textContent = list.test
    ? `${count(list.length)} of ${count(list.seen - store.first)}`
    : store.dropped ? `last ${count(store.length)}` : '';
  $('pause').textContent = list.end === null ? 'Pause'
    : waiting ? `Go on (${count(waiting)} new)` : 'Go on';
  $('top').hidden = list.top < 200;
  $('fact-received').textContent = count(connection?.received ?? 0);
  $('fact-gaps').textContent = count(connection?.gaps ?? 0);
  $('fact-gaps').classList.toggle('some', connection?.gaps > 0);
  if (last)
    tenant.saw(last.epoch, last.seq);
  last = null;
}

function pause(wanted = list.end === null) {
  list.end = wanted ? store.next : null;
  $('pause').setAttribute('aria-pressed', wanted);
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

function connect() {
  const { tenant: id, since: text, token } = fields();
  const since = readSince(text);
  $('point').setCustomValidity(since === undefined
    ? 'all, a number of last updates, an age such as 10m, or EPOCH:SEQ' : '');
  if (!$('connect').reportValidity())
    return;
  disconnect();
  clear();
  pause(false);
  remember(id, text);
  try {
    connection = new Connection(server, { tenant: id, since, token }, {
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
    });
  } catch (error) {
    show({ name: 'closed', why: 'bad-tenant', message: error.message });
    return;
  }
  show(connection.state);
}

function disconnect() {
  connection?.close();
  connection = null;
  tenant.stop();
  show({ name: 'idle' });
}

function remember(id, since) {
  const hash = new URLSearchParams({ tenant: id, ...(since && { since }) });
  history.replaceState(null, '', `#${hash}`);
  document.title = `${id} · wsd console`;
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

function statusWords(state) {
  switch (state.name) {
  case 'idle':
    return 'not connected';
  case 'connecting':
    return 'connecting';
  case 'live':
    return 'live';
  case 'waiting': {
    const s = state.at ? Math.ceil((state.at - Date.now()) / 1000) : 0;
    return whyOf(state) + (s > 0 ? `; again in ${s} s` : '');
  }
  default:
    return whyOf(state);
  }
}

let shown = { name: 'idle' };

function show(state) {
  shown = state;
  const words = visible(statusWords(state));
  $('status').dataset.state = document.body.dataset.state = state.name;
  if ($('status-text').textContent !== words)
    $('status-text').textContent = words;
  const isOver = state.name === 'idle' || state.name === 'closed';
  $('go').textContent = isOver ? 'Connect' : 'Disconnect';
  $('go').classList.toggle('primary', isOver);
  if (state.name === 'closed')
    tenant.stop();
  if (state.name === 'live') {
    proven = connection.token;
    tenant.start(connection.subscription.tenant, proven);
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
$('point').addEventListener('input', () => $('point').setCustomValidity(''));
window.addEventListener('hashchange', recall);

// --- What else can be done ---------------------------------------------------

const publisher = new Publisher({
  editor: $('editor'), verdict: $('verdict'), outcome: $('outcome'),
  button: $('publish'), curl: $('copy-curl'),
}, fields, ({ epoch, last: seq, subscribers, tenantId }) => {
  if (connection && tenantId === connection.subscription.tenant)
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

function filter() {
  list.filter(compile($('filter').value)?.test ?? null);
}

// Not while one types.
$('filter').addEventListener('input', () => {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(filter, 120);
});
$('pause').addEventListener('click', () => pause());
$('clear').addEventListener('click', () => clear());
$('copy-wssub').addEventListener('click', () =>
  page.copy(wssub({ url: server.href, ...fields() }), 'the command'));
$('copy-curl').addEventListener('click', () =>
  page.copy(page.curl(publisher.text), 'the command'));
$('top').addEventListener('click', () => {
  list.move(-Infinity);
});
$('help-open').addEventListener('click', () => $('help').showModal());
$('help-close').addEventListener('click', () => $('help').close());
$('views').addEventListener('click', ({ target }) =>
  target.dataset.view && view(target.dataset.view));
$('rows').addEventListener('click', ({ target }) => {
  const line = target.closest('.line');
  if (!line)
    return;
  list.cursor = line.parentElement.serial;
  list.toggle(line.parentElement.serial);
});
$('rows').addEventListener('focusin', ({ target }) => {
  list.cursor = target.closest('.row').serial;
});

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
  if (shown.name === 'waiting')
    show(shown);
}, 1000);
recall();

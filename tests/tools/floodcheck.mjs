#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// floodcheck - whether what a subscriber saw of a flood (see flood.mjs) is what
// redis2ws promises.
//
//   floodcheck [OPTION...] channel|stream TOOK SEEN
//
// TOOK has what Redis took, in this order, SEEN what a `wssub -e` wrote. Each
// number of each tenant must have been seen once and in order, and sequence
// numbers without a hole. Of a channel numbers may be missing where a GAP stands
// between their neighbours; of a stream none, and no GAP of a source is there.
//
//   --gaps none        of a channel neither
//   --restarts N       epochs may change so often: at each numbers may be
//                      missing, or come again, between the neighbours of a GAP
//   --told N,N,...     but of the first N of TOOK none comes again at each of these
//   --acked N,N,...    and of those behind the first N none is missing, but these
//                      come again
//   --late FILE        numbers of lines of TOOK, which may come late
//   --any-order        in any order, but once
//   --holes FILE       ranges of numbers, which may be missing without a GAP
//
// Prints what there was, or what is wrong, and then fails.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gaps: { type: 'string' },
    restarts: { type: 'string', default: '0' },
    told: { type: 'string' },
    acked: { type: 'string' },
    late: { type: 'string' },
    'any-order': { type: 'boolean' },
    holes: { type: 'string' },
  },
});
const [kind, tookFile, seenFile] = positionals;
const isStream = kind === 'stream';
const maxRestarts = Number(options.restarts);
const numbers = (list) => (list ? list.split(',').map(Number) : []);
const acked = numbers(options.acked);
const told = options.acked ? acked : numbers(options.told);

const lines = (file) =>
  readFileSync(file, 'utf8').split('\n').filter((line) => line);
const objects = (file) => lines(file).map((line) => JSON.parse(line));

const complaints = [];
const tally = { tenants: 0, seen: 0, missing: 0, repeated: 0, late: 0,
  source: 0, restart: 0, history: 0 };
const tenants = new Map();

function tenantOf(id) {
  if (!tenants.has(id))
    tenants.set(id, {
      id,
      took: new Map(), // n: the number of its line
      unsure: new Set(), // Redis did not answer
      late: new Set(),
      holes: [],
      seen: new Set(),
      excused: new Set(), // missing where that may be
      last: 0, // n
      epoch: null,
      seq: 0,
      restarts: 0,
      gap: false, // since the last number
      restarted: false, // the same
    });
  return tenants.get(id);
}

function complain(tenant, text) {
  complaints.push(`${tenant.id}: ${text}`);
}

// --- What Redis took ---

function readTook() {
  const took = objects(tookFile);
  took.forEach(({ tenantId, n, unsure }, i) => {
    const tenant = tenantOf(tenantId);
    tenant.took.set(n, i + 1);
    if (unsure)
      tenant.unsure.add(n);
  });
  for (const line of options.late ? lines(options.late) : []) {
    const item = took[Number(line) - 1];
    tenantOf(item.tenantId).late.add(item.n);
  }
  for (const hole of options.holes ? objects(options.holes) : [])
    tenantOf(hole.tenantId).holes.push(hole);
}

// --- What was seen ---

function follow(tenant, message) {
  if (tenant.epoch === null)
    tenant.epoch = message.epoch;
  if (message.epoch !== tenant.epoch)
    complain(tenant, `another epoch without a GAP at ${message.seq}`);
  if (message.seq !== tenant.seq + 1)
    complain(tenant, `seq ${message.seq} after ${tenant.seq}`);
  tenant.epoch = message.epoch;
  tenant.seq = message.seq;
}

function takeGap(tenant, gap) {
  tally[gap.reason]++;
  switch (gap.reason) {
  case 'source':
    tenant.gap = true;
    follow(tenant, gap);
    if (isStream || options.gaps === 'none')
      complain(tenant, `a GAP after ${tenant.last}`);
    break;
  case 'restart':
    tenant.restarted = true;
    tenant.epoch = gap.epoch;
    tenant.seq = 0;
    if (++tenant.restarts > maxRestarts)
      complain(tenant, `restarted after ${tenant.last}`);
    break;
  default: // more is retained than is ever missed
    complain(tenant, `a GAP ${gap.reason} after ${tenant.last}`);
  }
}

// Whether it was acknowledged before the server ended.
function mayBeGone(tenant, n) {
  return tenant.restarted &&
    !(tenant.took.get(n) > acked[tenant.restarts - 1]);
}

// Whether n may not have been seen, when the one after it is seen.
function mayMiss(tenant, n) {
  return mayBeGone(tenant, n) || (tenant.gap && !isStream) ||
    tenant.unsure.has(n) || tenant.late.has(n) ||
    tenant.holes.some((hole) => n >= hole.from && n <= hole.to);
}

function takeForward(tenant, n) {
  for (let m = tenant.last + 1; m < n; m++) {
    if (!mayMiss(tenant, m))
      complain(tenant, `${m} is missing`);
    else if (!tenant.late.has(m))
      tenant.excused.add(m);
  }
  tenant.last = n;
}

// One that was seen, or one before it was.
function takeBack(tenant, n) {
  if (tenant.restarted) {
    if (tenant.took.get(n) <= told[tenant.restarts - 1])
      complain(tenant, `${n} again, of which Redis had been told`);
    tally.repeated += tenant.last - n + 1;
    tenant.last = n;
  } else if (tenant.seen.has(n)) {
    complain(tenant, `${n} twice`);
  } else if (tenant.late.has(n)) {
    tally.late++;
  } else {
    complain(tenant, `${n} after ${tenant.last}`);
  }
}

function takeUpdate(tenant, message) {
  const { n, end } = message.data;
  follow(tenant, message);
  if (end)
    return;
  if (options['any-order']) {
    if (tenant.seen.has(n))
      complain(tenant, `${n} twice`);
  } else if (n > tenant.last) {
    takeForward(tenant, n);
  } else {
    takeBack(tenant, n);
  }
  tenant.seen.add(n);
  tenant.gap = tenant.restarted = false;
}

// --- All in all ---

function sum(tenant) {
  for (const n of tenant.took.keys()) {
    if (tenant.seen.has(n))
      continue;
    tally.missing++;
    if (!tenant.excused.has(n))
      complain(tenant, `${n} was never seen`);
  }
  for (const n of tenant.seen)
    if (!tenant.took.has(n))
      complain(tenant, `${n} came from nowhere`);
  tally.tenants++;
  tally.seen += tenant.seen.size;
}

readTook();
for (const message of objects(seenFile)) {
  const take = message.type === 'GAP' ? takeGap : takeUpdate;
  take(tenantOf(message.tenantId), message);
}
tenants.forEach(sum);
console.log(Object.entries(tally).map((item) => item.join(' ')).join(', '));
if (complaints.length) {
  console.log(complaints.slice(0, 20).join('\n'));
  console.log(`${complaints.length} complaints`);
  process.exit(1);
}

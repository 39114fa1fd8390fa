#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// property - drives a wsd with tenants, tokens, patterns and paths at random,
// and compares each delivery and each refusal with what a naive model says.
//
//   property WSD DIRECTORY
//
// WSD is the program, DIRECTORY an empty one for keys and tokens. What is done
// is decided by PROPERTY_SEED (1), for PROPERTY_STEPS (25000) steps; odd seeds
// log as text, even ones as JSON; see configurations below. A seed does not
// decide when a token ends, so a failure may need a few runs to come again.
// Prints what was done, or what was wrong, with the last steps, and exits 1.

import { checkLog } from './property/daemon.mjs';
import { Random } from './property/random.mjs';
import { Turns } from './property/turns.mjs';
import { World } from './property/world.mjs';

const seed = Number(process.env.PROPERTY_SEED || 1);
const steps = Number(process.env.PROPERTY_STEPS || 25000);
const [program, directory] = process.argv.slice(2);

const HISTORY = 40;
const AUTH_MS = 2000;

const configurations = [
  { 'jwt-aud': 'test', 'jwt-iss': 'issuer' },
  { 'allow-query-token': true, 'jwt-aud': 'test' },
  { 'tenant-claim': 'org_id' },
  { 'allow-query-token': true, 'tenant-claim': 'org_id', 'jwt-iss': 'issuer' },
];

const json = seed % 2 === 0;
const world = new World({
  program, directory, history: HISTORY, authMs: AUTH_MS,
  random: new Random(seed),
  config: {
    ...configurations[seed % configurations.length],
    'history-count': HISTORY, 'auth-timeout': `${AUTH_MS}ms`, 'verbose': 2,
  },
  options: ['--log-format', json ? 'json' : 'text'],
});

async function run() {
  const turns = new Turns(world);
  const began = Date.now();
  await world.start();
  for (let turn = 1; world.count < steps; turn++)
    await turns.turn(turn);
  await turns.checkpoint();
  world.stopping = true;
  for (const peer of world.peers)
    peer.socket.destroy();
  await world.daemon.stop();
  checkLog(world.daemon.log, world.tokens.all, json);
  const figures = [...world.figures].sort().map(([what, n]) => `${what}: ${n}`);
  console.log(`seed ${seed}: ${world.count} steps on ${world.connections} connections, ` +
    `${world.streams.number} updates, ${world.tokens.all.length} tokens, ` +
    `in ${Date.now() - began} ms\n${figures.join(', ')}`);
}

process.on('SIGTERM', () => {
  world.daemon.kill();
  process.exit(143);
});

try {
  await run();
} catch (error) {
  console.log(world.trace.join('\n'));
  console.log(`\nproperty: ${error.stack}\n` +
    `property: PROPERTY_SEED=${seed} PROPERTY_STEPS=${steps}, step ${world.count}`);
  world.daemon.kill();
  process.exitCode = 1;
} finally {
  world.close();
}
process.exit();

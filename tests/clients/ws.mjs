#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// ws.mjs - a client by the package ws of npm; see lines.mjs.

import WebSocket from 'ws';
import { closed, input, options, refused, say } from './lines.mjs';

const { url, headers, messages } = options();
const ws = new WebSocket(url, { headers });
let opened = false;

ws.on('open', () => {
  opened = true;
  messages.forEach((message) => ws.send(message));
  input((line) => ws.send(line), () => ws.close(1000));
});
ws.on('message', (data) => say(data));
ws.on('error', (error) => (opened ? say(error) : refused(error.message)));
ws.on('close', (code, reason) => opened && closed(code, reason));

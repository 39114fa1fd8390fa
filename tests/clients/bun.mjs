#!/usr/bin/env bun
// SPDX-License-Identifier: MIT
//
// bun.mjs - a client by the WebSocket that is built into Bun; see lines.mjs.

import { closed, input, options, refused, say } from './lines.mjs';

const { url, headers, messages } = options();
const ws = new WebSocket(url, { headers });
let opened = false;

ws.onopen = () => {
  opened = true;
  messages.forEach((message) => ws.send(message));
  input((line) => ws.send(line), () => ws.close(1000));
};
ws.onmessage = ({ data }) => say(data);
ws.onclose = ({ code, reason }) =>
  (opened ? closed(code, reason) : refused(`${code} ${reason}`));

#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// events - a small EventSource (HTML standard, section 9.2): prints each event
// as a line "EVENT ID DATA", and comes back after `retry` when the connection
// ends, with the last id.
//
//   events URL [COUNT]
//
// Ends with 0 after COUNT events of the type "message"; with 1 when it is
// answered by anything but 200 and text/event-stream. On stderr "open" for each
// connection, and "comment" for each comment. SIGUSR2 cuts the connection.

import * as http from 'node:http';
import * as https from 'node:https';

const url = new URL(process.argv[2]);
const count = Number(process.argv[3] ?? Infinity);
const { get } = url.protocol === 'https:' ? https : http;

let lastId = '';
let retry = 1000;
let messages = 0;
let request;

class Parser {
	text = '';
	data = [];
	id = lastId;
	event = '';

	feed(chunk) {
		const lines = (this.text + chunk).split('\n');

		this.text = lines.pop();
		for (const line of lines)
			this.line(line);
	}

	line(line) {
		const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);

		if (line === '')
			this.dispatch();
		else if (line[0] === ':')
			console.error('comment');
		else if (field === 'data')
			this.data.push(value);
		else if (field === 'id')
			this.id = value;
		else if (field === 'event')
			this.event = value;
		else if (field === 'retry' && /^\d+$/.test(value))
			retry = Number(value);
	}

	dispatch() {
		lastId = this.id; // without data, too
		if (this.data.length > 0) {
			const type = this.event || 'message';

			console.log(type, this.id, this.data.join('\n'));
			if (type === 'message' && ++messages === count)
				process.exit(0);
		}
		this.data = [];
		this.event = '';
	}
}

function connect() {
	const headers = { Accept: 'text/event-stream' };
	let again = () => {
		again = () => {};
		setTimeout(connect, retry);
	};

	if (lastId)
		headers['Last-Event-ID'] = lastId;
	request = get(url, { headers, agent: false }, (response) => {
		const type = response.headers['content-type'];

		if (response.statusCode !== 200 || type !== 'text/event-stream') {
			console.error(`answered by ${response.statusCode} ${type}`);
			process.exit(1);
		}
		const parser = new Parser();

		console.error('open');
		response.setEncoding('utf8');
		response.on('data', (chunk) => parser.feed(chunk));
		response.on('close', () => again());
		response.on('error', () => again());
	});
	request.on('error', () => again());
}

process.on('SIGUSR2', () => request.destroy());
connect();

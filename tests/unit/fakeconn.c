/* SPDX-License-Identifier: MIT */
#include "fakeconn.h"

#include "fanout.h"
#include "wsframe.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 100000 /* of fan-out: more never ends */

/* There before allocations are made to fail. */
#define WIRE_ROOM (64 * 1024)

static void put_ping(struct fakeconn *f)
{
	static const char ping[] = "\x89\x04ping";

	buf_append(&f->wire, ping, sizeof(ping) - 1);
}

/* The scripted bytes of this send, or all. */
static long room_of(struct fakeconn *f)
{
	if (!f->takes_count)
		return INT32_MAX;
	f->takes_count--;
	return *f->takes++;
}

static long fake_send(void *conn, const struct iovec *pieces, int count)
{
	struct fakeconn *f = conn;
	long room = room_of(f), taken = 0;

	f->sends++;
	if (f->wants_write)
		f->misuse = "sent while it was to wait for room";
	if (f->kept)
		f->misuse = "sent behind half a frame";
	if (f->session.outlet.dead)
		f->misuse = "sent on a dead connection";
	if (room < 0)
		return -1;
	if (f->asks)
		meter_yield(&f->session.outlet.hub->meter, f->asks);
	if (!f->code)
		put_ping(f);
	for (int i = 0; i < count; i++) {
		long n = (long)pieces[i].iov_len;

		if (n == 0)
			f->misuse = "an empty piece";
		if (n > room - taken)
			n = room - taken;
		buf_append(&f->wire, pieces[i].iov_base, (size_t)n);
		taken += n;
	}
	return taken;
}

/* Whether what left ends with a whole frame. */
static bool at_boundary(const struct fakeconn *f)
{
	const uint8_t *bytes = (const uint8_t *)buf_bytes(&f->wire);
	size_t at = f->parsed, len = buf_len(&f->wire);
	struct wsframe frame;

	while (at < len) {
		if (wsframe_decode(&frame, bytes + at, len - at) != WSFRAME_OK)
			return false;
		at += frame.header + (size_t)frame.payload;
	}
	return at == len;
}

static int fake_keep(void *conn, const char *bytes, size_t len)
{
	struct fakeconn *f = conn;

	if (f->kept || len == 0 || at_boundary(f))
		f->misuse = "kept twice, or nothing, or what was not cut";
	if (f->keep_fails)
		return -1;
	buf_append(&f->wire, bytes, len);
	if (!at_boundary(f))
		f->misuse = "kept more or less than the rest of a frame";
	f->kept = true;
	return 0;
}

static void fake_want_write(void *conn)
{
	struct fakeconn *f = conn;

	f->wants_write = true;
}

static void fake_closing(void *conn)
{
	struct fakeconn *f = conn;

	f->closings++;
}

static void fake_pause(void *conn, bool paused)
{
	struct fakeconn *f = conn;

	f->paused = paused;
	f->pauses += paused;
}

static void fake_wake(void *conn, int64_t ms)
{
	struct fakeconn *f = conn;

	f->wake_ms = ms;
}

/*
 * "who:acme*:900" may subscribe to and publish to acme* until second 900 of the
 * clock; without a time, for ever; "ear:acme*" only to subscribe. "often" and
 * "memory" are told so.
 */
static enum grant_verdict fake_check(void *conn, const char *token, size_t len,
				     struct grant **grant)
{
	struct fakeconn *f = conn;
	char text[200], pattern[100];
	long long end = -1;
	struct grant *g;

	f->checks++;
	snprintf(text, sizeof(text), "%.*s", (int)len, token);
	if (strcmp(text, "often") == 0)
		return GRANT_TOO_OFTEN;
	if (strcmp(text, "memory") == 0)
		return GRANT_NO_MEMORY;
	if (sscanf(text, "who:%99[^:]:%lld", pattern, &end) < 1 &&
	    sscanf(text, "ear:%99[^:]", pattern) < 1)
		return GRANT_REFUSED;
	g = grant_new("who", 3);
	if (!g)
		return GRANT_NO_MEMORY;
	rights_allow(&g->rights, RIGHTS_SUBSCRIBE, pattern, strlen(pattern));
	if (*text == 'w')
		rights_allow(&g->rights, RIGHTS_PUBLISH, pattern,
			     strlen(pattern));
	if (end >= 0)
		g->expires = end;
	*grant = g;
	return GRANT_GIVEN;
}

static const struct outlet_ops ops = {
	.check = fake_check,
	.wake = fake_wake,
	.send = fake_send,
	.keep = fake_keep,
	.want_write = fake_want_write,
	.closing = fake_closing,
	.pause = fake_pause,
};

int fakeconn_hub(struct hub *h, const struct hub_config *config)
{
	if (hub_init(h, config) < 0)
		return -1;
	strcpy(h->run, "run");
	hub_set_time(h, 1000, 1000);
	return 0;
}

void fakeconn_open(struct fakeconn *f, struct hub *hub,
		   enum session_dialect dialect)
{
	memset(f, 0, sizeof(*f));
	buf_reserve(&f->wire, WIRE_ROOM);
	session_init(&f->session, hub, dialect, 1, &ops, f);
}

void fakeconn_close(struct fakeconn *f)
{
	session_release(&f->session);
	buf_release(&f->wire);
	buf_release(&f->heard);
}

void fakeconn_script(struct fakeconn *f, const long *takes, size_t count)
{
	f->takes = takes;
	f->takes_count = count;
}

/* The same with " for '. */
static void put_quoted(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_putc(b, *text == '\'' ? '"' : *text);
}

void fakeconn_piece(struct fakeconn *f, const char *bytes, size_t len,
		    bool first, bool final)
{
	struct intake_piece piece = {
		.bytes = bytes, .len = len, .first = first, .final = final};

	session_receive(&f->session, &piece);
}

void fakeconn_say(struct fakeconn *f, const char *text)
{
	struct buf b;

	buf_init(&b);
	put_quoted(&b, text);
	fakeconn_piece(f, *text ? buf_bytes(&b) : "", buf_len(&b), true, true);
	buf_release(&b);
}

void fakeconn_writable(struct fakeconn *f)
{
	f->kept = false;
	if (!f->wants_write)
		return;
	f->wants_write = false;
	outlet_writable(&f->session.outlet);
}

void fakeconn_run(struct hub *h)
{
	for (int i = 0; fanout_due(h) && i < ROUNDS_MAX; i++)
		fanout_run(h);
}

void fakeconn_settle(struct hub *h, struct fakeconn *f, size_t count)
{
	bool again = true;

	for (int round = 0; again && round < ROUNDS_MAX; round++) {
		fakeconn_run(h);
		again = false;
		for (size_t i = 0; i < count; i++) {
			again = again || f[i].wants_write;
			fakeconn_writable(&f[i]);
		}
	}
}

static void read_close(struct fakeconn *f, const char *payload, size_t len)
{
	if (len < 2)
		return;
	f->code = (unsigned)((uint8_t)payload[0] << 8 | (uint8_t)payload[1]);
	memcpy(f->reason, payload + 2, len - 2);
	f->reason[len - 2] = '\0';
}

/* One frame of the server: whole, unmasked, none behind a close. */
static bool read_frame(struct fakeconn *f, const struct wsframe *frame,
		       const char *payload)
{
	size_t len = (size_t)frame->payload;

	if (frame->masked || frame->rsv || !frame->fin || f->code)
		return false;
	switch (frame->opcode) {
	case WSFRAME_TEXT:
		buf_append(&f->heard, payload, len);
		buf_putc(&f->heard, '\n');
		return true;
	case WSFRAME_CLOSE:
		read_close(f, payload, len);
		return len >= 2;
	case WSFRAME_PING:
		return len == 4 && memcmp(payload, "ping", 4) == 0;
	default:
		return false;
	}
}

bool fakeconn_sound(struct fakeconn *f)
{
	const char *bytes = buf_bytes(&f->wire);
	size_t len = buf_len(&f->wire);
	struct wsframe frame;

	while (f->parsed < len) {
		const char *at = bytes + f->parsed;

		if (wsframe_decode(&frame, (const uint8_t *)at,
				   len - f->parsed) != WSFRAME_OK ||
		    frame.payload > len - f->parsed - frame.header ||
		    !read_frame(f, &frame, at + frame.header)) {
			f->misuse = "what left is not whole frames";
			break;
		}
		f->parsed += frame.header + (size_t)frame.payload;
	}
	if (f->misuse)
		printf("# %s\n", f->misuse);
	return !f->misuse;
}

bool fakeconn_hears(struct fakeconn *f, const char *want)
{
	bool sound = fakeconn_sound(f), same;
	struct buf expected;

	buf_init(&expected);
	put_quoted(&expected, want);
	for (size_t i = 0; i < buf_len(&f->heard); i++)
		if (buf_bytes(&f->heard)[i] == '\'')
			buf_bytes(&f->heard)[i] = '"';
	same = buf_len(&expected) == buf_len(&f->heard) &&
	       (!*want || !memcmp(buf_bytes(&expected), buf_bytes(&f->heard),
				  buf_len(&expected)));
	if (!same)
		printf("# wanted: %s\n# heard: %.*s\n", want,
		       (int)buf_len(&f->heard),
		       buf_len(&f->heard) ? buf_bytes(&f->heard) : "");
	buf_release(&expected);
	buf_clear(&f->heard, 0);
	return same && sound;
}

bool fakeconn_closed(struct fakeconn *f, unsigned code)
{
	bool silent = fakeconn_hears(f, "");

	if (f->code != code)
		printf("# closed with %u\n", f->code);
	return silent && f->code == code && f->closings == 1;
}

uint64_t fakeconn_pending(const struct hub *h)
{
	const struct hub_tenant *t;
	const struct subscription *sub;
	uint64_t pending = h->gaps_waiting;

	list_for_each (node, &h->live) {
		t = list_entry(node, struct hub_tenant, list);
		list_for_each (at, &t->stream->subscribers) {
			sub = list_entry(at, struct subscription, in_stream);
			pending +=
				t->stream->seq + 1 - cursor_seq(&sub->cursor);
		}
	}
	return pending;
}

bool fakeconn_ledger(const struct hub *h)
{
	const struct counters *c = &h->counters;

	return c->due ==
	       c->delivered + counters_dropped(c) + fakeconn_pending(h);
}

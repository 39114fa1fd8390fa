/* SPDX-License-Identifier: MIT */
/*
 * What uplink promises its owner, on a client that connects to nobody: what is
 * sent, when, and what is told of it.
 */
#include "fakeclient.h"
#include "tap.h"
#include "uplink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_LINES 8
#define MAX_BYTES 4096

/* An uplink, and what its owner was told, in short. */
struct rig {
	struct uplink_config config;
	struct uplink u;
	struct buf told;
	bool stop; /* when one is settled */
	unsigned changes;
};

static void note(struct rig *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct rig *r, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_puts(&r->told, text);
	buf_putc(&r->told, ' ');
}

/* Of what is for people, only that it was said and how much it matters. */
static void on_tell(void *user, enum diag_level level, const char *text)
{
	static const char *const names[] = {"error", "warn", "note", "debug"};

	(void)text;
	note(user, "%s", names[level]);
}

static void on_ready(void *user, uint64_t max)
{
	note(user, "ready:%d", (int)max);
}

/* The numbers are those that put() gives: ten times as much as the id. */
static void on_settled(void *user, uint64_t first, uint64_t last,
		       const struct answer *ack)
{
	struct rig *r = user;
	struct window_line line = {0};
	bool known = true;

	for (uint64_t id = first; id <= last; id++)
		known &= window_line(&r->u.window, id, &line) &&
			 line.number == 10 * id && line.source == 7;
	note(r, "%s:%d-%d%s", ack ? "acked" : "left", (int)first, (int)last,
	     known ? "" : "?");
	if (r->stop)
		uplink_stop(&r->u);
}

static void on_rejected(void *user, const struct window_line *line,
			enum proto_code code, const char *why)
{
	struct rig *r = user;

	(void)why;
	note(r, "rejected:%d:%s", (int)line->number, proto_code_name(code));
	if (r->stop)
		uplink_stop(&r->u);
}

static void on_complaint(void *user, enum proto_code code, const char *why)
{
	(void)why;
	note(user, "complaint:%s", proto_code_name(code));
}

static void on_changed(void *user)
{
	((struct rig *)user)->changes++;
}

static void on_ended(void *user, enum exits status)
{
	note(user, "ended:%d", (int)status);
}

static const struct uplink_events events = {
	.tell = on_tell,
	.ready = on_ready,
	.settled = on_settled,
	.rejected = on_rejected,
	.complaint = on_complaint,
	.changed = on_changed,
	.ended = on_ended,
};

static void begin(struct rig *r, bool acks, const char *needs)
{
	memset(r, 0, sizeof(*r));
	r->config = (struct uplink_config){
		.url = "ws:",
		.acks = acks,
		.needs = needs,
		.retry = true,
		.max_lines = MAX_LINES,
		.max_bytes = MAX_BYTES,
	};
	buf_init(&r->told);
	buf_printf(&r->told, "%200s", ""); /* its memory, for oom_after() */
	buf_clear(&r->told, SIZE_MAX);
	uplink_init(&r->u, &r->config, &events, r);
	uplink_start(&r->u, NULL);
}

static void end(struct rig *r)
{
	uplink_release(&r->u);
	buf_release(&r->told);
}

/* An update of so many bytes, or with 0 a GAP. */
static int put(struct rig *r, size_t len)
{
	static char data[MAX_BYTES];

	memset(data, '7', sizeof(data));
	return uplink_put(&r->u, &(struct uplink_message){
					 .tenant = {"t", 1},
					 .data = len ? data : NULL,
					 .len = len,
					 .number = 10 * r->u.window.next,
					 .source = 7,
				 });
}

static void put_many(struct rig *r, int n)
{
	while (n--)
		put(r, 1);
	uplink_flush(&r->u);
}

/* Whether this was sent since it was asked last; then it has left. */
static bool sent(struct rig *r, const char *want)
{
	char got[500];

	fakeclient_sent(r->u.client, got, sizeof(got));
	if (strcmp(got, want) != 0)
		printf("# sent %s\n", got);
	return strcmp(got, want) == 0;
}

/* Whether this was told since it was asked last. */
static bool told(struct rig *r, const char *want)
{
	bool same;

	buf_putc(&r->told, '\0');
	same = strcmp(buf_bytes(&r->told), want) == 0;
	if (!same)
		printf("# told %s\n", buf_bytes(&r->told));
	buf_clear(&r->told, SIZE_MAX);
	return same;
}

static void ack(struct rig *r, uint64_t id, const char *epoch)
{
	fakeclient_says(r->u.client,
			"{'type':'ACK','id':%d,'tenantId':'t','epoch':'%s',"
			"'seq':%d,'subscribers':0}",
			(int)id, epoch, (int)id);
}

static void refuse(struct rig *r, uint64_t id, const char *code)
{
	fakeclient_says(r->u.client,
			"{'type':'ERROR','id':%d,'code':'%s','message':'no'}",
			(int)id, code);
}

/* Connected, with n messages sent and nothing to read in the rig. */
static void begin_with(struct rig *r, int n)
{
	char skipped[500];

	begin(r, true, NULL);
	fakeclient_welcome(r->u.client, 1000, 0);
	put_many(r, n);
	fakeclient_sent(r->u.client, skipped, sizeof(skipped));
	fakeclient_written(r->u.client);
	buf_clear(&r->told, SIZE_MAX);
}

static void sending(void)
{
	struct rig r;

	begin(&r, true, NULL);
	put_many(&r, 2);
	put(&r, 0);
	ok(sent(&r, "") && !r.u.ready, "what is put before there is a server");
	fakeclient_welcome(r.u.client, 1000, 0);
	ok(told(&r, "ready:1000 ") && sent(&r, "producer 1 2 gap3 |"),
	   "goes in one frame when there is one, a GAP too");
	put_many(&r, 2);
	ok(sent(&r, ""), "while that leaves");
	fakeclient_written(r.u.client);
	ok(sent(&r, "4 5 |") && r.changes == 2, "the next one is gathered");
	ack(&r, 3, "a.0");
	ok(told(&r, "acked:1-3 ") && r.changes == 3 && !uplink_drained(&r.u),
	   "an ACK is told once for all that it settles");
	ack(&r, 3, "a.0");
	ok(told(&r, ""), "and not again");
	ack(&r, 5, "a.0");
	ok(told(&r, "acked:4-5 ") && r.u.acknowledged == 5 &&
		   uplink_drained(&r.u),
	   "all is acknowledged");
	end(&r);
}

static void bounds(void)
{
	struct rig r;

	begin(&r, true, NULL);
	put_many(&r, MAX_LINES - 1);
	ok(!uplink_full(&r.u), "there is room");
	put_many(&r, 1);
	ok(uplink_full(&r.u), "until there is none");
	buf_puts(&r.u.window.origins, "whence");
	errno = 0;
	ok(put(&r, 1) == -1 && errno == ENOBUFS &&
		   r.u.window.open == MAX_LINES &&
		   !buf_len(&r.u.window.origins),
	   "one more is refused");
	fakeclient_welcome(r.u.client, 0, 0);
	ok(sent(&r, "producer 1 2 3 4 5 6 7 8 |"), "and harms none");
	end(&r);
	begin(&r, true, NULL);
	oom_after(1);
	errno = 0;
	ok(put(&r, 1) == -1 && errno == ENOMEM, "no memory to put one");
	oom_off();
	put(&r, 1);
	oom_after(1);
	fakeclient_welcome(r.u.client, 0, 0);
	oom_off();
	ok(told(&r, "ready:0 error ended:1 ") && !r.changes,
	   "no memory to send one is the end");
	end(&r);
}

static void refusals(void)
{
	struct rig r;

	begin_with(&r, 6);
	refuse(&r, 3, "FORBIDDEN");
	ok(told(&r, "rejected:30:FORBIDDEN "), "one is refused, and settled");
	ack(&r, 5, "a.0");
	ok(told(&r, "acked:1-2 acked:4-5 "), "what is around it is in ranges");
	fakeclient_says(r.u.client, "{'type':'ERROR','frame':1,'line':7,"
				    "'code':'BAD_JSON','message':'no'}");
	ok(told(&r, "rejected:60:BAD_JSON ") && uplink_drained(&r.u),
	   "by line: that of the producer counts");
	refuse(&r, 3, "INTERNAL");
	fakeclient_says(r.u.client, "{'type':'ERROR','code':'INTERNAL'}");
	ok(told(&r, "complaint:INTERNAL complaint:INTERNAL "),
	   "about nothing that is there");
	ok(r.u.acknowledged == 4, "what was refused is not acknowledged");
	end(&r);
}

/* What the server does not take for want of a token stays in the window. */
static void tokens(void)
{
	struct rig r;

	begin(&r, true, NULL);
	fakeclient_welcome(r.u.client, 0, 0);
	fakeclient_auth(r.u.client);
	put_many(&r, 2);
	ok(sent(&r, "producer 1 2 |"), "after a frame of the client itself");
	fakeclient_says(r.u.client, "{'type':'ERROR','frame':2,'line':3,"
				    "'code':'BAD_JSON','message':'no'}");
	ok(told(&r, "ready:0 rejected:20:BAD_JSON "),
	   "a line is found in its frame");
	fakeclient_written(r.u.client);
	fakeclient_auth(r.u.client);
	put_many(&r, 1);
	fakeclient_says(r.u.client, "{'type':'ERROR','frame':4,'line':1,"
				    "'code':'BAD_JSON','message':'no'}");
	ok(told(&r, "rejected:30:BAD_JSON "), "and between two of them too");
	end(&r);
	begin_with(&r, 3);
	refuse(&r, 2, "TOKEN_EXPIRED");
	ok(told(&r, "warn ") && r.u.window.open == 3 && !r.u.ready,
	   "who is not known any more comes back");
	fakeclient_welcome(r.u.client, 0, 0);
	ok(sent(&r, "producer 1 2 3 |"), "and sends all of it again");
	end(&r);
	begin_with(&r, 3);
	fakeclient_says(r.u.client, "{'type':'ERROR','frame':1,'line':1,"
				    "'code':'AUTH_REQUIRED','message':'no'}");
	ok(told(&r, "error ended:4 ") && r.u.window.open == 3,
	   "who is not known at all ends, and nothing is settled");
	end(&r);
	begin_with(&r, 1);
	fakeclient_says(r.u.client, "{'type':'EXPIRING'}");
	ok(told(&r, "") && r.u.ready, "that it expires is the client's");
	end(&r);
}

static void frame_limit(void)
{
	struct rig r;

	begin(&r, true, NULL);
	put(&r, 1);
	put(&r, 500);
	put(&r, 1);
	fakeclient_welcome(r.u.client, 0, 200);
	ok(sent(&r, "producer 1 |"), "a frame takes what the server allows");
	fakeclient_written(r.u.client);
	ok(told(&r, "ready:0 rejected:20:TOO_LARGE ") && sent(&r, "3 |"),
	   "what none can take is refused, and the rest goes on");
	r.stop = true;
	put(&r, 500);
	put(&r, 500);
	fakeclient_written(r.u.client);
	ok(told(&r, "rejected:40:TOO_LARGE ") && r.u.window.open == 3,
	   "unless the owner stops it");
	end(&r);
	begin(&r, true, NULL);
	fakeclient_welcome(r.u.client, 0, 200);
	put(&r, 500);
	r.changes = 0;
	uplink_flush(&r.u);
	ok(r.changes == 1 && uplink_drained(&r.u),
	   "the room that this makes is told");
	end(&r);
}

static void coming_back(void)
{
	struct rig r;
	char producer[sizeof(r.u.sender.producer)];

	begin_with(&r, 3);
	put_many(&r, 1);
	ok(sent(&r, "4 |"), "a frame is under way");
	memcpy(producer, r.u.sender.producer, sizeof(producer));
	ack(&r, 1, "a.0");
	fakeclient_lose(r.u.client, EXIT_DONE);
	put_many(&r, 1);
	ok(told(&r, "acked:1-1 warn ") && sent(&r, "") && !r.u.ready,
	   "a loss is told; what is put meanwhile is held");
	fakeclient_welcome(r.u.client, 2000, 0);
	ok(told(&r, "note ready:2000 ") && sent(&r, "producer 2 3 4 5 |") &&
		   !memcmp(producer, r.u.sender.producer, sizeof(producer)),
	   "what was not acknowledged is sent again, by the same producer");
	fakeclient_says(r.u.client, "{'type':'ACK','id':3,'tenantId':'t',"
				    "'epoch':'a.1','seq':3,'duplicate':true}");
	ok(told(&r, "acked:2-3 ") && !r.u.duplicates,
	   "one that was resent is no duplicate key");
	fakeclient_says(r.u.client, "{'type':'ACK','id':5,'tenantId':'t',"
				    "'epoch':'a.1','seq':5,'duplicate':true}");
	ok(told(&r, "acked:4-5 ") && r.u.duplicates == 1 && r.u.reconnects == 1,
	   "one that was not is");
	end(&r);
	begin_with(&r, 2);
	ack(&r, 1, "a.0");
	fakeclient_lose(r.u.client, EXIT_DONE);
	fakeclient_welcome(r.u.client, 0, 0);
	ack(&r, 2, "b.0");
	ok(told(&r, "acked:1-1 warn note ready:0 acked:2-2 warn "),
	   "another run of the server may have had it: that is told");
	end(&r);
}

static void held(void)
{
	struct rig r;

	begin_with(&r, 2);
	fakeclient_lose(r.u.client, EXIT_DONE);
	r.u.held = true;
	fakeclient_welcome(r.u.client, 0, 0);
	put_many(&r, 1);
	ok(sent(&r, "") && r.u.ready, "what is held does not leave");
	r.u.held = false;
	uplink_flush(&r.u);
	ok(sent(&r, "producer 1 2 3 |"), "it does when it is let go");
	end(&r);
}

static void draining(void)
{
	struct rig r;

	begin_with(&r, 4);
	fakeclient_says(r.u.client, "{'type':'DRAIN','reconnectAfterMs':2400}");
	ok(told(&r, "note ") && r.u.client->delay_ms == 2400,
	   "DRAIN puts the next attempt off");
	put_many(&r, 1);
	ok(sent(&r, ""), "and nothing more is sent");
	refuse(&r, 2, "DRAINING");
	refuse(&r, 4, "DRAINING");
	ack(&r, 3, "a.0");
	ok(told(&r, "acked:1-1 acked:3-3 "),
	   "what it refused for that is not settled");
	fakeclient_lose(r.u.client, EXIT_DONE);
	fakeclient_welcome(r.u.client, 0, 0);
	ok(sent(&r, "producer 2 4 5 |"), "the next server gets it");
	ack(&r, 5, "b.0");
	ok(told(&r, "warn note ready:0 acked:2-2 acked:4-5 warn "),
	   "and settles it");
	end(&r);
}

static void without_acks(void)
{
	struct rig r;

	begin(&r, false, NULL);
	put(&r, 1);
	put(&r, 0);
	fakeclient_welcome(r.u.client, 0, 0);
	ok(sent(&r, "0 gap0 |"), "no producer, no ids");
	fakeclient_written(r.u.client);
	ok(told(&r, "ready:0 left:1-2 ") && !uplink_drained(&r.u) &&
		   sent(&r, "ping |"),
	   "what has left is settled; that it arrived is asked for");
	fakeclient_written(r.u.client);
	ok(!uplink_drained(&r.u) && sent(&r, ""), "once");
	fakeclient_says(r.u.client, "{'type':'PONG','id':1}");
	ok(uplink_drained(&r.u) && !r.u.acknowledged, "and answered");
	put_many(&r, 1);
	ok(sent(&r, "0 |"), "more is put");
	fakeclient_lose(r.u.client, EXIT_DONE);
	ok(told(&r, "left:3-3 warn warn "),
	   "what is lost with the connection is told");
	fakeclient_welcome(r.u.client, 0, 0);
	ok(told(&r, "note ready:0 ") && sent(&r, ""), "and not sent again");
	fakeclient_lose(r.u.client, EXIT_DONE);
	ok(told(&r, "warn "), "where nothing was sent, nothing is lost");
	end(&r);
}

static void plain(void)
{
	struct rig r;

	begin(&r, true, NULL);
	fakeclient_plain(r.u.client);
	put_many(&r, 2);
	ok(told(&r, "warn ready:0 ") && sent(&r, "0 |"),
	   "a server without wsd.v1: a warning, an update a frame");
	fakeclient_written(r.u.client);
	ok(told(&r, "left:1-1 ") && sent(&r, "0 |"), "one by one");
	fakeclient_written(r.u.client);
	ok(told(&r, "left:2-2 ") && uplink_drained(&r.u),
	   "all has left, and there is nobody to ask");
	end(&r);
	begin(&r, true, "keys");
	fakeclient_plain(r.u.client);
	ok(told(&r, "error ended:2 ") && !r.changes,
	   "where wsd.v1 is needed, it is the end");
	end(&r);
}

static void ends(void)
{
	struct rig r;

	begin_with(&r, 6);
	refuse(&r, 3, "INTERNAL");
	r.stop = true;
	r.changes = 0;
	ack(&r, 5, "a.0");
	ack(&r, 6, "a.0");
	put_many(&r, 1);
	fakeclient_lose(r.u.client, EXIT_DONE);
	ok(told(&r, "rejected:30:INTERNAL acked:1-2 ") && !r.changes &&
		   sent(&r, ""),
	   "nothing is told or sent once it was stopped");
	end(&r);
	begin_with(&r, 1);
	fakeclient_lose(r.u.client, EXIT_REFUSED);
	ok(told(&r, "error ended:4 ") && r.u.window.open == 1,
	   "a loss for good is the end; the window says what is missing");
	ok(!strcmp(uplink_why_not(&r.u, 1), "not connected"), "and it why");
	end(&r);
	begin(&r, true, NULL);
	end(&r);
	r.config.url = FAKECLIENT_BAD_URL;
	buf_init(&r.told);
	uplink_init(&r.u, &r.config, &events, &r);
	ok(uplink_start(&r.u, NULL) == EXIT_USAGE && told(&r, "error "),
	   "a bad URL is told at once");
	end(&r);
	end(&r);
}

int main(void)
{
	sending();
	bounds();
	refusals();
	tokens();
	frame_limit();
	coming_back();
	held();
	draining();
	without_acks();
	plain();
	ends();
	return tap_end();
}

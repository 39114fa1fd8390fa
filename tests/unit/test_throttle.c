/* SPDX-License-Identifier: MIT */
/* What a session promises about rates: who has to wait, and for how long. */
#include "fakeconn.h"
#include "fanout.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static void begin(struct hub *h, struct fakeconn *f,
		  const struct hub_config *config)
{
	fakeconn_hub(h, config);
	fakeconn_open(f, h, SESSION_PLAIN);
}

static void end(struct hub *h, struct fakeconn *f)
{
	fakeconn_close(f);
	hub_release(h);
}

static void ping(struct fakeconn *f, int id)
{
	char text[64];

	snprintf(text, sizeof(text), "{'type':'PING','id':%d}", id);
	fakeconn_say(f, text);
	fakeconn_run(f->session.outlet.hub);
}

static bool ponged(struct fakeconn *f, int id)
{
	char text[64];

	snprintf(text, sizeof(text), "{'type':'PONG','id':%d}\n", id);
	return fakeconn_hears(f, text);
}

static void by_requests(void)
{
	struct hub_config config = hub_defaults;
	struct fakeconn f;
	struct hub h;

	config.message_rate = 2;
	begin(&h, &f, &config);
	ping(&f, 1);
	ok(ponged(&f, 1) && !f.paused, "below the rate nobody waits");
	ping(&f, 2);
	ping(&f, 3);
	ok(f.paused && f.wake_ms == 500 &&
		   h.counters.refused[REFUSED_MESSAGE_RATE] == 1,
	   "above it one is not read from until there is room, and counted");
	fakeconn_hears(&f, "{'type':'PONG','id':2}\n{'type':'PONG','id':3}\n");
	fakeconn_piece(&f, "{\"type\":\"PING\",\"id\":4}", 22, true, true);
	fakeconn_run(&h);
	ok(fakeconn_hears(&f, ""), "what was read already waits too");
	hub_set_time(&h, 1500, 1500);
	session_wake(&f.session);
	fakeconn_run(&h);
	ok(ponged(&f, 4), "when the time has come it goes on");
	hub_set_time(&h, 9000, 9000);
	session_wake(&f.session);
	fakeconn_run(&h);
	ok(!f.paused, "and reads again");
	end(&h, &f);
}

static void by_bytes(void)
{
	struct hub_config config = hub_defaults;
	struct fakeconn f;
	struct hub h;

	config.byte_rate = 10;
	begin(&h, &f, &config);
	ping(&f, 1);
	ok(ponged(&f, 1) && f.paused && f.wake_ms == 1200 &&
		   h.counters.refused[REFUSED_BYTE_RATE] == 1,
	   "the same for bytes: what has come is treated, then it waits");
	session_wake(&f.session);
	fakeconn_run(&h);
	ok(!f.paused, "until it is woken");
	end(&h, &f);
}

/* What says nothing is work all the same. */
static void by_nothing(void)
{
	struct hub_config config = hub_defaults;
	struct fakeconn f;
	struct hub h;

	config.message_rate = 2;
	fakeconn_hub(&h, &config);
	fakeconn_open(&f, &h, SESSION_V1);
	fakeconn_say(&f, "\n\n\n");
	ok(f.paused && f.wake_ms == 500, "a blank line is a request");
	end(&h, &f);
	fakeconn_hub(&h, &config);
	fakeconn_open(&f, &h, SESSION_V1);
	fakeconn_piece(&f, "", 0, true, false);
	fakeconn_piece(&f, "", 0, false, false);
	fakeconn_piece(&f, "", 0, false, true);
	ok(f.paused && f.wake_ms == 500, "so is an empty frame");
	end(&h, &f);
	config.message_rate = 0;
	config.byte_rate = 100;
	fakeconn_hub(&h, &config);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	for (int i = 0; i < 12; i++)
		fakeconn_piece(&f, "{   ", 4 * (i < 11), i == 0, false);
	ok(!f.paused, "below its rate a message comes in pieces");
	for (int i = 0; i < 10; i++)
		fakeconn_piece(&f, "          ", 10, false, false);
	ok(f.paused && f.wake_ms == 500,
	   "bytes count when they come, not when a text is whole");
	end(&h, &f);
}

/* Of two waits the longer one holds, whichever is said first. */
static void by_both(void)
{
	struct hub_config config = hub_defaults;
	struct fakeconn f;
	struct hub h;

	config.message_rate = 1;
	config.byte_rate = 10;
	begin(&h, &f, &config);
	ping(&f, 1);
	ok(f.paused && f.wake_ms == 1200, "it waits for its bytes");
	end(&h, &f);
	config.byte_rate = 40;
	begin(&h, &f, &config);
	ping(&f, 1);
	ping(&f, 2);
	ok(f.paused && f.wake_ms == 1000 &&
		   h.counters.refused[REFUSED_BYTE_RATE] == 0,
	   "for its requests, when that takes longer");
	end(&h, &f);
}

static void by_tenant(void)
{
	static const char text[] =
		"{'type':'PUBLISH','id':%d,'tenantId':'a','data':1}";
	static const char limited[] =
		"{\"type\":\"ERROR\",\"id\":4,\"code\":\"RATE_LIMITED\","
		"\"message\":\"the tenant has more updates than are allowed; "
		"there is room in 500 ms\"}";
	struct hub_config config = hub_defaults;
	struct fakeconn f;
	char line[80];
	struct hub h;

	config.tenant_rate = 2;
	begin(&h, &f, &config);
	for (int i = 1; i <= 4; i++) {
		snprintf(line, sizeof(line), text, i);
		fakeconn_say(&f, line);
	}
	fakeconn_run(&h);
	ok(h.counters.published == 3 && !f.paused,
	   "a tenant may have a burst, and one that pays for it later");
	ok(memmem(buf_bytes(&f.wire), buf_len(&f.wire), limited,
		  strlen(limited)) &&
		   h.counters.refused[REFUSED_TENANT_RATE] == 1 &&
		   h.counters.errors[PROTO_RATE_LIMITED] == 1,
	   "more is RATE_LIMITED, says when there is room, and is counted");
	hub_set_time(&h, 1500, 1500);
	fakeconn_say(&f, "{'type':'PUBLISH','id':5,'tenantId':'a','data':1}");
	ok(h.counters.published == 4, "then there is");
	end(&h, &f);
}

/* A publisher of v1, and a subscriber with so much to get. */
static void by_subscribers(void)
{
	static char line[70000];
	struct fakeconn f, reader;
	struct hub h;
	int n;

	fakeconn_hub(&h, &hub_defaults);
	fakeconn_open(&f, &h, SESSION_V1);
	fakeconn_open(&reader, &h, SESSION_PLAIN);
	fakeconn_say(&reader, "{'type':'SUBSCRIBE','tenantId':'a'}");
	fakeconn_run(&h);
	n = snprintf(line, sizeof(line),
		     "{\"type\":\"PUBLISH\",\"tenantId\":\"a\",\"data\":\"");
	memset(line + n, 'x', 65000);
	strcpy(line + n + 65000, "\"}\n");
	for (int i = 0; i < 5; i++)
		fakeconn_piece(&f, line, strlen(line), i == 0, false);
	ok(h.counters.published == 3 && f.paused,
	   "a publisher does not outrun what is written to subscribers");
	fakeconn_run(&h);
	ok(h.counters.published == 5 && !f.paused && fakeconn_sound(&reader) &&
		   fakeconn_pending(&h) == 0,
	   "it goes on when that was written");
	fakeconn_close(&reader);
	for (int i = 0; i < 5; i++)
		fakeconn_piece(&f, line, strlen(line), false, false);
	ok(h.counters.published == 10 && !f.paused,
	   "without subscribers nothing is waited for");
	end(&h, &f);
}

static void without_memory(void)
{
	struct hub_config config = hub_defaults;
	struct fakeconn f;
	struct hub h;

	config.message_rate = 2;
	begin(&h, &f, &config);
	oom_after(1);
	fakeconn_say(&f, "{'type':'PING'}");
	oom_off();
	ok(f.session.outlet.closing, "without memory for it it is closed");
	end(&h, &f);
}

int main(void)
{
	by_requests();
	by_bytes();
	by_nothing();
	by_both();
	by_tenant();
	by_subscribers();
	without_memory();
	return tap_end();
}

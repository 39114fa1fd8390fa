/* SPDX-License-Identifier: MIT */
/*
 * What fanout promises: rounds that go on where they stopped, streams that take
 * turns; and what outlets do with --slow skip. Prints TAP.
 */
#include "fakeconn.h"
#include "fanout.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define MANY 100

static void publish(struct hub *h, const char *id, const char *data)
{
	struct hub_tenant *t = hub_tenant(h, id, strlen(id));
	struct hub_update update = {data, strlen(data), NULL, false};
	struct hub_receipt receipt;

	hub_publish(h, t, &update, &receipt);
}

static void subscribe(struct fakeconn *f, const char *id)
{
	struct hub *h = f->session.outlet.hub;
	struct hub_tenant *t = hub_tenant(h, id, strlen(id));
	struct stream *s = hub_stream(h, t);

	outlet_subscribe(&f->session.outlet, t, s->seq + 1);
}

/* A hub whose calls end after the first slice, with subscribers of "a". */
static void begin(struct hub *h, struct fakeconn *f, int count)
{
	struct hub_config config = hub_defaults;

	config.flush_ns = 0;
	fakeconn_hub(h, &config);
	for (int i = 0; i < count; i++) {
		fakeconn_open(&f[i], h, SESSION_PLAIN);
		subscribe(&f[i], "a");
	}
}

static void end(struct hub *h, struct fakeconn *f, int count)
{
	for (int i = 0; i < count; i++)
		if (f[i].session.outlet.hub)
			fakeconn_close(&f[i]);
	hub_release(h);
}

static int served(const struct fakeconn *f, int count)
{
	int n = 0;

	for (int i = 0; i < count; i++)
		n += f[i].sends > 0;
	return n;
}

static bool all_hear(struct fakeconn *f, int count, const char *want)
{
	bool good = true;

	for (int i = 0; i < count; i++)
		if (f[i].session.outlet.hub)
			good &= fakeconn_hears(&f[i], want);
	return good;
}

static void in_slices(void)
{
	static struct fakeconn f[MANY];
	struct hub h;
	int first, calls = 0;

	begin(&h, f, MANY);
	publish(&h, "a", "1");
	ok(!fanout_run(&h) && fanout_due(&h), "a round need not end in a call");
	first = served(f, MANY);
	ok(first > 0 && first < MANY, "it has a budget");
	publish(&h, "a", "2");
	while (fanout_due(&h) && ++calls < 99)
		fanout_run(&h);
	ok(all_hear(f, MANY, "1\n2\n"),
	   "it goes on; who came before an update gets that in the next");
	ok(fakeconn_ledger(&h) && h.counters.delivered == 2 * MANY &&
		   fakeconn_pending(&h) == 0,
	   "each gets each update once");
	ok(h.counters.times_ns > 0, "the time that it took is counted");
	end(&h, f, MANY);
}

/* Who is next in a round leaves; and so do the last ones. */
static void leaving(void)
{
	static struct fakeconn f[MANY];
	struct hub h;
	int next;

	begin(&h, f, MANY);
	publish(&h, "a", "1");
	fanout_run(&h);
	next = served(f, MANY);
	fakeconn_close(&f[next]);
	f[next].session.outlet.hub = NULL;
	fakeconn_run(&h);
	ok(all_hear(f, MANY, "1\n"), "who is next may leave between calls");
	publish(&h, "a", "2");
	fanout_run(&h);
	for (int i = next; i < MANY; i++) {
		if (f[i].session.outlet.hub)
			fakeconn_close(&f[i]);
		f[i].session.outlet.hub = NULL;
	}
	fakeconn_run(&h);
	ok(all_hear(f, MANY, "2\n") && fakeconn_ledger(&h) && !fanout_due(&h),
	   "and so may all that are left");
	publish(&h, "a", "3");
	fakeconn_run(&h);
	ok(all_hear(f, next, "3\n"), "the next round is whole again");
	end(&h, f, MANY);
}

static void in_turn(void)
{
	static struct fakeconn f[MANY];
	struct fakeconn other;
	struct hub h;
	int calls = 0;

	begin(&h, f, MANY);
	fakeconn_open(&other, &h, SESSION_PLAIN);
	subscribe(&other, "b");
	publish(&h, "a", "1");
	fanout_run(&h);
	publish(&h, "b", "7");
	while (!other.sends && ++calls < 99) {
		publish(&h, "a", "2");
		fanout_run(&h);
	}
	ok(calls == 2 && fakeconn_hears(&other, "7\n"),
	   "a flooded stream takes turns with the others");
	fakeconn_close(&other);
	end(&h, f, MANY);
}

#define EPOCH "'tenantId':'a','epoch':'run.0'"
#define TIME "'time':'1970-01-01T00:00:01.000Z'"
#define WELCOME_OF(n)                                                          \
	"{'type':'WELCOME','connection':'" n "','server':'wsd/" WSD_VERSION    \
	"','limits':{'message':1048576,'frame':2097152,"                       \
	"'subscriptions':1000}}\n"

static const char long_text[] =
	"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";

/* A stalled subscriber of "a" that is to skip what it can't follow. */
static void stall(struct hub *h, struct fakeconn *f,
		  enum session_dialect dialect)
{
	static const long none[] = {0};
	struct hub_config config = hub_defaults;

	config.slow_skip = true;
	config.max_lag = 300;
	fakeconn_hub(h, &config);
	fakeconn_open(f, h, dialect);
	fakeconn_run(h);
	subscribe(f, "a");
	if (dialect == SESSION_V1)
		fakeconn_hears(f, WELCOME_OF("1"));
	fakeconn_script(f, none, 1);
	for (int i = 0; i < 20; i++) {
		publish(h, "a", long_text);
		fakeconn_run(h);
	}
}

static void skipping(void)
{
	struct fakeconn f;
	struct hub h;

	stall(&h, &f, SESSION_V1);
	ok(f.closings == 0 && h.counters.dropped[DROP_SLOW] > 0,
	   "with skip a slow reader stays, and what it missed is counted");
	ok(fakeconn_ledger(&h) && h.counters.refused[REFUSED_SLOW] > 1,
	   "once for each time");
	publish(&h, "a", "20");
	fakeconn_settle(&h, &f, 1);
	ok(fakeconn_sound(&f), "it gets whole frames");
	ok(strstr(buf_bytes(&f.heard),
		  "{\"type\":\"GAP\",\"tenantId\":\"a\",\"epoch\":\"run.0\","
		  "\"from\":1,\"to\":") != NULL,
	   "one GAP tells of all that was skipped");
	ok(h.counters.gaps == 1 && h.gaps_waiting == 0 && fakeconn_ledger(&h) &&
		   fakeconn_pending(&h) == 0,
	   "which counts as due and delivered");
	fakeconn_close(&f);
	hub_release(&h);
}

static void plain_is_closed(void)
{
	struct fakeconn f;
	struct hub h;

	stall(&h, &f, SESSION_PLAIN);
	fakeconn_settle(&h, &f, 1);
	ok(f.closings == 1 && fakeconn_closed(&f, PROTO_CLOSE_TOO_SLOW),
	   "the plain dialect can't be told, and is closed");
	fakeconn_close(&f);
	hub_release(&h);
}

static void gap_lost(void)
{
	static const long none[] = {0, 0, 0};
	struct fakeconn f;
	struct hub h;

	stall(&h, &f, SESSION_V1);
	fakeconn_script(&f, none, 3);
	fakeconn_writable(&f);
	fakeconn_run(&h);
	ok(h.gaps_waiting == 1 && fakeconn_ledger(&h), "a GAP waits its turn");
	fakeconn_close(&f);
	ok(h.gaps_waiting == 0 && fakeconn_ledger(&h) &&
		   h.counters.dropped[DROP_LEFT] > 0,
	   "who leaves before is not told, and the ledger knows");
	hub_release(&h);
}

int main(void)
{
	in_slices();
	leaving();
	in_turn();
	skipping();
	plain_is_closed();
	gap_lost();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * What outlet promises: whole frames in the right order on a connection that
 * takes what it likes, and a ledger that adds up.
 */
#include "fakeconn.h"
#include "fanout.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct hub_tenant *tenant(struct hub *h, const char *id)
{
	struct hub_tenant *t = hub_tenant(h, id, strlen(id));

	hub_stream(h, t);
	return t;
}

static void publish(struct hub *h, const char *id, const char *data)
{
	struct hub_update update = {data, strlen(data), NULL, false};
	struct hub_receipt receipt;

	hub_publish(h, tenant(h, id), &update, &receipt);
}

static void publish_gap(struct hub *h, const char *id)
{
	struct hub_update gap = {0};
	struct hub_receipt receipt;

	hub_publish(h, tenant(h, id), &gap, &receipt);
}

/* A string of `len` bytes in all, made of `c`. */
static void publish_long(struct hub *h, const char *id, size_t len, char c)
{
	char *text = malloc(len + 1);

	memset(text, c, len);
	text[0] = text[len - 1] = '"';
	text[len] = '\0';
	publish(h, id, text);
	free(text);
}

static void subscribe(struct fakeconn *f, const char *id)
{
	struct hub_tenant *t = tenant(f->session.outlet.hub, id);

	outlet_subscribe(&f->session.outlet, t, t->stream->seq + 1);
}

/* A control message. */
static void put(struct fakeconn *f, const char *text)
{
	struct buf b;

	buf_init(&b);
	buf_puts(&b, text);
	outlet_put(&f->session.outlet, &b);
	buf_release(&b);
}

static void open_plain(struct fakeconn *f, struct hub *h)
{
	fakeconn_hub(h, &hub_defaults);
	fakeconn_open(f, h, SESSION_PLAIN);
}

static void shut(struct fakeconn *f, struct hub *h)
{
	fakeconn_close(f);
	hub_release(h);
}

static void writing(void)
{
	struct fakeconn f;
	struct hub h;

	open_plain(&f, &h);
	subscribe(&f, "a");
	publish(&h, "a", "1");
	publish(&h, "a", "2");
	put(&f, "control");
	ok(f.sends == 0, "nothing is written before the fan-out");
	fakeconn_run(&h);
	ok(fakeconn_hears(&f, "control\n1\n2\n") && f.sends == 1,
	   "control messages and a batch of updates are one write");
	ok(h.counters.due == 2 && h.counters.delivered == 2 &&
		   outlet_idle(&f.session.outlet) && !fanout_due(&h),
	   "then all is delivered, and nothing due");
	publish_gap(&h, "a");
	fakeconn_run(&h);
	ok(f.sends == 1 && h.counters.delivered == 3 && fakeconn_ledger(&h),
	   "what is empty in the view is delivered without a write");
	for (int i = 0; i < 5000; i++)
		publish_long(&h, "a", 300, 'x');
	fakeconn_run(&h);
	ok(fakeconn_sound(&f) && h.counters.delivered == 5003 && f.sends < 10,
	   "a long burst goes in a few writes");
	shut(&f, &h);
}

/* Two control messages and two tenants, one with an empty update. */
static void load(struct fakeconn *f, struct hub *h)
{
	open_plain(f, h);
	subscribe(f, "a");
	subscribe(f, "b");
	put(f, "control one");
	put(f, "control two");
	publish(h, "a", "1");
	publish(h, "a", "\"long enough for a cut within\"");
	publish_gap(h, "a");
	publish(h, "a", "3");
	publish(h, "b", "[4]");
	publish(h, "b", "[5]");
}

/* What was heard of tenant b, whose updates are arrays, or of all others. */
static bool heard_of(const struct fakeconn *f, bool b, const char *want)
{
	const char *at = buf_bytes(&f->heard), *end;
	size_t left = buf_len(&f->heard), len;

	for (; left; at += len, left -= len) {
		end = memchr(at, '\n', left);
		len = (size_t)(end - at) + 1;
		if ((*at == '[') != b)
			continue;
		if (strncmp(want, at, len) != 0)
			return false;
		want += len;
	}
	return !*want;
}

/* Whether all comes in order when the first writes are cut as scripted. */
static bool arrives(const long *takes, size_t count)
{
	struct fakeconn f;
	struct hub h;
	bool good;

	load(&f, &h);
	fakeconn_script(&f, takes, count);
	fakeconn_settle(&h, &f, 1);
	good = fakeconn_sound(&f) && heard_of(&f, true, "[4]\n[5]\n") &&
	       heard_of(&f, false,
			"control one\ncontrol two\n1\n"
			"\"long enough for a cut within\"\n3\n") &&
	       fakeconn_ledger(&h) && h.counters.delivered == 6 &&
	       outlet_idle(&f.session.outlet);
	shut(&f, &h);
	return good;
}

/* History is one update; a burst stays only until it was read. */
static void freeing(void)
{
	struct hub_config config = hub_defaults;
	const struct stream *stream;
	struct fakeconn f;
	struct hub h;
	size_t before;

	config.history.count = 1;
	fakeconn_hub(&h, &config);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	subscribe(&f, "a");
	for (int i = 0; i < 1000; i++)
		publish_long(&h, "a", 300, 'x');
	stream = tenant(&h, "a")->stream;
	before = stream_memory(stream);
	fakeconn_run(&h);
	ok(before > 300000 && stream_memory(stream) < 2 * SEGMENT_MAX,
	   "what all have read and history does not keep is freed");
	shut(&f, &h);
}

static void cutting(void)
{
	long takes[200];
	bool good = true;

	for (takes[0] = 0; takes[0] < 100; takes[0]++)
		good &= arrives(takes, 1);
	ok(good, "one write cut at any byte breaks no frame");
	for (takes[0] = 0; takes[0] < 75; takes[0]++)
		for (takes[1] = 0; takes[1] < 75; takes[1] += 3)
			good &= arrives(takes, 2);
	ok(good, "nor do two");
	for (size_t i = 0; i < COUNT(takes); i++)
		takes[i] = 1;
	ok(arrives(takes, COUNT(takes)), "nor a byte at a time");
	for (size_t i = 0; i < COUNT(takes); i++)
		takes[i] = i % 3 ? (long)i % 40 : 0;
	ok(arrives(takes, COUNT(takes)), "nor waits between");
}

static void waiting(void)
{
	static const long none[] = {0};
	struct fakeconn f;
	struct hub h;

	load(&f, &h);
	fakeconn_script(&f, none, 1);
	fakeconn_run(&h);
	ok(f.sends == 1 && f.wants_write && f.session.outlet.blocked,
	   "who takes nothing is asked to tell when there is room");
	publish(&h, "a", "6");
	put(&f, "late");
	fakeconn_run(&h);
	ok(f.sends == 1, "and is not written to before");
	fakeconn_writable(&f);
	ok(f.sends == 1, "nor from within the telling");
	fakeconn_run(&h);
	ok(fakeconn_hears(&f, "control one\ncontrol two\nlate\n1\n"
			      "\"long enough for a cut within\"\n3\n6\n"
			      "[4]\n[5]\n"),
	   "control messages go first, the rest in order");
	shut(&f, &h);
}

static void in_turn(void)
{
	struct fakeconn f;
	const char *wire;
	struct hub h;
	struct hub_config config = hub_defaults;

	config.history.bytes = config.max_lag = 8 << 20;
	fakeconn_hub(&h, &config);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	for (int i = 0; i < 100; i++) {
		publish_long(&h, "a", 10000, 'a');
		publish_long(&h, "b", 10000, 'b');
	}
	outlet_subscribe(&f.session.outlet, tenant(&h, "a"), 1);
	outlet_subscribe(&f.session.outlet, tenant(&h, "b"), 1);
	fakeconn_run(&h);
	fakeconn_sound(&f);
	wire = buf_bytes(&f.wire);
	ok((char *)memchr(wire, 'b', buf_len(&f.wire)) - wire < 400000 &&
		   h.counters.delivered == 200,
	   "several that are behind have their turn, a batch each");
	shut(&f, &h);
}

static void dying(void)
{
	static const long dead[] = {-1}, cut[] = {20};
	struct fakeconn f;
	struct hub h;

	load(&f, &h);
	fakeconn_script(&f, dead, 1);
	fakeconn_run(&h);
	ok(f.session.outlet.dead && f.closings == 1 && f.sends == 1,
	   "a dead connection is told once, and left alone");
	ok(counters_dropped(&h.counters) == 6 && fakeconn_ledger(&h) &&
		   f.session.outlet.count == 0,
	   "its subscriptions end, and are counted");
	put(&f, "late");
	publish(&h, "a", "6");
	outlet_close(&f.session.outlet, PROTO_CLOSE_NORMAL, "");
	fakeconn_run(&h);
	ok(f.sends == 1 && f.closings == 1, "nothing is written any more");
	shut(&f, &h);
	load(&f, &h);
	fakeconn_script(&f, cut, 1);
	f.keep_fails = true;
	fakeconn_run(&h);
	ok(f.session.outlet.dead && f.closings == 1 && f.sends == 1 &&
		   fakeconn_ledger(&h),
	   "the same when the rest of a frame cannot be kept");
	shut(&f, &h);
}

static void too_slow(void)
{
	static const long none[] = {0};
	struct hub_config config = hub_defaults;
	struct fakeconn slow, good;
	struct hub h;

	config.max_lag = 10000;
	fakeconn_hub(&h, &config);
	fakeconn_open(&slow, &h, SESSION_PLAIN);
	fakeconn_open(&good, &h, SESSION_PLAIN);
	subscribe(&slow, "a");
	subscribe(&good, "a");
	publish_long(&h, "a", 100, 'x');
	fakeconn_script(&slow, none, 1);
	fakeconn_run(&h);
	for (int i = 0; i < 96; i++)
		publish_long(&h, "a", 100, 'x');
	fakeconn_run(&h);
	ok(slow.closings == 0, "who is behind by less than the limit stays");
	publish_long(&h, "a", 1000, 'x');
	fakeconn_run(&h);
	ok(slow.closings == 1 && good.closings == 0 &&
		   counters_dropped(&h.counters) == 98 &&
		   h.counters.delivered == 98 && fakeconn_ledger(&h),
	   "who falls further behind is closed; nobody else is");
	fakeconn_writable(&slow);
	fakeconn_run(&h);
	ok(fakeconn_closed(&slow, PROTO_CLOSE_TOO_SLOW), "with 4108");
	publish_long(&h, "a", 100000, 'x');
	fakeconn_run(&h);
	ok(good.closings == 0 && h.counters.delivered == 99,
	   "one update above the limit makes nobody slow");
	fakeconn_close(&slow);
	fakeconn_close(&good);
	hub_release(&h);
}

static void closing(void)
{
	static const long cut[] = {15};
	char reason[200];
	struct fakeconn f;
	struct hub h;

	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	load(&f, &h);
	fakeconn_script(&f, cut, 1);
	fakeconn_run(&h);
	outlet_close(&f.session.outlet, PROTO_CLOSE_GOING_AWAY, reason);
	outlet_close(&f.session.outlet, PROTO_CLOSE_NORMAL, "again");
	put(&f, "late");
	fakeconn_settle(&h, &f, 1);
	ok(fakeconn_hears(&f, "control one\ncontrol two\n"),
	   "a close comes behind the control messages, in place of updates");
	ok(fakeconn_closed(&f, PROTO_CLOSE_GOING_AWAY) &&
		   strlen(f.reason) == 123,
	   "once, with as much of the reason as fits");
	ok(f.session.outlet.count == 0 && counters_dropped(&h.counters) == 6 &&
		   fakeconn_ledger(&h),
	   "what was not written is counted as dropped");
	shut(&f, &h);
}

static void leaving(void)
{
	static const long none[] = {0};
	struct subscription *sub;
	struct fakeconn f;
	struct hub h;

	load(&f, &h);
	fakeconn_script(&f, none, 1);
	fakeconn_run(&h);
	sub = outlet_find(&f.session.outlet, tenant(&h, "a"));
	ok(sub && !outlet_find(&f.session.outlet, tenant(&h, "c")),
	   "subscriptions are found by their tenant");
	outlet_unsubscribe(&f.session.outlet, sub);
	ok(!outlet_find(&f.session.outlet, tenant(&h, "a")) &&
		   counters_dropped(&h.counters) == 4 && fakeconn_ledger(&h),
	   "what it lacked is dropped");
	fakeconn_settle(&h, &f, 1);
	ok(fakeconn_hears(&f, "control one\ncontrol two\n[4]\n[5]\n"),
	   "the others go on");
	publish(&h, "a", "6");
	fakeconn_close(&f);
	ok(list_empty(&h.ready) && h.subscriptions.count == 0 &&
		   fakeconn_pending(&h) == 0 && fakeconn_ledger(&h),
	   "released, it is in no list, and nothing is pending");
	hub_set_time(&h, INT32_MAX, INT32_MAX);
	hub_sweep(&h, 9);
	ok(list_empty(&h.live) && list_empty(&h.unread) && h.meter.total == 0,
	   "what it pinned is freed");
	hub_release(&h);
}

static void no_memory(void)
{
	struct fakeconn f;
	struct hub h;

	open_plain(&f, &h);
	tenant(&h, "a");
	oom_after(1);
	ok(outlet_subscribe(&f.session.outlet, tenant(&h, "a"), 1) == -1 &&
		   f.session.outlet.count == 0 && h.counters.due == 0,
	   "a subscription needs memory");
	oom_off();
	oom_after(2);
	ok(outlet_subscribe(&f.session.outlet, tenant(&h, "a"), 1) == -1 &&
		   f.session.outlet.count == 0 &&
		   list_empty(&tenant(&h, "a")->stream->subscribers),
	   "and so does its place in the stream");
	oom_off();
	subscribe(&f, "a");
	put(&f, "before");
	oom_after(1);
	outlet_close(&f.session.outlet, PROTO_CLOSE_NORMAL,
		     "0123456789012345678901234567890123456789"
		     "0123456789012345678901234567890123456789");
	oom_off();
	fakeconn_run(&h);
	ok(f.session.outlet.dead && f.closings == 1 && f.sends == 0 &&
		   fakeconn_ledger(&h),
	   "a close frame that cannot be made kills the connection");
	shut(&f, &h);
}

/*
 * An update of which a part is out counts as delivered, unless the connection
 * ends before the rest.
 */
static void half_delivered(void)
{
	static const long cut[] = {100};
	struct fakeconn f;
	struct hub h;

	for (int i = 0; i < 3; i++) {
		open_plain(&f, &h);
		subscribe(&f, "a");
		publish(&h, "a", "1");
		publish_long(&h, "a", 1000, 'x');
		fakeconn_script(&f, cut, 1);
		fakeconn_run(&h);
		if (i == 0)
			fakeconn_writable(&f);
		else if (i == 1)
			outlet_shed(&f.session.outlet, PROTO_CLOSE_TOO_SLOW,
				    "");
		fakeconn_close(&f);
		ok(h.counters.delivered == 2 - !!i &&
			   h.counters.dropped[DROP_SLOW] == (i == 1) &&
			   h.counters.dropped[DROP_LEFT] == (i == 2) &&
			   fakeconn_ledger(&h),
		   i == 0   ? "an update that was cut is delivered"
		   : i == 1 ? "unless it is ended before the rest has left"
			    : "or its peer leaves before that");
		hub_release(&h);
	}
}

/* A GAP is told when all of it has left. */
static void gaps(void)
{
	static const long cut[] = {3}, dead[] = {-1};
	struct encoding_message gap = {0};
	struct fakeconn f;
	struct buf text;
	struct hub h;

	open_plain(&f, &h);
	buf_init(&text);
	buf_puts(&text, "a gap");
	gap.text = &text;
	outlet_tell_gap(&f.session.outlet, &gap);
	ok(h.counters.due == 1 && fakeconn_pending(&h) == 1,
	   "a GAP is a delivery that is due");
	fakeconn_script(&f, cut, 1);
	fakeconn_run(&h);
	ok(fakeconn_pending(&h) == 1 && h.counters.delivered == 0 &&
		   f.session.outlet.metered == 0,
	   "when it was cut it is still due");
	fakeconn_writable(&f);
	ok(fakeconn_pending(&h) == 0 && h.counters.delivered == 1,
	   "until its rest has left");
	outlet_tell_gap(&f.session.outlet, &gap);
	fakeconn_script(&f, dead, 1);
	fakeconn_run(&h);
	ok(fakeconn_pending(&h) == 0 && h.counters.dropped[DROP_LEFT] == 1 &&
		   fakeconn_ledger(&h),
	   "when the connection dies it is dropped");
	buf_release(&text);
	shut(&f, &h);
}

int main(void)
{
	writing();
	freeing();
	cutting();
	waiting();
	in_turn();
	dying();
	too_slow();
	closing();
	leaving();
	half_delivered();
	gaps();
	no_memory();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * What is promised when peers want too much memory for what they don't finish,
 * don't read, or watch: others are served. Prints TAP.
 */
#include "fakeconn.h"
#include "fanout.h"
#include "reclaim.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024
#define LIMIT (1024 * KIB)

static void begin(struct hub *h)
{
	struct hub_config config = hub_defaults;

	config.max_memory = LIMIT;
	fakeconn_hub(h, &config);
}

static struct hub_tenant *tenant(struct hub *h, const char *id)
{
	return hub_tenant(h, id, strlen(id));
}

/* Publishes an update of `len` bytes, as a session does. */
static bool publish(struct hub *h, const char *id, size_t len)
{
	char *text = malloc(len);
	struct hub_update update = {.data = text, .len = len};
	struct hub_receipt receipt;
	bool done;

	memset(text, 'x', len);
	text[0] = text[len - 1] = '"';
	done = reclaim_room(h, len) && hub_publish(h, tenant(h, id), &update,
						   &receipt) == HUB_PUBLISHED;
	free(text);
	return done;
}

/* The beginning of a message of more than `len` bytes. */
static void half_message(struct fakeconn *f, size_t len)
{
	char *text = malloc(len);

	memset(text, ' ', len);
	fakeconn_piece(f, text, len, true, false);
	free(text);
	fakeconn_run(f->session.outlet.hub);
}

static void subscribe(struct fakeconn *f, const char *id)
{
	char text[64];

	snprintf(text, sizeof(text), "{'type':'SUBSCRIBE','tenantId':'%s'}",
		 id);
	fakeconn_say(f, text);
	fakeconn_run(f->session.outlet.hub);
}

/* --- The meter itself -------------------------------------------------- */

struct holder {
	struct meter_holder holder;
	struct meter *meter;
	size_t counted;
	int asked;
};

static void let_go(struct meter_holder *h)
{
	struct holder *holder = list_entry(h, struct holder, holder);

	holder->asked++;
	meter_hold(holder->meter, h, METER_ASSEMBLY, &holder->counted,
		   holder->asked == 1 ? 1 : 0);
}

static void hold(struct holder *h, size_t bytes)
{
	meter_hold(h->meter, &h->holder, METER_ASSEMBLY, &h->counted, bytes);
}

static void longest_first(void)
{
	struct holder h[3];
	struct meter m;

	meter_init(&m);
	m.max = 200;
	for (int i = 0; i < 3; i++) {
		h[i] = (struct holder){.meter = &m};
		meter_holder_init(&h[i].holder, let_go);
		hold(&h[i], 40);
	}
	hold(&h[0], 0);
	hold(&h[0], 10);
	ok(meter_yield(&m, &h[0].holder) && h[1].asked == 0,
	   "up to half of the limit may wait");
	hold(&h[0], 40);
	ok(meter_yield(&m, &h[0].holder) && h[1].asked == 1 &&
		   h[2].asked == 0 && h[0].asked == 0,
	   "above it who has held some for longest lets go");
	hold(&h[0], 90);
	ok(meter_yield(&m, &h[0].holder) && h[2].asked == 1,
	   "then the next one");
	hold(&h[0], 101);
	ok(!meter_yield(&m, &h[0].holder) && h[0].asked == 0,
	   "and the one that asks is told");
	hold(&h[0], 0);
	hold(&h[0], 100);
	ok(meter_yield(&m, &h[0].holder) && h[1].asked == 2 && h[2].asked == 2,
	   "who took some again is asked again, until it has none");
	m.max = 0;
	hold(&h[0], 1 << 30);
	ok(meter_yield(&m, &h[0].holder), "without a limit nobody is asked");
}

static struct meter_holder *nested;

/* Holds more instead, and asks others for that. */
static void hold_more(struct meter_holder *h)
{
	struct holder *holder = list_entry(h, struct holder, holder);

	holder->asked++;
	hold(holder, holder->counted + 10);
	nested = meter_yield(holder->meter, h) ? h : NULL;
}

static void stubborn(void)
{
	struct holder h[2], stranger = {0};
	struct meter m;

	meter_init(&m);
	m.max = 100;
	meter_holder_init(&stranger.holder, let_go);
	for (int i = 0; i < 2; i++) {
		h[i] = (struct holder){.meter = &m};
		meter_holder_init(&h[i].holder, hold_more);
		hold(&h[i], 50);
	}
	ok(!meter_yield(&m, &stranger.holder) && h[0].asked == 1 &&
		   h[1].asked == 1,
	   "each is asked once, and who asks is told, if that was of no use");
	ok(nested == &h[1].holder,
	   "who holds more while it is asked, asks nobody");
}

/* --- Messages that do not end ------------------------------------------ */

static void half_messages(void)
{
	struct fakeconn f[4];
	struct hub h;

	begin(&h);
	for (int i = 0; i < 4; i++)
		fakeconn_open(&f[i], &h, SESSION_PLAIN);
	half_message(&f[0], 200 * KIB);
	half_message(&f[1], 200 * KIB);
	half_message(&f[2], 10);
	ok(fakeconn_closed(&f[0], PROTO_CLOSE_OVER_CAPACITY) &&
		   h.meter.used[METER_ASSEMBLY] < LIMIT / 2,
	   "of too many half messages the oldest is given up, with 4100");
	ok(!f[1].code && !f[2].code, "the others go on");
	for (int i = 0; i < 200; i++)
		if (!publish(&h, "a", 10 * KIB))
			h.counters.refused[REFUSED_MEMORY] = 99;
	ok(h.counters.refused[REFUSED_MEMORY] == 1,
	   "meanwhile updates have their half");
	half_message(&f[3], 600 * KIB);
	ok(fakeconn_closed(&f[3], PROTO_CLOSE_OVER_CAPACITY) && f[1].closings &&
		   h.meter.used[METER_ASSEMBLY] == 0,
	   "one that is too large for all goes itself");
	for (int i = 0; i < 4; i++)
		fakeconn_close(&f[i]);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

/* Lines in pieces: each time the end of one, and the beginning of the next. */
static void next_line(struct fakeconn *f, bool first, bool final)
{
	static const char piece[] = "':1}\n{'type':'PING','id";
	size_t from = first ? 5 : 0, to = final ? 5 : strlen(piece);
	char text[sizeof(piece)];

	for (size_t i = from; i < to; i++)
		text[i] = (char)(piece[i] == '\'' ? '"' : piece[i]);
	fakeconn_piece(f, text + from, to - from, first, final);
	fakeconn_run(f->session.outlet.hub);
}

/* What they sent in pieces is whole, and its memory kept for the next. */
static void whole_messages(void)
{
	struct fakeconn idle, steady, bad[3];
	struct hub h;

	begin(&h);
	fakeconn_open(&idle, &h, SESSION_V1);
	fakeconn_open(&steady, &h, SESSION_V1);
	for (int i = 0; i < 3; i++)
		fakeconn_open(&bad[i], &h, SESSION_PLAIN);
	next_line(&idle, true, false);
	next_line(&idle, false, true);
	next_line(&steady, true, false);
	ok(idle.session.intake.rest.cap &&
		   h.meter.used[METER_SCRATCH] == idle.session.metered &&
		   h.meter.used[METER_ASSEMBLY] == steady.session.metered,
	   "memory that is kept for the next message is counted by itself");
	half_message(&bad[0], 200 * KIB);
	next_line(&steady, false, false);
	half_message(&bad[1], 200 * KIB);
	ok(fakeconn_closed(&bad[0], PROTO_CLOSE_OVER_CAPACITY),
	   "when too much waits the oldest half message is given up");
	ok(!idle.closings && !steady.closings,
	   "not who is idle, nor who began another message since");
	half_message(&bad[2], 200 * KIB);
	ok(steady.closings && !bad[2].closings && !idle.closings,
	   "who does not go on with it is");
	fakeconn_close(&idle);
	fakeconn_close(&steady);
	for (int i = 0; i < 3; i++)
		fakeconn_close(&bad[i]);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

/* Of very many that are idle not all can keep memory. */
static void little_is_kept(void)
{
	static struct fakeconn f[200];
	static char text[3000];
	size_t keep = 0;
	struct hub h;

	begin(&h);
	memset(text, ' ', sizeof(text));
	for (int i = 0; i < 200; i++) {
		fakeconn_open(&f[i], &h, SESSION_V1);
		fakeconn_piece(&f[i], text, sizeof(text), true, false);
		fakeconn_piece(&f[i], "\n", 1, false, true);
		keep += f[i].session.intake.rest.cap > 0;
	}
	ok(keep > 0 && h.meter.used[METER_SCRATCH] <= LIMIT / 16 &&
		   h.meter.used[METER_ASSEMBLY] == 0,
	   "a part of the memory is kept for the next messages, not more");
	for (int i = 0; i < 200; i++)
		fakeconn_close(&f[i]);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

/* --- Answers and updates that nobody reads ----------------------------- */

static void unread_answers(void)
{
	static const long none[] = {0};
	struct fakeconn f[8], good;
	struct hub h;
	char text[64];

	begin(&h);
	fakeconn_open(&good, &h, SESSION_PLAIN);
	for (int i = 0; i < 8; i++) {
		fakeconn_open(&f[i], &h, SESSION_PLAIN);
		fakeconn_script(&f[i], none, 1);
		for (int n = 0; n < 3000 && !f[i].paused; n++) {
			snprintf(text, sizeof(text),
				 "{'type':'PING','id':'%030d'}", n);
			fakeconn_say(&f[i], text);
			fakeconn_run(&h);
		}
		fakeconn_say(&good, "{'type':'PING','id':1}");
		fakeconn_run(&h);
		if (!fakeconn_hears(&good, "{'type':'PONG','id':1}\n"))
			good.misuse = "no answer";
	}
	ok(!good.misuse && h.meter.used[METER_OUTPUT] <= LIMIT / 2,
	   "of many who don't read their answers the first ones end");
	ok(f[0].closings == 1 && !f[7].closings, "not the last one");
	fakeconn_settle(&h, f, 8);
	ok(fakeconn_closed(&f[0], PROTO_CLOSE_OVER_CAPACITY),
	   "who reads at last is told 4100, in place of the answers");
	for (int i = 0; i < 8; i++)
		fakeconn_close(&f[i]);
	fakeconn_close(&good);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

/* Each update is cut within its frame, and its rest has to be kept. */
static void cut_frames(void)
{
	static const long few[] = {1000};
	struct fakeconn f[4];
	struct hub h;

	begin(&h);
	for (int i = 0; i < 4; i++) {
		fakeconn_open(&f[i], &h, SESSION_PLAIN);
		subscribe(&f[i], "a");
		if (i < 3)
			fakeconn_script(&f[i], few, 1);
	}
	ok(publish(&h, "a", 200 * KIB), "a large update");
	fakeconn_run(&h);
	ok(f[0].closings == 1 && f[0].session.outlet.dead &&
		   h.meter.used[METER_OUTPUT] - h.meter.leaving <= LIMIT / 2,
	   "too many rests of frames: the first one is dropped");
	ok(h.meter.leaving > 190 * KIB && h.meter.leaving < 200 * KIB,
	   "and counts until its connection has gone");
	ok(!f[1].closings && !f[2].closings && !f[3].closings,
	   "not those for whom there is room");
	fakeconn_close(&f[0]);
	ok(h.meter.leaving == 0 && h.meter.used[METER_OUTPUT] <= LIMIT / 2,
	   "which frees it");
	ok(h.counters.dropped[DROP_CLOSED] == 1 &&
		   h.counters.dropped[DROP_LEFT] == 0 && fakeconn_ledger(&h),
	   "the ledger adds up, and knows that it was us");
	fakeconn_settle(&h, f + 1, 3);
	ok(h.meter.used[METER_OUTPUT] == 0, "what was read is not held");
	for (int i = 1; i < 4; i++)
		fakeconn_close(&f[i]);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

#define MANY 40

/*
 * The connections that are ended hold what they hold until the loop had its
 * turn: so a fan-out ends only a few, and goes on after that.
 */
static void cut_in_turns(void)
{
	static const long few[] = {1000};
	static struct fakeconn f[MANY];
	uint64_t peak = 0;
	struct hub h;
	int ended = 0;

	begin(&h);
	for (int i = 0; i < MANY; i++) {
		fakeconn_open(&f[i], &h, SESSION_PLAIN);
		subscribe(&f[i], "a");
		fakeconn_script(&f[i], few, 1);
	}
	publish(&h, "a", 100 * KIB);
	for (int turn = 0; turn < MANY && fanout_due(&h); turn++) {
		fanout_run(&h);
		peak = h.meter.total > peak ? h.meter.total : peak;
		for (int i = 0; i < MANY; i++)
			if (f[i].session.outlet.kept &&
			    f[i].session.outlet.dead) {
				fakeconn_close(&f[i]);
				fakeconn_open(&f[i], &h, SESSION_PLAIN);
				ended++;
			}
	}
	ok(ended > MANY / 2 && !fanout_due(&h), "many have to be ended");
	ok(peak < LIMIT, "what these hold does not come together");
	for (int i = 0; i < MANY; i++)
		fakeconn_close(&f[i]);
	ok(fakeconn_ledger(&h) && h.counters.delivered == 0,
	   "the ledger knows that none had all of it");
	hub_release(&h);
}

/* History that was there before does not come on top of what is kept. */
static void cut_beside_history(void)
{
	static const long few[] = {1000};
	struct fakeconn f[2];
	struct hub h;

	begin(&h);
	for (int i = 0; i < 2; i++) {
		fakeconn_open(&f[i], &h, SESSION_PLAIN);
		subscribe(&f[i], "a");
		fakeconn_script(&f[i], few, 1);
	}
	publish(&h, "old", 600 * KIB);
	publish(&h, "a", 200 * KIB);
	fakeconn_run(&h);
	ok(f[0].session.outlet.kept && f[1].session.outlet.kept &&
		   h.meter.total <= LIMIT,
	   "room is made for rests, beside what there is already");
	fakeconn_close(&f[0]);
	fakeconn_close(&f[1]);
	hub_release(&h);
}

/* While it writes, the adapter has to keep something, and asks for room. */
static void asked_in_a_write(void)
{
	static const long none[] = {0};
	struct holder kept = {0};
	struct fakeconn f, other;
	struct hub h;

	begin(&h);
	kept.meter = &h.meter;
	meter_holder_init(&kept.holder, let_go);
	fakeconn_open(&f, &h, SESSION_V1);
	fakeconn_open(&other, &h, SESSION_PLAIN);
	fakeconn_script(&f, none, 1);
	fakeconn_say(&f, "{'type':'PING','id':1}");
	fakeconn_run(&h);
	half_message(&other, 200 * KIB);
	hold(&kept, LIMIT / 2);
	f.asks = &kept.holder;
	fakeconn_writable(&f);
	fakeconn_run(&h);
	f.asks = NULL;
	ok(fakeconn_sound(&f) && !f.closings && !f.code,
	   "who writes meanwhile is not asked to let go of that");
	ok(fakeconn_closed(&other, PROTO_CLOSE_OVER_CAPACITY), "others are");
	fakeconn_say(&f, "{'type':'PING','id':2}");
	fakeconn_run(&h);
	ok(fakeconn_sound(&f), "and it goes on");
	hold(&kept, 0);
	fakeconn_close(&f);
	fakeconn_close(&other);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

/* --- What readers hold ------------------------------------------------- */

/* Of its newest segment a tenant keeps nothing that all have read. */
static void newest_segments(void)
{
	struct fakeconn f[2];
	struct hub h;
	char id[16];
	int done = 0;

	begin(&h);
	fakeconn_open(&f[0], &h, SESSION_PLAIN);
	fakeconn_open(&f[1], &h, SESSION_V1);
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "t%d", i);
		subscribe(&f[i % 2], id);
		done += publish(&h, id, 100 * KIB);
		fakeconn_run(&h);
	}
	ok(done == 40 && !f[0].closings && !f[1].closings &&
		   h.meter.total <= LIMIT,
	   "many tenants, each with a large update that was read, don't fill "
	   "it");
	ok(h.counters.delivered == 40 && fakeconn_ledger(&h),
	   "all was delivered");
	buf_clear(&f[1].heard, 0);
	ok(publish(&h, "t39", 3), "they go on");
	fakeconn_run(&h);
	ok(h.counters.delivered == 41 && fakeconn_sound(&f[1]),
	   "where they were");
	for (int i = 0; i < 2; i++)
		fakeconn_close(&f[i]);
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

/* Whoever had no turn yet to be written to is not slow. */
static void innocent(void)
{
	struct fakeconn f;
	struct hub h;

	begin(&h);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	subscribe(&f, "a");
	for (int i = 0; i < 8; i++)
		publish(&h, "a", 100 * KIB);
	ok(!publish(&h, "a", 900 * KIB) && !f.closings,
	   "what it could have been sent is not held against it");
	fakeconn_run(&h);
	ok(h.counters.delivered == 8 && !f.closings, "it gets all of it");
	fakeconn_close(&f);
	hub_release(&h);
}

/* --- Who watches much -------------------------------------------------- */

/* Subscribes to tenants of its own until that is refused; returns how many. */
static int watch_all(struct fakeconn *f, char of)
{
	char text[96];
	int n = 0;

	do {
		snprintf(text, sizeof(text),
			 "{'type':'SUBSCRIBE','id':1,'tenantId':'%c-%d'}", of,
			 n++);
		buf_clear(&f->heard, 0);
		fakeconn_say(f, text);
		fakeconn_run(f->session.outlet.hub);
		fakeconn_sound(f);
	} while (n < 10000 && memmem(buf_bytes(&f->heard), buf_len(&f->heard),
				     "SUBSCRIBED", 10));
	return n - 1;
}

static void watching(void)
{
	struct fakeconn greedy, modest;
	struct hub h;
	int n;

	begin(&h);
	h.config.tenants_max = 100;
	fakeconn_open(&greedy, &h, SESSION_PLAIN);
	fakeconn_open(&modest, &h, SESSION_PLAIN);
	ok(watch_all(&greedy, 'g') == 50 &&
		   h.counters.refused[REFUSED_TENANTS] == 1,
	   "one connection can have half of the tenants watched");
	ok(watch_all(&modest, 'm') == 8, "another one still has some");
	h.config.tenants_max = 100 * 1000;
	h.config.subscriptions_max = 10 * 1000;
	n = watch_all(&greedy, 'h');
	ok(n > 50 && h.meter.used[METER_TENANTS] > LIMIT / 16 &&
		   h.counters.refused[REFUSED_MEMORY] == 1 &&
		   fakeconn_hears(&greedy,
				  "{'type':'ERROR','id':1,"
				  "'code':'OVER_CAPACITY','message':"
				  "'the server has too little memory'}\n"),
	   "they may take a part of the memory");
	ok(publish(&h, "g-1", 300 * KIB), "most of it is left for updates");
	fakeconn_close(&modest);
	fakeconn_open(&modest, &h, SESSION_PLAIN);
	ok(watch_all(&modest, 'n') == 8, "and some for who has few");
	fakeconn_close(&modest);
	fakeconn_close(&greedy);
	ok(h.watched == 0 && h.subscriptions.count == 0, "all is counted");
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back");
}

int main(void)
{
	longest_first();
	stubborn();
	half_messages();
	whole_messages();
	little_is_kept();
	unread_answers();
	cut_frames();
	cut_in_turns();
	cut_beside_history();
	asked_in_a_write();
	newest_segments();
	innocent();
	watching();
	return tap_end();
}

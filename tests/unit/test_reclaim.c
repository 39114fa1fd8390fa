/* SPDX-License-Identifier: MIT */
/* What reclaim promises: the order in which memory is given up. Prints TAP. */
#include "fakeconn.h"
#include "fanout.h"
#include "reclaim.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (1 << 20)
#define UPDATE 10000

static struct hub_tenant *tenant(struct hub *h, const char *id)
{
	return hub_tenant(h, id, strlen(id));
}

/* Publishes `count` updates of UPDATE bytes, as a session does. */
static int publish(struct hub *h, const char *id, int count)
{
	char text[UPDATE + 1];
	struct hub_update update = {text, UPDATE, NULL, false};
	struct hub_receipt receipt;
	int done = 0;

	memset(text, 'x', UPDATE);
	text[0] = text[UPDATE - 1] = '"';
	for (int i = 0; i < count; i++)
		if (reclaim_room(h, UPDATE) &&
		    hub_publish(h, tenant(h, id), &update, &receipt) ==
			    HUB_PUBLISHED)
			done++;
	return done;
}

static void begin(struct hub *h)
{
	struct hub_config config = hub_defaults;

	config.max_memory = LIMIT;
	fakeconn_hub(h, &config);
}

static void subscribe(struct fakeconn *f, const char *id)
{
	struct hub *h = f->session.outlet.hub;
	struct stream *s = hub_stream(h, tenant(h, id));

	outlet_subscribe(&f->session.outlet, tenant(h, id), s->seq + 1);
}

static uint64_t retained(struct hub *h, const char *id)
{
	const struct stream *s = tenant(h, id)->stream;

	return s ? s->seq + 1 - s->first : 0;
}

static void unread_first(void)
{
	struct fakeconn f;
	struct hub h;

	begin(&h);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	subscribe(&f, "read");
	publish(&h, "read", 20);
	publish(&h, "old", 20);
	publish(&h, "new", 20);
	publish(&h, "old", 1);
	fakeconn_run(&h);
	ok(publish(&h, "more", 40) == 40 && h.meter.total <= LIMIT,
	   "there is room although the limit was reached");
	ok(retained(&h, "new") == 0 && retained(&h, "old") == 21,
	   "what nobody reads goes first, the longest untouched first");
	ok(retained(&h, "read") == 20, "what is read stays meanwhile");
	ok(tenant(&h, "new")->seq == 20, "the number of a tenant is kept");
	fakeconn_close(&f);
	hub_release(&h);
}

static void then_history(void)
{
	struct fakeconn f;
	struct hub h;

	begin(&h);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	subscribe(&f, "a");
	for (int i = 0; i < 300; i++) {
		if (publish(&h, "a", 1) != 1)
			break;
		fakeconn_run(&h);
	}
	ok(tenant(&h, "a")->stream->seq == 300 && h.meter.total <= LIMIT,
	   "then history that no cursor needs");
	ok(f.closings == 0 && h.counters.delivered == 300 &&
		   fakeconn_ledger(&h),
	   "whoever follows notices nothing");
	fakeconn_close(&f);
	hub_release(&h);
}

/* Two that stall, one of them later, and one that reads. */
static void then_the_slow(bool skip)
{
	static const long none[] = {0, 0};
	struct fakeconn f[3];
	struct hub h;

	begin(&h);
	h.config.slow_skip = skip;
	for (int i = 0; i < 3; i++) {
		fakeconn_open(&f[i], &h, i ? SESSION_PLAIN : SESSION_V1);
		fakeconn_run(&h);
		subscribe(&f[i], "a");
	}
	fakeconn_script(&f[0], none, 2);
	publish(&h, "a", 40);
	fakeconn_run(&h);
	fakeconn_script(&f[1], none, 2);
	for (int i = 0; i < 200 && publish(&h, "a", 1); i++)
		fakeconn_run(&h);
	fakeconn_run(&h);
	ok(tenant(&h, "a")->stream->seq == 240 && h.meter.total <= LIMIT,
	   "then those that are furthest behind give way");
	ok(f[0].closings == !skip && f[1].closings == 1 && f[2].closings == 0,
	   skip ? "by a GAP, in wsd.v1" : "by being closed");
	ok(f[1].session.outlet.close_code == PROTO_CLOSE_TOO_SLOW &&
		   h.counters.dropped[DROP_SLOW] > 0 && fakeconn_ledger(&h),
	   "as too slow, and counted");
	for (int i = 0; i < 3; i++)
		fakeconn_close(&f[i]);
	ok(h.gaps_waiting == 0 && fakeconn_ledger(&h), "the ledger adds up");
	hub_release(&h);
}

/* Who is skipped before its turn has come hears of that first, too. */
static void skipped_unheard(void)
{
	static const char want[] =
		"{\"type\":\"PONG\",\"id\":1}\n{\"type\":\"GAP\","
		"\"tenantId\":\"a\",\"epoch\":\"run.0\",\"from\":1,";
	static const long none[] = {0};
	struct fakeconn f;
	struct hub h;

	begin(&h);
	h.config.slow_skip = true;
	fakeconn_open(&f, &h, SESSION_V1);
	fakeconn_run(&h);
	subscribe(&f, "a");
	fakeconn_script(&f, none, 1);
	fakeconn_say(&f, "{'type':'PING','id':1}");
	fakeconn_run(&h);
	publish(&h, "a", 120);
	ok(h.counters.dropped[DROP_SLOW] > 0, "some are skipped");
	fakeconn_sound(&f);
	buf_clear(&f.heard, 0);
	fakeconn_writable(&f);
	fakeconn_run(&h);
	fakeconn_sound(&f);
	buf_putc(&f.heard, '\0');
	ok(strncmp(buf_bytes(&f.heard), want, strlen(want)) == 0,
	   "and a GAP comes before what is left");
	fakeconn_close(&f);
	ok(fakeconn_ledger(&h), "the ledger adds up");
	hub_release(&h);
}

static void then_refused(void)
{
	struct hub h;

	begin(&h);
	meter_add(&h.meter, METER_ASSEMBLY, LIMIT);
	ok(publish(&h, "a", 1) == 0 && h.counters.refused[REFUSED_MEMORY] == 1,
	   "what finds no room is refused, and counted");
	meter_add(&h.meter, METER_ASSEMBLY, -LIMIT);
	ok(publish(&h, "a", 1) == 1, "later it does");
	ok(!reclaim_room(&h, UINT64_MAX / 2), "there are limits");
	h.meter.max = 0;
	ok(reclaim_room(&h, UINT64_MAX / 2), "but only where there is one");
	hub_release(&h);
	ok(h.meter.total == 0, "all is given back in the end");
}

/* Said by a session: OVER_CAPACITY, and 4100 for a message that waits. */
static void in_sessions(void)
{
	struct fakeconn f;
	struct hub h;

	begin(&h);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	meter_add(&h.meter, METER_SEGMENTS, LIMIT);
	fakeconn_say(&f, "{'type':'PUBLISH','id':1,'tenantId':'a','data':1}");
	fakeconn_run(&h);
	ok(fakeconn_hears(&f, "{'type':'ERROR','id':1,"
			      "'code':'OVER_CAPACITY','message':"
			      "'the server has too little memory'}\n"),
	   "a publish is told OVER_CAPACITY");
	fakeconn_piece(&f, "{\"type\":", 8, true, false);
	fakeconn_run(&h);
	ok(fakeconn_closed(&f, PROTO_CLOSE_OVER_CAPACITY),
	   "a message that would have to wait ends with 4100");
	meter_add(&h.meter, METER_SEGMENTS, -LIMIT);
	fakeconn_close(&f);
	ok(h.meter.total == 0, "what waited is given back");
	hub_release(&h);
}

int main(void)
{
	unread_first();
	then_history();
	then_the_slow(false);
	then_the_slow(true);
	skipped_unheard();
	then_refused();
	in_sessions();
	return tap_end();
}

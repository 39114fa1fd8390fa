/* SPDX-License-Identifier: MIT */
/*
 * What who follows by HTTP is sent, with a table of functions in place of a
 * socket: byte for byte, as the end of the connection is all that frames it.
 */
#include "fanout.h"
#include "follow.h"
#include "tap.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 1000

struct line {
	struct follow follow;
	struct buf wire; /* all that left, and was not looked at yet */
	struct buf kept; /* to leave before anything else */
	long takes;	 /* bytes that are still taken; -1: it is dead */
	bool wants;	 /* to be told of room */
	unsigned closings, ends;
	bool misuse;
};

static long line_send(void *conn, const struct iovec *pieces, int count)
{
	struct line *l = conn;
	long taken = 0;

	l->misuse = l->misuse || buf_len(&l->kept) || l->ends ||
		    l->follow.outlet.dead;
	if (l->takes < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		long n = (long)pieces[i].iov_len;

		if (n > l->takes)
			n = l->takes;
		buf_append(&l->wire, pieces[i].iov_base, (size_t)n);
		l->takes -= n;
		taken += n;
	}
	return taken;
}

static int line_keep(void *conn, const char *bytes, size_t len)
{
	struct line *l = conn;

	l->misuse = l->misuse || buf_len(&l->kept) || !len;
	buf_append(&l->kept, bytes, len);
	return 0;
}

static void line_want(void *conn)
{
	struct line *l = conn;

	l->wants = true;
}

static void line_closing(void *conn)
{
	struct line *l = conn;

	l->closings++;
}

static void line_pause(void *conn, bool paused)
{
	(void)conn;
	(void)paused;
}

static void line_said(void *conn)
{
	struct line *l = conn;

	l->ends++;
}

static const struct outlet_ops ops = {
	.send = line_send,
	.keep = line_keep,
	.want_write = line_want,
	.closing = line_closing,
	.pause = line_pause,
	.said = line_said,
};

static void open_hub(struct hub *h, const struct hub_config *config)
{
	hub_init(h, config);
	strcpy(h->run, "run");
	hub_set_time(h, 1000, 1000);
}

static void publish(struct hub *h, const char *data)
{
	struct hub_update update = {.data = data,
				    .len = data ? strlen(data) : 0};
	struct hub_receipt receipt;

	hub_publish(h, hub_tenant(h, "t", 1), &update, &receipt);
}

static void run(struct hub *h)
{
	for (int i = 0; fanout_due(h) && i < ROUNDS_MAX; i++)
		fanout_run(h);
}

/* The status of a refusal; 0: it follows. */
static unsigned begin(struct line *l, struct hub *h, enum stream_view view,
		      const char *since)
{
	struct httpreq r = {.tenant = "t", .tenant_len = 1, .view = view};
	struct reply refusal;
	struct buf head;
	int result;

	memset(l, 0, sizeof(*l));
	l->takes = LONG_MAX;
	if (since)
		proto_since_parse(&r.since, since);
	buf_init(&head);
	buf_puts(&head, "HEAD|");
	follow_init(&l->follow, h, view, 1, &ops, l);
	result = follow_begin(&l->follow, &r, &head, &refusal);
	buf_release(&head);
	return result < 0 ? refusal.status : 0;
}

static void end(struct line *l)
{
	follow_release(&l->follow);
	buf_release(&l->wire);
	buf_release(&l->kept);
}

/* Whether it ended in order, and with an account that adds up. */
static bool balanced(const struct hub *h)
{
	const struct counters *c = &h->counters;

	return c->due == c->delivered + counters_dropped(c) &&
	       !h->meter.used[METER_OUTPUT];
}

/* Whether this has left since the last time; ' for ". */
static bool hears(struct line *l, const char *want)
{
	size_t len;
	bool same;

	run(l->follow.outlet.hub);
	len = buf_len(&l->wire);
	for (size_t i = 0; i < len; i++)
		if (buf_bytes(&l->wire)[i] == '"')
			buf_bytes(&l->wire)[i] = '\'';
	same = len == strlen(want) &&
	       (!len || memcmp(buf_bytes(&l->wire), want, len) == 0);
	if (!same)
		printf("# wanted: %s\n# heard: %.*s\n", want, (int)len,
		       len ? buf_bytes(&l->wire) : "");
	buf_clear(&l->wire, 0);
	return same && !l->misuse;
}

/* There is room, for so many bytes and what was kept. */
static void give_room(struct line *l, long bytes)
{
	l->takes = bytes;
	l->wants = false;
	if (buf_len(&l->kept))
		buf_append(&l->wire, buf_bytes(&l->kept), buf_len(&l->kept));
	buf_release(&l->kept);
	outlet_writable(&l->follow.outlet);
}

static void events(void)
{
	struct line l;
	struct hub h;

	open_hub(&h, &hub_defaults);
	publish(&h, "{\n}");
	publish(&h, NULL);
	ok(begin(&l, &h, STREAM_EVENTS, NULL) == 0, "one comes to follow");
	ok(hears(&l, "HEAD|retry: 1061\nid: run.0:2\n\n"),
	   "events begin with when to come back, and from where");
	publish(&h, "3");
	ok(hears(&l, "id: run.0:3\ndata: 3\n\n"), "an update is an event");
	outlet_ping(&l.follow.outlet);
	ok(hears(&l, ":\n\n"), "a ping is a comment");
	end(&l);
	begin(&l, &h, STREAM_EVENTS, "run.0:0");
	ok(hears(&l, "HEAD|retry: 1061\nid: run.0:0\n\n"
		     "id: run.0:1\ndata: { }\n\n"
		     "id: run.0:2\nevent: gap\ndata: {'type':'GAP',"
		     "'tenantId':'t','epoch':'run.0','seq':2,"
		     "'reason':'source'}\n\n"
		     "id: run.0:3\ndata: 3\n\n"),
	   "who comes back gets what was missed, and the GAPs of sources");
	end(&l);
	begin(&l, &h, STREAM_EVENTS, "old.0:7");
	ok(hears(&l, "HEAD|retry: 1061\n\n"
		     "id: run.0:0\nevent: gap\ndata: {'type':'GAP',"
		     "'tenantId':'t','epoch':'run.0','reason':'restart'}\n\n"
		     "id: run.0:1\ndata: { }\n\n"
		     "id: run.0:2\nevent: gap\ndata: {'type':'GAP',"
		     "'tenantId':'t','epoch':'run.0','seq':2,"
		     "'reason':'source'}\n\n"
		     "id: run.0:3\ndata: 3\n\n"),
	   "what cannot be had is a GAP, before any id that is behind it");
	end(&l);
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

static void lines(void)
{
	struct line l;
	struct hub h;

	open_hub(&h, &hub_defaults);
	publish(&h, "1");
	publish(&h, NULL);
	begin(&l, &h, STREAM_LINES, "all");
	publish(&h, "[\r\n3]");
	outlet_ping(&l.follow.outlet);
	ok(hears(&l, "HEAD|\n1\n[  3]\n"),
	   "bare lines are updates, a ping an empty one");
	end(&l);
	ok(begin(&l, &h, STREAM_LINES, "old.0:1") == 410 && hears(&l, ""),
	   "where a GAP would be due there is nothing");
	end(&l);
	begin(&l, &h, STREAM_ENVELOPES, "old.0:1");
	ok(hears(&l, "HEAD|{'type':'SUBSCRIBED','tenantId':'t',"
		     "'epoch':'run.0','next':1,'replayed':3,"
		     "'recovered':false}\n"
		     "{'type':'GAP','tenantId':'t','epoch':'run.0',"
		     "'reason':'restart'}\n"
		     "{'type':'UPDATE','tenantId':'t','epoch':'run.0','seq':1,"
		     "'time':'1970-01-01T00:00:01.000Z','data':1}\n"
		     "{'type':'GAP','tenantId':'t','epoch':'run.0','seq':2,"
		     "'reason':'source'}\n"
		     "{'type':'UPDATE','tenantId':'t','epoch':'run.0','seq':3,"
		     "'time':'1970-01-01T00:00:01.000Z','data':[  3]}\n"),
	   "with envelopes they are what wsd.v1 has");
	end(&l);
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

static void draining(void)
{
	struct line l;
	struct hub h;

	open_hub(&h, &hub_defaults);
	begin(&l, &h, STREAM_EVENTS, NULL);
	hears(&l, "HEAD|retry: 1061\nid: run.0:0\n\n");
	publish(&h, "1");
	h.draining = true;
	follow_drain(&l.follow, 2400);
	ok(hears(&l, "retry: 3400\nevent: drain\ndata: {'type':'DRAIN',"
		     "'reconnectAfterMs':2400}\n\n"
		     "id: run.0:1\ndata: 1\n\n"
		     "event: end\ndata: {'type':'END','code':4200,"
		     "'message':'shutting down'}\n\n"),
	   "a drain is told");
	ok(l.closings == 1 && l.ends == 1, "and ends when all was written");
	end(&l);
	ok(begin(&l, &h, STREAM_EVENTS, NULL) == 503, "then nobody comes in");
	end(&l);
	h.draining = false;
	begin(&l, &h, STREAM_LINES, NULL);
	follow_drain(&l.follow, 0);
	ok(hears(&l, "HEAD|") && l.ends == 1, "bare lines just end");
	end(&l);
	begin(&l, &h, STREAM_ENVELOPES, NULL);
	run(&h);
	buf_clear(&l.wire, 0);
	follow_drain(&l.follow, 7);
	ok(hears(&l, "{'type':'DRAIN','reconnectAfterMs':7}\n"
		     "{'type':'END','code':4200,'message':'shutting down'}\n"),
	   "others are told by messages");
	end(&l);
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

static struct grant *grant_until(int64_t second)
{
	struct grant *g = grant_new("who", 3);

	rights_allow(&g->rights, RIGHTS_SUBSCRIBE, "t", 1);
	g->expires = second;
	return g;
}

static bool holds_not(const void *user, const struct grant *g)
{
	(void)user;
	(void)g;
	return false;
}

static void expiring(void)
{
	struct line l;
	struct hub h;

	open_hub(&h, &hub_defaults);
	h.guarded = true;
	begin(&l, &h, STREAM_EVENTS, NULL);
	follow_admit(&l.follow, grant_until(401));
	ok(follow_watch(&l.follow) == 340 * 1000,
	   "the end is told a minute before");
	hears(&l, "HEAD|retry: 1061\nid: run.0:0\n\n");
	hub_set_time(&h, 341 * 1000, 341 * 1000);
	ok(follow_watch(&l.follow) == 60 * 1000 &&
		   hears(&l, "event: expiring\ndata: {'type':'EXPIRING',"
			     "'expires':'1970-01-01T00:06:41.000Z',"
			     "'inMs':60000}\n\n"),
	   "by an event");
	hub_set_time(&h, 401 * 1000, 401 * 1000);
	ok(follow_watch(&l.follow) == -1 &&
		   hears(&l, "event: end\ndata: {'type':'END','code':4212,"
			     "'message':'the token has expired'}\n\n") &&
		   l.ends == 1,
	   "then it ends, and says why");
	publish(&h, "1");
	ok(hears(&l, ""), "behind which nothing comes");
	end(&l);
	begin(&l, &h, STREAM_EVENTS, NULL);
	follow_admit(&l.follow, grant_until(10000));
	run(&h);
	buf_clear(&l.wire, 0);
	follow_revise(&l.follow, holds_not, NULL);
	ok(hears(&l, "event: end\ndata: {'type':'END','code':4011,"
		     "'message':'the token was taken back'}\n\n"),
	   "so it does when the token is taken back");
	end(&l);
	ok(balanced(&h) && h.counters.refused[REFUSED_EXPIRED] == 2,
	   "all adds up");
	hub_release(&h);
}

/* Writes are cut everywhere: what arrives is whole all the same. */
static void cutting(void)
{
	static const char want[] = "HEAD|retry: 1061\nid: run.0:0\n\n"
				   "id: run.0:1\ndata: {'n':1}\n\n:\n\n"
				   "id: run.0:2\ndata: {'n':2}\n\n";
	bool all = true;
	struct line l;
	struct hub h;

	open_hub(&h, &hub_defaults);
	for (long at = 0; at < (long)sizeof(want) && all; at++) {
		struct buf got;

		begin(&l, &h, STREAM_EVENTS, NULL);
		strcpy(l.follow.outlet.hub->run, "run");
		l.takes = at;
		publish(&h, "{}");
		run(&h);
		outlet_ping(&l.follow.outlet);
		publish(&h, "[]");
		run(&h);
		give_room(&l, LONG_MAX);
		run(&h);
		buf_init(&got);
		buf_append(&got, buf_bytes(&l.wire), buf_len(&l.wire));
		buf_putc(&got, '\0');
		/* The ping stands between two events, wherever that is. */
		all = !l.misuse && strstr(buf_bytes(&got), "data: {}\n\n") &&
		      strstr(buf_bytes(&got), "data: []\n\n") &&
		      strstr(buf_bytes(&got), "\n\n:\n\n") &&
		      strncmp(buf_bytes(&got), "HEAD|retry: 1061\nid: ", 21) ==
			      0;
		if (!all)
			printf("# cut at %ld: %s\n", at, buf_bytes(&got));
		buf_release(&got);
		end(&l);
	}
	ok(all, "a cut never falls into an event");
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

static void slowness(void)
{
	struct hub_config config = hub_defaults;
	struct line l;
	struct hub h;

	config.max_lag = 100;
	open_hub(&h, &config);
	begin(&l, &h, STREAM_LINES, NULL);
	run(&h);
	l.takes = 0;
	for (int i = 0; i < 40; i++) {
		publish(&h, "1234567890");
		run(&h);
	}
	ok(l.closings == 1 && h.counters.refused[REFUSED_SLOW] == 1,
	   "who is too far behind is closed");
	give_room(&l, LONG_MAX);
	run(&h);
	ok(l.ends == 1, "which is the end of it");
	end(&l);
	config.slow_skip = true;
	hub_reconfigure(&h, &config);
	begin(&l, &h, STREAM_EVENTS, NULL);
	ok(hears(&l, "HEAD|retry: 1061\nid: run.0:40\n\n"), "(another one)");
	l.takes = 0;
	for (int i = 0; i < 10; i++) {
		publish(&h, "1234567890");
		run(&h);
	}
	give_room(&l, LONG_MAX);
	ok(hears(&l, "id: run.0:48\nevent: gap\ndata: {'type':'GAP',"
		     "'tenantId':'t','epoch':'run.0','from':41,'to':48,"
		     "'reason':'slow'}\n\n"
		     "id: run.0:49\ndata: 1234567890\n\n"
		     "id: run.0:50\ndata: 1234567890\n\n") &&
		   !l.closings,
	   "or goes on at the head, behind a GAP");
	end(&l);
	begin(&l, &h, STREAM_LINES, NULL);
	run(&h);
	l.takes = 0;
	for (int i = 0; i < 40; i++) {
		publish(&h, "1234567890");
		run(&h);
	}
	ok(l.closings == 1, "not where a GAP cannot be told");
	end(&l);
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

static void shedding(void)
{
	struct line l;
	struct hub h;

	open_hub(&h, &hub_defaults);
	begin(&l, &h, STREAM_EVENTS, NULL);
	outlet_shed(&l.follow.outlet, PROTO_CLOSE_OVER_CAPACITY, "no memory");
	ok(l.follow.outlet.dead && hears(&l, ""),
	   "without its head an answer is not ended by an event");
	end(&l);
	begin(&l, &h, STREAM_EVENTS, NULL);
	run(&h);
	buf_clear(&l.wire, 0);
	outlet_ping(&l.follow.outlet);
	outlet_shed(&l.follow.outlet, PROTO_CLOSE_OVER_CAPACITY, "no memory");
	ok(hears(&l, "event: end\ndata: {'type':'END','code':4100,"
		     "'message':'no memory'}\n\n") &&
		   l.ends == 1,
	   "else it is, in the place of what waits");
	end(&l);
	begin(&l, &h, STREAM_EVENTS, NULL);
	l.takes = -1;
	run(&h);
	ok(l.closings == 1 && l.ends == 0 && l.follow.outlet.dead,
	   "who is gone is sent nothing");
	end(&l);
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

static void poverty(void)
{
	bool whole = true;
	struct line l;
	struct hub h;
	long failed = 1;

	open_hub(&h, &hub_defaults);
	publish(&h, "1");
	for (long n = 1; failed && n < 100; n++) {
		unsigned status;

		oom_once(n);
		status = begin(&l, &h, STREAM_EVENTS, "all");
		run(&h);
		failed = oom_off();
		whole = whole &&
			(!status || (status == 503 && !buf_len(&l.wire))) &&
			!l.misuse;
		end(&l);
	}
	ok(whole, "without memory it is refused, or ends");
	ok(balanced(&h), "all adds up");
	hub_release(&h);
}

int main(void)
{
	events();
	lines();
	draining();
	expiring();
	cutting();
	slowness();
	shedding();
	poverty();
	return tap_end();
}

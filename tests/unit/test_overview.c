/* SPDX-License-Identifier: MIT */
/*
 * What a subscriber to all tenants is promised, and what nobody else notices of
 * it. Prints TAP. In texts ' stands for ".
 */
#include "census.h"
#include "fakeconn.h"
#include "fanout.h"
#include "report.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL "{'type':'SUBSCRIBE','tenantId':'*'}"
#define NO_MORE "{'type':'UNSUBSCRIBE','tenantId':'*'}"
#define TIME "'time':'1970-01-01T00:00:01.000Z'"
#define UPDATE(tenant, seq, data)                                              \
	"{'type':'UPDATE','tenantId':'" tenant "','epoch':'run.0','seq':" seq  \
	"," TIME ",'data':" data "}\n"
#define SOURCE(tenant, seq)                                                    \
	"{'type':'GAP','tenantId':'" tenant "','epoch':'run.0','seq':" seq     \
	",'reason':'source'}\n"
#define SUBSCRIBED(tenant, epoch, next)                                        \
	"{'type':'SUBSCRIBED','tenantId':'" tenant "','epoch':'" epoch         \
	"','next':" next ",'replayed':0,'recovered':true}\n"

#define UNSUBSCRIBED(tenant) "{'type':'UNSUBSCRIBED','tenantId':'" tenant "'}\n"

/* Connections to one hub; b is plain, and publishes. */
struct world {
	struct hub hub;
	struct fakeconn a;
	struct fakeconn b;
	struct fakeconn c;
};

static void open_v1(struct fakeconn *f, struct hub *h)
{
	fakeconn_open(f, h, SESSION_V1);
	fakeconn_run(h);
	fakeconn_sound(f);
	buf_clear(&f->heard, 0);
}

static void begin_with(struct world *w, const struct hub_config *config)
{
	fakeconn_hub(&w->hub, config);
	open_v1(&w->a, &w->hub);
	fakeconn_open(&w->b, &w->hub, SESSION_PLAIN);
	open_v1(&w->c, &w->hub);
}

static void begin(struct world *w)
{
	begin_with(w, &hub_defaults);
}

static void end(struct world *w)
{
	fakeconn_close(&w->a);
	fakeconn_close(&w->b);
	fakeconn_close(&w->c);
	ok(fakeconn_ledger(&w->hub) && fakeconn_pending(&w->hub) == 0 &&
		   !w->hub.overview.stream && list_empty(&w->hub.live),
	   "# the ledger adds up, and nobody is left");
	hub_release(&w->hub);
}

static void say(struct fakeconn *f, const char *text)
{
	fakeconn_say(f, text);
	fakeconn_run(f->session.outlet.hub);
}

static bool answers(struct fakeconn *f, const char *text, const char *want)
{
	say(f, text);
	return fakeconn_hears(f, want);
}

/* Publishes; without `data`: a GAP. */
static void publish(struct world *w, const char *tenant, const char *data)
{
	char text[1000];

	snprintf(text, sizeof(text),
		 data ? "{'type':'PUBLISH','tenantId':'%s','data':%s}"
		      : "{'type':'GAP','tenantId':'%s'}",
		 tenant, data);
	say(&w->b, text);
}

static void what_comes(void)
{
	struct world w;

	begin(&w);
	publish(&w, "t", "0");
	ok(answers(&w.a, ALL, SUBSCRIBED("*", "run.0", "1")),
	   "SUBSCRIBED names *, and begins at its first update");
	ok(answers(&w.c, "{'type':'SUBSCRIBE','tenantId':'u'}",
		   SUBSCRIBED("u", "run.0", "1")),
	   "another one has a tenant");
	publish(&w, "t", "[1,\n2]");
	publish(&w, "u", "[3,\r\n4]");
	publish(&w, "t", NULL);
	publish(&w, "u", NULL);
	publish(&w, "t", "'x'");
	ok(fakeconn_hears(&w.a,
			  UPDATE("t", "2", "[1, 2]") UPDATE("u", "1", "[3,  4]")
				  SOURCE("t", "3") SOURCE("u", "2")
					  UPDATE("t", "4", "'x'")),
	   "all tenants' updates and GAPs come, in the order of publishing, "
	   "whether somebody reads the tenant or not");
	ok(fakeconn_hears(&w.c, UPDATE("u", "1", "[3,  4]") SOURCE("u", "2")),
	   "who has a tenant sees the same bytes, of that alone");
	end(&w);
}

/* The longest tenant and large updates, with and without a reader. */
static void sizes(void)
{
	static const size_t lengths[] = {1, 125, 126, 300, 70000, 900000};
	struct hub_update update = {.begun = true};
	struct hub_receipt receipt;
	char name[129], *text = malloc(1000000);
	bool same = true;
	struct world w;

	begin(&w);
	memset(name, 'n', 128);
	name[128] = '\0';
	say(&w.a, ALL);
	fakeconn_sound(&w.a);
	buf_clear(&w.a.heard, 0);
	memset(text, '7', 1000000);
	update.data = text;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		update.len = lengths[i];
		hub_publish(&w.hub, hub_tenant(&w.hub, name, 128), &update,
			    &receipt);
	}
	fakeconn_settle(&w.hub, &w.a, 1);
	fakeconn_sound(&w.a);
	outlet_subscribe(&w.c.session.outlet, hub_tenant(&w.hub, name, 128), 1);
	outlet_ready(&w.c.session.outlet);
	fakeconn_settle(&w.hub, &w.c, 1);
	fakeconn_sound(&w.c);
	same = buf_len(&w.a.heard) == buf_len(&w.c.heard) &&
	       buf_len(&w.a.heard) > 970000 &&
	       !memcmp(buf_bytes(&w.a.heard), buf_bytes(&w.c.heard),
		       buf_len(&w.a.heard));
	ok(same,
	   "updates of all sizes are those that the tenant's v1 view has");
	free(text);
	end(&w);
}

static size_t memory(const struct world *w)
{
	return w->hub.all->stream->views[STREAM_V1].memory;
}

static void coming_and_going(void)
{
	uint64_t metered;
	struct world w;

	begin(&w);
	publish(&w, "t", "1");
	metered = w.hub.meter.used[METER_SEGMENTS];
	say(&w.a, ALL);
	publish(&w, "t", "2");
	publish(&w, "t", "3");
	ok(memory(&w) &&
		   w.hub.meter.used[METER_SEGMENTS] == metered + memory(&w),
	   "what it takes is counted");
	fakeconn_hears(&w.a, SUBSCRIBED("*", "run.0", "1") UPDATE("t", "2", "2")
				     UPDATE("t", "3", "3"));
	ok(answers(&w.a, ALL, SUBSCRIBED("*", "run.0", "3")),
	   "to subscribe again moves nothing");
	ok(answers(&w.c, ALL, SUBSCRIBED("*", "run.0", "3")),
	   "a second one begins where the first one is");
	ok(answers(&w.a, "{'type':'UNSUBSCRIBE','id':7,'tenantId':'*'}",
		   "{'type':'UNSUBSCRIBED','id':7,'tenantId':'*'}\n"),
	   "one may leave");
	publish(&w, "u", "4");
	ok(fakeconn_hears(&w.a, "") &&
		   fakeconn_hears(&w.c, UPDATE("u", "1", "4")),
	   "the other one stays");
	metered = w.hub.meter.used[METER_SEGMENTS] - memory(&w);
	fakeconn_close(&w.c);
	ok(!w.hub.overview.stream && !w.hub.all->stream &&
		   w.hub.meter.used[METER_SEGMENTS] == metered,
	   "with the last one it goes, and its memory");
	publish(&w, "t", "5");
	open_v1(&w.c, &w.hub);
	ok(answers(&w.a, ALL, SUBSCRIBED("*", "run.1", "1")),
	   "one that comes later has another epoch: something is missing");
	ok(answers(&w.a, NO_MORE "\n" NO_MORE,
		   UNSUBSCRIBED("*") UNSUBSCRIBED("*")),
	   "to leave twice is no error");
	end(&w);
}

static void both(void)
{
	struct world w;

	begin(&w);
	say(&w.a, ALL "\n{'type':'SUBSCRIBE','tenantId':'t'}");
	publish(&w, "t", "1");
	publish(&w, "u", "2");
	ok(fakeconn_hears(&w.a,
			  SUBSCRIBED("*", "run.0", "1") SUBSCRIBED(
				  "t", "run.0", "1") UPDATE("t", "1", "1")
				  UPDATE("t", "1", "1") UPDATE("u", "1", "2")),
	   "who has a tenant and all gets its updates twice");
	say(&w.a, "{'type':'UNSUBSCRIBE','tenantId':'t'}");
	publish(&w, "t", "3");
	ok(fakeconn_hears(&w.a, UNSUBSCRIBED("t") UPDATE("t", "2", "3")),
	   "and without the tenant still once");
	end(&w);
}

/* What is not its business: publishers, limits, listings. */
static void unnoticed(void)
{
	struct hub_config config = hub_defaults;
	struct census census;
	struct world w;
	struct buf b;

	config.tenants_max = 1;
	begin_with(&w, &config);
	publish(&w, "t", "1");
	say(&w.c, "{'type':'SUBSCRIBE','tenantId':'t'}");
	ok(answers(&w.a, ALL, SUBSCRIBED("*", "run.0", "1")) &&
		   w.hub.tenants.count == 1 && w.hub.watched == 1,
	   "it is no tenant: none has to go for it, and there is no room less");
	ok(answers(&w.b, "{'type':'PUBLISH','id':1,'tenantId':'t','data':2}",
		   "{'type':'ACK','id':1,'tenantId':'t','epoch':'run.0',"
		   "'seq':2,'subscribers':1}\n"),
	   "an ACK tells of the tenant's own subscribers");
	ok(answers(&w.b, "{'type':'PUBLISH','id':1,'tenantId':'*','data':2}",
		   "{'type':'ERROR','id':1,'code':'BAD_TENANT','message':"
		   "\"'tenantId' is not 1 to 128 of A-Z a-z 0-9 . _ : @ -\"}\n"),
	   "nobody can publish to all");
	census_take(&w.hub, &census);
	ok(census.streams == 1 && census.subscriptions == 2,
	   "a census counts its subscription, but no tenant");
	buf_init(&b);
	report_tenants(&b, &w.hub, NULL, 0, 10);
	buf_putc(&b, '\0');
	ok(strstr(buf_bytes(&b), "\"t\"") && !strchr(buf_bytes(&b), '*'),
	   "the list of tenants does not have it");
	buf_clear(&b, 0);
	report_connection(
		&b, &(struct report_connection){.dialect = "wsd.v1",
						.outlet = &w.a.session.outlet});
	buf_putc(&b, '\0');
	ok(strstr(buf_bytes(&b), "{\"tenantId\":\"*\",\"lag\":0,"),
	   "that of connections does");
	buf_release(&b);
	end(&w);
}

static void not_in_plain(void)
{
	struct world w;

	begin(&w);
	say(&w.b, "{'type':'SUBSCRIBE','id':1,'tenantId':'*'}");
	ok(fakeconn_hears(&w.b, "{'type':'ERROR','id':1,'code':'BAD_REQUEST',"
				"'message':'SUBSCRIBE to \\'*\\' needs "
				"wsd.v1'}\n") &&
		   w.b.code == PROTO_CLOSE_BAD_REQUEST && !w.hub.all,
	   "plain: an ERROR, and closed with 4001");
	end(&w);
}

/* Publishes until so many updates wait. */
static void flood(struct world *w, int count)
{
	for (int i = 0; i < count; i++)
		publish(w, i & 1 ? "u" : "t", "'0123456789'");
}

/* Whether a GAP came, and from there on all up to number `last`. */
static bool tells_gap(struct fakeconn *f, uint64_t last)
{
	const char *at, *end;
	size_t lines = 0;
	struct answer a;

	fakeconn_sound(f);
	at = buf_bytes(&f->heard);
	end = at + buf_len(&f->heard);
	for (const char *c = at; c < end; c++)
		lines += *c == '\n';
	return end > at &&
	       answer_parse(
		       &a, at,
		       (size_t)((char *)memchr(at, '\n', (size_t)(end - at)) -
				at)) == JSON_OK &&
	       a.type == ANSWER_GAP && strcmp(a.tenant, "*") == 0 &&
	       strcmp(a.reason, "slow") == 0 && a.from == 1 &&
	       lines == 1 + last - a.to;
}

/* Whether this is what came first; takes it. */
static bool next_is(struct fakeconn *f, const char *want)
{
	size_t len = strlen(want);
	bool same;

	fakeconn_sound(f);
	same = buf_len(&f->heard) >= len;
	for (size_t i = 0; same && i < len; i++)
		same = buf_bytes(&f->heard)[i] ==
		       (want[i] == '\'' ? '"' : want[i]);
	buf_consume(&f->heard, same ? len : 0);
	return same;
}

static void too_slow(bool skip)
{
	static const long none[] = {0, 0};
	struct hub_config config = hub_defaults;
	struct world w;

	config.max_lag = 10000;
	config.slow_skip = skip;
	begin_with(&w, &config);
	say(&w.a, ALL);
	say(&w.c, ALL);
	fakeconn_hears(&w.a, SUBSCRIBED("*", "run.0", "1"));
	fakeconn_script(&w.a, none, 1);
	flood(&w, 100);
	ok(w.c.closings == 0 && w.hub.counters.refused[REFUSED_SLOW] > 0 &&
		   memory(&w) < 40000,
	   "who does not read is too slow: what waits for it is bounded");
	if (skip) {
		fakeconn_say(&w.a, ALL);
		fakeconn_writable(&w.a);
		fakeconn_run(&w.hub);
		ok(next_is(&w.a, SUBSCRIBED("*", "run.0", "1")),
		   "what comes next is the GAP");
	}
	fakeconn_writable(&w.a);
	fakeconn_run(&w.hub);
	if (!skip) {
		ok(fakeconn_closed(&w.a, PROTO_CLOSE_TOO_SLOW),
		   "it is closed with 4108");
		end(&w);
		return;
	}
	ok(tells_gap(&w.a, 100),
	   "it is told of a GAP, with its numbers, and goes on behind it");
	end(&w);
}

/* Nobody else reads what they publish, so only that can hold them back. */
static void not_outrun(void)
{
	char text[1100];
	struct world w;
	int i;

	begin(&w);
	say(&w.a, ALL);
	for (i = 0; i < 1000 && !w.b.paused; i++) {
		snprintf(text, sizeof(text),
			 "{'type':'PUBLISH','tenantId':'t%d','data':'%01000d'}",
			 i, i);
		fakeconn_say(&w.b, text);
	}
	ok(i > 100 && i < 130,
	   "a publisher waits while much has not had its turn");
	fakeconn_run(&w.hub);
	ok(!w.b.paused && w.hub.counters.delivered == (uint64_t)i,
	   "and goes on when it had");
	end(&w);
}

/* Without history an update may be gone as soon as its readers have it. */
static void without_history(void)
{
	struct hub_config config = hub_defaults;
	struct world w;

	config.history.count = 0;
	begin_with(&w, &config);
	say(&w.a, ALL);
	fakeconn_hears(&w.a, SUBSCRIBED("*", "run.0", "1"));
	publish(&w, "t", "1");
	publish(&w, "t", NULL);
	say(&w.c, "{'type':'SUBSCRIBE','tenantId':'t'}");
	publish(&w, "t", "2");
	ok(fakeconn_hears(&w.a, UPDATE("t", "1", "1") SOURCE("t", "2")
					UPDATE("t", "3", "2")),
	   "it needs no history of the tenants");
	for (int i = 0; i < 300; i++)
		publish(&w, "t", "'0123456789'");
	ok(memory(&w) < 40000, "and has none of its own");
	end(&w);
}

/* Publishes where one allocation fails. Whether any did. */
static bool publish_poorly(struct world *w, long n, const char *data,
			   bool *fine)
{
	struct hub_update update = {.data = data, .len = data ? 1 : 0};
	struct hub_tenant *t = hub_tenant(&w->hub, "t", 1);
	uint64_t seq = hub_stream(&w->hub, t)->seq,
		 all = w->hub.all->stream->seq;
	struct hub_receipt receipt;
	enum hub_result result;
	bool failed;

	oom_once(n);
	result = hub_publish(&w->hub, t, &update, &receipt);
	failed = oom_off() > 0;
	seq += result == HUB_PUBLISHED;
	all += result == HUB_PUBLISHED;
	*fine = *fine && t->stream->seq == seq &&
		w->hub.all->stream->seq == all &&
		(result == HUB_PUBLISHED) == !failed;
	return failed;
}

static void out_of_memory(void)
{
	bool fine = true;
	struct world w;

	begin(&w);
	say(&w.a, ALL);
	for (int reader = 0; reader < 2; reader++) {
		for (long n = 1; publish_poorly(&w, n, NULL, &fine); n++)
			;
		for (long n = 1; publish_poorly(&w, n, "1", &fine); n++)
			;
		say(&w.c, "{'type':'SUBSCRIBE','tenantId':'t'}");
	}
	ok(fine, "an update is published and shown, or neither");
	say(&w.a, NO_MORE);
	for (long n = 1;; n++) {
		oom_once(n);
		fakeconn_say(&w.a, ALL);
		if (!oom_off())
			break;
		fakeconn_run(&w.hub);
		fine = fine &&
		       !w.hub.overview.stream == !w.a.session.outlet.count;
		publish(&w, "t", "1");
		fakeconn_close(&w.a);
		hub_sweep(&w.hub, 10);
		fine = fine && !w.hub.overview.stream &&
		       !(w.hub.all && w.hub.all->stream);
		open_v1(&w.a, &w.hub);
	}
	ok(fine, "a subscription without its memory leaves nothing");
	end(&w);
}

int main(void)
{
	what_comes();
	sizes();
	coming_and_going();
	both();
	unnoticed();
	not_in_plain();
	too_slow(false);
	too_slow(true);
	not_outrun();
	without_history();
	out_of_memory();
	return tap_end();
}

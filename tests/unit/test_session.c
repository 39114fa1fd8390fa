/* SPDX-License-Identifier: MIT */
/*
 * What session promises: the protocol of both dialects, as design.md sections
 * 3 and 4 have it. In what is said and heard ' stands for ".
 */
#include "fakeconn.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define TIME "'time':'1970-01-01T00:00:01.000Z'"
#define NAMED(tenant) "'tenantId':'" tenant "','epoch':'run.0'"
#define UPDATE(tenant, seq, data)                                              \
	"{'type':'UPDATE'," NAMED(tenant) ",'seq':" seq "," TIME               \
					  ",'data':" data "}\n"
#define SUBSCRIBED(id, tenant, next, replayed, recovered)                      \
	"{'type':'SUBSCRIBED','id':" id                                        \
	"," NAMED(tenant) ",'next':" next ",'replayed':" replayed              \
			  ",'recovered':" recovered "}\n"
#define ACK(id, tenant, seq, subscribers)                                      \
	"{'type':'ACK','id':" id                                               \
	"," NAMED(tenant) ",'seq':" seq ",'subscribers':" subscribers "}\n"
#define ERROR(id, code, message)                                               \
	"{'type':'ERROR','id':" id ",'code':'" code "','message':\"" message   \
	"\"}\n"

/* Two connections to one hub. */
struct world {
	struct hub hub;
	struct fakeconn a;
	struct fakeconn b;
};

static void begin_with(struct world *w, enum session_dialect a,
		       enum session_dialect b, const struct hub_config *config)
{
	fakeconn_hub(&w->hub, config);
	fakeconn_open(&w->a, &w->hub, a);
	fakeconn_open(&w->b, &w->hub, b);
	fakeconn_run(&w->hub);
	fakeconn_sound(&w->a);
	fakeconn_sound(&w->b);
	buf_clear(&w->a.heard, 0);
	buf_clear(&w->b.heard, 0);
}

static void begin(struct world *w, enum session_dialect a,
		  enum session_dialect b)
{
	begin_with(w, a, b, &hub_defaults);
}

static void end(struct world *w)
{
	fakeconn_close(&w->a);
	fakeconn_close(&w->b);
	ok(fakeconn_ledger(&w->hub) && fakeconn_pending(&w->hub) == 0,
	   "# the ledger adds up");
	hub_release(&w->hub);
}

/* Says it, and all that follows from it happens. */
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

/* Publishes 1, 2, … to t, from connection b. */
static void publish(struct world *w, int n)
{
	for (int i = 0; i < n; i++)
		say(&w->b, "{'type':'PUBLISH','tenantId':'t','data':1}");
}

static void greeting(void)
{
	struct world w;

	fakeconn_hub(&w.hub, &hub_defaults);
	fakeconn_open(&w.a, &w.hub, SESSION_V1);
	fakeconn_open(&w.b, &w.hub, SESSION_PLAIN);
	fakeconn_run(&w.hub);
	ok(fakeconn_hears(&w.a, "{'type':'WELCOME','connection':'1',"
				"'server':'wsd/" WSD_VERSION
				"','limits':{'message':1048576,'frame':2097152,"
				"'subscriptions':1000}}\n"),
	   "v1: WELCOME is the first message");
	ok(fakeconn_hears(&w.b, ""), "plain: nobody is greeted");
	end(&w);
}

static void plain_subscribers(void)
{
	struct world w;

	begin(&w, SESSION_PLAIN, SESSION_PLAIN);
	ok(answers(&w.a, "{'type':'SUBSCRIBE','tenantId':'t'}", ""),
	   "plain: SUBSCRIBE gets no answer");
	say(&w.b, "{'type':'PUBLISH','tenantId':'t','data':{'a' : 1.0}}");
	ok(fakeconn_hears(&w.a, "{'a' : 1.0}\n") && fakeconn_hears(&w.b, ""),
	   "an update comes as bare JSON, byte for byte; PUBLISH is silent");
	ok(answers(&w.a, "{'type':'SUBSCRIBE','id':'x','tenantId':7}",
		   SUBSCRIBED("'x'", "7", "1", "0", "true")),
	   "another tenant adds it; with an id one asks for an answer");
	say(&w.b, "{'type':'PUBLISH','tenantId':'7','data':2}");
	say(&w.b, "{'type':'PUBLISH','tenantId':'t','data':3}");
	ok(fakeconn_hears(&w.a, "2\n3\n"), "both come");
	say(&w.a, "{'type':'SUBSCRIBE','tenantId':'t','since':'all'}");
	ok(fakeconn_hears(&w.a, ""), "SUBSCRIBE again moves nothing");
	ok(answers(&w.b, "{'type':'SUBSCRIBE','tenantId':'t','since':'all'}",
		   "{'a' : 1.0}\n3\n"),
	   "since works here too");
	ok(answers(&w.b, "{'type':'PUBLISH','id':{},'tenantId':'t','data':4}",
		   ACK("{}", "t", "3", "2") "4\n"),
	   "PUBLISH with an id is acknowledged");
	say(&w.a, "{'type':'GAP','tenantId':'t'}");
	ok(fakeconn_hears(&w.a, "4\n") && fakeconn_hears(&w.b, ""),
	   "a GAP of a source does not show");
	say(&w.a, "{'type':'UNSUBSCRIBE','tenantId':'t'}");
	ok(answers(&w.a, "{'type':'PUBLISH','tenantId':'t','data':5}", ""),
	   "UNSUBSCRIBE ends it");
	ok(answers(&w.a, "{'type':'PING'}", "") &&
		   answers(&w.a, "{'type':'PING','id':1}",
			   "{'type':'PONG','id':1}\n"),
	   "PING is answered when it has an id");
	end(&w);
}

static void plain_faults(void)
{
	struct world w;

	begin(&w, SESSION_PLAIN, SESSION_PLAIN);
	ok(answers(&w.a, "{\n'type':}",
		   "{'type':'ERROR','frame':1,'line':2,'code':'BAD_JSON',"
		   "'message':'column 8: unexpected character'}\n"),
	   "plain: bad JSON gets an ERROR with its place");
	say(&w.a, "");
	ok(w.a.closings == 0 && w.a.session.intake.message == 2,
	   "and the connection stays");
	fakeconn_sound(&w.a);
	buf_clear(&w.a.heard, 0);
	ok(answers(&w.a, "{'type':'PRODUCER','id':1,'producer':'p'}",
		   ERROR("1", "BAD_REQUEST", "PRODUCER needs wsd.v1")),
	   "PRODUCER is not for it");
	publish(&w, 3);
	say(&w.a, "{'type':'SUBSCRIBE','tenantId':'t',"
		  "'since':{'epoch':'run.0','seq':2}}");
	ok(fakeconn_hears(&w.a, "1\n") && w.a.closings == 0,
	   "resuming works where nothing is missing");
	say(&w.b, "{'type':'SUBSCRIBE','id':1,'tenantId':'t',"
		  "'since':{'epoch':'gone.0','seq':2}}");
	ok(fakeconn_closed(&w.b, PROTO_CLOSE_BAD_REQUEST),
	   "where a GAP would be due the connection is closed");
	end(&w);
}

static void since(struct world *w, const char *json, const char *want,
		  const char *what)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "{'type':'SUBSCRIBE','id':1,'tenantId':'t','since':%s}", json);
	ok(answers(&w->a, text, want), what);
	say(&w->a, "{'type':'UNSUBSCRIBE','tenantId':'t'}");
	buf_clear(&w->a.heard, 0);
	fakeconn_sound(&w->a);
	buf_clear(&w->a.heard, 0);
}

#define GAP_RESTART "{'type':'GAP'," NAMED("t") ",'reason':'restart'}\n"

/* Of updates 1 to 5, 3 to 5 are retained. */
static void sinces(void)
{
	struct hub_config config = hub_defaults;
	struct world w;

	config.history.count = 3;
	begin_with(&w, SESSION_V1, SESSION_PLAIN, &config);
	publish(&w, 5);
	since(&w, "null", SUBSCRIBED("1", "t", "6", "0", "true"),
	      "v1: without since one starts at the head");
	since(&w, "'all'",
	      SUBSCRIBED("1", "t", "3", "3", "true") UPDATE("t", "3", "1")
		      UPDATE("t", "4", "1") UPDATE("t", "5", "1"),
	      "all: SUBSCRIBED, then everything retained");
	since(&w, "1",
	      SUBSCRIBED("1", "t", "5", "1", "true") UPDATE("t", "5", "1"),
	      "a number: the last ones");
	since(&w, "{'age':'1s'}",
	      SUBSCRIBED("1", "t", "3", "3", "true") UPDATE("t", "3", "1")
		      UPDATE("t", "4", "1") UPDATE("t", "5", "1"),
	      "an age");
	since(&w, "{'epoch':'run.0','seq':4}",
	      SUBSCRIBED("1", "t", "5", "1", "true") UPDATE("t", "5", "1"),
	      "a point: exactly what was missed");
	since(&w, "{'epoch':'run.0','seq':5}",
	      SUBSCRIBED("1", "t", "6", "0", "true"), "which may be nothing");
	since(&w, "{'epoch':'run.0','seq':0}",
	      SUBSCRIBED("1", "t", "3", "3", "false") "{'type':'GAP'," NAMED(
		      "t") ",'from':1,'to':2,"
			   "'reason':'history'}\n" UPDATE("t", "3", "1")
				   UPDATE("t", "4", "1") UPDATE("t", "5", "1"),
	      "trimmed: a GAP with numbers, then everything retained");
	since(&w, "{'epoch':'run.0','seq':6}",
	      SUBSCRIBED("1", "t", "3", "3", "false")
		      GAP_RESTART UPDATE("t", "3", "1") UPDATE("t", "4", "1")
			      UPDATE("t", "5", "1"),
	      "beyond the head: a GAP without");
	since(&w, "{'epoch':'run.1','seq':4}",
	      SUBSCRIBED("1", "t", "3", "3", "false")
		      GAP_RESTART UPDATE("t", "3", "1") UPDATE("t", "4", "1")
			      UPDATE("t", "5", "1"),
	      "of another epoch: the same");
	end(&w);
}

static void subscribing(void)
{
	static const long none[] = {0};
	struct hub_config config = hub_defaults;
	struct world w;

	config.subscriptions_max = 2;
	begin_with(&w, SESSION_V1, SESSION_PLAIN, &config);
	ok(answers(&w.a, "{'type':'SUBSCRIBE','tenantId':'t'}",
		   "{'type':'SUBSCRIBED'," NAMED("t") ",'next':1,'replayed':0,"
						      "'recovered':true}\n"),
	   "v1: SUBSCRIBE is answered without an id too");
	fakeconn_script(&w.a, none, 1);
	publish(&w, 2);
	say(&w.a, "{'type':'SUBSCRIBE','id':2,'tenantId':'t','since':'all'}");
	publish(&w, 1);
	fakeconn_settle(&w.hub, &w.a, 1);
	ok(fakeconn_hears(&w.a, SUBSCRIBED("2", "t", "1", "0", "true") UPDATE(
					"t", "1", "1") UPDATE("t", "2", "1")
					UPDATE("t", "3", "1")),
	   "again: nothing moves; next is what will be sent next");
	fakeconn_script(&w.a, none, 1);
	publish(&w, 1);
	say(&w.a, "{'type':'UNSUBSCRIBE','id':'u','tenantId':'t'}");
	publish(&w, 1);
	fakeconn_settle(&w.hub, &w.a, 1);
	ok(fakeconn_hears(&w.a, "{'type':'UNSUBSCRIBED','id':'u',"
				"'tenantId':'t'}\n"),
	   "after UNSUBSCRIBED no UPDATE comes, not even a waiting one");
	ok(answers(&w.a, "{'type':'UNSUBSCRIBE','id':1,'tenantId':'never'}",
		   "{'type':'UNSUBSCRIBED','id':1,'tenantId':'never'}\n") &&
		   !hub_find(&w.hub, "never", 5),
	   "of a tenant that one does not have: the same");
	say(&w.a, "{'type':'SUBSCRIBE','tenantId':'a'}\n"
		  "{'type':'SUBSCRIBE','tenantId':'b'}");
	fakeconn_sound(&w.a);
	buf_clear(&w.a.heard, 0);
	ok(answers(&w.a, "{'type':'SUBSCRIBE','id':3,'tenantId':'c'}",
		   ERROR("3", "TOO_MANY_SUBSCRIPTIONS",
			 "this connection has as many as are allowed")) &&
		   !hub_find(&w.hub, "c", 1),
	   "there is a limit for each connection, and no tenant beyond it");
	ok(answers(&w.a, "{'type':'SUBSCRIBE','id':4,'tenantId':'b'}",
		   SUBSCRIBED("4", "b", "1", "0", "true")),
	   "which does not count one twice");
	end(&w);
}

static void acknowledging(void)
{
	struct world w;

	begin(&w, SESSION_V1, SESSION_PLAIN);
	ok(answers(&w.a, "{'type':'PUBLISH','id':1,'tenantId':'t','data':1}",
		   ACK("1", "t", "1", "0")),
	   "v1: a PUBLISH with an id is acknowledged with its number");
	ok(answers(&w.a, "{'type':'PUBLISH','tenantId':'t','data':1}", ""),
	   "one without is not");
	ok(answers(&w.a,
		   "{'type':'PUBLISH','id':5,'tenantId':'t','data':1}\n"
		   "{'type':'PUBLISH','id':6,'tenantId':'u','data':1}\n"
		   "{'type':'PUBLISH','id':9,'tenantId':'t','data':1}",
		   ACK("9", "t", "4", "0")),
	   "one ACK settles all ids up to its own");
	ok(answers(&w.a,
		   "{'type':'PUBLISH','id':10,'tenantId':'t','data':1}\n"
		   "{'type':'PUBLISH','id':11,'tenantId':'..','data':1}\n"
		   "{'type':'PUBLISH','id':12,'tenantId':'t','data':1}",
		   ERROR("11", "BAD_TENANT",
			 "'tenantId' is not 1 to 128 of A-Z a-z 0-9 . _ : @ -")
			   ACK("12", "t", "6", "0")),
	   "an ERROR comes before the ACK that does not settle it");
	ok(answers(&w.a,
		   "{'type':'PUBLISH','id':13,'tenantId':'t','data':1}\n"
		   "{'type':'PUBLISH','tenantId':'u','data':1}",
		   ACK("13", "t", "7", "0")),
	   "an ACK speaks of its own update, whatever came after it");
	say(&w.b, "{'type':'SUBSCRIBE','tenantId':'t'}");
	ok(answers(&w.a,
		   "{'type':'GAP','id':14,'tenantId':'t',"
		   "'reason':'source'}",
		   ACK("14", "t", "8", "1")),
	   "a GAP is acknowledged too; subscribers are counted");
	ok(answers(&w.a,
		   "{'type':'SUBSCRIBE','tenantId':'u','id':0}\n"
		   "{'type':'PUBLISH','id':15,'tenantId':'u','data':1}",
		   SUBSCRIBED("0", "u", "3", "0", "true")
			   ACK("15", "u", "3", "1") UPDATE("u", "3", "1")),
	   "an ACK comes before the publisher's own UPDATE");
	end(&w);
}

static void acknowledging_the_slow(void)
{
	static const long none[] = {0};
	struct world w;

	begin(&w, SESSION_V1, SESSION_PLAIN);
	fakeconn_script(&w.a, none, 1);
	say(&w.a, "{'type':'PING','id':'x'}");
	say(&w.a, "{'type':'PUBLISH','id':1,'tenantId':'t','data':1}");
	say(&w.a, "{'type':'PUBLISH','id':2,'tenantId':'u','data':1}");
	say(&w.a, "{'type':'PUBLISH','id':3,'tenantId':'t','data':1}");
	fakeconn_settle(&w.hub, &w.a, 1);
	ok(fakeconn_hears(&w.a,
			  "{'type':'PONG','id':'x'}\n" ACK("3", "t", "2", "0")),
	   "while a connection takes nothing one ACK at most is pending");
	end(&w);
}

static void bad_ids(void)
{
	struct world w;

	begin(&w, SESSION_V1, SESSION_PLAIN);
	ok(answers(&w.a, "{'type':'PUBLISH','id':'x','tenantId':'t','data':1}",
		   ERROR("'x'", "BAD_REQUEST",
			 "'id' of a publish is not an integer from 1")) &&
		   answers(&w.a,
			   "{'type':'PUBLISH','id':0,'tenantId':'t','data':1}",
			   ERROR("0", "BAD_REQUEST",
				 "'id' of a publish is not an integer from 1")),
	   "v1: an id of a PUBLISH is an integer from 1");
	say(&w.a, "{'type':'PUBLISH','id':7,'tenantId':'t','data':1}");
	fakeconn_hears(&w.a, ACK("7", "t", "1", "0"));
	ok(answers(&w.a, "{'type':'PUBLISH','id':7,'tenantId':'t','data':1}",
		   ERROR("7", "BAD_REQUEST",
			 "'id' of a publish is not above the one before")) &&
		   answers(&w.a, "{'type':'GAP','id':6,'tenantId':'t'}",
			   ERROR("6", "BAD_REQUEST",
				 "'id' of a publish is not above the one "
				 "before")),
	   "and above all before");
	ok(w.hub.counters.published == 1, "what is refused is not published");
	end(&w);
}

static void gaps(void)
{
	struct world w;

	begin(&w, SESSION_V1, SESSION_PLAIN);
	say(&w.a, "{'type':'SUBSCRIBE','tenantId':'t'}");
	fakeconn_sound(&w.a);
	buf_clear(&w.a.heard, 0);
	say(&w.b, "{'type':'SUBSCRIBE','tenantId':'t'}");
	ok(answers(&w.a, "{'type':'GAP','tenantId':'t','data':1}",
		   "{'type':'GAP'," NAMED("t") ",'seq':1,"
					       "'reason':'source'}\n") &&
		   fakeconn_hears(&w.b, ""),
	   "a GAP of a source takes a number and shows in v1 alone");
	publish(&w, 1);
	ok(fakeconn_hears(&w.a, UPDATE("t", "2", "1")) &&
		   fakeconn_hears(&w.b, "1\n"),
	   "updates go on behind it");
	ok(answers(&w.a,
		   "{'type':'UNSUBSCRIBE','tenantId':'t'}\n"
		   "{'type':'SUBSCRIBE','id':1,'tenantId':'t',"
		   "'since':'all'}",
		   "{'type':'UNSUBSCRIBED','tenantId':'t'}\n" SUBSCRIBED(
			   "1", "t", "1", "2",
			   "true") "{'type':'GAP'," NAMED("t") ",'seq':1,"
							       "'reason':'source'}\n" UPDATE(
								       "t", "2",
								       "1")),
	   "it is retained and replayed");
	end(&w);
}

int main(void)
{
	greeting();
	plain_subscribers();
	plain_faults();
	sinces();
	subscribing();
	acknowledging();
	acknowledging_the_slow();
	bad_ids();
	gaps();
	return tap_end();
}

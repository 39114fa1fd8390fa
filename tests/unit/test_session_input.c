/* SPDX-License-Identifier: MIT */
/*
 * What session promises about its input: messages and lines however they
 * come, limits, input that stops and goes on, publishers that come back, and
 * what becomes of it all without memory. ' stands for ".
 */
#include "fakeconn.h"
#include "fanout.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED(tenant) "'tenantId':'" tenant "','epoch':'run.0'"

struct world {
	struct hub hub;
	struct fakeconn a;
	struct fakeconn b;
};

static void hush(struct fakeconn *f)
{
	fakeconn_sound(f);
	buf_clear(&f->heard, 0);
}

static void begin(struct world *w, enum session_dialect dialect)
{
	struct hub_config config = hub_defaults;

	config.message_max = 100;
	config.frame_max = 1 << 20;
	fakeconn_hub(&w->hub, &config);
	fakeconn_open(&w->a, &w->hub, dialect);
	fakeconn_open(&w->b, &w->hub, dialect);
	fakeconn_run(&w->hub);
	hush(&w->a);
	hush(&w->b);
}

static void end(struct world *w)
{
	fakeconn_close(&w->a);
	fakeconn_close(&w->b);
	hub_release(&w->hub);
}

static bool answers(struct fakeconn *f, const char *text, const char *want)
{
	fakeconn_say(f, text);
	fakeconn_run(f->session.outlet.hub);
	return fakeconn_hears(f, want);
}

static void put_quoted(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_putc(b, *text == '\'' ? '"' : *text);
}

static const char *const lines =
	"\n{'type':'PING','id':1}\r\n \t\n{'type':'PUBLISH','tenantId':'t',"
	"'data':'\xc3\xa4'}\n{'type':'PIN\n"
	"{'type':'PUBLISH','id':2,'tenantId':'t','data':2}\n\n[]\n"
	"{'type':'PING','id':3}";
static const char *const answers_to_lines =
	"{'type':'PONG','id':1}\n"
	"{'type':'ERROR','frame':1,'line':5,'code':'BAD_JSON','message':"
	"'column 13: the text ends too early'}\n"
	"{'type':'ERROR','frame':1,'line':8,'code':'BAD_REQUEST','message':"
	"'not a JSON object'}\n"
	"{'type':'PONG','id':3}\n"
	"{'type':'ACK','id':2," NAMED("t") ",'seq':2,'subscribers':0}\n";

/* The lines above, cut at two places. */
static bool cut_at(const struct buf *text, size_t a, size_t b)
{
	const char *bytes = buf_bytes(text);
	size_t len = buf_len(text);
	struct world w;
	bool good;

	begin(&w, SESSION_V1);
	fakeconn_piece(&w.a, bytes, a, true, false);
	fakeconn_piece(&w.a, bytes + a, b - a, false, false);
	fakeconn_piece(&w.a, bytes + b, len - b, false, true);
	fakeconn_run(&w.hub);
	good = fakeconn_hears(&w.a, answers_to_lines);
	end(&w);
	return good;
}

static void cutting(void)
{
	struct buf text;
	bool good = true;
	size_t len;

	buf_init(&text);
	put_quoted(&text, lines);
	len = buf_len(&text);
	ok(cut_at(&text, len, len),
	   "v1: lines are treated by themselves; blank ones are ignored");
	for (size_t cut = 0; cut <= len && good; cut++)
		good = cut_at(&text, cut, cut) &&
		       cut_at(&text, cut, (cut + len) / 2);
	ok(good, "wherever a line is cut");
	buf_release(&text);
}

static void refusing(void)
{
	struct world w;

	begin(&w, SESSION_V1);
	ok(answers(&w.a,
		   "{'type':'PUBLISH','id':1,'tenantId':'t','data':"
		   "'0123456789012345678901234567890123456789"
		   "0123456789012345678901234567890123456789"
		   "012345678901234567'}\n"
		   "{'type':'PUBLISH','id':2,'tenantId':'t','data':"
		   "'0123456789012345678901234567890123456789"
		   "0123456789012345678901234567890123456789"
		   "0123456789012345678'}",
		   "{'type':'ERROR','id':2,'code':'TOO_LARGE','message':"
		   "''data' is larger than the server takes'}\n"
		   "{'type':'ACK','id':1," NAMED("t") ",'seq':1,"
						      "'subscribers':0}\n"),
	   "an update that is too large is refused, alone");
	ok(answers(&w.a, "{'type':'NEVER','id':1}\n{'type':'PING','id':2}",
		   "{'type':'ERROR','id':1,'code':'UNKNOWN_TYPE','message':"
		   "''type' is none that I know'}\n"
		   "{'type':'PONG','id':2}\n"),
	   "a bad line does not touch the others");
	fakeconn_say(&w.a, "{'type':'PUBLISH','id':3,'tenantId':'t','data':1}\n"
			   "{'type':'PING','x':'\xff'}\n"
			   "{'type':'PUBLISH','tenantId':'t','data':1}");
	fakeconn_run(&w.hub);
	ok(fakeconn_hears(&w.a, "{'type':'ACK','id':3," NAMED(
					"t") ",'seq':2,'subscribers':0}\n") &&
		   fakeconn_closed(&w.a, PROTO_CLOSE_BAD_TEXT) &&
		   w.hub.counters.published == 2,
	   "text that is not UTF-8 ends it with 1007; what came is settled");
	fakeconn_say(&w.a, "{'type':'PING'}");
	fakeconn_run(&w.hub);
	ok(fakeconn_closed(&w.a, PROTO_CLOSE_BAD_TEXT),
	   "and nothing is taken after that");
	end(&w);
}

static void receive(struct fakeconn *f, struct intake_piece piece)
{
	piece.first = true;
	piece.bytes = "";
	session_receive(&f->session, &piece);
	fakeconn_run(f->session.outlet.hub);
}

static void fatal(enum session_dialect dialect, uint64_t max)
{
	char *text = calloc(1, max + 1);
	struct world w;

	begin(&w, dialect);
	receive(&w.a, (struct intake_piece){.binary = true});
	ok(fakeconn_closed(&w.a, PROTO_CLOSE_UNACCEPTABLE),
	   "binary: closed with 1003");
	receive(&w.b, (struct intake_piece){.announced = max + 1});
	ok(fakeconn_closed(&w.b, PROTO_CLOSE_TOO_BIG) &&
		   !w.b.session.intake.rest.base,
	   "a frame that announces too much: 1009, before it is there");
	end(&w);
	begin(&w, dialect);
	memset(text, '\n', max + 1);
	fakeconn_piece(&w.a, text, max, true, true);
	fakeconn_piece(&w.a, text, max, true, false);
	ok(w.a.closings == 0, "as large as the limit");
	hush(&w.a);
	fakeconn_piece(&w.a, text, 1, false, false);
	fakeconn_run(&w.hub);
	ok(w.a.closings == 1 && fakeconn_sound(&w.a) &&
		   w.a.code == PROTO_CLOSE_TOO_BIG,
	   "a message that never ends: 1009");
	end(&w);
	free(text);
}

/* `n` PINGs with ids from 1, and what they are answered. */
static void many_pings(struct buf *ask, struct buf *want, unsigned n)
{
	buf_init(ask);
	buf_init(want);
	for (unsigned i = 1; i <= n; i++) {
		buf_printf(ask, "{'type':'PING','id':%u}\n", i);
		buf_printf(want, "{'type':'PONG','id':%u}\n", i);
	}
	buf_putc(ask, '\0');
	buf_putc(want, '\0');
}

static void stopping(void)
{
	static const long none[] = {0, 1000, 0, 30000, 7};
	struct buf ask, want;
	struct world w;
	size_t len, half;

	many_pings(&ask, &want, 10000);
	len = buf_len(&ask) - 1;
	half = len / 2 + 7;
	for (size_t i = 0; i < len; i++)
		if (buf_bytes(&ask)[i] == '\'')
			buf_bytes(&ask)[i] = '"';
	begin(&w, SESSION_V1);
	fakeconn_script(&w.a, none, 5);
	fakeconn_piece(&w.a, buf_bytes(&ask), half, true, false);
	fakeconn_run(&w.hub);
	ok(w.a.paused && buf_len(&w.a.session.outlet.control) < 66000,
	   "who does not read answers is not read from");
	fakeconn_piece(&w.a, buf_bytes(&ask) + half, len - half, false, true);
	fakeconn_run(&w.hub);
	ok(w.a.paused && buf_len(&w.a.session.outlet.control) < 66000,
	   "what had been read already waits");
	fakeconn_settle(&w.hub, &w.a, 1);
	ok(!w.a.paused && w.a.pauses == 1,
	   "when the answers have left input goes on");
	ok(fakeconn_hears(&w.a, buf_bytes(&want)),
	   "within the frame: nothing lost, nothing twice, in order");
	end(&w);
	buf_release(&ask);
	buf_release(&want);
}

/* Fills the answers: behind the last line that was treated comes `end`. */
static void fill(struct world *w, const char *end)
{
	static const long none[] = {0};
	char text[100];

	begin(w, SESSION_V1);
	fakeconn_script(&w->a, none, 1);
	fakeconn_run(&w->hub);
	snprintf(text, sizeof(text), "{'type':'PING','id':'0123456789'}%s",
		 end);
	for (int i = 0; i < 5000 && !w->a.paused; i++)
		fakeconn_say(&w->a, text);
}

static void stopped_at_the_end(void)
{
	struct world w;

	fill(&w, "");
	ok(w.a.paused && !buf_len(&w.a.session.intake.rest),
	   "input may stop behind a whole message");
	session_drain(&w.a.session, 100);
	fakeconn_settle(&w.hub, &w.a, 1);
	hush(&w.a);
	ok(w.a.code == PROTO_CLOSE_DRAINING, "draining closes it all the same");
	end(&w);
	fill(&w, "\n\n");
	fakeconn_say(&w.a, "\n");
	fakeconn_settle(&w.hub, &w.a, 1);
	ok(!w.a.paused, "nor do blank lines keep it stopped");
	end(&w);
}

static void closing_while_stopped(void)
{
	struct world w;

	fill(&w, "");
	outlet_close(&w.a.session.outlet, PROTO_CLOSE_NORMAL, "");
	ok(!w.a.paused, "who is closed is read from: his answer must come in");
	end(&w);
}

static void too_many_producers(void)
{
	struct world w;

	begin(&w, SESSION_V1);
	w.hub.producers.max = 0;
	ok(answers(&w.a, "{'type':'PRODUCER','id':1,'producer':'q'}",
		   "{'type':'ERROR','id':1,'code':'OVER_CAPACITY','message':"
		   "'the server has too many producers'}\n") &&
		   w.hub.counters.refused[REFUSED_PRODUCERS] == 1,
	   "one too many is refused, and counted");
	end(&w);
}

static void producers(void)
{
	struct world w;

	begin(&w, SESSION_V1);
	ok(answers(&w.a,
		   "{'type':'PRODUCER','producer':'p'}\n"
		   "{'type':'PUBLISH','id':1,'tenantId':'t','data':1}\n"
		   "{'type':'PUBLISH','id':5,'tenantId':'t','data':1}",
		   "{'type':'ACK','id':5," NAMED("t") ",'seq':2,"
						      "'subscribers':0}\n"),
	   "a producer publishes");
	ok(answers(&w.a, "{'type':'PRODUCER','id':1,'producer':'q'}",
		   "{'type':'ERROR','id':1,'code':'BAD_REQUEST','message':"
		   "'PRODUCER came before'}\n"),
	   "under one name");
	fakeconn_say(&w.a, "{'type':'PUBLISH','id':6,'tenantId':'t','data':1}");
	fakeconn_say(&w.b, "{'type':'PRODUCER','producer':'p'}");
	fakeconn_run(&w.hub);
	ok(fakeconn_hears(&w.a, "{'type':'ACK','id':6," NAMED(
					"t") ",'seq':3,"
					     "'subscribers':0}\n") &&
		   fakeconn_closed(&w.a, PROTO_CLOSE_BAD_REQUEST),
	   "a new connection ends the older one, its ACK first");
	fakeconn_say(&w.a, "{'type':'PUBLISH','id':9,'tenantId':'t','data':1}");
	ok(answers(&w.b,
		   "{'type':'PUBLISH','id':5,'tenantId':'t','data':1}\n"
		   "{'type':'PUBLISH','id':6,'tenantId':'t','data':1}",
		   "{'type':'ACK','id':6," NAMED("t") ",'subscribers':0,"
						      "'duplicate':true}\n"),
	   "what it resends is acknowledged and not published again");
	ok(answers(&w.b, "{'type':'PUBLISH','id':7,'tenantId':'t','data':1}",
		   "{'type':'ACK','id':7," NAMED("t") ",'seq':4,"
						      "'subscribers':0}\n") &&
		   w.hub.counters.published == 4 &&
		   w.hub.counters.duplicates == 2,
	   "and it goes on from there");
	fakeconn_close(&w.a);
	fakeconn_open(&w.a, &w.hub, SESSION_V1);
	fakeconn_say(&w.a, "{'type':'PRODUCER','producer':'p'}");
	fakeconn_run(&w.hub);
	ok(fakeconn_closed(&w.b, PROTO_CLOSE_BAD_REQUEST),
	   "an older one that goes takes nothing from the newer");
	fakeconn_close(&w.a);
	fakeconn_close(&w.b);
	fakeconn_open(&w.a, &w.hub, SESSION_V1);
	fakeconn_open(&w.b, &w.hub, SESSION_V1);
	fakeconn_run(&w.hub);
	hush(&w.a);
	ok(answers(&w.a,
		   "{'type':'PRODUCER','producer':'p'}\n"
		   "{'type':'PUBLISH','id':7,'tenantId':'t','data':1}",
		   "{'type':'ACK','id':7," NAMED("t") ",'subscribers':0,"
						      "'duplicate':true}\n"),
	   "its ids outlive its connections");
	end(&w);
}

static void keyed(void)
{
	struct world w;

	begin(&w, SESSION_V1);
	ok(answers(&w.a,
		   "{'type':'PUBLISH','id':1,'tenantId':'t','key':'k',"
		   "'data':1}",
		   "{'type':'ACK','id':1," NAMED("t") ",'seq':1,"
						      "'subscribers':0}\n"),
	   "a key is published once");
	ok(answers(&w.b,
		   "{'type':'PUBLISH','id':1,'tenantId':'t','key':'\\u006b',"
		   "'data':2}",
		   "{'type':'ACK','id':1," NAMED("t") ",'seq':1,"
						      "'subscribers':0,"
						      "'duplicate':true}\n"),
	   "from any connection; the ACK tells the seq that it has");
	ok(answers(&w.b,
		   "{'type':'PUBLISH','id':2,'tenantId':'u','key':'k',"
		   "'data':2}",
		   "{'type':'ACK','id':2," NAMED("u") ",'seq':1,"
						      "'subscribers':0}\n"),
	   "for each tenant");
	end(&w);
}

static void draining(enum session_dialect dialect)
{
	static const long none[] = {0};
	bool v1 = dialect == SESSION_V1;
	struct world w;

	begin(&w, dialect);
	fakeconn_say(&w.a, "{'type':'SUBSCRIBE','tenantId':'t'}");
	fakeconn_run(&w.hub);
	hush(&w.a);
	fakeconn_script(&w.a, none, 1);
	fakeconn_say(&w.b, "{'type':'PUBLISH','id':1,'tenantId':'t','data':1}");
	w.hub.draining = true;
	fakeconn_say(&w.b, "{'type':'PUBLISH','id':2,'tenantId':'t','data':2}");
	fakeconn_run(&w.hub);
	ok(fakeconn_hears(&w.b,
			  v1 ? "{'type':'ERROR','id':2,'code':'DRAINING',"
			       "'message':'shutting down'}\n"
			       "{'type':'ACK','id':1," NAMED(
				       "t") ",'seq':1,'subscribers':1}\n"
			     : "{'type':'ACK','id':1," NAMED(
				       "t") ",'seq':1,'subscribers':1}\n"
					    "{'type':'ERROR','id':2,"
					    "'code':'DRAINING',"
					    "'message':'shutting down'}\n"),
	   "draining: what is in flight is acknowledged, what comes refused");
	session_drain(&w.a.session, 2400);
	fakeconn_run(&w.hub);
	ok(w.a.closings == 0, "who is behind is waited for");
	fakeconn_settle(&w.hub, &w.a, 1);
	ok(fakeconn_hears(
		   &w.a,
		   v1 ? "{'type':'DRAIN','reconnectAfterMs':2400}\n"
			"{'type':'UPDATE'," NAMED(
				"t") ",'seq':1,'time':"
				     "'1970-01-01T00:00:01.000Z','data':1}\n"
		      : "1\n"),
	   "all get what is buffered");
	ok(fakeconn_closed(&w.a,
			   v1 ? PROTO_CLOSE_DRAINING : PROTO_CLOSE_GOING_AWAY),
	   "then the close");
	end(&w);
}

/* Does all there is to do: PUBLISH or GAP with the ids 2, 3 and 6. */
static const char everything[] =
	"{\"type\":\"PRODUCER\",\"producer\":\"p\"}\n"
	"{\"type\":\"SUBSCRIBE\",\"id\":1,\"tenantId\":\"t\"}\n"
	"{\"type\":\"PUBLISH\",\"id\":2,\"tenantId\":\"t\",\"key\":"
	"\"k\",\"data\":2}\n"
	"{\"type\":\"GAP\",\"id\":3,\"tenantId\":\"t\"}\n"
	"{\"type\":\"UNSUBSCRIBE\",\"id\":4,\"tenantId\":\"t\"}\n"
	"{\"type\":\"SUBSCRIBE\",\"id\":5,\"tenantId\":\"t\","
	"\"since\":\"all\"}\n"
	"{\"type\":\"PUBLISH\",\"id\":6,\"tenantId\":\"u\",\"data\":6}"
	"\n{\"type\":\"PING\",\"id\":7}";

static bool heard(const struct fakeconn *f, const char *text)
{
	return buf_len(&f->heard) &&
	       memmem(buf_bytes(&f->heard), buf_len(&f->heard), text,
		      strlen(text));
}

/* Each of the three publishes has its number or its ERROR, and not both. */
static bool settled(const struct world *w)
{
	bool no2 = heard(&w->a, "\"ERROR\",\"id\":2,"),
	     no3 = heard(&w->a, "\"ERROR\",\"id\":3,"),
	     no6 = heard(&w->a, "\"ERROR\",\"id\":6,");
	const char *ack = !no6	 ? "\"ACK\",\"id\":6,"
			  : !no3 ? "\"ACK\",\"id\":3,"
			  : !no2 ? "\"ACK\",\"id\":2,"
				 : "";

	return heard(&w->a, ack) &&
	       w->hub.counters.published == 3U - no2 - no3 - no6;
}

static uint64_t numbers_of(const struct list *tenants)
{
	uint64_t numbers = 0;

	list_for_each (node, tenants)
		numbers +=
			list_entry(node, struct hub_tenant, list)->stream->seq;
	return numbers;
}

static bool consistent(struct world *w)
{
	uint64_t numbers =
		numbers_of(&w->hub.live) + numbers_of(&w->hub.unread);

	if (!fakeconn_sound(&w->a) || !fakeconn_ledger(&w->hub) ||
	    numbers != w->hub.counters.published)
		return false;
	if (w->a.closings)
		return w->a.closings == 1 && w->a.session.outlet.count == 0;
	if (!settled(w))
		return false;
	hush(&w->a);
	return answers(&w->a, "{'type':'PING','id':9}",
		       "{'type':'PONG','id':9}\n");
}

/* Says it with failing allocations; how many failed, or -1 if that did harm. */
static long survives(void (*fail)(long), long n)
{
	const size_t len = sizeof(everything) - 1;
	struct world w;
	long failed;

	begin(&w, SESSION_V1);
	fail(n);
	fakeconn_piece(&w.a, everything, 300, true, false);
	fakeconn_piece(&w.a, everything + 300, len - 300, false, true);
	fakeconn_run(&w.hub);
	failed = oom_off();
	if (!consistent(&w)) {
		printf("# allocation %ld\n", n);
		failed = -1;
	}
	end(&w);
	return failed;
}

static void no_memory(void (*fail)(long), const char *what)
{
	long n = 0, failed;

	do
		failed = survives(fail, ++n);
	while (failed > 0);
	ok(failed == 0 && n > 20, what);
}

int main(void)
{
	cutting();
	refusing();
	fatal(SESSION_V1, 1 << 20);
	fatal(SESSION_PLAIN, 100 + 4096);
	stopping();
	stopped_at_the_end();
	closing_while_stopped();
	producers();
	too_many_producers();
	keyed();
	draining(SESSION_V1);
	draining(SESSION_PLAIN);
	no_memory(oom_once, "an allocation that fails: an ERROR, or the end");
	no_memory(oom_after, "and all that follow it");
	return tap_end();
}

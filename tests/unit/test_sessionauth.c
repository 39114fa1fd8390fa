/* SPDX-License-Identifier: MIT */
/*
 * What a session promises where tokens are asked for. The token "who:acme*:900"
 * allows acme* until second 900; the clock stands at second 1. In what is said
 * and heard ' stands for ".
 */
#include "fakeconn.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define NAMED(tenant) "'tenantId':'" tenant "','epoch':'run.0'"
#define SUBSCRIBE(id, tenant)                                                  \
	"{'type':'SUBSCRIBE','id':" id ",'tenantId':'" tenant "'}"
#define SUBSCRIBE_BY(id, tenant, token)                                        \
	"{'type':'SUBSCRIBE','id':" id ",'tenantId':'" tenant                  \
	"','token':'" token "'}"
#define SUBSCRIBED(id, tenant)                                                 \
	"{'type':'SUBSCRIBED','id':" id                                        \
	"," NAMED(tenant) ",'next':1,'replayed':0,'recovered':true}\n"
#define PUBLISH(id, tenant)                                                    \
	"{'type':'PUBLISH','id':" id ",'tenantId':'" tenant "','data':7}"
#define AUTH(id, token) "{'type':'AUTH','id':" id ",'token':'" token "'}"
#define ERROR(id, code, message)                                               \
	"{'type':'ERROR','id':" id ",'code':'" code "','message':'" message    \
	"'}\n"
#define FORBIDDEN(id)                                                          \
	ERROR(id, "FORBIDDEN", "the token gives no right to subscribe to this")
#define REQUIRED(id) ERROR(id, "AUTH_REQUIRED", "a token has to be shown first")
#define FAILED(id) ERROR(id, "AUTH_FAILED", "the token is not good")

static struct hub hub;
static struct fakeconn conn;

static void set_time(int64_t ms)
{
	hub_set_time(&hub, ms, ms);
}

static void begin(enum session_dialect dialect)
{
	fakeconn_hub(&hub, &hub_defaults);
	hub.guarded = true;
	fakeconn_open(&conn, &hub, dialect);
	fakeconn_run(&hub);
	fakeconn_sound(&conn);
	buf_clear(&conn.heard, 0);
}

static void end(void)
{
	fakeconn_close(&conn);
	ok(fakeconn_ledger(&hub) && fakeconn_pending(&hub) == 0,
	   "# the ledger adds up");
	hub_release(&hub);
}

static bool answers(const char *say, const char *want)
{
	fakeconn_say(&conn, say);
	fakeconn_run(&hub);
	return fakeconn_hears(&conn, want);
}

/* It is closed with this code, and the last that it hears is this. */
static bool ends(const char *say, const char *want, unsigned code)
{
	return answers(say, want) && conn.code == code;
}

static bool publishes(const char *id, const char *tenant, const char *want)
{
	char say[200];

	snprintf(say, sizeof(say), PUBLISH("%s", "%s"), id, tenant);
	return answers(say, want);
}

static void unknown(void)
{
	begin(SESSION_V1);
	ok(answers(SUBSCRIBE("1", "acme"), REQUIRED("1")) &&
		   answers(PUBLISH("2", "acme"), REQUIRED("2")) &&
		   answers("{'type':'GAP','id':3,'tenantId':'acme'}",
			   REQUIRED("3")) &&
		   answers("{'type':'PRODUCER','id':4,'producer':'p'}",
			   REQUIRED("4")),
	   "without a token nothing is allowed");
	ok(!hub_find(&hub, "acme", 4), "and it makes no tenant");
	ok(answers("{'type':'PING','id':5}", "{'type':'PONG','id':5}\n"),
	   "but a PING is answered");
	ok(answers("{'type':'UNSUBSCRIBE','id':6,'tenantId':'acme'}",
		   "{'type':'UNSUBSCRIBED','id':6,'tenantId':'acme'}\n"),
	   "and what says nothing of others");
	ok(conn.session.intake.max < hub_defaults.frame_max,
	   "its messages are small");
	session_auth_late(&conn.session);
	fakeconn_run(&hub);
	ok(fakeconn_closed(&conn, PROTO_CLOSE_AUTH_REQUIRED),
	   "when no token comes in time it is closed");
	end();
}

static void known(void)
{
	begin(SESSION_V1);
	ok(answers(AUTH("1", "who:acme*:900"),
		   "{'type':'AUTHENTICATED','id':1,"
		   "'expires':'1970-01-01T00:15:00.000Z'}\n"),
	   "AUTH tells until when a token is good");
	ok(conn.session.intake.max == hub_defaults.frame_max,
	   "then messages are as large as others'");
	ok(answers(SUBSCRIBE("2", "acme-1"), SUBSCRIBED("2", "acme-1")),
	   "what it allows is allowed");
	ok(answers(SUBSCRIBE("3", "acm"), FORBIDDEN("3")), "and nothing else");
	ok(answers("{'type':'SUBSCRIBE','id':4,'tenantId':'b','since':'all'}",
		   FORBIDDEN("4")) &&
		   answers("{'type':'SUBSCRIBE','id':5,'tenantId':'b','since':"
			   "{'epoch':'run.0','seq':0}}",
			   FORBIDDEN("5")),
	   "neither history nor to resume");
	ok(publishes("6", "b",
		     ERROR("6", "FORBIDDEN",
			   "the token gives no right to publish to this")) &&
		   !hub_find(&hub, "b", 1),
	   "nor to publish");
	ok(hub.counters.refused[REFUSED_FORBIDDEN] == 4, "all of it counts");
	end();
}

/* Names of producers are few: who only listens may not take them up. */
static void producer(void)
{
	begin(SESSION_V1);
	answers(AUTH("1", "ear:*"), "{'type':'AUTHENTICATED','id':1}\n");
	ok(answers("{'type':'PRODUCER','id':2,'producer':'p'}",
		   ERROR("2", "FORBIDDEN",
			 "the token gives no right to publish")) &&
		   hub.producers.map.count == 0,
	   "who may publish to nobody is no producer");
	answers(AUTH("3", "who:a"), "{'type':'AUTHENTICATED','id':3}\n");
	ok(answers("{'type':'PRODUCER','id':4,'producer':'p'}", "") &&
		   hub.producers.map.count == 1,
	   "who may publish to somebody is");
	end();
}

static void failures(void)
{
	begin(SESSION_V1);
	ok(ends(AUTH("1", "bad"), FAILED("1"), PROTO_CLOSE_AUTH_FAILED),
	   "a bad token closes");
	end();
	begin(SESSION_V1);
	ok(ends(SUBSCRIBE_BY("1", "a", "bad"), FAILED("1"),
		PROTO_CLOSE_AUTH_FAILED),
	   "in a SUBSCRIBE as well");
	end();
	begin(SESSION_V1);
	ok(ends(AUTH("1", "often"),
		ERROR("1", "RATE_LIMITED",
		      "too many bad tokens came from this address"),
		PROTO_CLOSE_RATE_LIMITED),
	   "and so do too many");
	end();
	begin(SESSION_V1);
	ok(answers(AUTH("1", "memory"),
		   ERROR("1", "OVER_CAPACITY",
			 "the server has too little memory")) &&
		   !conn.code,
	   "too little memory is not the token's fault");
	answers(AUTH("2", "who:a"), "{'type':'AUTHENTICATED','id':2}\n");
	ok(answers(AUTH("3", "bad"), FAILED("3")) && !conn.code &&
		   answers(SUBSCRIBE("4", "a"), SUBSCRIBED("4", "a")),
	   "who has shown a good one keeps that");
	ok(answers(AUTH("5", "often"),
		   ERROR("5", "RATE_LIMITED",
			 "too many bad tokens came from this address")) &&
		   !conn.code,
	   "whatever comes behind it");
	end();
}

static void replacing(void)
{
	begin(SESSION_V1);
	answers(AUTH("1", "who:a"), "{'type':'AUTHENTICATED','id':1}\n");
	answers(SUBSCRIBE("2", "a"), SUBSCRIBED("2", "a"));
	ok(answers(AUTH("3", "who:*"), "{'type':'AUTHENTICATED','id':3}\n") &&
		   answers(SUBSCRIBE("4", "b"), SUBSCRIBED("4", "b")),
	   "another token takes its place");
	publishes("5", "c",
		  "{'type':'ACK','id':5," NAMED("c") ",'seq':1,"
						     "'subscribers':0}\n");
	answers("{'type':'UNSUBSCRIBE','id':6,'tenantId':'b'}",
		"{'type':'UNSUBSCRIBED','id':6,'tenantId':'b'}\n");
	answers(AUTH("7", "who:a"), "{'type':'AUTHENTICATED','id':7}\n");
	ok(publishes("8", "c",
		     ERROR("8", "FORBIDDEN",
			   "the token gives no right to publish to this")),
	   "what only the one before allowed is over, to publish again too");
	ok(ends(AUTH("9", "who:b"), "", PROTO_CLOSE_FORBIDDEN),
	   "who watches what the new one does not allow is closed");
	end();
}

static void adding(void)
{
	static const char *const tenants[] = {"a", "b", "c", "d",
					      "e", "f", "g", "h"};
	char say[200];

	begin(SESSION_V1);
	for (size_t i = 0; i < PASS_MAX; i++) {
		snprintf(say, sizeof(say), SUBSCRIBE_BY("1", "%s", "who:%s"),
			 tenants[i], tenants[i]);
		fakeconn_say(&conn, say);
	}
	fakeconn_run(&hub);
	ok(conn.session.outlet.count == PASS_MAX && fakeconn_sound(&conn),
	   "each SUBSCRIBE may bring its token");
	buf_clear(&conn.heard, 0);
	ok(answers(SUBSCRIBE_BY("2", "i", "who:i"),
		   ERROR("2", "TOO_MANY_SUBSCRIPTIONS",
			 "this connection has as many tokens as are allowed")),
	   "but not more than so many");
	ok(answers(SUBSCRIBE("3", "i"), FORBIDDEN("3")),
	   "the one that was too many is not kept");
	ok(answers("{'type':'UNSUBSCRIBE','id':4,'tenantId':'a'}",
		   "{'type':'UNSUBSCRIBED','id':4,'tenantId':'a'}\n") &&
		   answers(SUBSCRIBE_BY("5", "i", "who:i"),
			   SUBSCRIBED("5", "i")),
	   "the oldest makes room when nothing needs it");
	ok(answers(SUBSCRIBE("6", "a"), FORBIDDEN("6")), "and is gone then");
	end();
}

static void plain(void)
{
	begin(SESSION_PLAIN);
	ok(ends(SUBSCRIBE("1", "a"), REQUIRED("1"), PROTO_CLOSE_AUTH_REQUIRED),
	   "plain: SUBSCRIBE without a token closes with 4010");
	end();
	begin(SESSION_PLAIN);
	ok(ends(SUBSCRIBE_BY("1", "a", "who:b"), FORBIDDEN("1"),
		PROTO_CLOSE_FORBIDDEN),
	   "plain: one that has no right, with 4003");
	end();
	begin(SESSION_PLAIN);
	ok(ends(SUBSCRIBE_BY("1", "a", "bad"), FAILED("1"),
		PROTO_CLOSE_AUTH_FAILED),
	   "plain: a bad one, with 4011");
	end();
	begin(SESSION_PLAIN);
	ok(answers("{'type':'SUBSCRIBE','tenantId':'a','token':'who:a'}", "") &&
		   answers("{'type':'PUBLISH','tenantId':'a','data':7}", "7\n"),
	   "plain: with a good one it is as without access control");
	ok(ends(SUBSCRIBE_BY("1", "b", "bad"), FAILED("1"),
		PROTO_CLOSE_FORBIDDEN),
	   "plain: a second SUBSCRIBE that is refused closes too");
	end();
}

static bool hears_expiring(void)
{
	fakeconn_run(&hub);
	return fakeconn_hears(&conn,
			      "{'type':'EXPIRING','expires':"
			      "'1970-01-01T00:01:41.000Z','inMs':25000}\n");
}

static void renewal(void)
{
	begin(SESSION_V1);
	ok(session_watch(&conn.session) == -1,
	   "without a grant there is nothing to watch");
	fakeconn_say(&conn, AUTH("1", "who:a:101"));
	answers(SUBSCRIBE("2", "a"),
		"{'type':'AUTHENTICATED','id':1,"
		"'expires':'1970-01-01T00:01:41.000Z'}\n" SUBSCRIBED("2", "a"));
	ok(session_watch(&conn.session) == 75000,
	   "the end of a token is told of in its last quarter");
	set_time(76000);
	ok(session_watch(&conn.session) == 25000 && hears_expiring(),
	   "with the time that is left");
	ok(session_watch(&conn.session) == 25000 && answers("", ""), "once");
	ok(answers(AUTH("3", "who:a:900"),
		   "{'type':'AUTHENTICATED','id':3,"
		   "'expires':'1970-01-01T00:15:00.000Z'}\n"),
	   "another token can take its place");
	set_time(101000);
	ok(session_watch(&conn.session) > 0 && !conn.code,
	   "then its end means nothing");
	set_time(900000);
	ok(session_watch(&conn.session) == -1, "but that of the last one");
	fakeconn_run(&hub);
	ok(fakeconn_closed(&conn, PROTO_CLOSE_TOKEN_EXPIRED),
	   "closes the connection");
	ok(session_watch(&conn.session) == -1 &&
		   hub.counters.refused[REFUSED_EXPIRED] == 1,
	   "once");
	end();
}

/* Several tokens: what only one of them allowed ends with it. */
static void partial(void)
{
	begin(SESSION_V1);
	fakeconn_say(&conn, SUBSCRIBE_BY("1", "a", "who:a:50"));
	fakeconn_say(&conn, SUBSCRIBE_BY("2", "b", "who:*:90"));
	fakeconn_run(&hub);
	fakeconn_sound(&conn);
	buf_clear(&conn.heard, 0);
	set_time(50000);
	ok(session_watch(&conn.session) > 0 && !conn.code,
	   "a token may end where another one allows the same");
	fakeconn_say(&conn, SUBSCRIBE_BY("3", "c", "who:c:60"));
	fakeconn_say(&conn, SUBSCRIBE_BY("4", "d", "who:d:300"));
	set_time(90000);
	session_watch(&conn.session);
	ok(conn.session.outlet.close_code == PROTO_CLOSE_TOKEN_EXPIRED,
	   "but not where none does");
	end();
}

/* The timer that says so may be late. */
static void late(void)
{
	begin(SESSION_V1);
	fakeconn_say(&conn, AUTH("1", "who:*:50"));
	answers(SUBSCRIBE("2", "a"),
		"{'type':'AUTHENTICATED','id':1,"
		"'expires':'1970-01-01T00:00:50.000Z'}\n" SUBSCRIBED("2", "a"));
	publishes("3", "b",
		  "{'type':'ACK','id':3," NAMED("b") ",'seq':1,"
						     "'subscribers':0}\n");
	set_time(50000);
	fakeconn_say(&conn, PUBLISH("4", "b"));
	ok(conn.session.outlet.close_code == PROTO_CLOSE_TOKEN_EXPIRED &&
		   hub.counters.published == 1,
	   "what has ended gives no right, though nobody has watched");
	end();
}

/* The tenant that it publishes to was allowed by the token that goes. */
static void evicted(void)
{
	char say[200];

	begin(SESSION_V1);
	fakeconn_say(&conn, SUBSCRIBE_BY("1", "a", "who:a"));
	fakeconn_say(&conn, "{'type':'UNSUBSCRIBE','id':1,'tenantId':'a'}");
	fakeconn_say(&conn, PUBLISH("1", "a"));
	for (size_t i = 0; i < PASS_MAX; i++) {
		snprintf(say, sizeof(say), SUBSCRIBE_BY("1", "b", "who:b"));
		fakeconn_say(&conn, say);
	}
	fakeconn_run(&hub);
	fakeconn_sound(&conn);
	buf_clear(&conn.heard, 0);
	ok(publishes("2", "a",
		     ERROR("2", "FORBIDDEN",
			   "the token gives no right to publish to this")),
	   "and takes its right to publish along");
	end();
}

/* To check tokens takes a while. */
static void turns(void)
{
	begin(SESSION_V1);
	fakeconn_say(&conn, AUTH("1", "who:a") "\n" AUTH("2", "who:b"));
	ok(conn.checks == 1 && conn.session.intake.stopped,
	   "others have their turn before another token is looked at");
	fakeconn_run(&hub);
	ok(conn.checks == 2 && !conn.session.intake.stopped, "and then it is");
	fakeconn_sound(&conn);
	end();
}

static void handshake(void)
{
	struct grant *g = grant_new("", 0);

	begin(SESSION_PLAIN);
	rights_allow(&g->rights, RIGHTS_SUBSCRIBE, "a", 1);
	session_admit(&conn.session, g);
	ok(!session_unknown(&conn.session) &&
		   answers("{'type':'SUBSCRIBE','tenantId':'a'}", "") &&
		   conn.session.outlet.count == 1 && !conn.checks,
	   "a handshake may have brought the token");
	end();
}

static void unguarded(void)
{
	begin(SESSION_V1);
	hub.guarded = false;
	ok(answers(AUTH("1", "bad"), "{'type':'AUTHENTICATED','id':1}\n") &&
		   answers(SUBSCRIBE_BY("2", "a", "bad"),
			   SUBSCRIBED("2", "a")) &&
		   !conn.checks,
	   "where nobody is asked every token will do");
	end();
}

/* What was published is not published again for want of a right. */
static void resent(void)
{
	begin(SESSION_V1);
	fakeconn_say(&conn, AUTH("1", "who:a"));
	fakeconn_say(&conn, "{'type':'PRODUCER','producer':'p'}");
	fakeconn_say(&conn, PUBLISH("1", "a"));
	fakeconn_close(&conn);
	fakeconn_open(&conn, &hub, SESSION_V1);
	fakeconn_say(&conn, AUTH("1", "who:b"));
	fakeconn_say(&conn, "{'type':'PRODUCER','producer':'p'}");
	fakeconn_say(&conn, PUBLISH("1", "a"));
	fakeconn_close(&conn);
	fakeconn_open(&conn, &hub, SESSION_V1);
	fakeconn_say(&conn, AUTH("1", "who:a"));
	fakeconn_say(&conn, "{'type':'PRODUCER','producer':'p'}");
	fakeconn_run(&hub);
	fakeconn_sound(&conn);
	buf_clear(&conn.heard, 0);
	ok(publishes(
		   "1", "a",
		   "{'type':'ACK','id':1," NAMED("a") ",'subscribers':0,"
						      "'duplicate':true}\n") &&
		   hub.counters.published == 1,
	   "what a producer resends without a right stays published once");
	end();
}

int main(void)
{
	unknown();
	known();
	producer();
	failures();
	replacing();
	adding();
	plain();
	renewal();
	partial();
	late();
	turns();
	evicted();
	handshake();
	unguarded();
	resent();
	return tap_end();
}

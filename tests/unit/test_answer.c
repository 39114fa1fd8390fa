/* SPDX-License-Identifier: MIT */
/* What answer promises: each message as it is written, and read again. */
#include "answer.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const struct answer_stream stream = {"t-1", 3, "k3x9q2.0"};
static const struct json_value id = {"42", 2, JSON_NUMBER};
static const struct json_value no_id = {.text = NULL};

/* Whether the message is `want`, ' for "; then `a` is what it reads as. */
static bool wrote(struct buf *b, struct answer *a, const char *want)
{
	static char text[1024];
	size_t len = strlen(want);
	bool same;

	for (size_t i = 0; i < len; i++)
		text[i] = want[i] == '\'' ? '"' : want[i];
	same = !b->failed && buf_len(b) == len &&
	       memcmp(buf_bytes(b), text, len) == 0 &&
	       answer_parse(a, text, len) == JSON_OK;
	if (!same)
		printf("# %.*s\n", (int)buf_len(b), buf_bytes(b));
	buf_clear(b, SIZE_MAX);
	return same;
}

static bool value_is(const struct json_value *v, const char *want)
{
	return v->text && v->len == strlen(want) &&
	       memcmp(v->text, want, v->len) == 0;
}

static void subscriptions(struct buf *b)
{
	struct answer a;

	answer_put_subscribed(b, &id, &stream, 42, 3, true);
	ok(wrote(b, &a,
		 "{'type':'SUBSCRIBED','id':42,'tenantId':'t-1',"
		 "'epoch':'k3x9q2.0','next':42,'replayed':3,"
		 "'recovered':true}") &&
		   a.type == ANSWER_SUBSCRIBED && a.id == 42 && a.next == 42 &&
		   a.replayed == 3 && a.recovered &&
		   strcmp(a.tenant, "t-1") == 0 &&
		   strcmp(a.epoch, "k3x9q2.0") == 0,
	   "SUBSCRIBED");
	answer_put_subscribed(b, &no_id, &stream, 1, 0, false);
	ok(wrote(b, &a,
		 "{'type':'SUBSCRIBED','tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'next':1,'replayed':0,'recovered':false}") &&
		   a.id == 0 && !a.recovered,
	   "an id that was not given is not answered");
	answer_put_unsubscribed(b, &id, "t", 1);
	ok(wrote(b, &a, "{'type':'UNSUBSCRIBED','id':42,'tenantId':'t'}") &&
		   a.type == ANSWER_UNSUBSCRIBED,
	   "UNSUBSCRIBED");
	answer_put_gap(b, &stream, 42, 44, "history");
	ok(wrote(b, &a,
		 "{'type':'GAP','tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'from':42,'to':44,'reason':'history'}") &&
		   a.from == 42 && a.to == 44 &&
		   strcmp(a.reason, "history") == 0,
	   "GAP with numbers");
	answer_put_gap(b, &stream, 0, 0, "restart");
	ok(wrote(b, &a,
		 "{'type':'GAP','tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'reason':'restart'}") &&
		   a.from == 0 && a.seq == 0,
	   "GAP without");
	answer_put_source_gap(b, &stream, 7);
	ok(wrote(b, &a,
		 "{'type':'GAP','tenantId':'t-1','epoch':'k3x9q2.0','seq':7,"
		 "'reason':'source'}") &&
		   a.seq == 7 && a.from == 0,
	   "GAP of a source, which has a number of its own");
}

static void acks(struct buf *b)
{
	struct answer_ack ack = {45, 7, false}, known = {45, 0, true},
			  unknown = {0, 1, true};
	struct answer a;

	answer_put_ack(b, &id, &stream, &ack);
	ok(wrote(b, &a,
		 "{'type':'ACK','id':42,'tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'seq':45,'subscribers':7}") &&
		   a.seq == 45 && a.subscribers == 7 && !a.duplicate,
	   "ACK");
	answer_put_ack(b, &id, &stream, &known);
	ok(wrote(b, &a,
		 "{'type':'ACK','id':42,'tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'seq':45,'subscribers':0,'duplicate':true}") &&
		   a.duplicate,
	   "ACK of a duplicate");
	answer_put_ack(b, &id, &stream, &unknown);
	ok(wrote(b, &a,
		 "{'type':'ACK','id':42,'tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'subscribers':1,'duplicate':true}") &&
		   a.seq == 0,
	   "whose seq may not be known");
}

static void the_rest(struct buf *b)
{
	struct json_value text = {"\"a\\n\"", 5, JSON_STRING};
	struct answer a;

	answer_put_pong(b, &text);
	ok(wrote(b, &a, "{'type':'PONG','id':'a\\n'}") &&
		   a.type == ANSWER_PONG && a.id == 0,
	   "an id comes back as it was sent");
	answer_put_drain(b, 2400);
	ok(wrote(b, &a, "{'type':'DRAIN','reconnectAfterMs':2400}") &&
		   a.reconnect_after_ms == 2400,
	   "DRAIN");
	answer_put_error(b, &id, 3, 4, PROTO_FORBIDDEN, "no \"way\"");
	ok(wrote(b, &a,
		 "{'type':'ERROR','id':42,'code':'FORBIDDEN',"
		 "'message':'no \\'way\\''}") &&
		   a.code == PROTO_FORBIDDEN && a.frame == 0 &&
		   value_is(&a.message, "\"no \\\"way\\\"\""),
	   "ERROR for an id");
	answer_put_error(b, &no_id, 3, 4, PROTO_BAD_JSON, "x");
	ok(wrote(b, &a,
		 "{'type':'ERROR','frame':3,'line':4,'code':'BAD_JSON',"
		 "'message':'x'}") &&
		   a.frame == 3 && a.line == 4,
	   "ERROR for a line");
	answer_put_authenticated(b, &id, 0);
	ok(wrote(b, &a, "{'type':'AUTHENTICATED','id':42}"), "AUTHENTICATED");
	answer_put_authenticated(b, &id, 1500);
	ok(wrote(b, &a,
		 "{'type':'AUTHENTICATED','id':42,"
		 "'expires':'1970-01-01T00:00:01.500Z'}"),
	   "for a time");
}

static void welcome(struct buf *b)
{
	struct answer_limits limits = {1048576, 2097152, 1000};
	struct answer a;

	answer_put_welcome(b, 9, &limits);
	ok(wrote(b, &a,
		 "{'type':'WELCOME','connection':'9','server':'wsd/" WSD_VERSION
		 "','limits':{'message':1048576,'frame':2097152,"
		 "'subscriptions':1000}}") &&
		   a.type == ANSWER_WELCOME && a.limits.message == 1048576 &&
		   a.limits.frame == 2097152 && a.limits.subscriptions == 1000,
	   "WELCOME tells the limits");
}

#define TIME "1970-01-01T00:00:00.001Z"

static void updates(struct buf *b)
{
	char middle[ANSWER_UPDATE_MIDDLE];
	struct answer a;

	answer_put_update_prefix(b, &stream);
	buf_append(b, middle, answer_update_middle(middle, 45, TIME));
	buf_puts(b, "{\"a\" :1}}");
	ok(wrote(b, &a,
		 "{'type':'UPDATE','tenantId':'t-1','epoch':'k3x9q2.0',"
		 "'seq':45,'time':'" TIME "',"
		 "'data':{'a' :1}}") &&
		   a.type == ANSWER_UPDATE && a.seq == 45 &&
		   value_is(&a.time, "\"" TIME "\"") &&
		   value_is(&a.data, "{\"a\" :1}"),
	   "UPDATE is prefix, middle, data and a brace");
	ok(answer_update_middle(middle, UINT64_MAX, TIME) <= sizeof(middle),
	   "the longest middle fits where it should");
}

static enum json_result parse(struct answer *a, const char *text)
{
	return answer_parse(a, text, strlen(text));
}

static void reading(void)
{
	struct answer a;

	ok(parse(&a, "{\"type\":\"NEWS\",\"x\":1}") == JSON_OK &&
		   a.type == ANSWER_UNKNOWN,
	   "a type from the future is no error");
	ok(parse(&a, "{\"type\":7}") == JSON_OK && a.type == ANSWER_UNKNOWN,
	   "nor is one that is no string");
	ok(parse(&a, "{}") == JSON_NOT_OBJECT &&
		   parse(&a, "[]") == JSON_NOT_OBJECT,
	   "without a type it is no message");
	ok(parse(&a, "{\"type\":\"ACK\",\"id\":1") == JSON_SHORT,
	   "bad JSON is told");
	ok(parse(&a, "{\"id\":1.5,\"type\":\"\\u0041CK\",\"seq\":\"1\","
		     "\"recovered\":1,\"tenantId\":5}") == JSON_OK &&
		   a.type == ANSWER_ACK && !a.id && !a.seq && !a.recovered &&
		   !*a.tenant,
	   "members of another kind count as absent");
	ok(parse(&a, "{\"type\":\"ERROR\",\"code\":\"NEW_CODE\"}") == JSON_OK &&
		   a.code == PROTO_INTERNAL &&
		   strcmp(a.code_name, "NEW_CODE") == 0,
	   "an unknown code keeps its name");
	ok(parse(&a,
		 "{\"type\":\"GAP\",\"reason\":"
		 "\"1234567890123456789012345678901234567890\"}") == JSON_OK &&
		   !*a.reason,
	   "a text that is too long counts as absent");
	ok(parse(&a, "{\"type\":\"EXPIRING\",\"expires\":"
		     "\"2026-01-01T00:00:00.000Z\",\"inMs\":1}") == JSON_OK &&
		   a.type == ANSWER_EXPIRING &&
		   strcmp(a.expires, "2026-01-01T00:00:00.000Z") == 0,
	   "EXPIRING tells when");
}

static bool shows(const char *text, const char *want)
{
	char out[ANSWER_ERROR_MAX];
	struct answer a;

	return parse(&a, text) == JSON_OK &&
	       strcmp(answer_show_error(&a, out), want) == 0;
}

static void showing(void)
{
	ok(shows("{\"type\":\"ERROR\",\"code\":\"FORBIDDEN\","
		 "\"message\":\"n\\u006f\"}",
		 "FORBIDDEN: no"),
	   "an ERROR is shown with its message");
	ok(shows("{\"type\":\"ERROR\",\"code\":\"NEW_CODE\"}", "NEW_CODE") &&
		   shows("{\"type\":\"ERROR\",\"code\":\"NEW_CODE\","
			 "\"message\":5}",
			 "NEW_CODE"),
	   "or without one");
}

int main(void)
{
	struct buf b;

	buf_init(&b);
	subscriptions(&b);
	acks(&b);
	the_rest(&b);
	welcome(&b);
	updates(&b);
	reading();
	showing();
	buf_release(&b);
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * What request promises, both ways. In texts ' stands for ".
 */
#include "request.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* What the last parse() gave; `text` is what it borrows from. */
struct parsed {
	struct request request;
	struct request_fault fault;
	char text[1024];
};

static int parse(struct parsed *p, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i <= len; i++)
		p->text[i] = text[i] == '\'' ? '"' : text[i];
	memset(&p->request, 0xa5, sizeof(p->request));
	return request_parse(&p->request, p->text, len, &p->fault);
}

static bool text_is(const struct request_text *t, const char *want)
{
	return want ? t->bytes && t->len == strlen(want) &&
			       memcmp(t->bytes, want, t->len) == 0
		    : !t->bytes;
}

static bool value_is(const struct json_value *v, const char *want)
{
	return want ? v->text && v->len == strlen(want) &&
			       memcmp(v->text, want, v->len) == 0
		    : !v->text;
}

static bool refused(const char *text, enum proto_code code)
{
	struct parsed p;
	bool right = parse(&p, text) == -1 && p.fault.code == code &&
		     *p.fault.message;

	if (!right)
		printf("# %s: %s\n", text,
		       p.fault.code ? p.fault.message : "accepted");
	return right;
}

static bool bad(const char *text)
{
	return refused(text, PROTO_BAD_REQUEST);
}

static bool is_type(const char *text, enum request_type type)
{
	struct parsed p;

	return parse(&p, text) == 0 && p.request.type == type;
}

static void types(void)
{
	ok(is_type("{'type':'AUTH','token':'x'}", REQUEST_AUTH) &&
		   is_type("{'type':'PRODUCER','producer':'x'}",
			   REQUEST_PRODUCER) &&
		   is_type("{'type':'SUBSCRIBE','tenantId':'t'}",
			   REQUEST_SUBSCRIBE) &&
		   is_type("{'type':'UNSUBSCRIBE','tenantId':'t'}",
			   REQUEST_UNSUBSCRIBE) &&
		   is_type("{'type':'PUBLISH','tenantId':'t','data':0}",
			   REQUEST_PUBLISH) &&
		   is_type("{'type':'GAP','tenantId':'t'}", REQUEST_GAP) &&
		   is_type("{'type':'PING'}", REQUEST_PING),
	   "every type, with what it needs");
	ok(bad("{'type':'AUTH'}") && bad("{'type':'PRODUCER'}") &&
		   bad("{'type':'SUBSCRIBE'}") && bad("{'type':'GAP'}") &&
		   bad("{'type':'UNSUBSCRIBE'}") &&
		   bad("{'type':'PUBLISH','tenantId':'t'}") &&
		   bad("{'type':'PUBLISH','data':1}"),
	   "without a member that it needs it is refused");
	ok(is_type("{'tenantId':'t','x':{'type':1},'type':'SUBSCRIBE'}",
		   REQUEST_SUBSCRIBE),
	   "members come in any order; unknown ones are ignored");
	ok(bad("{}") && bad("{'type':1}"), "the type is a string");
	ok(refused("{'type':'ping'}", PROTO_UNKNOWN_TYPE) &&
		   refused("{'type':''}", PROTO_UNKNOWN_TYPE),
	   "types compare exactly");
	ok(is_type("{'ty\\u0070e':'P\\u0049NG'}", REQUEST_PING),
	   "names and types compare after unescaping");
	ok(bad("[]") && bad("1") && bad("'PING'"), "only objects are messages");
}

static void twice(void)
{
	struct parsed p;

	ok(bad("{'type':'PING','type':'PING'}") &&
		   bad("{'type':'PING','id':1,'id':1}") &&
		   bad("{'type':'PUBLISH','tenantId':'t','data':1,'data':2}") &&
		   bad("{'type':'PING','key':'a','key':'b'}"),
	   "a known member given twice is refused");
	ok(bad("{'type':'PING','id':1,'i\\u0064':1}"),
	   "also when one of its names is escaped");
	ok(is_type("{'type':'PING','x':1,'x':2}", REQUEST_PING),
	   "an unknown one is nobody's business");
	ok(parse(&p, "{'type':'PING','key':1,'id':7}") == -1 &&
		   value_is(&p.request.id, "7"),
	   "the id is told although a fault came before it");
	ok(parse(&p, "{'id':8,'type':'NEVER'}") == -1 &&
		   value_is(&p.request.id, "8"),
	   "and with an unknown type");
}

static void json(void)
{
	struct parsed p;

	ok(refused("", PROTO_BAD_JSON) && refused("{", PROTO_BAD_JSON) &&
		   refused("{'type':'PING'}x", PROTO_BAD_JSON) &&
		   refused("{'type':'PING',}", PROTO_BAD_JSON),
	   "what is not JSON is BAD_JSON");
	ok(parse(&p, "{'id':1,'type':PING}") == -1 && p.fault.offset == 15,
	   "with the place of the fault");
	ok(value_is(&p.request.id, NULL), "and without an id, read or not");
	ok(refused("{'type':'NEVER','id':1,'id':2,}", PROTO_BAD_JSON),
	   "bad JSON comes before any other fault");
	ok(refused("{'type':'PING','x':'\xff'}", PROTO_BAD_JSON),
	   "text that is not UTF-8 too");
}

static void ids(void)
{
	struct parsed p;
	char text[200];

	ok(parse(&p, "{'type':'PING'}") == 0 && value_is(&p.request.id, NULL) &&
		   !p.request.numbered,
	   "without id there is none");
	ok(parse(&p, "{'type':'PING','id':42}") == 0 && p.request.numbered &&
		   p.request.number == 42 && value_is(&p.request.id, "42"),
	   "an integer is a number, and kept as sent");
	ok(parse(&p, "{'type':'PING','id':'a\\n'}") == 0 &&
		   !p.request.numbered && value_is(&p.request.id, "\"a\\n\""),
	   "a string keeps its escapes");
	ok(parse(&p, "{'type':'PING','id': {'a':[1]} }") == 0 &&
		   value_is(&p.request.id, "{\"a\":[1]}") &&
		   parse(&p, "{'type':'PING','id':null}") == 0 &&
		   value_is(&p.request.id, "null"),
	   "any JSON will do");
	ok(parse(&p, "{'type':'PING','id':1.0}") == 0 && !p.request.numbered &&
		   parse(&p, "{'type':'PING','id':-1}") == 0 &&
		   !p.request.numbered,
	   "not every number is an integer from 0");
	snprintf(text, sizeof(text), "{'type':'PING','id':'%062d'}", 0);
	ok(parse(&p, text) == 0, "64 bytes are short enough");
	snprintf(text, sizeof(text), "{'type':'PING','id':'%063d'}", 0);
	ok(bad(text), "65 are not");
}

static bool tenant_is(const char *json, const char *want)
{
	struct parsed p;
	char text[400];

	snprintf(text, sizeof(text), "{'type':'SUBSCRIBE','tenantId':%s}",
		 json);
	return parse(&p, text) == 0 && text_is(&p.request.tenant, want);
}

static bool tenant_bad(const char *json)
{
	char text[400];

	snprintf(text, sizeof(text), "{'type':'SUBSCRIBE','tenantId':%s}",
		 json);
	return refused(text, PROTO_BAD_TENANT);
}

static void tenants(void)
{
	char longest[140];

	ok(tenant_is("'a.B_1:@-'", "a.B_1:@-"), "a valid id");
	ok(tenant_is("'\\u0061\\u002e'", "a."), "is unescaped");
	ok(tenant_is("42", "42") && tenant_is("0", "0"),
	   "an integer counts as its text");
	ok(tenant_is("-5", "-5") &&
		   tenant_is("12345678901234567890", "12345678901234567890"),
	   "whatever its sign and size");
	ok(tenant_bad("1.5") && tenant_bad("1e3") && tenant_bad("null") &&
		   tenant_bad("['t']"),
	   "nothing else than strings and integers is an id");
	ok(tenant_bad("''") && tenant_bad("'.'") && tenant_bad("'..'") &&
		   tenant_bad("'a b'") && tenant_bad("'a*'") &&
		   tenant_bad("'**'") && tenant_bad("'a/b'") &&
		   tenant_bad("'\\u0000'") && tenant_bad("'\u00e4'"),
	   "a string must be a valid id");
	snprintf(longest, sizeof(longest), "'%0128d'", 0);
	ok(tenant_is(longest, "0000000000000000000000000000000000000000000000"
			      "0000000000000000000000000000000000000000000000"
			      "000000000000000000000000000000000000"),
	   "of 128 bytes");
	snprintf(longest, sizeof(longest), "'%0129d'", 0);
	ok(tenant_bad(longest), "and not of 129");
	snprintf(longest, sizeof(longest), "%d%0128d", 1, 0);
	ok(tenant_bad(longest), "an integer neither");
}

/* Whether it is refused with this code when "*" is its tenant. */
static bool all_refused(const char *type, const char *more,
			enum proto_code code)
{
	char text[200];

	snprintf(text, sizeof(text), "{'tenantId':'*','type':'%s'%s}", type,
		 more);
	return refused(text, code);
}

static void all_tenants(void)
{
	struct parsed p;

	ok(parse(&p, "{'type':'SUBSCRIBE','tenantId':'*'}") == 0 &&
		   p.request.all && text_is(&p.request.tenant, "*"),
	   "one may subscribe to all tenants");
	ok(parse(&p, "{'tenantId':'\\u002a','type':'UNSUBSCRIBE'}") == 0 &&
		   p.request.all && text_is(&p.request.tenant, "*"),
	   "and end that");
	ok(parse(&p, "{'type':'SUBSCRIBE','tenantId':'t'}") == 0 &&
		   !p.request.all,
	   "one is not all");
	ok(parse(&p, "{'type':'SUBSCRIBE','tenantId':'*','since':null}") == 0,
	   "since may be null");
	ok(all_refused("SUBSCRIBE", ",'since':'all'", PROTO_BAD_REQUEST) &&
		   all_refused("SUBSCRIBE", ",'since':0", PROTO_BAD_REQUEST) &&
		   all_refused("SUBSCRIBE", ",'since':{'age':1}",
			       PROTO_BAD_REQUEST) &&
		   all_refused("SUBSCRIBE", ",'since':{'epoch':'e','seq':1}",
			       PROTO_BAD_REQUEST),
	   "and nothing else");
	ok(all_refused("PUBLISH", ",'data':1", PROTO_BAD_TENANT) &&
		   all_refused("GAP", "", PROTO_BAD_TENANT) &&
		   all_refused("PING", "", PROTO_BAD_TENANT) &&
		   all_refused("AUTH", ",'token':'t'", PROTO_BAD_TENANT),
	   "nothing else is of all tenants");
}

static bool since_is(const char *json, enum proto_since_kind kind,
		     uint64_t number, const char *epoch)
{
	struct parsed p;
	char text[200];
	const struct proto_since *since = &p.request.since;

	snprintf(text, sizeof(text),
		 "{'type':'SUBSCRIBE','tenantId':'t','since':%s}", json);
	return parse(&p, text) == 0 && since->kind == kind &&
	       (!number || since->number == number) &&
	       (kind != PROTO_SINCE_SEQ || strcmp(since->epoch, epoch) == 0);
}

static bool since_bad(const char *json)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "{'type':'SUBSCRIBE','tenantId':'t','since':%s}", json);
	return bad(text);
}

static void sinces(void)
{
	ok(is_type("{'type':'SUBSCRIBE','tenantId':'t'}", REQUEST_SUBSCRIBE) &&
		   since_is("null", PROTO_SINCE_HEAD, 0, NULL),
	   "absent or null: from the head");
	ok(since_is("'all'", PROTO_SINCE_ALL, 0, NULL) &&
		   since_is("'\\u0061ll'", PROTO_SINCE_ALL, 0, NULL),
	   "all");
	ok(since_is("10", PROTO_SINCE_LAST, 10, NULL), "a number");
	ok(since_is("{'age':'10m'}", PROTO_SINCE_AGE, 600000, NULL) &&
		   since_is("{'age':'\\u0031s'}", PROTO_SINCE_AGE, 1000, NULL),
	   "an age");
	ok(since_is("{'epoch':'e.0','seq':41}", PROTO_SINCE_SEQ, 41, "e.0") &&
		   since_is("{'seq':41,'ep\\u006fch':'\\u0065.0','x':1}",
			    PROTO_SINCE_SEQ, 41, "e.0"),
	   "a point, its members in any order");
	ok(since_bad("'ALL'") && since_bad("-1") && since_bad("1.0") &&
		   since_bad("[]") && since_bad("true"),
	   "nothing else");
	ok(since_bad("{}") && since_bad("{'epoch':'e'}") &&
		   since_bad("{'seq':1}"),
	   "not half a point");
	ok(since_bad("{'age':'10m','seq':1}") &&
		   since_bad("{'age':'1m','age':'1m'}") &&
		   since_bad("{'epoch':'e','seq':1,'seq':1}"),
	   "nor a mixture, nor anything twice");
	ok(since_bad("{'age':10}") && since_bad("{'age':'x'}") &&
		   since_bad("{'epoch':'','seq':1}") &&
		   since_bad("{'epoch':'e','seq':'1'}") &&
		   since_bad("{'seq':1,'epoch':"
			     "'123456789012345678901234567890123'}"),
	   "nor with values of another kind");
	ok(since_bad("{'epoch':'e\\u0000x','seq':1}"),
	   "an epoch has no NUL, where it would seem to end");
}

static void texts(void)
{
	struct parsed p;
	char text[600];

	ok(parse(&p, "{'type':'PUBLISH','tenantId':'t','key':'k\\u0031',"
		     "'data': {'a' : [1.0, 'x\\u00e4'] } }") == 0 &&
		   text_is(&p.request.key, "k1") &&
		   value_is(&p.request.data, "{\"a\" : [1.0, \"x\\u00e4\"] }"),
	   "data keeps its bytes, without the blanks around it");
	ok(parse(&p, "{'type':'PUBLISH','tenantId':'t','data':null}") == 0 &&
		   value_is(&p.request.data, "null"),
	   "null is data");
	ok(parse(&p, "{'type':'GAP','tenantId':'t','data':1}") == 0 &&
		   !p.request.data.text && p.request.data.len == 0 &&
		   parse(&p, "{'type':'GAP','tenantId':'t'}") == 0 &&
		   !p.request.data.text && p.request.data.len == 0,
	   "only a PUBLISH has data");
	ok(bad("{'type':'PING','key':''}") && bad("{'type':'PING','key':1}"),
	   "a key is a string, and not empty");
	snprintf(text, sizeof(text), "{'type':'PING','key':'%0256d'}", 0);
	ok(parse(&p, text) == 0 && p.request.key.len == 256, "of 256 bytes");
	snprintf(text, sizeof(text), "{'type':'PING','key':'%0257d'}", 0);
	ok(bad(text), "and not of 257");
	snprintf(text, sizeof(text), "{'type':'PING','key':'\\u0030%0256d'}",
		 0);
	ok(bad(text), "nor when that shows after unescaping");
	snprintf(text, sizeof(text), "{'type':'PRODUCER','producer':'%064d'}",
		 0);
	ok(parse(&p, text) == 0 && p.request.producer.len == 64,
	   "a producer has up to 64 bytes");
	snprintf(text, sizeof(text), "{'type':'PRODUCER','producer':'%065d'}",
		 0);
	ok(bad(text) && bad("{'type':'PRODUCER','producer':''}"),
	   "and at least one");
	ok(bad("{'type':'AUTH','token':1}"), "a token is a string");
}

static bool back(struct buf *b, struct parsed *p)
{
	bool good = !b->failed && buf_len(b) < sizeof(p->text);

	if (good) {
		memcpy(p->text, buf_bytes(b), buf_len(b));
		good = !memchr(p->text, '\n', buf_len(b)) &&
		       request_parse(&p->request, p->text, buf_len(b),
				     &p->fault) == 0;
	}
	buf_clear(b, SIZE_MAX);
	return good;
}

static bool since_back(struct buf *b, struct proto_since since)
{
	const struct proto_since *got;
	struct parsed p;

	request_put_subscribe(b, 1, "t", &since);
	got = &p.request.since;
	return back(b, &p) && got->kind == since.kind &&
	       (since.kind < PROTO_SINCE_LAST || got->number == since.number) &&
	       (since.kind != PROTO_SINCE_SEQ ||
		strcmp(got->epoch, since.epoch) == 0);
}

static void round_trips(void)
{
	struct request_text tenant = {"t-1", 3}, key = {"k\"\n", 3}, none = {0};
	struct parsed p;
	struct buf b;

	buf_init(&b);
	request_put_auth(&b, 3, "to\"ken");
	ok(!back(&b, &p), "a token with escapes is none");
	request_put_auth(&b, 3, "token");
	ok(back(&b, &p) && text_is(&p.request.token, "token") &&
		   p.request.number == 3,
	   "AUTH");
	request_put_producer(&b, "p\\1");
	ok(back(&b, &p) && text_is(&p.request.producer, "p\\1"), "PRODUCER");
	request_put_unsubscribe(&b, 0, "t");
	ok(back(&b, &p) && p.request.type == REQUEST_UNSUBSCRIBE &&
		   value_is(&p.request.id, NULL),
	   "UNSUBSCRIBE; id 0 is none");
	request_put_ping(&b, PROTO_NUMBER_MAX);
	ok(back(&b, &p) && p.request.number == PROTO_NUMBER_MAX,
	   "PING; the largest id");
	request_put_gap(&b, 5, tenant, "source");
	ok(back(&b, &p) && p.request.type == REQUEST_GAP &&
		   p.request.number == 5 && text_is(&p.request.tenant, "t-1") &&
		   text_is(&p.request.reason, "source"),
	   "GAP");
	request_put_publish(&b, 6, tenant, key, "[1 ,2]", 6);
	ok(back(&b, &p) && text_is(&p.request.tenant, "t-1") &&
		   text_is(&p.request.key, "k\"\n") &&
		   value_is(&p.request.data, "[1 ,2]"),
	   "PUBLISH, data as it is");
	request_put_publish(&b, 6, tenant, none, "0", 1);
	ok(back(&b, &p) && text_is(&p.request.key, NULL), "without a key");
	request_put_subscribe(&b, 1, "t", NULL);
	ok(back(&b, &p) && p.request.since.kind == PROTO_SINCE_HEAD,
	   "SUBSCRIBE");
	ok(since_back(&b, (struct proto_since){PROTO_SINCE_HEAD, 0, ""}) &&
		   since_back(&b,
			      (struct proto_since){PROTO_SINCE_ALL, 0, ""}) &&
		   since_back(&b,
			      (struct proto_since){PROTO_SINCE_LAST, 0, ""}) &&
		   since_back(&b,
			      (struct proto_since){PROTO_SINCE_AGE, 1, ""}) &&
		   since_back(&b, (struct proto_since){PROTO_SINCE_SEQ,
						       PROTO_NUMBER_MAX,
						       "k3x9q2.0"}),
	   "with every since");
	buf_release(&b);
}

/* A PUBLISH whose data is `depth` arrays within each other. */
static bool carries(size_t depth)
{
	struct request_fault fault;
	struct request request;
	struct buf text;
	bool parsed;

	buf_init(&text);
	buf_puts(&text, "{\"type\":\"PUBLISH\",\"tenantId\":\"t\",\"data\":");
	for (size_t i = 0; i < depth; i++)
		buf_putc(&text, '[');
	for (size_t i = 0; i < depth; i++)
		buf_putc(&text, ']');
	buf_putc(&text, '}');
	parsed = request_parse(&request, buf_bytes(&text), buf_len(&text),
			       &fault) == 0;
	buf_release(&text);
	return parsed;
}

static void depth(void)
{
	ok(carries(JSON_DEPTH_MAX) && !carries(JSON_DEPTH_MAX + 1),
	   "an update may be as deep as a JSON text by itself");
}

int main(void)
{
	types();
	depth();
	twice();
	json();
	ids();
	tenants();
	all_tenants();
	sinces();
	texts();
	round_trips();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What httpreq promises: what a head asks for, and what it gets otherwise. */
#include "httpreq.h"
#include "tap.h"

#include <string.h>

static const struct httpreq_limits limits = {.body = 1000000, .update = 1000};

static const struct httpreq_head get = {.method = HTTPREQ_GET};
static const struct httpreq_head post = {
	.method = HTTPREQ_POST,
	.path = "/v1/tenants/t-1/updates",
	.length = "7",
};

/* The status of a head; 0: it is taken, and `r` says as what. */
static unsigned judge(const struct httpreq_head *head, struct httpreq *r,
		      struct reply *refusal)
{
	memset(refusal, 0, sizeof(*refusal));
	return httpreq_parse(r, head, &limits, refusal) == 0 ? 0
							     : refusal->status;
}

static unsigned status_of(struct httpreq_head head)
{
	struct httpreq r;
	struct reply refusal;

	return judge(&head, &r, &refusal);
}

static unsigned get_status(const char *path, const char *query)
{
	struct httpreq_head head = get;

	head.path = path;
	head.query = query;
	return status_of(head);
}

static bool asks(const char *path, enum httpreq_endpoint endpoint)
{
	struct httpreq_head head = get;
	struct reply refusal;
	struct httpreq r;

	head.path = path;
	return judge(&head, &r, &refusal) == 0 && r.endpoint == endpoint &&
	       !r.to_head;
}

static void finding(void)
{
	ok(asks("/healthz", HTTPREQ_HEALTH) && asks("/readyz", HTTPREQ_READY) &&
		   asks("/metrics", HTTPREQ_METRICS) &&
		   asks("/v1/tenants", HTTPREQ_TENANTS) &&
		   asks("/v1/connections", HTTPREQ_CONNECTIONS),
	   "what can be read");
	ok(asks("/", HTTPREQ_PAGE) && asks("/client.js", HTTPREQ_PAGE) &&
		   asks("/v1/tenants/t", HTTPREQ_TENANT) &&
		   get_status("/v1/tenants/..", NULL) == 400,
	   "a page, and a tenant");
	ok(get_status("//", NULL) == 404 && get_status("", NULL) == 404 &&
		   get_status("/healthz/", NULL) == 404 &&
		   get_status("/Healthz", NULL) == 404 &&
		   get_status("/v1", NULL) == 404 &&
		   get_status("/v1/tenants/", NULL) == 404 &&
		   get_status("/v1/tenants/t/", NULL) == 404 &&
		   get_status("/v1/tenants/t/updates/", NULL) == 404 &&
		   get_status("/v1/tenants/a/b/updates", NULL) == 404 &&
		   get_status("/v1/tenants//updates", NULL) == 404,
	   "anything else is 404");
	ok(get_status("/ws", NULL) == 426,
	   "the WebSocket is none without an upgrade");
	ok(status_of((struct httpreq_head){.target_too_long = true}) == 414,
	   "a target that was too long to be read is 414");
}

static void methods(void)
{
	struct httpreq_head head = {.path = "/metrics", .method = HTTPREQ_HEAD};
	struct reply refusal;
	struct httpreq r;

	ok(judge(&head, &r, &refusal) == 0 && r.to_head, "HEAD where GET is");
	head.method = HTTPREQ_POST;
	ok(judge(&head, &r, &refusal) == 405 &&
		   strcmp(refusal.allow, "GET, HEAD, OPTIONS") == 0,
	   "405 says what is allowed where one reads");
	head = post;
	head.method = HTTPREQ_OTHER;
	ok(judge(&head, &r, &refusal) == 405 &&
		   strcmp(refusal.allow, "GET, HEAD, POST, OPTIONS") == 0,
	   "and where one publishes and follows");
	head.path = "/v1/tenants/!/updates";
	ok(judge(&head, &r, &refusal) == 405,
	   "the method comes before the tenant");
	head.path = "/nowhere";
	ok(judge(&head, &r, &refusal) == 404, "and the path before the method");
}

static bool takes(const char *path, const char *methods)
{
	struct httpreq_head head = {.path = path, .method = HTTPREQ_OPTIONS};
	struct reply refusal;
	struct httpreq r;

	return judge(&head, &r, &refusal) == 0 && r.options &&
	       strcmp(r.options, methods) == 0;
}

/* The status of a GET of updates, with this query and these headers. */
static unsigned follows(struct httpreq *r, const char *query,
			const char *accept, const char *last_id)
{
	struct httpreq_head head = get;
	struct reply refusal;

	head.path = "/v1/tenants/t/updates";
	head.query = query;
	head.accept = accept;
	head.last_id = last_id;
	return judge(&head, r, &refusal);
}

static void following(void)
{
	static const char events[] = "text/event-stream",
			  lines[] = "application/x-ndjson";
	struct httpreq r;

	ok(follows(&r, NULL, events, NULL) == 0 &&
		   r.endpoint == HTTPREQ_FOLLOW && r.view == STREAM_EVENTS &&
		   r.since.kind == PROTO_SINCE_HEAD && r.tenant_len == 1,
	   "updates are followed by GET, as events");
	ok(follows(&r, "", lines, NULL) == 0 && r.view == STREAM_LINES &&
		   follows(&r, "envelope=0", "application/ndjson", "") == 0 &&
		   r.view == STREAM_LINES,
	   "as lines");
	ok(follows(&r, "envelope=1", lines, NULL) == 0 &&
		   r.view == STREAM_ENVELOPES,
	   "and as lines with envelopes");
	ok(follows(&r, NULL, NULL, NULL) == 406 &&
		   follows(&r, NULL, "*/*", NULL) == 406 &&
		   follows(&r, NULL, "application/json", NULL) == 406 &&
		   follows(&r, "envelope=1", events, NULL) == 406,
	   "as nothing else");
	ok(follows(&r, "since=all", lines, NULL) == 0 &&
		   r.since.kind == PROTO_SINCE_ALL &&
		   follows(&r, "since=10", lines, NULL) == 0 &&
		   r.since.kind == PROTO_SINCE_LAST && r.since.number == 10 &&
		   follows(&r, "since=10m", lines, NULL) == 0 &&
		   r.since.kind == PROTO_SINCE_AGE &&
		   r.since.number == 600 * 1000 &&
		   follows(&r, "since=", lines, NULL) == 0 &&
		   r.since.kind == PROTO_SINCE_HEAD,
	   "from where it says");
	ok(follows(&r, "since=run.0:41", lines, NULL) == 0 &&
		   r.since.kind == PROTO_SINCE_SEQ && r.since.number == 41 &&
		   strcmp(r.since.epoch, "run.0") == 0,
	   "or from a point");
	ok(follows(&r, "since=5", events, "run.1:7") == 0 &&
		   r.since.kind == PROTO_SINCE_SEQ && r.since.number == 7 &&
		   strcmp(r.since.epoch, "run.1") == 0,
	   "the id that was seen last wins");
	ok(follows(&r, NULL, events, "all") == 400 &&
		   follows(&r, NULL, events, "7") == 400 &&
		   follows(&r, NULL, events, "run.0:") == 400 &&
		   follows(&r, NULL, events, ":7") == 400 &&
		   follows(&r, NULL, events, "run.0:9007199254740992") == 400,
	   "no other id is one");
	ok(follows(&r, "since=x", lines, NULL) == 400 &&
		   follows(&r, "since=1&since=1", lines, NULL) == 400 &&
		   follows(&r, "envelope=2", lines, NULL) == 400 &&
		   follows(&r, "limit=1", lines, NULL) == 400 &&
		   follows(&r,
			   "since=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			   "xxxxxxxxxxxxxxxxxxxx:1",
			   lines, NULL) == 400,
	   "nor are other parameters");
}

static void options(void)
{
	struct httpreq_head head = {.path = "/x", .method = HTTPREQ_OPTIONS};

	ok(takes("/healthz", "GET, HEAD, OPTIONS") &&
		   takes("/v1/tenants", "GET, HEAD, OPTIONS") &&
		   takes("/v1/tenants/t/updates", "GET, HEAD, POST, OPTIONS") &&
		   takes("/ws", "GET, OPTIONS"),
	   "OPTIONS asks what a path takes");
	ok(status_of(head) == 404, "that there is");
	head.target_too_long = true;
	ok(status_of(head) == 414, "and can be read");
	head = post;
	head.method = HTTPREQ_OPTIONS;
	head.length = "x";
	head.transfer = "chunked";
	ok(status_of(head) == 0, "nothing else matters");
}

static bool publishes(const struct httpreq_head *head, bool lines)
{
	struct reply refusal;
	struct httpreq r;

	return judge(head, &r, &refusal) == 0 &&
	       r.endpoint == HTTPREQ_PUBLISH && r.lines == lines &&
	       r.length == 7 && r.tenant_len == 3 &&
	       memcmp(r.tenant, "t-1", 3) == 0;
}

static unsigned tenant_status(const char *path)
{
	struct httpreq_head head = post;

	head.path = path;
	return status_of(head);
}

static void tenants(void)
{
	char path[200] = "/v1/tenants/";

	ok(publishes(&post, false), "the tenant is in the path");
	ok(tenant_status("/v1/tenants/..x/updates") == 0 &&
		   tenant_status("/v1/tenants/a:b@c_d.e/updates") == 0 &&
		   tenant_status("/v1/tenants/updates/updates") == 0,
	   "any that is one");
	ok(tenant_status("/v1/tenants/a b/updates") == 400 &&
		   tenant_status("/v1/tenants/*/updates") == 400 &&
		   tenant_status("/v1/tenants/a%41/updates") == 400 &&
		   tenant_status("/v1/tenants/./updates") == 400,
	   "400 for what is none; nothing is decoded twice");
	memset(path + 12, 'a', 129);
	strcpy(path + 12 + 129, "/updates");
	ok(tenant_status(path) == 400 && tenant_status(path + 1) == 404,
	   "nor is one of 129 bytes");
	strcpy(path + 12 + 128, "/updates");
	ok(tenant_status(path) == 0, "but one of 128 is");
}

static unsigned length_status(const char *length)
{
	struct httpreq_head head = post;

	head.length = length;
	head.type = "application/x-ndjson";
	return status_of(head);
}

static void lengths(void)
{
	struct httpreq_head head = post;

	ok(length_status(NULL) == 411, "a POST without a length is 411");
	ok(length_status("-1") == 400 && length_status("5, 5") == 400 &&
		   length_status("+5") == 400 && length_status("5x") == 400 &&
		   length_status("0x5") == 400 && length_status("") == 400 &&
		   length_status("5 5") == 400 && length_status("1e3") == 400,
	   "one that is no number, or two, is 400");
	ok(length_status("0") == 0 && length_status("0000000007") == 0 &&
		   length_status("1000000") == 0 &&
		   length_status("1000001") == 413 &&
		   length_status("18446744073709551616") == 413 &&
		   length_status("99999999999999999999999") == 413,
	   "one above the limit is 413, however large");
	head.length = "5097";
	ok(status_of(head) == 413, "so is one update above its own");
	head.length = "5096";
	ok(status_of(head) == 0, "but for 4 KiB of blanks around it");
	head.transfer = "chunked";
	ok(status_of(head) == 411, "any Transfer-Encoding is 411");
	head = get;
	head.path = "/healthz";
	head.transfer = "identity";
	ok(status_of(head) == 411, "with every method");
	head.transfer = NULL;
	head.length = "99999999999999999999999";
	ok(status_of(head) == 0, "what GET announces is nobody's business");
	head.length = "x";
	ok(status_of(head) == 400, "but must be a length");
}

static void expectations(void)
{
	struct httpreq_head head = post;
	struct reply refusal;
	struct httpreq r;

	head.expect = "100-Continue";
	ok(judge(&head, &r, &refusal) == 0 && r.waits,
	   "who expects 100 waits for it");
	head.length = "0";
	ok(judge(&head, &r, &refusal) == 0 && !r.waits,
	   "unless there is nothing to send");
	head = post;
	ok(judge(&head, &r, &refusal) == 0 && !r.waits, "or it does not");
	head.expect = "200-ok";
	ok(judge(&head, &r, &refusal) == 417, "anything else is 417");
	head.http10 = true;
	ok(judge(&head, &r, &refusal) == 0 && !r.waits,
	   "and means nothing in HTTP/1.0");
	head.http10 = false;
	head.path = "/nowhere";
	ok(judge(&head, &r, &refusal) == 404, "the path matters more");
}

static bool type_is(const char *type, int want)
{
	struct httpreq_head head = post;

	head.type = type;
	if (want < 0)
		return status_of(head) == 415;
	return publishes(&head, want);
}

static void types(void)
{
	struct httpreq_head head = post;

	ok(type_is(NULL, 0) && type_is("", 0) &&
		   type_is("application/x-www-form-urlencoded", 0) &&
		   type_is("text/plain;charset=UTF-8", 0),
	   "what curl and pages say by themselves is one JSON text");
	ok(type_is("application/json", 0) && type_is("APPLICATION/Json", 0) &&
		   type_is("application/json; charset=utf-8", 0) &&
		   type_is("application/json ;\tcharset=\"UTF-8\"", 0) &&
		   type_is("application/json;;x=y", 0) &&
		   type_is("application/cloudevents+json", 0),
	   "so is JSON");
	ok(type_is("application/x-ndjson", 1) &&
		   type_is("application/ndjson", 1) &&
		   type_is("application/jsonl; charset=utf-8", 1) &&
		   type_is("Application/X-JSONLines", 1),
	   "NDJSON is one a line");
	ok(type_is("multipart/form-data; boundary=x", -1) &&
		   type_is("application/xml", -1) && type_is("json", -1) &&
		   type_is("+json", -1) && type_is("application/jsonx", -1) &&
		   type_is("application/json, text/plain", -1),
	   "anything else is 415");
	ok(type_is("application/json; charset=latin1", -1) &&
		   type_is("application/x-ndjson;x=y; charset=\"utf-16\"",
			   -1) &&
		   type_is("application/json; charset=", -1),
	   "so is any charset but UTF-8");
	head.coding = "gzip";
	ok(status_of(head) == 415, "and any coding");
	head.coding = "identity";
	ok(status_of(head) == 0, "but none at all");
}

static unsigned key_status(const char *key, size_t len)
{
	struct httpreq_head head = post;

	head.key = key;
	head.key_len = len;
	return status_of(head);
}

static void keys(void)
{
	struct httpreq_head head = post;
	struct reply refusal;
	struct httpreq r;

	head.key = "k-1";
	head.key_len = 3;
	ok(judge(&head, &r, &refusal) == 0 && r.key == head.key &&
		   r.key_len == 3,
	   "a key");
	ok(judge(&post, &r, &refusal) == 0 && !r.key, "no key");
	ok(key_status("", 0) == 400, "one without a value is 400");
	ok(key_status("", 256) == 0 && key_status("", 257) == 400,
	   "so is one of more than 256 bytes");
}

static bool pages(const char *path, const char *query, const char *after,
		  uint64_t number, size_t limit)
{
	struct httpreq_head head = get;
	struct reply refusal;
	struct httpreq r;

	head.path = path;
	head.query = query;
	if (judge(&head, &r, &refusal) != 0 || r.limit != limit)
		return false;
	if (!after)
		return !r.after;
	return r.after && r.after_len == strlen(after) &&
	       memcmp(r.after, after, r.after_len) == 0 &&
	       r.after_number == number;
}

static void parameters(void)
{
	ok(pages("/v1/tenants", NULL, NULL, 0, 100) &&
		   pages("/v1/tenants", "", NULL, 0, 100) &&
		   pages("/v1/tenants", "after=&limit=7", NULL, 0, 7) &&
		   pages("/v1/tenants", "limit=1000&after=a.b", "a.b", 0,
			 1000) &&
		   pages("/v1/connections", "&after=17&", "17", 17, 100),
	   "where a page begins, and how long it is");
	ok(get_status("/v1/tenants", "limit=0") == 400 &&
		   get_status("/v1/tenants", "limit=1001") == 400 &&
		   get_status("/v1/tenants", "limit=") == 400 &&
		   get_status("/v1/tenants", "limit") == 400 &&
		   get_status("/v1/tenants", "limit=5x") == 400,
	   "a limit is from 1 to 1000");
	ok(get_status("/v1/tenants", "after=a b") == 400 &&
		   get_status("/v1/connections", "after=t") == 400 &&
		   get_status("/v1/connections",
			      "after=99999999999999999999") == 400,
	   "after is what next was");
	ok(get_status("/v1/tenants", "Limit=5") == 400 &&
		   get_status("/v1/tenants", "x=5") == 400 &&
		   get_status("/v1/tenants", "=5") == 400 &&
		   get_status("/v1/tenants", "limit=5&limit=5") == 400 &&
		   get_status("/v1/tenants", "after=&after=a") == 400,
	   "what is not known, or came twice, is 400");
	ok(get_status("/healthz", "verbose&limit=0") == 0 &&
		   get_status("/metrics", "x=y") == 0,
	   "but not outside of /v1");
}

static void order(void)
{
	struct httpreq_head head = post;

	head.query = "x=y";
	ok(status_of(head) == 400, "a publish has no parameters");
	head.header_too_long = true;
	ok(status_of(head) == 431, "a header that was too long is 431");
	head.path = "/nowhere";
	ok(status_of(head) == 404, "where there is something");
	head = post;
	head.follow_too_long = true;
	ok(status_of(head) == 0,
	   "one that says how to follow is not looked at");
}

int main(void)
{
	finding();
	methods();
	following();
	options();
	tenants();
	lengths();
	expectations();
	types();
	keys();
	parameters();
	order();
	return tap_end();
}

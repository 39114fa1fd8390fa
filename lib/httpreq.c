/* SPDX-License-Identifier: MIT */
#include "httpreq.h"

#include "num.h"
#include "pages.h"
#include "tenant.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Of what a peer sent, in a message. */
#define SHOWN 60

/* What a path takes. */
#define TO_READ "GET, HEAD, OPTIONS"
#define TO_UPDATES "GET, HEAD, POST, OPTIONS"
#define TO_UPGRADE "GET, OPTIONS"

/* Around one update there may be as many blanks. */
#define BLANKS_MAX 4096

static const struct {
	const char *path;
	enum httpreq_endpoint endpoint;
} paths[] = {
	{"/healthz", HTTPREQ_HEALTH},
	{"/readyz", HTTPREQ_READY},
	{"/metrics", HTTPREQ_METRICS},
	{"/v1/tenants", HTTPREQ_TENANTS},
	{"/v1/connections", HTTPREQ_CONNECTIONS},
};

/* A piece of a text; borrowed. */
struct span {
	const char *at;
	size_t len;
};

/* What counts as one JSON text. A page's fetch() says text/plain. */
static const char *const json_types[] = {
	"application/json",
	"text/json",
	"text/plain",
	"application/x-www-form-urlencoded",
};

static const char *const line_types[] = {
	"application/x-ndjson",	 "application/ndjson",
	"application/jsonl",	 "application/x-jsonl",
	"application/jsonlines", "application/x-jsonlines",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool same(struct span s, const char *want)
{
	return strlen(want) == s.len && memcmp(s.at, want, s.len) == 0;
}

/* In either case. */
static bool is(struct span s, const char *want)
{
	return strlen(want) == s.len && strncasecmp(s.at, want, s.len) == 0;
}

static bool among(struct span s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is(s, list[i]))
			return true;
	return false;
}

static struct span trimmed(const char *at, size_t len)
{
	while (len && (*at == ' ' || *at == '\t')) {
		at++;
		len--;
	}
	while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	return (struct span){at, len};
}

/* Takes what stands before `separator` off the front of `*text`. */
static struct span take(const char **text, char separator)
{
	const char *end = strchr(*text, separator);
	struct span s = {*text, end ? (size_t)(end - *text) : strlen(*text)};

	*text += s.len + (end != NULL);
	return s;
}

/* Where */

static bool reads(const struct httpreq_head *head)
{
	return head->method == HTTPREQ_GET || head->method == HTTPREQ_HEAD;
}

/* "/v1/tenants/{tenant}" and "/v1/tenants/{tenant}/updates" */
static bool find_tenant(struct httpreq *r, const struct httpreq_head *head)
{
	static const char before[] = "/v1/tenants/", behind[] = "/updates";
	const char *path = head->path, *tenant;
	size_t len;

	if (strncmp(path, before, sizeof(before) - 1) != 0)
		return false;
	tenant = path + sizeof(before) - 1;
	len = strcspn(tenant, "/");
	if (len == 0 || (tenant[len] && strcmp(tenant + len, behind) != 0))
		return false;
	r->endpoint = !tenant[len]  ? HTTPREQ_TENANT
		      : reads(head) ? HTTPREQ_FOLLOW
				    : HTTPREQ_PUBLISH;
	r->tenant = tenant;
	r->tenant_len = len;
	return true;
}

static bool find_page(struct httpreq *r, const struct httpreq_head *head)
{
	r->page = pages_find(head->path);
	r->endpoint = HTTPREQ_PAGE;
	r->match = head->match;
	return r->page != NULL;
}

static bool is_websocket(const struct httpreq_head *head)
{
	return !head->target_too_long && strcmp(head->path, "/ws") == 0;
}

static int find(struct httpreq *r, const struct httpreq_head *head,
		struct reply *refusal)
{
	if (head->target_too_long) {
		reply_error(refusal, 414, "URI_TOO_LONG",
			    "no resource here has a name that long");
		return -1;
	}
	for (size_t i = 0; i < COUNT(paths); i++)
		if (strcmp(head->path, paths[i].path) == 0) {
			r->endpoint = paths[i].endpoint;
			return 0;
		}
	if (find_tenant(r, head) || find_page(r, head))
		return 0;
	if (is_websocket(head)) {
		reply_error(refusal, 426, "UPGRADE_REQUIRED",
			    "this is a WebSocket");
		refusal->extra = REPLY_WEBSOCKET;
		return -1;
	}
	reply_error(refusal, 404, "NOT_FOUND", "there is nothing at this path");
	return -1;
}

static int check_method(struct httpreq *r, const struct httpreq_head *head,
			struct reply *refusal)
{
	bool publish = r->endpoint == HTTPREQ_PUBLISH;

	r->to_head = head->method == HTTPREQ_HEAD;
	if (publish ? head->method == HTTPREQ_POST : reads(head))
		return 0;
	reply_error(refusal, 405, "METHOD_NOT_ALLOWED", "%s",
		    publish ? "updates are published by POST (curl -T: with "
			      "-X POST), and followed by GET"
			    : "this can only be read, by GET or HEAD");
	refusal->allow = publish ? TO_UPDATES : TO_READ;
	return -1;
}

/* RFC 9110 section 9.3.7; nothing else that it says is looked at. */
static int find_options(struct httpreq *r, const struct httpreq_head *head,
			struct reply *refusal)
{
	if (is_websocket(head)) {
		r->options = TO_UPGRADE;
		return 0;
	}
	if (find(r, head, refusal) < 0)
		return -1;
	r->options = r->endpoint == HTTPREQ_PUBLISH ? TO_UPDATES : TO_READ;
	return 0;
}

/* How long */

static int check_transfer(const struct httpreq_head *head,
			  struct reply *refusal)
{
	if (!head->transfer)
		return 0;
	reply_error(refusal, 411, "LENGTH_REQUIRED",
		    "Transfer-Encoding is not taken, only Content-Length");
	return -1;
}

static int refuse_large(struct reply *refusal, const char *what, uint64_t max)
{
	char may[NUM_TEXT_MAX];

	reply_fault(refusal, 413, PROTO_TOO_LARGE,
		    "%s is larger than the %s that are taken", what,
		    num_show_size(may, max));
	return -1;
}

static int check_length(struct httpreq *r, const struct httpreq_head *head,
			const struct httpreq_limits *limits,
			struct reply *refusal)
{
	if (!head->length) {
		if (r->endpoint != HTTPREQ_PUBLISH)
			return 0;
		reply_error(refusal, 411, "LENGTH_REQUIRED",
			    "a POST needs a Content-Length");
		return -1;
	}
	errno = 0;
	if (num_parse_u64(head->length, strlen(head->length), &r->length) < 0) {
		if (errno != ERANGE) {
			reply_fault(refusal, 400, PROTO_BAD_REQUEST,
				    "Content-Length is not one number");
			return -1;
		}
		r->length = UINT64_MAX;
	}
	if (r->endpoint == HTTPREQ_PUBLISH && r->length > limits->body)
		return refuse_large(refusal, "the body", limits->body);
	return 0;
}

/* RFC 9110 section 10.1.1; HTTP/1.0 knows no expectations. */
static int check_expect(struct httpreq *r, const struct httpreq_head *head,
			struct reply *refusal)
{
	if (!head->expect || head->http10)
		return 0;
	if (strcasecmp(head->expect, "100-continue") != 0) {
		reply_error(refusal, 417, "EXPECTATION_FAILED",
			    "the only expectation that is met is 100-continue");
		return -1;
	}
	r->waits = r->endpoint == HTTPREQ_PUBLISH && r->length > 0;
	return 0;
}

/* What is in it */

static int refuse_type(struct reply *refusal, const char *header,
		       struct span value, const char *what)
{
	reply_error(refusal, 415, "UNSUPPORTED_MEDIA_TYPE",
		    "%s '%.*s' is not taken%s", header,
		    (int)(value.len < SHOWN ? value.len : SHOWN), value.at,
		    what);
	return -1;
}

static int check_coding(const struct httpreq_head *head, struct reply *refusal)
{
	if (!head->coding || strcasecmp(head->coding, "identity") == 0)
		return 0;
	refuse_type(refusal, "Content-Encoding",
		    (struct span){head->coding, strlen(head->coding)}, "");
	refusal->extra = "Accept-Encoding: identity\r\n";
	return -1;
}

static struct span unquoted(struct span s)
{
	if (s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"')
		return (struct span){s.at + 1, s.len - 2};
	return s;
}

/* JSON is UTF-8 and nothing else (RFC 8259 section 8.1). */
static int check_parameter(struct span parameter, struct reply *refusal)
{
	static const char charset[] = "charset=";
	size_t len = sizeof(charset) - 1;
	struct span value;

	if (parameter.len < len || strncasecmp(parameter.at, charset, len) != 0)
		return 0;
	value = unquoted(
		(struct span){parameter.at + len, parameter.len - len});
	if (is(value, "utf-8") || is(value, "utf8"))
		return 0;
	return refuse_type(refusal, "charset", value, ", only utf-8");
}

static bool is_json_suffix(struct span type)
{
	return type.len > 5 &&
	       is((struct span){type.at + type.len - 5, 5}, "+json");
}

static int check_type(struct httpreq *r, const struct httpreq_head *head,
		      struct reply *refusal)
{
	const char *rest = head->type;
	struct span s;

	if (!rest || !*rest)
		return 0;
	s = take(&rest, ';');
	s = trimmed(s.at, s.len);
	r->lines = among(s, line_types, COUNT(line_types));
	if (!r->lines && !among(s, json_types, COUNT(json_types)) &&
	    !is_json_suffix(s))
		return refuse_type(refusal, "Content-Type", s,
				   "; application/json is one update, "
				   "application/x-ndjson is one a line");
	while (*rest) {
		s = take(&rest, ';');
		if (check_parameter(trimmed(s.at, s.len), refusal) < 0)
			return -1;
	}
	return 0;
}

static int check_key(struct httpreq *r, const struct httpreq_head *head,
		     struct reply *refusal)
{
	if (!head->key)
		return 0;
	if (head->key_len == 0 || head->key_len > PROTO_KEY_MAX) {
		reply_fault(refusal, 400, PROTO_BAD_REQUEST,
			    "Idempotency-Key has not 1 to %d bytes",
			    PROTO_KEY_MAX);
		return -1;
	}
	r->key = head->key;
	r->key_len = head->key_len;
	return 0;
}

static int check_tenant(const struct httpreq *r, struct reply *refusal)
{
	if (tenant_valid(r->tenant, r->tenant_len))
		return 0;
	reply_fault(refusal, 400, PROTO_BAD_TENANT,
		    "a tenant has 1 to %d bytes of A-Z a-z 0-9 . _ : @ -",
		    TENANT_MAX);
	return -1;
}

/* All that concerns the body of a publish. */
static int check_body(struct httpreq *r, const struct httpreq_head *head,
		      const struct httpreq_limits *limits,
		      struct reply *refusal)
{
	if (check_coding(head, refusal) < 0 || check_type(r, head, refusal) < 0)
		return -1;
	if (!r->lines && r->length > limits->update + BLANKS_MAX)
		return refuse_large(refusal, "the update", limits->update);
	if (check_key(r, head, refusal) < 0)
		return -1;
	return 0;
}

/* Parameters */

static int refuse_parameter(struct reply *refusal, struct span name,
			    const char *why)
{
	reply_fault(refusal, 400, PROTO_BAD_REQUEST, "parameter '%.*s' %s",
		    (int)(name.len < SHOWN ? name.len : SHOWN), name.at, why);
	return -1;
}

static int take_limit(struct httpreq *r, struct span value)
{
	uint64_t limit;

	if (num_parse_u64(value.at, value.len, &limit) < 0 || limit < 1 ||
	    limit > HTTPREQ_LIMIT_MAX)
		return -1;
	r->limit = (size_t)limit;
	return 0;
}

static int take_after(struct httpreq *r, struct span value)
{
	if (value.len == 0)
		return 0;
	r->after = value.at;
	r->after_len = value.len;
	if (r->endpoint == HTTPREQ_CONNECTIONS)
		return num_parse_u64(value.at, value.len, &r->after_number);
	return tenant_valid(value.at, value.len) ? 0 : -1;
}

/* `seen` has a bit for each parameter that came. */
static int take_parameter(struct httpreq *r, struct span name,
			  struct span value, unsigned *seen,
			  struct reply *refusal)
{
	bool list = r->endpoint == HTTPREQ_TENANTS ||
		    r->endpoint == HTTPREQ_CONNECTIONS;
	bool after = list && same(name, "after");
	const char *why;

	if (r->endpoint == HTTPREQ_FOLLOW) {
		why = httpreq_follow_parameter(r, name.at, name.len, value.at,
					       value.len, seen);
		return why ? refuse_parameter(refusal, name, why) : 0;
	}
	if (!after && !(list && same(name, "limit")))
		return refuse_parameter(refusal, name, "is not known here");
	if (*seen & (1u << after))
		return refuse_parameter(refusal, name, "is given twice");
	*seen |= 1u << after;
	if (after)
		return take_after(r, value) == 0
			       ? 0
			       : refuse_parameter(refusal, name,
						  "is none that 'next' says");
	return take_limit(r, value) == 0
		       ? 0
		       : refuse_parameter(refusal, name,
					  "is not a number from 1 to 1000");
}

/* "name=value"; without '=' the value is empty. */
static void split(struct span pair, struct span *name, struct span *value)
{
	const char *equals = memchr(pair.at, '=', pair.len);
	const char *end = pair.at + pair.len;

	if (!equals)
		equals = end;
	*name = (struct span){pair.at, (size_t)(equals - pair.at)};
	value->at = equals < end ? equals + 1 : end;
	value->len = (size_t)(end - value->at);
}

/* Outside of /v1 parameters are ignored: probes add some. */
static int check_query(struct httpreq *r, const struct httpreq_head *head,
		       struct reply *refusal)
{
	const char *rest = head->query;
	struct span pair, name, value;
	unsigned seen = 0;

	if (!rest || r->endpoint < HTTPREQ_TENANTS)
		return 0;
	while (*rest) {
		pair = take(&rest, '&');
		if (!pair.len)
			continue;
		split(pair, &name, &value);
		if (take_parameter(r, name, value, &seen, refusal) < 0)
			return -1;
	}
	return 0;
}

static int check_headers(const struct httpreq *r,
			 const struct httpreq_head *head, struct reply *refusal)
{
	bool follows = r->endpoint == HTTPREQ_FOLLOW;

	if (!head->header_too_long && !(follows && head->follow_too_long))
		return 0;
	reply_error(refusal, 431, "HEADER_TOO_LARGE",
		    "a header is longer than any that is taken");
	return -1;
}

int httpreq_parse(struct httpreq *r, const struct httpreq_head *head,
		  const struct httpreq_limits *limits, struct reply *refusal)
{
	memset(r, 0, sizeof(*r));
	r->limit = HTTPREQ_LIMIT;
	if (head->method == HTTPREQ_OPTIONS)
		return find_options(r, head, refusal);
	if (find(r, head, refusal) < 0 || check_method(r, head, refusal) < 0 ||
	    check_headers(r, head, refusal) < 0 ||
	    check_transfer(head, refusal) < 0 ||
	    check_length(r, head, limits, refusal) < 0 ||
	    check_expect(r, head, refusal) < 0)
		return -1;
	if (r->endpoint == HTTPREQ_PUBLISH &&
	    check_body(r, head, limits, refusal) < 0)
		return -1;
	if (r->tenant && check_tenant(r, refusal) < 0)
		return -1;
	if (check_query(r, head, refusal) < 0)
		return -1;
	return r->endpoint == HTTPREQ_FOLLOW ? httpreq_follow(r, head, refusal)
					     : 0;
}

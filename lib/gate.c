/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include "credential.h"
#include "proto.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of a header that is none; as much is enough to see what it is. */
#define SHOWN_MAX 150
#define CUT "..."
#define SHOWN_ROOM (2 * sizeof(CUT) + 4 * SHOWN_MAX)

/*
 * What is no valid header for a line of the log: all that could end its quotes,
 * or mean something to a terminal or to a shell, as \x27. A name and password
 * before an '@', and a query, are nobody's business.
 */
static const char *escaped(char out[SHOWN_ROOM], const char *text)
{
	size_t len = strcspn(text, "?#");
	const char *user = memrchr(text, '@', len);
	size_t skip = user ? (size_t)(user + 1 - text) : 0;
	size_t end = len - skip > SHOWN_MAX ? skip + SHOWN_MAX : len;
	char *at = stpcpy(out, skip ? CUT : "");

	for (size_t i = skip; i < end; i++)
		if (text[i] >= ' ' && text[i] < 0x7f &&
		    !strchr("'\"\\`$", text[i]))
			*at++ = text[i];
		else
			at += sprintf(at, "\\x%02x", (unsigned char)text[i]);
	strcpy(at, text[end] ? CUT : "");
	return out;
}

struct refused {
	struct log *log;
	enum log_event event;
	struct log_subject subject;
};

/*
 * Logs a refusal. The option that allows it is for pasting: it is named only
 * where the value can be one, and then means nothing to a shell.
 */
static void log_header(const struct refused *r, const char *what,
		       const struct header *h, bool valid, const char *option)
{
	char shown[SHOWN_ROOM];

	if (h->too_long)
		log_event(r->log, r->event, &r->subject,
			  "refused %s of more than %d bytes", what,
			  HEADER_MAX - 1);
	else if (valid)
		log_event(r->log, r->event, &r->subject,
			  "refused %s '%s'%s '%s'", what, h->text, option,
			  h->text);
	else
		log_event(r->log, r->event, &r->subject,
			  "refused %s '%s', which is none", what,
			  escaped(shown, h->text));
}

static void log_origin(const struct refused *r, const struct header *origin)
{
	if (access_origin_shared(origin->text))
		log_event(r->log, r->event, &r->subject,
			  "refused a web page of origin '%s', which frames and "
			  "files of anybody have",
			  origin->text);
	else
		log_header(r, "a web page of origin", origin,
			   access_origin_valid(origin->text),
			   "; to allow it: --origin");
}

static void log_verdict(struct gate *g, const struct netaddr *from,
			enum access_verdict verdict, const struct header *host,
			const struct header *origin)
{
	static const enum log_event events[] = {
		[ACCESS_NO_HOST] = LOG_REFUSED_NO_HOST,
		[ACCESS_BAD_HOST] = LOG_REFUSED_HOST,
		[ACCESS_BAD_ORIGIN] = LOG_REFUSED_ORIGIN,
	};
	char address[NETADDR_TEXT_MAX];
	struct refused r = {g->log, events[verdict], {0}};

	g->counters->refused[verdict == ACCESS_BAD_ORIGIN ? REFUSED_ORIGIN
							  : REFUSED_HOST]++;
	r.subject.address = netaddr_show_host(from, address);
	if (verdict == ACCESS_BAD_ORIGIN)
		log_origin(&r, origin);
	else if (host->present)
		log_header(&r, "a request for host", host,
			   access_host_valid(host->text),
			   "; if that is this server: --host");
	else
		log_event(r.log, r.event, &r.subject,
			  "refused a request without a Host");
}

/* Without an address no limit would hold, so nobody comes in without one. */
int gate_locate(struct gate *g, struct gate_request *q,
		const struct forwarded_proxies *proxies, struct netaddr *client,
		struct reply *refusal)
{
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = {0};
	struct forwarded f;

	if (forwarded_read(&f, proxies, q->who.from, q->head) == 0) {
		*client = f.client;
		q->https = f.https;
		return 0;
	}
	subject.address = netaddr_show_host(q->who.from, address);
	g->counters->refused[REFUSED_FORWARDED]++;
	log_event(g->log, LOG_REFUSED_FORWARDED, &subject,
		  "refused a request of proxy '%s': its X-Forwarded-For is no "
		  "list of addresses",
		  *address ? address : "unix");
	reply_fault(refusal, 400, PROTO_BAD_REQUEST,
		    "X-Forwarded-For is no list of addresses");
	refusal->logged = true;
	return -1;
}

/*
 * What a target names counts more than Host (RFC 9112 section 3.2.2). Two Hosts
 * are as good as none.
 */
static void read_host(struct header *host, const struct httphead *head)
{
	struct header path, query;

	memset(host, 0, sizeof(*host));
	if (header_count(head, "host") > 1)
		return;
	if (httphead_target(head, &path, &query, host) < 0 || !host->present)
		header_read(host, head, "host");
}

int gate_judge(struct gate *g, struct gate_request *q, struct reply *refusal)
{
	struct header host, *origin = &q->origin;
	enum access_verdict verdict;

	if (httphead_is_https(q->head) && !q->https) {
		origin->present = false;
		reply_fault(refusal, 400, PROTO_BAD_REQUEST,
			    "a target of https has not come by TLS");
		return -1;
	}
	read_host(&host, q->head);
	header_read(origin, q->head, "origin");
	verdict = access_judge(&g->access, host.present ? host.text : NULL,
			       origin->present ? origin->text : NULL, q->https);
	if (verdict == ACCESS_ALLOWED)
		return 0;
	log_verdict(g, q->who.from, verdict, &host, origin);
	origin->present = false;
	switch (verdict) {
	case ACCESS_BAD_HOST:
		reply_fault(refusal, 403, PROTO_FORBIDDEN,
			    "this host is not served here");
		break;
	case ACCESS_BAD_ORIGIN:
		reply_fault(refusal, 403, PROTO_FORBIDDEN,
			    "pages of this origin are not allowed");
		break;
	default:
		reply_fault(refusal, 400, PROTO_BAD_REQUEST,
			    "no Host, or not a valid one");
	}
	refusal->logged = true;
	return -1;
}

/* Takes a member off a comma-separated list; its length, 0 at the end. */
static size_t next_member(const char **list, const char **member)
{
	size_t len;

	*member = *list + strspn(*list, " \t,");
	len = strcspn(*member, " \t,");
	*list = *member + len;
	return len;
}

static bool lists(const char *list, const char *name)
{
	const char *member;
	size_t len;

	while ((len = next_member(&list, &member)) > 0)
		if (len == strlen(name) && strncasecmp(member, name, len) == 0)
			return true;
	return false;
}

/* The first of a list that is ours; NULL: none is. */
static const char *choose_protocol(const char *list)
{
	static const char *const ours[] = {PROTO_V1, PROTO_V1_BULK};
	const char *member;
	size_t len;

	while ((len = next_member(&list, &member)) > 0)
		for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
			if (len == strlen(ours[i]) &&
			    memcmp(member, ours[i], len) == 0)
				return ours[i];
	return NULL;
}

/* 16 bytes in base64: 22 digits and the padding. */
static bool key_valid(const char *key)
{
	return strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz0123456789+/") == 22 &&
	       strcmp(key + 22, "==") == 0;
}

static bool has_body(const struct httphead *head)
{
	struct header length;

	header_read(&length, head, "content-length");
	return header_count(head, "transfer-encoding") ||
	       (length.present && strcmp(length.text, "0") != 0);
}

/* What RFC 6455 section 4.2.1 asks for. NULL, or what is wrong. */
static const char *handshake_fault(const struct httphead *head, const char *key)
{
	struct header connection;

	header_read(&connection, head, "connection");
	if (head->http10)
		return "a WebSocket begins with HTTP/1.1";
	if (!lists(connection.text, "upgrade"))
		return "Connection: Upgrade is missing";
	if (!key_valid(key))
		return "Sec-WebSocket-Key is not 16 bytes in base64";
	if (has_body(head))
		return "a WebSocket begins without a body";
	return NULL;
}

static int refuse(struct reply *refusal, unsigned status, const char *code,
		  const char *message)
{
	reply_error(refusal, status, code, "%s", message);
	return -1;
}

static bool is_get(const struct httphead *head)
{
	return head->method.len == 3 && memcmp(head->method.at, "GET", 3) == 0;
}

static bool is_ours(const struct httphead *head)
{
	struct header path, query, authority;

	return httphead_target(head, &path, &query, &authority) == 0 &&
	       strcmp(path.text, "/ws") == 0;
}

bool gate_wanted(const struct httphead *head)
{
	struct header upgrade;

	header_read(&upgrade, head, "upgrade");
	return lists(upgrade.text, "websocket");
}

/* What is to upgrade, and to what: 0, or -1 and `refusal`. */
static int check_upgrade(const struct httphead *head, struct reply *refusal)
{
	struct header version;

	header_read(&version, head, "sec-websocket-version");
	if (!is_get(head)) {
		refuse(refusal, 405, "METHOD_NOT_ALLOWED",
		       "a WebSocket begins with GET");
		refusal->allow = "GET";
		return -1;
	}
	if (!is_ours(head))
		return refuse(refusal, 404, "NOT_FOUND",
			      "the WebSocket is at /ws");
	if (strcmp(version.text, "13") != 0) {
		refuse(refusal, 426, "UPGRADE_REQUIRED",
		       "the version of WebSocket is 13");
		refusal->extra = REPLY_WEBSOCKET;
		return -1;
	}
	return 0;
}

static void put_handshake(struct buf *out, const char *key,
			  const char *protocol)
{
	buf_printf(out,
		   "GET /ws HTTP/1.1\r\n"
		   "Host: localhost\r\n"
		   "Upgrade: websocket\r\n"
		   "Connection: Upgrade\r\n"
		   "Sec-WebSocket-Version: 13\r\n"
		   "Sec-WebSocket-Key: %s\r\n",
		   key);
	if (protocol)
		buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
	buf_puts(out, "\r\n");
}

int gate_upgrade(struct gate *g, struct gate_request *q, struct buf *out,
		 struct reply *refusal)
{
	const struct httphead *head = q->head;
	struct header key, offered;
	const char *fault, *protocol;

	if (gate_judge(g, q, refusal) < 0 || check_upgrade(head, refusal) < 0)
		return -1;
	header_read(&key, head, "sec-websocket-key");
	fault = handshake_fault(head, key.text);
	if (fault)
		return refuse(refusal, 400, "BAD_REQUEST", fault);
	header_read(&offered, head, "sec-websocket-protocol");
	protocol = choose_protocol(offered.text);
	if (offered.present && !protocol)
		return refuse(refusal, 400, "BAD_REQUEST",
			      offered.too_long
				      ? "Sec-WebSocket-Protocol is longer than "
					"511 bytes"
				      : "subprotocols are " PROTO_V1
					", " PROTO_V1_BULK ", or none");
	put_handshake(out, key.text, protocol);
	return 0;
}

/* Tokens */

static int unauthorized(struct reply *refusal, const char *message,
			const char *challenge)
{
	reply_fault(refusal, 401,
		    strcmp(challenge, REPLY_TOKEN_NEEDED) == 0
			    ? PROTO_AUTH_REQUIRED
			    : PROTO_AUTH_FAILED,
		    "%s", message);
	refusal->extra = challenge;
	return -1;
}

static int refuse_token(struct gate *g, const struct guard_subject *who,
			enum grant_verdict verdict, struct reply *refusal)
{
	if (verdict == GRANT_TOO_OFTEN) {
		reply_fault(refusal, 429, PROTO_RATE_LIMITED,
			    "too many bad tokens came from this address");
		reply_retry(refusal,
			    (uint64_t)blame_wait(&g->guard->blame, who->from,
						 who->mono_ms));
	} else if (verdict == GRANT_NO_MEMORY) {
		reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
			    "the server has too little memory");
	} else {
		unauthorized(refusal, "the token is not good", REPLY_TOKEN_BAD);
	}
	refusal->logged = verdict == GRANT_REFUSED;
	return -1;
}

static int check_credential(struct gate *g, const struct credential *c,
			    const struct guard_subject *who,
			    struct grant **grant, struct reply *refusal)
{
	enum grant_verdict verdict;

	if (c->kind == CREDENTIAL_NONE)
		return 0;
	if (c->kind == CREDENTIAL_BAD)
		return refuse(refusal, 400, "BAD_REQUEST",
			      "a request shows one token");
	if (c->kind == CREDENTIAL_QUERY && !g->guard->query)
		return refuse(refusal, 400, "BAD_REQUEST",
			      "a token in the URL is not taken here");
	verdict = guard_check(g->guard, who, c->token, c->len, grant);
	return verdict == GRANT_GIVEN ? 0
				      : refuse_token(g, who, verdict, refusal);
}

int gate_identify(struct gate *g, const struct gate_request *q,
		  struct grant **grant, struct reply *refusal)
{
	struct credential c;
	int result;

	*grant = NULL;
	if (!g->guard->tokens)
		return 0;
	credential_read(&c, q->head);
	result = check_credential(g, &c, &q->who, grant, refusal);
	credential_wipe(&c);
	return result;
}

/* What there is for everybody, and what for those with the right to it. */
static bool allows(const struct grant *grant, const struct httpreq *r)
{
	switch (r->endpoint) {
	case HTTPREQ_HEALTH:
	case HTTPREQ_READY:
	case HTTPREQ_PAGE:
		return true;
	case HTTPREQ_PUBLISH:
		return grant && rights_may(&grant->rights, RIGHTS_PUBLISH,
					   r->tenant, r->tenant_len);
	case HTTPREQ_FOLLOW:
		return grant && rights_may(&grant->rights, RIGHTS_SUBSCRIBE,
					   r->tenant, r->tenant_len);
	case HTTPREQ_METRICS:
	case HTTPREQ_TENANTS:
	case HTTPREQ_TENANT:
	case HTTPREQ_CONNECTIONS:
		break;
	}
	return grant && grant->rights.admin;
}

int gate_permit(struct gate *g, const struct gate_request *q,
		const struct httpreq *r, struct grant **grant,
		struct reply *refusal)
{
	bool allowed = !g->guard->tokens || allows(NULL, r);

	*grant = NULL;
	if (!allowed && gate_identify(g, q, grant, refusal) < 0)
		return -1;
	allowed = allowed || allows(*grant, r);
	if (allowed)
		return 0;
	g->counters->refused[REFUSED_FORBIDDEN]++;
	if (!*grant)
		return unauthorized(refusal, "a token is needed",
				    REPLY_TOKEN_NEEDED);
	reply_fault(refusal, 403, PROTO_FORBIDDEN,
		    "the token gives no right to this");
	refusal->extra = REPLY_TOKEN_WEAK;
	grant_free(*grant);
	*grant = NULL;
	return -1;
}

/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include "caller.h"
#include "header.h"
#include "proto.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Longer ones lws (to 4.5) ends without an answer: lists, and a name in one. */
#define PROTOCOLS_MAX 126
#define PROTOCOL_MAX 63
#define EXTENSIONS_MAX 254

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

struct refusal {
	struct log *log;
	enum log_event event;
	struct log_subject subject;
};

/*
 * Logs a refusal. The option that allows it is for pasting: it is named only
 * where the value can be one, and then means nothing to a shell.
 */
static void log_header(const struct refusal *r, const char *what,
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

static void log_verdict(struct gate *g, struct lws *wsi,
			enum access_verdict verdict, const struct header *host,
			const struct header *origin)
{
	static const enum log_event events[] = {
		[ACCESS_NO_HOST] = LOG_REFUSED_NO_HOST,
		[ACCESS_BAD_HOST] = LOG_REFUSED_HOST,
		[ACCESS_BAD_ORIGIN] = LOG_REFUSED_ORIGIN,
	};
	char address[NETADDR_TEXT_MAX];
	struct refusal r = {g->log, events[verdict], {0}};

	g->counters->refused[verdict == ACCESS_BAD_ORIGIN ? REFUSED_ORIGIN
							  : REFUSED_HOST]++;
	r.subject.address =
		netaddr_show_host(&caller_of(wsi)->address, address);
	if (verdict == ACCESS_BAD_ORIGIN)
		log_header(&r, "a web page of origin", origin,
			   access_origin_valid(origin->text),
			   "; to allow it: --origin");
	else if (host->present)
		log_header(&r, "a request for host", host,
			   access_host_valid(host->text),
			   "; if that is this server: --host");
	else
		log_event(r.log, r.event, &r.subject,
			  "refused a request without a Host");
}

/*
 * Every browser names the Origin of a page that opens a WebSocket, or sends a
 * POST. But lws loses the header behind one whose name is the beginning of a
 * name that it knows (X-Auth), as a proxy may put there; these headers of
 * browsers tell then.
 */
static bool lost_origin(struct lws *wsi)
{
	static const char name[] = "sec-fetch-site:";

	return lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0 &&
	       lws_hdr_custom_length(wsi, name, sizeof(name) - 1) >= 0;
}

static int refuse(struct reply *refusal, unsigned status, const char *code,
		  const char *message)
{
	reply_error(refusal, status, code, "%s", message);
	return -1;
}

/* A page reads from its own origin without naming it, but does no more. */
static int judge_method(struct lws *wsi, struct reply *refusal)
{
	if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 &&
	    lost_origin(wsi))
		return refuse(refusal, 400, "BAD_REQUEST",
			      "a browser's POST has an Origin");
	return 0;
}

int gate_judge(struct gate *g, struct lws *wsi, struct reply *refusal)
{
	struct header host, origin;
	enum access_verdict verdict;

	header_read(wsi, WSI_TOKEN_HOST, &host);
	header_read(wsi, WSI_TOKEN_ORIGIN, &origin);
	verdict = access_judge(&g->access, host.present ? host.text : NULL,
			       origin.present ? origin.text : NULL);
	if (verdict == ACCESS_ALLOWED)
		return judge_method(wsi, refusal);
	log_verdict(g, wsi, verdict, &host, &origin);
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

/* Whether one of a list is `name`; not only in case `exact`. */
static bool lists(const char *list, const char *name, bool exact)
{
	const char *member;
	size_t len;

	while ((len = next_member(&list, &member)) > 0)
		if (len == strlen(name) &&
		    (exact ? memcmp(member, name, len)
			   : strncasecmp(member, name, len)) == 0)
			return true;
	return false;
}

static bool offers_ours(const char *list)
{
	return lists(list, PROTO_V1, true) || lists(list, PROTO_V1_BULK, true);
}

static bool protocols_fit(const struct header *offered)
{
	const char *list = offered->text, *member;
	size_t len;

	if (offered->too_long || strlen(list) > PROTOCOLS_MAX)
		return false;
	while ((len = next_member(&list, &member)) > 0)
		if (len > PROTOCOL_MAX)
			return false;
	return true;
}

/* 16 bytes in base64: 22 digits and the padding. */
static bool key_valid(const char *key)
{
	return strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "abcdefghijklmnopqrstuvwxyz0123456789+/") == 22 &&
	       strcmp(key + 22, "==") == 0;
}

static bool has_body(struct lws *wsi)
{
	struct header length;

	header_read(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, &length);
	return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) ||
	       (length.present && strcmp(length.text, "0") != 0);
}

/*
 * What RFC 6455 section 4.2.1 asks for and lws does not look at, or ends
 * without an answer. NULL, or what is wrong.
 */
static const char *handshake_fault(struct lws *wsi,
				   const struct header *offered)
{
	struct header http, connection, key;

	header_read(wsi, WSI_TOKEN_HTTP, &http);
	header_read(wsi, WSI_TOKEN_CONNECTION, &connection);
	header_read(wsi, WSI_TOKEN_KEY, &key);
	if (strcmp(http.text, "HTTP/1.1") != 0)
		return "a WebSocket begins with HTTP/1.1";
	if (!lists(connection.text, "upgrade", false))
		return "Connection: Upgrade is missing";
	if (!key_valid(key.text))
		return "Sec-WebSocket-Key is not 16 bytes in base64";
	if (!protocols_fit(offered))
		return "Sec-WebSocket-Protocol is too long: 126 bytes in all, "
		       "63 for a name";
	if (lws_hdr_total_length(wsi, WSI_TOKEN_EXTENSIONS) > EXTENSIONS_MAX)
		return "Sec-WebSocket-Extensions is too long: 254 bytes";
	if (has_body(wsi))
		return "a WebSocket begins without a body";
	if (lost_origin(wsi))
		return "a browser's WebSocket has an Origin";
	return NULL;
}

int gate_upgrade(struct gate *g, struct lws *wsi, struct reply *refusal)
{
	struct header upgrade, version, path, offered;
	const char *fault;

	if (gate_judge(g, wsi, refusal) < 0)
		return -1;
	header_read(wsi, WSI_TOKEN_UPGRADE, &upgrade);
	header_read(wsi, WSI_TOKEN_VERSION, &version);
	header_read(wsi, WSI_TOKEN_GET_URI, &path);
	header_read(wsi, WSI_TOKEN_PROTOCOL, &offered);
	if (strcasecmp(upgrade.text, "websocket") != 0)
		return refuse(refusal, 400, "BAD_REQUEST",
			      "the only upgrade is websocket");
	if (!path.present) {
		refuse(refusal, 405, "METHOD_NOT_ALLOWED",
		       "a WebSocket begins with GET");
		refusal->allow = "GET";
		return -1;
	}
	if (strcmp(path.text, "/ws") != 0)
		return refuse(refusal, 404, "NOT_FOUND",
			      "the WebSocket is at /ws");
	if (strcmp(version.text, "13") != 0) {
		refuse(refusal, 426, "UPGRADE_REQUIRED",
		       "the version of WebSocket is 13");
		refusal->extra = REPLY_WEBSOCKET;
		return -1;
	}
	fault = handshake_fault(wsi, &offered);
	if (fault)
		return refuse(refusal, 400, "BAD_REQUEST", fault);
	if (offered.present && !offers_ours(offered.text))
		return refuse(refusal, 400, "BAD_REQUEST",
			      "subprotocols are " PROTO_V1 ", " PROTO_V1_BULK
			      ", or none");
	return 0;
}

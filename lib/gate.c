/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include "caller.h"
#include "proto.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_MAX 512

/* Of a header that is none; as much is enough to see what it is. */
#define SHOWN_MAX 150
#define CUT "..."
#define SHOWN_ROOM (2 * sizeof(CUT) + 4 * SHOWN_MAX)

struct header {
	bool present;
	bool too_long;
	char text[HEADER_MAX];
};

/* White space around a value is none of it (RFC 9110 section 5.5). */
static void trim(char *text)
{
	size_t skip = strspn(text, " \t");
	size_t len = strlen(text + skip);

	while (len && strchr(" \t", text[skip + len - 1]))
		len--;
	memmove(text, text + skip, len);
	text[len] = '\0';
}

static void read_header(struct lws *wsi, enum lws_token_indexes token,
			struct header *h)
{
	int n = lws_hdr_copy(wsi, h->text, sizeof(h->text), token);

	h->present = lws_hdr_total_length(wsi, token) > 0;
	h->too_long = h->present && n <= 0;
	if (n <= 0)
		h->text[0] = '\0';
	trim(h->text);
}

static const char *reason_of(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 426:
		return "Upgrade Required";
	}
	return "Internal Server Error";
}

/*
 * A whole answer in one write; `extra` is header lines, or "". To HEAD it has
 * no body (RFC 9110 section 9.3.2).
 */
static int answer(struct lws *wsi, unsigned status, const char *extra,
		  const char *body)
{
	bool head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
	char text[LWS_PRE + 1024];
	int n = snprintf(text + LWS_PRE, sizeof(text) - LWS_PRE,
			 "HTTP/1.1 %u %s\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Length: %zu\r\n"
			 "Cache-Control: no-store\r\n"
			 "%sConnection: close\r\n\r\n%s",
			 status, reason_of(status), strlen(body), extra,
			 head ? "" : body);

	lws_write(wsi, (unsigned char *)text + LWS_PRE, (size_t)n,
		  LWS_WRITE_HTTP_HEADERS);
	return -1;
}

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

	g->refused++;
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

/* Host and Origin, the same on every path. 0, or -1 after an answer. */
static int judge(struct gate *g, struct lws *wsi)
{
	struct header host, origin;
	enum access_verdict verdict;

	read_header(wsi, WSI_TOKEN_HOST, &host);
	read_header(wsi, WSI_TOKEN_ORIGIN, &origin);
	verdict = access_judge(&g->access, host.present ? host.text : NULL,
			       origin.present ? origin.text : NULL);
	if (verdict == ACCESS_ALLOWED)
		return 0;
	log_verdict(g, wsi, verdict, &host, &origin);
	switch (verdict) {
	case ACCESS_BAD_HOST:
		return answer(wsi, 403, "", "This host is not served here.\n");
	case ACCESS_BAD_ORIGIN:
		return answer(wsi, 403, "",
			      "Pages of this origin are not allowed.\n");
	default:
		return answer(wsi, 400, "", "No Host, or not a valid one.\n");
	}
}

/* Whether one of a comma-separated list is a subprotocol of ours. */
static bool offers_ours(const char *list)
{
	size_t len;

	for (;;) {
		list += strspn(list, " \t,");
		len = strcspn(list, " \t,");
		if (len == 0)
			return false;
		if ((len == strlen(PROTO_V1) &&
		     memcmp(list, PROTO_V1, len) == 0) ||
		    (len == strlen(PROTO_V1_BULK) &&
		     memcmp(list, PROTO_V1_BULK, len) == 0))
			return true;
		list += len;
	}
}

int gate_upgrade(struct gate *g, struct lws *wsi)
{
	struct header upgrade, version, path, offered;

	if (judge(g, wsi) < 0)
		return -1;
	read_header(wsi, WSI_TOKEN_UPGRADE, &upgrade);
	read_header(wsi, WSI_TOKEN_VERSION, &version);
	read_header(wsi, WSI_TOKEN_GET_URI, &path);
	read_header(wsi, WSI_TOKEN_PROTOCOL, &offered);
	if (strcasecmp(upgrade.text, "websocket") != 0)
		return answer(wsi, 400, "", "The only upgrade is websocket.\n");
	if (!path.present)
		return answer(wsi, 405, "Allow: GET\r\n",
			      "A WebSocket begins with GET.\n");
	if (strcmp(path.text, "/ws") != 0)
		return answer(wsi, 404, "", "The WebSocket is at /ws.\n");
	if (strcmp(version.text, "13") != 0)
		return answer(wsi, 426, "Sec-WebSocket-Version: 13\r\n",
			      "The version of WebSocket is 13.\n");
	if (offered.present && !offers_ours(offered.text))
		return answer(wsi, 400, "",
			      "Subprotocols are " PROTO_V1 ", " PROTO_V1_BULK
			      ", or none.\n");
	return 0;
}

int gate_request(struct gate *g, struct lws *wsi, const char *path)
{
	bool reads = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0 ||
		     lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;

	if (judge(g, wsi) < 0)
		return -1;
	if (strcmp(path, "/ws") == 0)
		return answer(wsi, 426,
			      "Upgrade: websocket\r\n"
			      "Sec-WebSocket-Version: 13\r\n",
			      "This is a WebSocket.\n");
	if (strcmp(path, "/healthz") != 0)
		return answer(wsi, 404, "", "Not found.\n");
	if (!reads)
		return answer(wsi, 405, "Allow: GET, HEAD\r\n",
			      "Only GET and HEAD.\n");
	return answer(wsi, 200, "", "ok\n");
}

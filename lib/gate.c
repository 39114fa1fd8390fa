/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include "clock.h"
#include "header.h"
#include "proto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Lines of one kind of refusal within LOG_MS, so that nobody fills a disk. */
#define LOG_LINES 10
#define LOG_MS 1000

/* Of a header that is none; as much is enough to see what it is. */
#define SHOWN_MAX 150

static void tell_hidden(const struct gate *g, enum access_verdict kind)
{
	static const char *const whats[] = {
		[ACCESS_NO_HOST] = "requests without a valid Host",
		[ACCESS_BAD_HOST] = "requests for other hosts",
		[ACCESS_BAD_ORIGIN] = "web pages of other origins",
	};

	if (g->logs[kind].hidden)
		diag(g->diag, DIAG_WARN,
		     "refused %" PRIu64 " more %s within a second",
		     g->logs[kind].hidden, whats[kind]);
}

void gate_tell(struct gate *g)
{
	int64_t now = clock_mono_ms();

	for (int i = ACCESS_NO_HOST; i <= ACCESS_BAD_ORIGIN; i++) {
		if (now - g->logs[i].began < LOG_MS)
			continue;
		tell_hidden(g, (enum access_verdict)i);
		g->logs[i] = (struct gate_log){.began = now};
	}
}

/* Counts a refusal; whether it has a line of its own. */
static bool is_logged(struct gate *g, enum access_verdict kind)
{
	struct gate_log *log = &g->logs[kind];

	g->counters->refused[kind == ACCESS_BAD_ORIGIN ? REFUSED_ORIGIN
						       : REFUSED_HOST]++;
	gate_tell(g);
	if (log->shown < LOG_LINES) {
		log->shown++;
		return true;
	}
	log->hidden++;
	return false;
}

/*
 * What is no valid header for a line of the log: all that could end its quotes,
 * or mean something to a terminal or to a shell, as \x27.
 */
static const char *escaped(char out[4 * SHOWN_MAX + 1], const char *text)
{
	char *end = out;

	for (int i = 0; text[i] && i < SHOWN_MAX; i++)
		if (text[i] >= ' ' && text[i] < 0x7f &&
		    !strchr("'\"\\`$", text[i]))
			*end++ = text[i];
		else
			end += sprintf(end, "\\x%02x", (unsigned char)text[i]);
	*end = '\0';
	return out;
}

/*
 * Logs a refusal. The option that allows it is for pasting: it is named only
 * where the value can be one, and then means nothing to a shell.
 */
static void log_refusal(const struct gate *g, const char *what,
			const struct header *h, bool valid, const char *option)
{
	char shown[4 * SHOWN_MAX + 1];

	if (h->too_long)
		diag(g->diag, DIAG_WARN, "refused %s of more than %d bytes",
		     what, HEADER_MAX - 1);
	else if (valid)
		diag(g->diag, DIAG_WARN, "refused %s '%s'%s '%s'", what,
		     h->text, option, h->text);
	else
		diag(g->diag, DIAG_WARN, "refused %s '%s', which is none", what,
		     escaped(shown, h->text));
}

static void log_verdict(struct gate *g, enum access_verdict verdict,
			const struct header *host, const struct header *origin)
{
	if (!is_logged(g, verdict))
		return;
	if (verdict == ACCESS_BAD_ORIGIN)
		log_refusal(g, "a web page of origin", origin,
			    access_origin_valid(origin->text),
			    "; to allow it: --origin");
	else if (host->present)
		log_refusal(g, "a request for host", host,
			    access_host_valid(host->text),
			    "; if that is this server: --host");
	else
		diag(g->diag, DIAG_WARN, "refused a request without a Host");
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
		return 0;
	log_verdict(g, verdict, &host, &origin);
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
	return -1;
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

static int refuse(struct reply *refusal, unsigned status, const char *code,
		  const char *message)
{
	reply_error(refusal, status, code, "%s", message);
	return -1;
}

int gate_upgrade(struct gate *g, struct lws *wsi, struct reply *refusal)
{
	struct header upgrade, version, path, offered;

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
		refusal->extra = "Sec-WebSocket-Version: 13\r\n";
		return -1;
	}
	if (offered.present && !offers_ours(offered.text))
		return refuse(refusal, 400, "BAD_REQUEST",
			      "subprotocols are " PROTO_V1 ", " PROTO_V1_BULK
			      ", or none");
	return 0;
}

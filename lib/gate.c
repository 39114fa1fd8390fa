/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include "proto.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_MAX 512

struct header {
	bool present;
	bool too_long;
	char text[HEADER_MAX];
};

static void read_header(struct lws *wsi, enum lws_token_indexes token,
			struct header *h)
{
	int n = lws_hdr_copy(wsi, h->text, sizeof(h->text), token);

	h->present = lws_hdr_total_length(wsi, token) > 0;
	h->too_long = h->present && n <= 0;
	if (n <= 0)
		h->text[0] = '\0';
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

/* Host and Origin, the same on every path. 0, or -1 after an answer. */
static int judge(struct gate *g, struct lws *wsi)
{
	struct header host, origin;

	read_header(wsi, WSI_TOKEN_HOST, &host);
	read_header(wsi, WSI_TOKEN_ORIGIN, &origin);
	switch (access_judge(&g->access, host.present ? host.text : NULL,
			     origin.present ? origin.text : NULL)) {
	case ACCESS_ALLOWED:
		return 0;
	case ACCESS_NO_HOST:
		diag(g->diag, DIAG_WARN, "refused a request without a Host");
		g->refused++;
		return answer(wsi, 400, "", "No Host, or not a valid one.\n");
	case ACCESS_BAD_HOST:
		diag(g->diag, DIAG_WARN,
		     "refused a request for host '%.200s'; if that is this "
		     "server: --host '%.200s'",
		     host.text, host.text);
		g->refused++;
		return answer(wsi, 403, "", "This host is not served here.\n");
	case ACCESS_BAD_ORIGIN:
		diag(g->diag, DIAG_WARN,
		     "refused a web page of origin '%.200s'; to allow it: "
		     "--origin '%.200s'",
		     origin.text, origin.text);
		g->refused++;
		return answer(wsi, 403, "",
			      "Pages of this origin are not allowed.\n");
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

/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "num.h"
#include "proto.h"

#include <string.h>
#include <strings.h>

/* What lws says, which is for its authors, and what it means. */
static const struct {
	const char *lws; /* the beginning of it */
	const char *meaning;
} handshake_faults[] = {
	{"HS: Accept hash wrong", "its Sec-WebSocket-Accept is wrong"},
	{"HS: ACCEPT missing", "it has no Sec-WebSocket-Accept"},
	{"HS: U", "its Upgrade is not to websocket"},
	{"HS: PROTOCOL", "it chose a subprotocol that was not offered"},
	{"HS: Cannot match", "it chose a subprotocol that was not offered"},
	{"HS: EXT", "it chose an extension that was not offered"},
};

static const char *handshake_fault(const struct conn *conn)
{
	size_t n = sizeof(handshake_faults) / sizeof(*handshake_faults);

	for (size_t i = 0; i < n; i++)
		if (strncmp(conn->trouble, handshake_faults[i].lws,
			    strlen(handshake_faults[i].lws)) == 0)
			return handshake_faults[i].meaning;
	return "it lacks what RFC 6455 asks for";
}

/* lws saw the end of the connection, or a reset, before an HTTP answer. */
static bool hung_up(const struct conn *conn)
{
	return !*conn->trouble || strcmp(conn->trouble, "read failed") == 0 ||
	       strncasecmp(conn->trouble, "closed before", 13) == 0;
}

/*
 * What TLS has to say of it; NULL: nothing. A server can end the connection for
 * its sake after the handshake, too: when it wants a certificate of the client.
 */
static const char *tls_fault(const struct conn *conn)
{
	if (!conn->trust || conn->stage > CONN_ASKED)
		return NULL;
	return trust_why(conn->trust, conn->stage == CONN_CONNECTED);
}

void verdict_not_open(struct failure *f, const struct verdict_case *v)
{
	const struct conn *conn = v->conn;

	const char *why = tls_fault(conn);

	if (conn->stage == CONN_ANSWERED && conn->status != 101)
		failure_answer(f, v->text, conn->status, conn->phrase,
			       conn->body, conn_token(conn));
	else if (conn->stage == CONN_ANSWERED)
		failure_connect(f, v->text, true,
				"the server's WebSocket handshake is wrong: %s",
				handshake_fault(conn));
	else if (why)
		failure_connect(f, v->text, false, "%s", why);
	else if (hung_up(conn))
		failure_connect(f, v->text, false,
				"the server closed the connection without an "
				"answer: perhaps it is full, or no WebSocket "
				"server");
	else
		failure_connect(f, v->text, false,
				"what listens there does not answer as a "
				"WebSocket server does");
}

void verdict_gone(struct failure *f, const struct verdict_case *v)
{
	const struct conn *conn = v->conn;

	if (!conn->closing)
		failure_close(f, v->text, conn->close_code, conn->close_reason,
			      conn_token(conn));
	else if (conn->close_with == PROTO_CLOSE_TOO_BIG)
		failure_lost(f, v->text,
			     "the server sent a message above %zu "
			     "bytes",
			     conn->message_max);
	else
		failure_lost(f, v->text, "the server sent a binary message");
	f->final = f->final || conn->closing;
}

void verdict_timeout(struct failure *f, const struct verdict_case *v,
		     bool resolving, uint64_t ms)
{
	const char *what = "the server does not answer the request for a "
			   "WebSocket";
	char time[NUM_TEXT_MAX];

	if (resolving)
		what = "the name server does not answer";
	else if (v->conn->stage == CONN_OPEN)
		what = "the server sent no WELCOME";
	else if (v->conn->stage <= CONN_CONNECTING)
		what = "nothing answers at this host and port";
	else if (v->conn->stage == CONN_CONNECTED && v->url->tls)
		what = "the TLS handshake does not end";
	failure_connect(f, v->text, false, "timed out after %s: %s",
			num_show_duration(time, ms), what);
}

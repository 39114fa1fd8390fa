/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "num.h"
#include "proto.h"

static const char *said(const struct conn *conn, const char *otherwise)
{
	return *conn->trouble ? conn->trouble : otherwise;
}

void verdict_not_open(struct failure *f, const struct verdict_case *v)
{
	const struct conn *conn = v->conn;

	if (conn->stage == CONN_ANSWERED && conn->status != 101)
		failure_answer(f, v->text, conn->status, conn->phrase,
			       conn->body);
	else if (conn->stage == CONN_ANSWERED)
		failure_connect(f, v->text, true,
				"the server's WebSocket handshake is wrong: %s",
				said(conn, "it does not say what"));
	else if (conn->stage == CONN_CONNECTED && v->url->tls)
		failure_connect(f, v->text, false,
				"the TLS handshake failed, perhaps for the "
				"server's certificate; -v tells more (%s)",
				said(conn, "the server hung up"));
	else
		failure_connect(f, v->text, false,
				"what listens there does not answer as a "
				"WebSocket server does (%s)",
				said(conn, "it hung up"));
}

void verdict_gone(struct failure *f, const struct verdict_case *v)
{
	const struct conn *conn = v->conn;

	if (!conn->closing)
		failure_close(f, v->text, conn->close_code, conn->close_reason);
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

/* SPDX-License-Identifier: MIT */
/*
 * echoclient - plays the client in a WebSocket conformance suite, on the
 * connection that wssub and wspub use (lib/conn.c).
 *
 *   echoclient URL AGENT
 *
 * URL is ws://HOST:PORT with a numeric host. The suite is asked how many cases
 * there are, at /getCaseCount; then each is run, at
 * /runCase?case=N&agent=AGENT: every message comes back as it is, until the
 * connection ends. In the end /updateReports?agent=AGENT has the suite write
 * down what it saw. What was right is for the suite to say. Exits 0 when it
 * came so far, 3 when there was no WebSocket to be had, 1 when there are no
 * cases.
 *
 * Text that is not UTF-8 is closed with 1007, when its message is whole.
 */
#include "conn.h"
#include "list.h"
#include "num.h"
#include "proto.h"
#include "utf8.h"
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Suites go up to 16 MiB. */
#define MESSAGE_MAX (64 << 20)

/* A message that waits for those before it. */
struct waiting {
	struct list list;
	struct buf bytes;
	bool binary;
};

struct tester {
	struct loop loop;
	struct log log;
	struct conn conn;
	struct url url;
	const char *text;  /* the URL as given */
	const char *agent; /* borrowed */
	uv_timer_t next;   /* fires at once: the next connection */
	struct list waiting;
	uint64_t cases;
	uint64_t at; /* 0: /getCaseCount; beyond cases: /updateReports */
	enum exits status;
};

/* What the WebSocket at hand is about. */
static void set_path(struct tester *t)
{
	char *path = t->url.path;
	size_t room = sizeof(t->url.path);

	if (t->at == 0)
		snprintf(path, room, "/getCaseCount");
	else if (t->at <= t->cases)
		snprintf(path, room, "/runCase?case=%llu&agent=%s",
			 (unsigned long long)t->at, t->agent);
	else
		snprintf(path, room, "/updateReports?agent=%s", t->agent);
}

static void finish(struct tester *t, enum exits status)
{
	t->status = status;
	loop_stop(&t->loop);
}

static void no_connection(struct tester *t)
{
	struct verdict_case v = {t->text, &t->url, &t->conn};
	struct failure failure;

	verdict_not_open(&failure, &v);
	diag(&t->log.diag, DIAG_ERROR, "%s: %s", t->url.path, failure.text);
	finish(t, EXIT_CONNECTION);
}

static void connect_next(uv_timer_t *timer)
{
	struct tester *t = timer->data;

	set_path(t);
	if (conn_start(&t->conn, &t->loop, &t->url, t->url.host, NULL) < 0)
		no_connection(t);
}

/* Sending back */

static void send_back(struct tester *t, struct waiting *w)
{
	if (w->binary)
		conn_send_binary(&t->conn, &w->bytes);
	else
		conn_send(&t->conn, &w->bytes);
}

static void drop(struct waiting *w)
{
	list_remove(&w->list);
	buf_release(&w->bytes);
	free(w);
}

static void on_writable(void *user)
{
	struct tester *t = user;
	struct waiting *w;

	if (list_empty(&t->waiting))
		return;
	w = list_entry(t->waiting.next, struct waiting, list);
	send_back(t, w);
	drop(w);
}

static void echo(struct tester *t, const char *bytes, size_t len, bool binary)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w) {
		conn_kill(&t->conn);
		return;
	}
	w->binary = binary;
	buf_append(&w->bytes, bytes, len);
	list_init(&w->list);
	list_append(&t->waiting, &w->list);
	/* Not at once: suites look for the pongs of earlier pings before. */
	if (!t->conn.sending)
		conn_want_writable(&t->conn);
}

/* Receiving */

static void count_cases(struct tester *t, const char *text, size_t len)
{
	if (num_parse_u64(text, len, &t->cases) < 0)
		diag(&t->log.diag, DIAG_ERROR, "not a number of cases: '%.*s'",
		     (int)len, text);
}

static void on_message(void *user, const char *text, size_t len)
{
	struct tester *t = user;

	if (t->at == 0)
		count_cases(t, text, len);
	else if (utf8_valid(text, len))
		echo(t, text, len, false);
	else
		conn_close(&t->conn, PROTO_CLOSE_BAD_TEXT);
}

static void on_binary(void *user, const char *bytes, size_t len)
{
	echo(user, bytes, len, true);
}

static void on_gone(void *user)
{
	struct tester *t = user;

	list_for_each_safe (node, &t->waiting)
		drop(list_entry(node, struct waiting, list));
	if (t->conn.stage != CONN_OPEN) {
		no_connection(t);
	} else if (t->cases == 0) {
		diag(&t->log.diag, DIAG_ERROR, "there are no cases");
		finish(t, EXIT_OTHER);
	} else if (t->at > t->cases) {
		finish(t, EXIT_DONE);
	} else {
		t->at++;
		uv_timer_start(&t->next, connect_next, 0, 0);
	}
}

static void on_open(void *user)
{
	(void)user;
}

static const struct conn_events events = {
	.open = on_open,
	.message = on_message,
	.binary = on_binary,
	.writable = on_writable,
	.gone = on_gone,
};

static enum exits run(struct tester *t, const struct diag *d)
{
	static const struct lws_protocols protocols[] = {CONN_PROTOCOL, {0}};

	log_init(&t->log, d, LOG_TEXT);
	if (loop_init(&t->loop, &t->log, protocols, 0, NULL) < 0)
		return EXIT_OTHER;
	conn_init(&t->conn, &t->loop, &events, t, MESSAGE_MAX);
	list_init(&t->waiting);
	uv_timer_init(&t->loop.uv, &t->next);
	t->next.data = t;
	uv_timer_start(&t->next, connect_next, 0, 0);
	loop_run(&t->loop);
	uv_close((uv_handle_t *)&t->next, NULL);
	conn_release(&t->conn, NULL, NULL);
	loop_release(&t->loop);
	return t->status;
}

int main(int argc, char **argv)
{
	static const struct diag diag_to = {"echoclient", DIAG_WARN};
	struct tester t;
	const char *why;

	memset(&t, 0, sizeof(t));
	if (argc != 3) {
		fprintf(stderr, "usage: echoclient URL AGENT\n");
		return EXIT_USAGE;
	}
	t.text = argv[1];
	t.agent = argv[2];
	if (url_parse(&t.url, t.text, &why) < 0) {
		diag(&diag_to, DIAG_ERROR, "'%s': %s", t.text, why);
		return EXIT_USAGE;
	}
	return (int)run(&t, &diag_to);
}

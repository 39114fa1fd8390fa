/* SPDX-License-Identifier: MIT */
#include "dial.h"

#include "verdict.h"

#include <netdb.h>
#include <string.h>

/* For TCP to say something; far networks need some hundred ms. */
#define SHARE_MS 2000

static struct verdict_case the_case(const struct dial *d)
{
	return (struct verdict_case){d->text, d->url, d->conn};
}

static void forget_addresses(struct dial *d)
{
	uv_freeaddrinfo(d->found);
	d->found = d->at = NULL;
}

static void finish(struct dial *d)
{
	d->step = DIAL_IDLE;
	uv_timer_stop(&d->timer);
	forget_addresses(d);
}

static void fail(struct dial *d)
{
	finish(d);
	d->failed(d->user);
}

/* Time */

static void timer_rang(uv_timer_t *timer);

static uint64_t time_left(const struct dial *d)
{
	uint64_t now = uv_now(&d->loop->uv);

	return now < d->deadline ? d->deadline - now : 0;
}

static bool has_other(const struct dial *d)
{
	return d->at && d->at->ai_next;
}

/* While there are other addresses, one gets not more than SHARE_MS. */
static uint64_t time_for_this(const struct dial *d)
{
	uint64_t left = time_left(d);

	return has_other(d) && left > SHARE_MS ? SHARE_MS : left;
}

static void set_timer(struct dial *d, uint64_t ms)
{
	uv_timer_start(&d->timer, timer_rang, ms, 0);
}

/* Addresses */

/* In the next turn: lws may be in the middle of closing the last one. */
static void try_next(struct dial *d)
{
	if (d->at)
		d->at = d->at->ai_next;
	if (!d->at || !time_left(d)) {
		fail(d);
		return;
	}
	d->step = DIAL_NEXT;
	set_timer(d, 0);
}

static void probed(void *user, int error)
{
	struct dial *d = user;

	if (d->step == DIAL_GIVING_UP)
		fail(d);
	if (d->step != DIAL_PROBING)
		return;
	if (error)
		failure_connect(&d->failure, d->text, false, "%s",
				uv_strerror(error));
	try_next(d);
}

/* lws could not connect: ask the kernel why. */
static void ask_why(struct dial *d)
{
	int error;

	failure_connect(&d->failure, d->text, false, "%s",
			*d->conn->trouble ? d->conn->trouble
					  : "no connection came about");
	d->step = DIAL_PROBING;
	error = probe_start(&d->probe, &d->loop->uv,
			    d->url->local ? d->url->host : NULL,
			    d->at ? d->at->ai_addr : NULL, probed, d);
	if (error)
		probed(d, error);
}

static void connect_now(struct dial *d)
{
	char numeric[NI_MAXHOST];
	const char *address = d->local;

	d->step = DIAL_CONNECTING;
	set_timer(d, time_for_this(d));
	if (d->at) {
		getnameinfo(d->at->ai_addr, d->at->ai_addrlen, numeric,
			    sizeof(numeric), NULL, 0, NI_NUMERICHOST);
		address = numeric;
	}
	if (conn_start(d->conn, d->loop, d->url, address, d->offer) < 0)
		ask_why(d);
}

static void resolved(void *user, struct addrinfo *found, const char *why)
{
	struct dial *d = user;

	d->lookup = NULL;
	if (!found) {
		failure_connect(&d->failure, d->text, false,
				"cannot resolve '%s': %s", d->url->host, why);
		fail(d);
		return;
	}
	d->found = d->at = found;
	connect_now(d);
}

static void timed_out(struct dial *d)
{
	dial_explain(d, &d->failure, d->ms);
	if (d->step == DIAL_RESOLVING) {
		resolve_cancel(d->lookup);
		d->lookup = NULL;
		fail(d);
	} else if (d->step == DIAL_PROBING) {
		d->step = DIAL_GIVING_UP;
		probe_cancel(&d->probe);
	} else {
		/* Who did answer is the one to wait for. */
		d->step = has_other(d) && d->conn->stage == CONN_CONNECTING
				  ? DIAL_LEAVING
				  : DIAL_GIVING_UP;
		conn_kill(d->conn);
	}
}

static void timer_rang(uv_timer_t *timer)
{
	struct dial *d = timer->data;

	if (d->step == DIAL_NEXT)
		connect_now(d);
	else if (d->step == DIAL_CONNECTING &&
		 d->conn->stage != CONN_CONNECTING && time_left(d))
		set_timer(d, time_left(d));
	else
		timed_out(d);
}

/* The interface */

int dial_init(struct dial *d, struct loop *loop, struct conn *conn,
	      const char *text, const struct url *url, const char *offer,
	      void (*failed)(void *user), void *user)
{
	memset(d, 0, sizeof(*d));
	d->loop = loop;
	d->conn = conn;
	d->text = text;
	d->url = url;
	d->offer = offer;
	d->failed = failed;
	d->user = user;
	if (url->local) {
		if (strlen(url->host) >= sizeof(d->local) - 1)
			return -1;
		d->local[0] = '+';
		strcpy(d->local + 1, url->host);
	}
	uv_timer_init(&loop->uv, &d->timer);
	d->timer.data = d;
	return 0;
}

void dial_start(struct dial *d, uint64_t ms)
{
	const char *why;

	d->ms = ms;
	d->deadline = uv_now(&d->loop->uv) + ms;
	if (d->url->local) {
		connect_now(d);
		return;
	}
	d->step = DIAL_RESOLVING;
	set_timer(d, ms);
	d->lookup = resolve_start(&d->loop->uv, d->url->host, d->url->port,
				  resolved, d, &why);
	if (!d->lookup)
		resolved(d, NULL, why);
}

void dial_opened(struct dial *d)
{
	finish(d);
}

void dial_gone(struct dial *d)
{
	struct verdict_case v = the_case(d);

	if (d->step == DIAL_LEAVING) {
		try_next(d);
	} else if (d->step == DIAL_GIVING_UP) {
		fail(d);
	} else if (d->conn->stage == CONN_CONNECTING) {
		ask_why(d);
	} else {
		verdict_not_open(&d->failure, &v);
		fail(d);
	}
}

void dial_explain(struct dial *d, struct failure *f, uint64_t ms)
{
	struct verdict_case v = the_case(d);

	verdict_timeout(f, &v, d->step == DIAL_RESOLVING, ms);
}

void dial_stop(struct dial *d)
{
	if (d->lookup)
		resolve_cancel(d->lookup);
	d->lookup = NULL;
	finish(d);
	if (d->probe.busy)
		probe_cancel(&d->probe);
}

bool dial_stopped(const struct dial *d)
{
	return d->step == DIAL_IDLE && !d->probe.busy;
}

void dial_release(struct dial *d, uv_close_cb closed, void *data)
{
	d->timer.data = data;
	uv_close((uv_handle_t *)&d->timer, closed);
}

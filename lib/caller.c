/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Of a tick that comes later than this the server did not run (stopped, or
 * starved) in the rest: that is nobody's fault, and is not counted.
 */
#define LATE_MS (2 * WHEEL_TICK_MS)

/* What lws has said to a peer over TLS may take so long to leave. */
#define LEAVE_MS 5000

/*
 * When the wall clock has gone on by so much more than the wheel (the server
 * did not run, or the clock was set), what is due by that clock is looked at.
 */
#define JUMP_MS 500

/* When one that was refused may come again. */
#define RETRY_MS 10000

static void on_timer(struct wheel_timer *timer)
{
	struct caller *c = list_entry(timer, struct caller, timer);

	if (c->wsi && c->peer)
		c->all->peer_due(c->peer);
	else if (!c->wsi && c->exchange)
		c->all->exchange_due(c->exchange);
	else if (!c->wsi)
		caller_kill(c);
}

static void watch_clocks(struct callers *all)
{
	int64_t ahead = all->hub->now.wall_ms - all->wheel.now_ms;

	if (ahead < all->ahead_ms)
		all->ahead_ms = ahead;
	if (ahead - all->ahead_ms <= JUMP_MS)
		return;
	all->ahead_ms = ahead;
	if (all->jumped)
		all->jumped(all->user);
}

void callers_tell_time(struct callers *all)
{
	uint64_t now = uv_now(&all->loop->uv);

	if (now == all->turn_ms)
		return;
	all->turn_ms = now;
	hub_set_time(all->hub, (int64_t)now, clock_wall_ms());
	watch_clocks(all);
}

static void on_tick(uv_timer_t *timer)
{
	struct callers *all = timer->data;
	uint64_t now = uv_now(timer->loop);
	uint64_t passed = now - all->ticked;

	callers_tell_time(all);
	all->ticked = now;
	wheel_advance(&all->wheel,
		      (int64_t)(passed < LATE_MS ? passed : LATE_MS), on_timer);
}

/* Of tunnels */

static void on_arrived(void *user)
{
	struct caller *c = user;

	if (c->wsi && c->peer)
		c->all->peer_arrived(c->peer);
}

static void on_writable(void *user)
{
	struct caller *c = user;

	if (c->wsi && c->peer)
		c->all->peer_writable(c->peer);
}

static void on_let_go(void *user)
{
	struct caller *c = user;

	c->all->hub->counters.refused[REFUSED_MEMORY]++;
}

static void on_over(void *user)
{
	caller_free(user);
}

static const struct tunnel_ops tunnel_ops = {
	.arrived = on_arrived,
	.writable = on_writable,
	.let_go = on_let_go,
	.over = on_over,
};

int callers_init(struct callers *all, struct loop *loop, struct hub *hub,
		 struct log *log, const struct admission_limits *limits,
		 const struct caller_times *times,
		 const struct certificate *certificate)
{
	memset(all, 0, sizeof(*all));
	if (admission_init(&all->admission, limits) < 0)
		return -1;
	if (certificate && tunnels_init(&all->tunnels, &loop->uv, &hub->meter,
					&tunnel_ops) < 0) {
		admission_release(&all->admission);
		return -1;
	}
	all->certificate = certificate;
	wheel_init(&all->wheel);
	all->ahead_ms = INT64_MAX;
	all->times = *times;
	all->loop = loop;
	all->hub = hub;
	all->log = log;
	all->ticked = uv_now(&loop->uv);
	all->tick.data = all;
	uv_timer_init(&loop->uv, &all->tick);
	uv_timer_start(&all->tick, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
	return 0;
}

void callers_close(struct callers *all)
{
	if (all->certificate)
		tunnels_close(&all->tunnels);
	uv_close((uv_handle_t *)&all->tick, NULL);
}

void callers_reap(struct callers *all)
{
	if (all->certificate)
		tunnels_reap(&all->tunnels);
}

void callers_release(struct callers *all)
{
	callers_reap(all);
	admission_release(&all->admission);
}

/*
 * Says why, in HTTP, as every client of ours begins with it. What has come of
 * the request is read first: closing with unread bytes would reset the
 * connection, and the answer with it.
 */
static void answer_refused(const struct callers *all, struct wire *wire,
			   unsigned status, const char *message)
{
	struct reply r;
	struct buf out;
	char request[4096];
	ssize_t n = wire_recv(wire, request, sizeof(request));

	reply_fault(&r, status, PROTO_OVER_CAPACITY, "%s", message);
	reply_retry(&r, RETRY_MS);
	buf_init(&out);
	reply_put(&out, &r, NULL, false, all->hub->now.wall_ms);
	if (!out.failed && (n >= 0 || errno == EAGAIN))
		wire_send(wire, buf_bytes(&out), buf_len(&out), false);
	buf_release(&out);
	wire_part(wire);
	wire_finish(wire);
}

/*
 * Shaking hands costs more than the connection is worth, so who expects TLS is
 * told no more than that it is not their fault: the alert internal_error (RFC
 * 8446 section 6.2), in a record as one can be before there is a version.
 */
static void alert_refused(struct wire *wire)
{
	static const char alert[] = {21, 3, 1, 0, 2, 2, 80};
	char hello[4096];

	wire_recv(wire, hello, sizeof(hello));
	wire_send(wire, alert, sizeof(alert), false);
	wire_finish(wire);
}

static void log_refused(struct callers *all, const struct netaddr *from,
			enum admission_verdict verdict)
{
	const struct admission_limits *limits = &all->admission.limits;
	char address[NETADDR_TEXT_MAX], host[NETADDR_TEXT_MAX];
	struct log_subject subject = {
		.address = netaddr_show_host(from, host),
	};

	netaddr_show(from, address);
	if (verdict == ADMISSION_ADDRESS_FULL)
		log_event(all->log, LOG_CONNECTION_REFUSED, &subject,
			  "refused a connection from %s: %" PRIu64 " are as "
			  "many as one address may have (--max-per-address)",
			  address, limits->per_address);
	else if (verdict == ADMISSION_FULL)
		log_event(all->log, LOG_CONNECTION_REFUSED, &subject,
			  "refused a connection from %s: %" PRIu64 " are as "
			  "many as --max-connections or the limit of "
			  "descriptors (ulimit -n) allows",
			  address, limits->connections);
	else
		log_event(all->log, LOG_CONNECTION_REFUSED, &subject,
			  "refused a connection from %s: out of memory",
			  address);
}

static const struct refusal_of {
	enum counters_refusal counter;
	unsigned status;
	const char *message;
} refusals[] = {
	[ADMISSION_FULL] = {REFUSED_CONNECTIONS, 503,
			    "the server has too many connections"},
	[ADMISSION_ADDRESS_FULL] = {REFUSED_ADDRESS, 429,
				    "too many connections from this address"},
	[ADMISSION_NO_MEMORY] = {REFUSED_MEMORY, 503,
				 "the server has too little memory"},
};

/* Who still has to shake hands can be told by TLS alone. */
static void refuse(struct callers *all, struct wire *wire, bool before_tls,
		   const struct netaddr *from, enum admission_verdict verdict)
{
	const struct refusal_of *r = &refusals[verdict];

	log_refused(all, from, verdict);
	all->hub->counters.refused[r->counter]++;
	if (before_tls)
		alert_refused(wire);
	else
		answer_refused(all, wire, r->status, r->message);
	wire_close(wire);
}

int caller_locate(struct caller *c, const struct netaddr *from,
		  struct reply *refusal)
{
	enum admission_verdict verdict =
		admission_locate(&c->all->admission, &c->admission, from);
	const struct refusal_of *r = &refusals[verdict];

	c->address = *from;
	if (verdict == ADMITTED)
		return 0;
	log_refused(c->all, from, verdict);
	c->all->hub->counters.refused[r->counter]++;
	reply_fault(refusal, r->status, PROTO_OVER_CAPACITY, "%s", r->message);
	reply_retry(refusal, RETRY_MS);
	refusal->logged = true;
	return -1;
}

/* Whoever is half open for longest makes room. */
static void drop_excess(struct callers *all)
{
	struct admission_entry *entry;

	while ((entry = admission_excess(&all->admission))) {
		all->hub->counters.refused[REFUSED_HANDSHAKES]++;
		caller_kill(list_entry(entry, struct caller, admission));
	}
}

static struct caller *add(struct callers *all, const struct netaddr *from)
{
	struct caller *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->all = all;
	c->address = *from;
	wheel_timer_init(&c->timer);
	return c;
}

struct caller *caller_accept(struct callers *all, int fd,
			     const struct netaddr *from)
{
	enum admission_verdict verdict = ADMISSION_NO_MEMORY;
	bool proxy = forwarded_is_proxy(&all->proxies, from);
	struct caller *c = add(all, from);
	struct wire wire;

	all->hub->counters.accepted++;
	if (c)
		verdict = admission_enter(&all->admission, &c->admission,
					  proxy ? NULL : from);
	if (verdict != ADMITTED) {
		free(c);
		wire_init(&wire, fd);
		refuse(all, &wire, callers_expect_tls(all, from), from,
		       verdict);
		return NULL;
	}
	drop_excess(all);
	wheel_set(&all->wheel, &c->timer, (int64_t)all->times.handshake);
	return c;
}

/* What lws gets to watch, read and write; -1: out of memory. */
static int lws_end(struct caller *c, struct wire *wire)
{
	int fd = wire->fd;

	if (loop_reserve(c->all->loop) < 0)
		return -1;
	if (!wire->tls)
		return fd;
	c->tunnel = tunnel_new(&c->all->tunnels, wire, c, &fd);
	return c->tunnel ? fd : -1;
}

/*
 * lws knows of the caller only once the connection is a WebSocket, which it is
 * when this call of it returns. One that fails before, for want of memory, lws
 * ends on its own, and perhaps without a word.
 */
void caller_adopt(struct caller *c, struct wire *wire,
		  const struct buf *handshake, struct grant *grant)
{
	struct callers *all = c->all;
	int fd = lws_end(c, wire);
	struct lws *wsi;

	if (fd < 0) {
		grant_free(grant);
		refuse(all, wire, false, &c->address, ADMISSION_NO_MEMORY);
		caller_free(c);
		return;
	}
	all->adopting = c;
	all->grant = grant;
	wsi = lws_adopt_socket_vhost_readbuf(
		lws_get_vhost_by_name(all->loop->lws, "default"), fd,
		buf_bytes(handshake), buf_len(handshake));
	grant_free(all->grant);
	all->grant = NULL;
	if (!all->adopting)
		return; /* it has ended */
	all->adopting = NULL;
	if (c->wsi) {
		if (c->tunnel)
			tunnel_begin(c->tunnel);
		return;
	}
	caller_free(c);
	if (wsi)
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE,
				LWS_TO_KILL_SYNC);
}

struct caller *caller_of(struct lws *wsi)
{
	return lws_get_opaque_user_data(wsi);
}

struct caller *caller_upgraded(struct callers *all, struct lws *wsi,
			       struct grant **grant)
{
	struct caller *c = all->adopting;

	*grant = all->grant;
	all->grant = NULL;
	if (!c)
		return NULL;
	c->wsi = wsi;
	lws_set_opaque_user_data(wsi, c);
	return c;
}

void caller_established(struct caller *c)
{
	admission_established(&c->all->admission, &c->admission);
}

void caller_free(struct caller *c)
{
	if (c->all->adopting == c)
		c->all->adopting = NULL;
	admission_leave(&c->all->admission, &c->admission);
	wheel_stop(&c->timer);
	if (c->tunnel)
		tunnel_free(c->tunnel);
	free(c);
}

/* It counts until all has left, as it has a descriptor until then. */
void caller_left(struct caller *c)
{
	if (c->all->adopting == c)
		c->all->adopting = NULL;
	c->wsi = NULL;
	c->exchange = NULL;
	if (c->tunnel && tunnel_leave(c->tunnel))
		wheel_set(&c->all->wheel, &c->timer, LEAVE_MS);
	else
		caller_free(c);
}

void caller_due_in(struct caller *c, int64_t ms)
{
	wheel_set_earlier(&c->all->wheel, &c->timer, ms);
}

/*
 * What the kernel still holds for it goes too: it has had its time. Without the
 * shutdown lws would wait for room to write what it holds itself.
 */
void caller_cut(struct caller *c)
{
	struct linger at_once = {1, 0};
	int fd;

	if (c->tunnel) {
		tunnel_cut(c->tunnel);
		return;
	}
	fd = lws_get_socket_fd(c->wsi);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	shutdown(fd, SHUT_RDWR);
}

/* lws is done with it only when libuv is, so it does not count from now on. */
void caller_kill(struct caller *c)
{
	if (!c->wsi && c->exchange) {
		c->all->exchange_kill(c->exchange);
		return;
	}
	caller_cut(c);
	if (!c->wsi) {
		caller_free(c);
		return;
	}
	caller_established(c);
	wheel_stop(&c->timer);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
			LWS_TO_KILL_SYNC);
}

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

/* When one that was refused may come again. */
#define RETRY_MS 10000

static void on_timer(struct wheel_timer *timer)
{
	struct caller *c = list_entry(timer, struct caller, timer);

	if (c->peer) {
		c->all->peer_due(c->peer);
		return;
	}
	if (c->exchange) {
		c->all->exchange_due(c->exchange);
		return;
	}
	c->all->hub->counters.refused[REFUSED_HANDSHAKE_TIME]++;
	caller_kill(c);
}

void callers_tell_time(struct callers *all)
{
	uint64_t now = uv_now(&all->loop->uv);

	if (now == all->turn_ms)
		return;
	all->turn_ms = now;
	hub_set_time(all->hub, (int64_t)now, clock_wall_ms());
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

int callers_init(struct callers *all, struct loop *loop, struct hub *hub,
		 struct log *log, const struct admission_limits *limits,
		 const struct caller_times *times,
		 void (*peer_due)(struct peer *p))
{
	memset(all, 0, sizeof(*all));
	if (admission_init(&all->admission, limits) < 0)
		return -1;
	wheel_init(&all->wheel);
	all->times = *times;
	all->loop = loop;
	all->hub = hub;
	all->log = log;
	all->peer_due = peer_due;
	all->ticked = uv_now(&loop->uv);
	all->tick.data = all;
	uv_timer_init(&loop->uv, &all->tick);
	uv_timer_start(&all->tick, on_tick, WHEEL_TICK_MS, WHEEL_TICK_MS);
	return 0;
}

void callers_close(struct callers *all)
{
	uv_close((uv_handle_t *)&all->tick, NULL);
}

void callers_release(struct callers *all)
{
	admission_release(&all->admission);
}

/*
 * Says why, in HTTP, as every client of ours begins with it. What has come of
 * the request is read first: closing with unread bytes would reset the
 * connection, and the answer with it.
 */
static void answer_refused(const struct callers *all, int fd, unsigned status,
			   const char *message)
{
	struct reply r;
	struct buf out;
	char request[4096];
	ssize_t n = recv(fd, request, sizeof(request), MSG_DONTWAIT);

	reply_fault(&r, status, PROTO_OVER_CAPACITY, "%s", message);
	reply_retry(&r, RETRY_MS);
	buf_init(&out);
	reply_put(&out, &r, NULL, false, all->hub->now.wall_ms);
	if (!out.failed && (n >= 0 || errno == EAGAIN))
		send(fd, buf_bytes(&out), buf_len(&out),
		     MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_release(&out);
	shutdown(fd, SHUT_WR);
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

static void refuse(struct callers *all, int fd, const struct netaddr *from,
		   enum admission_verdict verdict)
{
	const struct refusal_of *r = &refusals[verdict];

	log_refused(all, from, verdict);
	all->hub->counters.refused[r->counter]++;
	answer_refused(all, fd, r->status, r->message);
	close(fd);
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

	all->hub->counters.accepted++;
	if (c)
		verdict = admission_enter(&all->admission, &c->admission,
					  proxy ? NULL : from);
	if (verdict != ADMITTED) {
		free(c);
		refuse(all, fd, from, verdict);
		return NULL;
	}
	drop_excess(all);
	wheel_set(&all->wheel, &c->timer, (int64_t)all->times.handshake);
	return c;
}

/*
 * lws knows of the caller only once the connection is a WebSocket, which it is
 * when this call of it returns. One that fails before, for want of memory, lws
 * ends on its own, and perhaps without a word.
 */
void caller_adopt(struct caller *c, int fd, const struct buf *handshake,
		  struct grant *grant)
{
	struct callers *all = c->all;
	struct lws *wsi;

	if (loop_reserve(all->loop) < 0) {
		grant_free(grant);
		refuse(all, fd, &c->address, ADMISSION_NO_MEMORY);
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
	if (c->wsi)
		return;
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
	free(c);
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
	int fd = lws_get_socket_fd(c->wsi);

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	shutdown(fd, SHUT_RDWR);
}

/* lws is done with it only when libuv is, so it does not count from now on. */
void caller_kill(struct caller *c)
{
	if (c->exchange) {
		c->all->exchange_kill(c->exchange);
		return;
	}
	caller_cut(c);
	caller_established(c);
	wheel_stop(&c->timer);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
			LWS_TO_KILL_SYNC);
}

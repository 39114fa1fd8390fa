/* SPDX-License-Identifier: MIT */
#include "tunnel.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What the kernel holds for lws, about half of it being payload, and what of
 * lws: this is so little that one read takes all.
 */
#define TO_LWS (64 * 1024)
#define FROM_LWS (SECURE_RECORD / 4)

/*
 * A turn of the loop decrypts for so long, about; the sockets of those who had
 * no turn tell again.
 */
#define TURN_NS (2 * 1000 * 1000)

static void on_outside(struct waiter *w, uint32_t events);
static void on_inside(struct waiter *w, uint32_t events);

int tunnels_init(struct tunnels *all, uv_loop_t *loop, struct meter *meter,
		 const struct tunnel_ops *ops)
{
	all->meter = meter;
	all->ops = ops;
	list_init(&all->left);
	list_init(&all->ended);
	all->idle = 0;
	all->until_ns = 0;
	all->closed = false;
	if (waitset_init(&all->outside, loop, on_outside) < 0)
		return -1;
	if (waitset_init(&all->inside, loop, on_inside) == 0)
		return 0;
	waitset_close(&all->outside);
	return -1;
}

void tunnels_close(struct tunnels *all)
{
	all->closed = true;
	while (!list_empty(&all->left))
		all->ops->over(
			list_entry(all->left.next, struct tunnel, list)->user);
	waitset_close(&all->outside);
	waitset_close(&all->inside);
}

void tunnels_reap(struct tunnels *all)
{
	struct tunnel *t;

	all->until_ns = 0;
	while (!list_empty(&all->ended)) {
		t = list_entry(all->ended.next, struct tunnel, list);
		list_remove(&t->list);
		free(t);
	}
}

static void let_go(struct meter_holder *holder)
{
	struct tunnel *t = list_entry(holder, struct tunnel, holder);

	t->leaving = true;
	meter_leave(t->all->meter, holder, t->out_metered + t->in_metered);
	tunnel_cut(t);
	t->all->ops->let_go(t->user);
}

struct tunnel *tunnel_new(struct tunnels *all, struct wire *wire, void *user,
			  int *inner)
{
	struct tunnel *t = calloc(1, sizeof(*t));
	int to_lws = TO_LWS, from_lws = FROM_LWS, pair[2];

	if (!t ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       pair) < 0) {
		free(t);
		return NULL;
	}
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &to_lws, sizeof(to_lws));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &from_lws, sizeof(from_lws));
	t->all = all;
	t->user = user;
	t->inner = pair[0];
	*inner = pair[1];
	list_init(&t->list);
	meter_holder_init(&t->holder, let_go);
	wire_move(&t->wire, wire);
	return t;
}

static int keep(struct tunnel_bytes *b, const char *bytes, size_t len)
{
	b->base = malloc(len);
	if (!b->base)
		return -1;
	memcpy(b->base, bytes, len);
	b->at = 0;
	b->end = len;
	return 0;
}

static void drop(struct tunnel_bytes *b)
{
	free(b->base);
	*b = (struct tunnel_bytes){0};
}

/* So many bytes have gone. */
static void take_off(struct tunnel_bytes *b, size_t len)
{
	b->at += len;
	if (b->at == b->end)
		drop(b);
}

static bool has_ended(const struct tunnel *t)
{
	return t->wire.fd < 0;
}

/* What was taken for sending has to leave first. */
static bool busy(const struct tunnel *t)
{
	return t->rest.base || secure_waits(t->wire.tls);
}

void tunnel_free(struct tunnel *t)
{
	struct tunnels *all = t->all;

	waitset_watch(&all->outside, &t->outside, t->wire.fd, 0);
	waitset_watch(&all->inside, &t->inside, t->inner, 0);
	wire_close(&t->wire);
	close(t->inner);
	drop(&t->rest);
	drop(&t->input);
	all->idle -= t->idle;
	if (t->leaving)
		meter_left(all->meter, t->out_metered + t->in_metered);
	meter_hold(all->meter, &t->holder, METER_OUTPUT, &t->out_metered, 0);
	meter_hold(all->meter, &t->holder, METER_ASSEMBLY, &t->in_metered, 0);
	list_remove(&t->list);
	list_append(&all->ended, &t->list);
}

void tunnel_cut(struct tunnel *t)
{
	t->cut = true;
	waitset_watch(&t->all->outside, &t->outside, t->wire.fd, 0);
	waitset_watch(&t->all->inside, &t->inside, t->inner, 0);
	wire_abort(&t->wire);
	shutdown(t->wire.fd, SHUT_RDWR);
	shutdown(t->inner, SHUT_RDWR);
}

/* The owner counts the rest of a frame itself, until it has left. */
static size_t rest_held(const struct tunnel *t)
{
	return t->left ? t->rest.end : 0;
}

/* Counts what waits here; it may have to go. */
static void count_held(struct tunnel *t)
{
	struct meter *m = t->all->meter;
	size_t held = t->holder.bytes;

	if (t->leaving)
		return;
	meter_hold(m, &t->holder, METER_OUTPUT, &t->out_metered,
		   wire_waits(&t->wire) + rest_held(t));
	meter_hold(m, &t->holder, METER_ASSEMBLY, &t->in_metered,
		   wire_holds(&t->wire) + t->input.end);
	if (t->holder.bytes > held && !meter_yield(m, &t->holder))
		let_go(&t->holder);
}

/* Waiting */

static void watch_outside(struct tunnel *t)
{
	uint32_t events = 0;

	if (!t->peer_ended && !t->full)
		events |= EPOLLIN;
	if (busy(t) || t->wants)
		events |= EPOLLOUT;
	if (waitset_watch(&t->all->outside, &t->outside, t->wire.fd, events) <
	    0)
		tunnel_cut(t);
}

static void watch_inside(struct tunnel *t)
{
	uint32_t events = 0;

	if (!t->lws_ended && !busy(t))
		events |= EPOLLIN;
	if (t->full)
		events |= EPOLLOUT;
	if (waitset_watch(&t->all->inside, &t->inside, t->inner, events) < 0)
		tunnel_cut(t);
}

/* From lws to the peer */

/* Tells the peer the end, once all has left. */
static void say_end(struct tunnel *t)
{
	if (!t->lws_ended || t->said_end || busy(t))
		return;
	wire_part(&t->wire);
	if (busy(t))
		return; /* even that did not leave */
	t->said_end = true;
	wire_finish(&t->wire);
}

static void finish(struct tunnel *t)
{
	say_end(t);
	if (t->idle || !t->left || !t->said_end)
		return;
	t->idle = true;
	t->all->idle++;
}

static void take_from_lws(struct tunnel *t)
{
	ssize_t n;

	if (busy(t) || t->lws_ended)
		return;
	n = recv(t->inner, t->all->bytes, sizeof(t->all->bytes), MSG_DONTWAIT);
	if (n < 0 && wire_must_wait())
		return;
	if (n <= 0)
		t->lws_ended = true;
	else if (secure_send(t->wire.tls, t->all->bytes, (size_t)n, false) < 0)
		tunnel_cut(t);
}

/* From the peer to lws */

/* The peer's end is lws's, behind all that has come. */
static void hand_on_end(struct tunnel *t, bool broken)
{
	t->peer_ended = true;
	if (broken)
		tunnel_cut(t);
	else
		shutdown(t->inner, SHUT_WR);
}

/* Nobody is there to read it. As the next. */
static bool throw_away(struct tunnel *t)
{
	ssize_t n = wire_recv(&t->wire, t->all->bytes, sizeof(t->all->bytes));

	if (n < 0 && wire_must_wait())
		return false;
	if (n <= 0)
		hand_on_end(t, n < 0);
	return n > 0;
}

/* As far as lws's end takes it; the rest is kept. False: out of memory. */
static bool hand_on(struct tunnel *t, const char *bytes, size_t len)
{
	ssize_t taken = send(t->inner, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (taken < 0 && !wire_must_wait()) {
		t->deaf = true;
		return true;
	}
	if (taken < 0)
		taken = 0;
	t->full = (size_t)taken < len;
	return !t->full ||
	       keep(&t->input, bytes + taken, len - (size_t)taken) == 0;
}

/* False when there is no more for now. */
static bool carry(struct tunnel *t)
{
	char *bytes = t->all->bytes;
	ssize_t n = wire_recv(&t->wire, bytes, sizeof(t->all->bytes));

	if (n < 0 && wire_must_wait())
		return false;
	if (n <= 0)
		hand_on_end(t, n < 0);
	else if (!hand_on(t, bytes, (size_t)n))
		tunnel_cut(t);
	return n > 0 && !t->full && !t->cut;
}

/* What was kept for lws; false while some of it is left. */
static bool hand_on_input(struct tunnel *t)
{
	ssize_t n;

	if (!t->input.base)
		return true;
	n = send(t->inner, t->input.base + t->input.at,
		 t->input.end - t->input.at, MSG_NOSIGNAL | MSG_DONTWAIT);
	t->deaf = n < 0 && !wire_must_wait();
	if (t->deaf)
		drop(&t->input);
	else if (n > 0)
		take_off(&t->input, (size_t)n);
	t->full = t->input.base != NULL;
	return !t->full;
}

static void take_from_peer(struct tunnel *t)
{
	bool more = hand_on_input(t);

	while (more && !t->peer_ended)
		more = t->deaf || t->lws_ended ? throw_away(t) : carry(t);
	if (!t->left)
		t->all->ops->arrived(t->user);
}

/* Both */

/* All of it is done, or nothing more can be. */
static bool is_over(const struct tunnel *t)
{
	return t->cut || (t->said_end && t->peer_ended);
}

static void settle(struct tunnel *t)
{
	if (!t->cut) {
		finish(t);
		count_held(t);
	}
	if (!t->cut) {
		watch_outside(t);
		watch_inside(t);
	}
	if (t->left && is_over(t))
		t->all->ops->over(t->user);
}

/* Sends what was taken for that. */
static void flush(struct tunnel *t)
{
	ssize_t n = secure_turn(t->wire.tls);

	if (n == 0 && t->rest.base && !secure_waits(t->wire.tls)) {
		n = secure_send(t->wire.tls, t->rest.base + t->rest.at,
				t->rest.end - t->rest.at, false);
		if (n > 0)
			take_off(&t->rest, (size_t)n);
	}
	if (n < 0)
		tunnel_cut(t);
}

static bool time_is_up(struct tunnels *all)
{
	int64_t now = clock_mono_ns();

	if (!all->until_ns)
		all->until_ns = now + TURN_NS;
	return now > all->until_ns;
}

static void on_outside(struct waiter *w, uint32_t events)
{
	struct tunnel *t = list_entry(w, struct tunnel, outside);
	bool stuck;

	if (has_ended(t) || t->cut || time_is_up(t->all))
		return;
	stuck = t->wire.tls->reads_later;
	flush(t);
	if (!t->cut && (stuck || events & ~(uint32_t)EPOLLOUT))
		take_from_peer(t);
	if (!t->cut && t->wants && !busy(t)) {
		t->wants = false;
		take_from_lws(t);
		t->all->ops->writable(t->user);
	}
	if (!has_ended(t))
		settle(t);
}

static void on_inside(struct waiter *w, uint32_t events)
{
	struct tunnel *t = list_entry(w, struct tunnel, inside);

	if (has_ended(t) || t->cut)
		return;
	take_from_lws(t);
	if (!t->cut && t->full && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		t->full = false;
		flush(t);
		if (!t->cut)
			take_from_peer(t);
	}
	if (!has_ended(t))
		settle(t);
}

void tunnel_begin(struct tunnel *t)
{
	secure_turn(t->wire.tls);
	take_from_lws(t);
	if (!t->cut)
		take_from_peer(t);
	settle(t);
}

long tunnel_send(struct tunnel *t, const struct iovec *pieces, int count)
{
	ssize_t n;

	if (t->cut)
		return -1;
	if (t->rest.base)
		return 0;
	n = secure_sendv(t->wire.tls, pieces, count);
	if (n < 0) {
		tunnel_cut(t);
		return -1;
	}
	if (!secure_waits(t->wire.tls))
		return n;
	count_held(t);
	if (!t->cut)
		watch_outside(t);
	return t->cut ? -1 : n;
}

int tunnel_keep(struct tunnel *t, const char *bytes, size_t len)
{
	return keep(&t->rest, bytes, len);
}

void tunnel_want(struct tunnel *t)
{
	t->wants = true;
	if (!t->cut)
		watch_outside(t);
}

bool tunnel_leave(struct tunnel *t)
{
	t->left = true;
	t->deaf = true;
	t->full = false;
	t->wants = false;
	drop(&t->input);
	if (!t->cut)
		take_from_lws(t);
	if (!t->cut) {
		finish(t);
		count_held(t);
	}
	if (!t->cut) {
		watch_outside(t);
		watch_inside(t);
	}
	if (is_over(t) || t->all->closed)
		return false;
	list_append(&t->all->left, &t->list);
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * exchangestream - an answer without end.
 *
 * It is written to in the middle of a fan-out, where nobody may leave: so what
 * goes wrong there only cuts the connection, and the loop tells of its end.
 */
#include "exchange.h"

#include <errno.h>
#include <string.h>

/* What nobody has asked a peer for, in bytes: who sends more is ended. */
#define UNASKED_MAX (64 * 1024)

/* How long the peer has for its end. */
#define LINGER_MS 2000

static void cut(struct exchange *e)
{
	e->cut = true;
	wire_abort(&e->wire);
	shutdown(e->wire.fd, SHUT_RDWR);
}

/* What TLS has kept of it is more than may wait. */
static void let_go(struct meter_holder *holder)
{
	struct exchange *e = list_entry(holder, struct exchange, holder);
	struct hub *hub = e->all->callers->hub;

	e->leaving = true;
	meter_leave(&hub->meter, holder, e->metered);
	hub->counters.refused[REFUSED_MEMORY]++;
	cut(e);
}

static void watch(struct exchange *e)
{
	uint32_t events = EPOLLIN;

	if (e->wants || buf_len(&e->out) || wire_waits(&e->wire))
		events |= EPOLLOUT;
	if (waitset_watch(&e->all->waiting, &e->waiter, e->wire.fd, events) < 0)
		cut(e);
}

void exchange_stream(struct exchange *e, void *user)
{
	e->state = EXCHANGE_STREAM;
	e->streams = true;
	e->user = user;
	meter_holder_init(&e->holder, let_go);
	caller_established(e->caller);
	wheel_stop(&e->caller->timer);
	if (exchange_read_head(e))
		watch(e);
}

/* Counts what TLS keeps. */
static void count_kept(struct exchange *e)
{
	size_t held = e->holder.bytes;

	if (e->leaving)
		return;
	exchange_hold(e, METER_OUTPUT, wire_waits(&e->wire));
	if (e->holder.bytes > held &&
	    !meter_yield(&e->all->callers->hub->meter, &e->holder))
		let_go(&e->holder);
}

long exchange_stream_send(struct exchange *e, const struct iovec *pieces,
			  int count)
{
	ssize_t n;

	if (e->cut)
		return -1;
	if (buf_len(&e->out) || wire_waits(&e->wire))
		return 0;
	do
		n = wire_sendv(&e->wire, pieces, count);
	while (n < 0 && errno == EINTR);
	if (n < 0 && !wire_must_wait()) {
		cut(e);
		return -1;
	}
	if (!wire_waits(&e->wire))
		return n < 0 ? 0 : n;
	count_kept(e);
	watch(e);
	return n;
}

int exchange_stream_keep(struct exchange *e, const char *bytes, size_t len)
{
	buf_append(&e->out, bytes, len);
	if (e->out.failed)
		return -1;
	watch(e);
	return 0;
}

void exchange_stream_want(struct exchange *e)
{
	e->wants = true;
	watch(e);
}

/* The end of TLS, then that of TCP, which the peer answers by its own. */
static void finish(struct exchange *e)
{
	if (!wire_waits(&e->wire))
		wire_part(&e->wire);
	if (wire_waits(&e->wire)) {
		watch(e);
		return;
	}
	wire_finish(&e->wire);
	e->state = EXCHANGE_LINGER;
	e->wants = false;
	watch(e);
	exchange_time(e, LINGER_MS);
}

void exchange_stream_finish(struct exchange *e)
{
	if (!e->cut && !e->finishes) {
		e->finishes = true;
		finish(e);
	}
}

/* Whether the peer is there, and says nothing that it should not. */
static bool hear(struct exchange *e)
{
	ssize_t n = wire_recv(&e->wire, e->all->bytes, sizeof(e->all->bytes));

	if (n < 0 && wire_must_wait())
		return true;
	e->unread += n > 0 ? (size_t)n : 0;
	return n > 0 && e->unread <= UNASKED_MAX;
}

/* False: the connection is dead. */
static bool send_rest(struct exchange *e)
{
	ssize_t n;

	if (!buf_len(&e->out) || wire_waits(&e->wire))
		return true;
	n = wire_send(&e->wire, buf_bytes(&e->out), buf_len(&e->out), false);
	if (n < 0)
		return wire_must_wait();
	buf_consume(&e->out, (size_t)n);
	if (!buf_len(&e->out))
		buf_release(&e->out);
	return true;
}

/* Something happened to its socket. */
void exchange_flow(struct exchange *e)
{
	if (e->cut || !hear(e) || !send_rest(e)) {
		exchange_end(e);
		return;
	}
	count_kept(e);
	if (!e->cut && !buf_len(&e->out) && !wire_waits(&e->wire)) {
		if (e->finishes) {
			finish(e);
			return;
		}
		if (e->wants) {
			e->wants = false;
			e->all->ops->writable(e);
		}
	}
	watch(e);
}

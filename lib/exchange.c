/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads of a body that one turn of the loop makes, so that others come on. */
#define READS_MAX 4

/* Bytes that are looked at first, for a head. */
#define PEEKED_FIRST 1024

/* How long the rest of a request is thrown away. */
#define LINGER_MS 2000

static void happened(struct waiter *w, uint32_t events);

int exchanges_init(struct exchanges *all, struct callers *callers,
		   const struct exchange_ops *ops, void *user)
{
	all->callers = callers;
	all->ops = ops;
	all->user = user;
	list_init(&all->going);
	list_init(&all->ended);
	list_init(&all->fresh);
	list_init(&all->known);
	callers->exchange_due = exchange_due;
	callers->exchange_kill = exchange_kill;
	return waitset_init(&all->waiting, &callers->loop->uv, happened);
}

static struct meter *meter_of(const struct exchange *e)
{
	return &e->all->callers->hub->meter;
}

/* Ending */

/* What it holds is of this kind, and so much. */
static void hold(struct exchange *e, enum meter_kind kind, size_t bytes)
{
	struct meter *m = meter_of(e);

	if (e->metered_as != kind)
		meter_hold(m, &e->holder, e->metered_as, &e->metered, 0);
	e->metered_as = kind;
	meter_hold(m, &e->holder, kind, &e->metered, bytes);
}

static void drop_part(struct exchange *e)
{
	if (!e->part.base)
		return;
	buf_wipe(&e->part);
	hold(e, METER_ASSEMBLY, 0);
}

/* It is no caller any more, and belongs to nobody. */
static void detach(struct exchange *e)
{
	e->state = EXCHANGE_ENDED;
	e->caller->exchange = NULL;
	e->caller = NULL;
	drop_part(e);
	buf_release(&e->out);
	hold(e, METER_OUTPUT, 0);
	if (e->user)
		e->all->ops->gone(e);
	e->user = NULL;
	list_remove(&e->list);
	list_remove(&e->turn);
	list_append(&e->all->ended, &e->list);
}

void exchange_end(struct exchange *e)
{
	struct caller *c = e->caller;

	if (e->state == EXCHANGE_ENDED)
		return;
	wire_close(&e->wire);
	detach(e);
	caller_free(c);
}

void exchanges_reap(struct exchanges *all)
{
	struct exchange *e;

	while (!list_empty(&all->ended)) {
		e = list_entry(all->ended.next, struct exchange, list);
		list_remove(&e->list);
		free(e);
	}
}

void exchanges_close(struct exchanges *all)
{
	while (!list_empty(&all->going))
		exchange_end(
			list_entry(all->going.next, struct exchange, list));
	exchanges_reap(all);
	waitset_close(&all->waiting);
}

/* What the kernel holds for it goes too: it has had its time. */
void exchange_kill(struct exchange *e)
{
	wire_abort(&e->wire);
	exchange_end(e);
}

static void let_go(struct meter_holder *holder)
{
	struct exchange *e = list_entry(holder, struct exchange, holder);

	e->all->callers->hub->counters.refused[REFUSED_MEMORY]++;
	exchange_end(e);
}

/* Waiting */

void exchange_watch(struct exchange *e, uint32_t events)
{
	if (wire_waits(&e->wire))
		events |= EPOLLOUT;
	if (waitset_watch(&e->all->waiting, &e->waiter, e->wire.fd, events) < 0)
		exchange_end(e);
}

void exchange_time(struct exchange *e, uint64_t ms)
{
	wheel_set(&e->all->callers->wheel, &e->caller->timer, (int64_t)ms);
}

/* The head */

/* What has come waits for the rest of it. */
static void await_rest(struct exchange *e)
{
	hold(e, METER_ASSEMBLY, e->part.cap + wire_holds(&e->wire));
	if (!meter_yield(meter_of(e), &e->holder))
		let_go(&e->holder);
	else
		exchange_watch(e, EPOLLIN);
}

/*
 * Not all of it is there: these bytes are of the head alone, so they are read
 * off, and the kernel tells of the next ones. False: it has ended.
 */
static bool keep_part(struct exchange *e, size_t len)
{
	char *room = buf_reserve(&e->part, len);

	if (!room || wire_recv(&e->wire, room, len) != (ssize_t)len) {
		exchange_end(e);
		return false;
	}
	buf_added(&e->part, len);
	return true;
}

/* Most heads are short, and a body that follows need not be copied. */
static ssize_t peek(struct exchange *e, char *bytes, size_t room)
{
	size_t first = room < PEEKED_FIRST ? room : PEEKED_FIRST;
	ssize_t n = wire_peek(&e->wire, bytes, first);

	if (n < (ssize_t)first || memmem(bytes, first, "\r\n\r\n", 4))
		return n;
	return wire_peek(&e->wire, bytes, room);
}

/* As far as a head can be a request here. */
static void take_head(struct exchange *e, struct httphead *head)
{
	if (e->astray) {
		head->status = 400;
		head->fault = "this port speaks TLS: https, wss";
	}
	e->unread = head->fault ? 0 : head->len - buf_len(&e->part);
	drop_part(e);
	e->all->ops->head(e, head);
}

/* False when all that was there has been looked at. */
static bool look_on(struct exchange *e)
{
	char *bytes = e->all->head;
	size_t have = buf_len(&e->part);
	struct httphead head;
	ssize_t n;

	if (have)
		memcpy(bytes, buf_bytes(&e->part), have);
	n = peek(e, bytes + have, HTTPHEAD_MAX - have);
	if (n < 0 && wire_must_wait()) {
		await_rest(e);
		return false;
	}
	if (n <= 0) {
		exchange_end(e);
		return false;
	}
	if (httphead_parse(&head, bytes, have + (size_t)n) == HTTPHEAD_MORE) {
		if (!keep_part(e, (size_t)n))
			return false;
		if (wire_holds(&e->wire))
			return true;
		await_rest(e);
		return false;
	}
	take_head(e, &head);
	return false;
}

void exchange_look(struct exchange *e)
{
	while (look_on(e))
		;
}

void exchange_begin(struct exchanges *all, struct caller *c, int fd)
{
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e) {
		caller_free(c);
		close(fd);
		return;
	}
	e->all = all;
	e->state = EXCHANGE_HEAD;
	e->metered_as = METER_ASSEMBLY;
	e->caller = c;
	wire_init(&e->wire, fd);
	meter_holder_init(&e->holder, let_go);
	list_init(&e->list);
	list_init(&e->turn);
	list_append(&all->going, &e->list);
	c->exchange = e;
	if (callers_expect_tls(all->callers, &c->address))
		exchange_greet(e);
	else
		exchange_look(e);
}

/*
 * Reads off what was looked at. False: it has ended. A head may have a token in
 * it, which stays nowhere.
 */
static bool read_head(struct exchange *e)
{
	ssize_t n = wire_recv(&e->wire, e->all->bytes, e->unread);

	explicit_bzero(e->all->bytes, e->unread);
	if (n == (ssize_t)e->unread)
		return true;
	exchange_end(e);
	return false;
}

void exchange_upgrade(struct exchange *e, const struct buf *handshake,
		      struct grant *grant)
{
	struct caller *c = e->caller;
	struct wire wire;

	if (!read_head(e)) {
		grant_free(grant);
		return;
	}
	waitset_watch(&e->all->waiting, &e->waiter, e->wire.fd, 0);
	wire_move(&wire, &e->wire);
	detach(e);
	caller_adopt(c, &wire, handshake, grant);
}

/* The body */

/* False when all that was there was read, or nothing more is wanted. */
static bool read_some(struct exchange *e)
{
	size_t room;
	char *bytes = e->all->ops->room(e, &room);
	ssize_t n = wire_recv(&e->wire, bytes, room);

	e->drained = n < (ssize_t)room;
	if (n < 0 && wire_must_wait())
		return false;
	if (n <= 0)
		exchange_end(e);
	else
		e->all->ops->body(e, bytes, (size_t)n);
	return e->state == EXCHANGE_BODY && !e->drained;
}

static void read_body(struct exchange *e)
{
	int reads = 0;

	while (read_some(e))
		if (++reads >= READS_MAX && !wire_holds(&e->wire))
			break;
	if (e->state == EXCHANGE_BODY)
		await_rest(e);
}

void exchange_body(struct exchange *e)
{
	e->state = EXCHANGE_BODY;
	caller_established(e->caller);
	if (read_head(e))
		read_body(e);
}

void exchange_busy(struct exchange *e)
{
	e->state = EXCHANGE_BUSY;
	exchange_watch(e, 0);
	wheel_stop(&e->caller->timer);
}

/* The answer */

enum leftovers {
	LEFT_NONE,  /* nothing more was there */
	LEFT_SOME,  /* something was, and perhaps is */
	LEFT_ENDED, /* the peer has ended */
};

/*
 * What has come of the request is read off, and what follows it: see above. It
 * is only told of what was there beside the `expected` bytes.
 */
static enum leftovers throw_away(struct exchange *e, size_t expected)
{
	size_t room = sizeof(e->all->bytes), sum = 0;
	ssize_t n = 0;

	for (int i = 0; i < READS_MAX; i++) {
		n = wire_recv(&e->wire, e->all->bytes, room);
		if (n == 0 || (n < 0 && !wire_must_wait()))
			return LEFT_ENDED;
		if (n < 0)
			break;
		explicit_bzero(e->all->bytes, (size_t)n);
		sum += (size_t)n;
		if ((size_t)n < room)
			break;
	}
	return sum > expected || n == (ssize_t)room ? LEFT_SOME : LEFT_NONE;
}

static void linger(struct exchange *e)
{
	if (e->state != EXCHANGE_LINGER) {
		e->state = EXCHANGE_LINGER;
		wire_finish(&e->wire);
		exchange_time(e, LINGER_MS);
	}
	if (throw_away(e, 0) == LEFT_ENDED)
		exchange_end(e);
	else
		exchange_watch(e, EPOLLIN);
}

/* Takes off what left. False: the connection is dead. */
static bool send_some(struct exchange *e, bool more)
{
	ssize_t n =
		wire_send(&e->wire, buf_bytes(&e->out), buf_len(&e->out), more);

	if (n >= 0)
		buf_consume(&e->out, (size_t)n);
	return n >= 0 || wire_must_wait();
}

/* The peer is slow to take it. What waits is counted, and may have to go. */
static void wait_for_peer(struct exchange *e)
{
	e->lingers = true;
	hold(e, METER_OUTPUT, e->out.cap + wire_waits(&e->wire));
	if (!meter_yield(meter_of(e), &e->holder))
		let_go(&e->holder);
	else
		exchange_watch(e, EPOLLOUT);
}

/* Behind the answer comes the end, which leaves in the same segment. */
static void send_answer(struct exchange *e)
{
	if (!send_some(e, true)) {
		exchange_end(e);
		return;
	}
	if (!buf_len(&e->out) && !wire_waits(&e->wire))
		wire_part(&e->wire);
	if (buf_len(&e->out) || wire_waits(&e->wire)) {
		wait_for_peer(e);
		return;
	}
	buf_release(&e->out);
	hold(e, METER_OUTPUT, 0);
	if (e->lingers)
		linger(e);
	else
		exchange_end(e);
}

bool exchange_say(struct exchange *e, const char *text)
{
	buf_puts(&e->out, text);
	if (e->out.failed || !send_some(e, false) || buf_len(&e->out)) {
		exchange_end(e);
		return false;
	}
	buf_release(&e->out);
	return true;
}

void exchange_answer(struct exchange *e, struct buf *answer, bool more)
{
	if (!e->drained)
		more |= throw_away(e, e->unread) == LEFT_SOME;
	caller_established(e->caller);
	e->state = EXCHANGE_ANSWER;
	e->lingers = more;
	e->out = *answer;
	buf_init(answer);
	exchange_time(e, e->all->callers->times.message);
	if (e->out.failed)
		exchange_end(e);
	else
		send_answer(e);
}

/* Events */

static void happened(struct waiter *w, uint32_t events)
{
	struct exchange *e = list_entry(w, struct exchange, waiter);

	(void)events;
	if (e->state == EXCHANGE_ENDED)
		return;
	callers_tell_time(e->all->callers);
	if (wire_turn(&e->wire) < 0) {
		exchange_end(e);
		return;
	}
	switch (e->state) {
	case EXCHANGE_HELLO:
	case EXCHANGE_SHAKE:
		exchange_greeted(e);
		break;
	case EXCHANGE_HEAD:
		exchange_look(e);
		break;
	case EXCHANGE_BODY:
		read_body(e);
		break;
	case EXCHANGE_ANSWER:
		send_answer(e);
		break;
	case EXCHANGE_LINGER:
		linger(e);
		break;
	default: /* nothing but what was kept of TLS was waited for */
		exchange_watch(e, 0);
	}
}

/* It has had its time. Of an answer, what the kernel holds goes too. */
void exchange_due(struct exchange *e)
{
	uint64_t *refused = e->all->callers->hub->counters.refused;

	switch (e->state) {
	case EXCHANGE_HELLO:
	case EXCHANGE_SHAKE:
	case EXCHANGE_HEAD:
		refused[REFUSED_HANDSHAKE_TIME]++;
		exchange_kill(e);
		break;
	case EXCHANGE_BODY:
		e->all->ops->late(e);
		break;
	case EXCHANGE_ANSWER:
		refused[REFUSED_MESSAGE_TIME]++;
		exchange_kill(e);
		break;
	default:
		exchange_end(e);
	}
}

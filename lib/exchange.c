/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads of a body that one turn of the loop makes, so that others come on. */
#define READS_MAX 4

#define EVENTS_MAX 64

/* Bytes that are looked at first, for a head. */
#define PEEKED_FIRST 1024

/* How long the rest of a request is thrown away. */
#define LINGER_MS 2000

static void on_event(uv_poll_t *poll, int status, int events);

int exchanges_init(struct exchanges *all, struct callers *callers,
		   const struct exchange_ops *ops, void *user)
{
	int error;

	all->callers = callers;
	all->ops = ops;
	all->user = user;
	list_init(&all->going);
	list_init(&all->ended);
	callers->exchange_due = exchange_due;
	callers->exchange_kill = exchange_kill;
	all->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (all->epoll < 0)
		return -1;
	all->poll.data = all;
	error = uv_poll_init(&callers->loop->uv, &all->poll, all->epoll);
	if (!error)
		error = uv_poll_start(&all->poll, UV_READABLE, on_event);
	if (!error)
		return 0;
	close(all->epoll);
	errno = -error;
	return -1;
}

static struct meter *meter_of(const struct exchange *e)
{
	return &e->all->callers->hub->meter;
}

static bool must_wait(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Ending */

static void drop_part(struct exchange *e)
{
	if (!e->part.base)
		return;
	buf_release(&e->part);
	meter_hold(meter_of(e), &e->holder, METER_ASSEMBLY, &e->metered, 0);
}

/* It is no caller any more, and belongs to nobody. */
static void detach(struct exchange *e)
{
	e->state = EXCHANGE_ENDED;
	e->fd = -1;
	e->caller->exchange = NULL;
	e->caller = NULL;
	drop_part(e);
	buf_release(&e->out);
	meter_hold(meter_of(e), &e->holder, METER_OUTPUT, &e->metered, 0);
	if (e->user)
		e->all->ops->gone(e);
	e->user = NULL;
	list_remove(&e->list);
	list_append(&e->all->ended, &e->list);
}

static void end(struct exchange *e)
{
	struct caller *c = e->caller;

	if (e->state == EXCHANGE_ENDED)
		return;
	close(e->fd);
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
		end(list_entry(all->going.next, struct exchange, list));
	exchanges_reap(all);
	uv_close((uv_handle_t *)&all->poll, NULL);
	close(all->epoll);
}

/* What the kernel holds for it goes too: it has had its time. */
void exchange_kill(struct exchange *e)
{
	struct linger at_once = {1, 0};

	setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	end(e);
}

static void let_go(struct meter_holder *holder)
{
	struct exchange *e = list_entry(holder, struct exchange, holder);

	e->all->callers->hub->counters.refused[REFUSED_MEMORY]++;
	end(e);
}

/* Waiting */

static void watch(struct exchange *e, uint32_t events)
{
	struct epoll_event event = {.events = events, .data = {.ptr = e}};

	if (e->events == events)
		return;
	if (epoll_ctl(e->all->epoll, e->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      e->fd, &event) < 0) {
		end(e);
		return;
	}
	e->watched = true;
	e->events = events;
}

/* epoll tells of errors and hang-ups even of what it watches for nothing. */
static void watch_nothing(struct exchange *e)
{
	if (e->watched)
		epoll_ctl(e->all->epoll, EPOLL_CTL_DEL, e->fd, NULL);
	e->watched = false;
	e->events = 0;
}

void exchange_time(struct exchange *e, uint64_t ms)
{
	wheel_set(&e->all->callers->wheel, &e->caller->timer, (int64_t)ms);
}

/* The head */

/*
 * Not all of it is there: these bytes are of the head alone, so they are read
 * off, and the kernel tells of the next ones.
 */
static void keep_part(struct exchange *e, size_t len)
{
	struct meter *m = meter_of(e);
	char *room = buf_reserve(&e->part, len);

	if (!room || recv(e->fd, room, len, MSG_DONTWAIT) != (ssize_t)len) {
		end(e);
		return;
	}
	buf_added(&e->part, len);
	meter_hold(m, &e->holder, METER_ASSEMBLY, &e->metered, e->part.cap);
	if (!meter_yield(m, &e->holder))
		let_go(&e->holder);
	else
		watch(e, EPOLLIN);
}

/* Most heads are short, and a body that follows need not be copied. */
static ssize_t peek(const struct exchange *e, char *bytes, size_t room)
{
	size_t first = room < PEEKED_FIRST ? room : PEEKED_FIRST;
	ssize_t n = recv(e->fd, bytes, first, MSG_PEEK | MSG_DONTWAIT);

	if (n < (ssize_t)first || memmem(bytes, first, "\r\n\r\n", 4))
		return n;
	return recv(e->fd, bytes, room, MSG_PEEK | MSG_DONTWAIT);
}

static void look(struct exchange *e)
{
	char *bytes = e->all->head;
	size_t have = buf_len(&e->part);
	struct httphead head;
	ssize_t n;

	if (have)
		memcpy(bytes, buf_bytes(&e->part), have);
	n = peek(e, bytes + have, HTTPHEAD_MAX - have);
	if (n < 0 && must_wait()) {
		watch(e, EPOLLIN);
		return;
	}
	if (n <= 0) {
		end(e);
		return;
	}
	if (httphead_parse(&head, bytes, have + (size_t)n) == HTTPHEAD_MORE) {
		keep_part(e, (size_t)n);
		return;
	}
	e->unread = head.fault ? 0 : head.len - have;
	drop_part(e);
	e->all->ops->head(e, &head);
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
	e->caller = c;
	e->fd = fd;
	meter_holder_init(&e->holder, let_go);
	list_init(&e->list);
	list_append(&all->going, &e->list);
	c->exchange = e;
	look(e);
}

/* Reads off what was looked at. False: it has ended. */
static bool read_head(struct exchange *e)
{
	ssize_t n = recv(e->fd, e->all->bytes, e->unread, MSG_DONTWAIT);

	if (n == (ssize_t)e->unread)
		return true;
	end(e);
	return false;
}

void exchange_upgrade(struct exchange *e, const struct buf *handshake,
		      struct grant *grant)
{
	struct caller *c = e->caller;
	int fd = e->fd;

	if (!read_head(e)) {
		grant_free(grant);
		return;
	}
	watch_nothing(e);
	detach(e);
	caller_adopt(c, fd, handshake, grant);
}

/* The body */

/* False when all that was there was read, or nothing more is wanted. */
static bool read_some(struct exchange *e)
{
	size_t room;
	char *bytes = e->all->ops->room(e, &room);
	ssize_t n = recv(e->fd, bytes, room, MSG_DONTWAIT);

	e->drained = n < (ssize_t)room;
	if (n < 0 && must_wait())
		return false;
	if (n <= 0)
		end(e);
	else
		e->all->ops->body(e, bytes, (size_t)n);
	return e->state == EXCHANGE_BODY && !e->drained;
}

static void read_body(struct exchange *e)
{
	for (int i = 0; i < READS_MAX; i++)
		if (!read_some(e))
			break;
	if (e->state == EXCHANGE_BODY)
		watch(e, EPOLLIN);
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
	watch_nothing(e);
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
		n = recv(e->fd, e->all->bytes, room, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && !must_wait()))
			return LEFT_ENDED;
		sum += n > 0 ? (size_t)n : 0;
		if (n < (ssize_t)room)
			break;
	}
	return sum > expected || n == (ssize_t)room ? LEFT_SOME : LEFT_NONE;
}

static void linger(struct exchange *e)
{
	if (e->state != EXCHANGE_LINGER) {
		e->state = EXCHANGE_LINGER;
		shutdown(e->fd, SHUT_WR);
		exchange_time(e, LINGER_MS);
	}
	if (throw_away(e, 0) == LEFT_ENDED)
		end(e);
	else
		watch(e, EPOLLIN);
}

/* Takes off what left. False: the connection is dead. */
static bool send_some(struct exchange *e, int flags)
{
	ssize_t n = send(e->fd, buf_bytes(&e->out), buf_len(&e->out),
			 MSG_NOSIGNAL | MSG_DONTWAIT | flags);

	if (n >= 0)
		buf_consume(&e->out, (size_t)n);
	return n >= 0 || must_wait();
}

/* The peer is slow to take it. What waits is counted, and may have to go. */
static void wait_for_peer(struct exchange *e)
{
	struct meter *m = meter_of(e);

	e->lingers = true;
	meter_hold(m, &e->holder, METER_OUTPUT, &e->metered, e->out.cap);
	if (!meter_yield(m, &e->holder))
		let_go(&e->holder);
	else
		watch(e, EPOLLOUT);
}

/* Behind the answer comes the end, which leaves in the same segment. */
static void send_answer(struct exchange *e)
{
	if (!send_some(e, MSG_MORE)) {
		end(e);
		return;
	}
	if (buf_len(&e->out)) {
		wait_for_peer(e);
		return;
	}
	buf_release(&e->out);
	meter_hold(meter_of(e), &e->holder, METER_OUTPUT, &e->metered, 0);
	if (e->lingers)
		linger(e);
	else
		end(e);
}

bool exchange_say(struct exchange *e, const char *text)
{
	buf_puts(&e->out, text);
	if (e->out.failed || !send_some(e, 0) || buf_len(&e->out)) {
		end(e);
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
		end(e);
	else
		send_answer(e);
}

/* Events */

static void happened(struct exchange *e)
{
	switch (e->state) {
	case EXCHANGE_HEAD:
		look(e);
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
	default: /* it ended since */
		break;
	}
}

/* So many at a time; the loop tells again of the rest. */
static void on_event(uv_poll_t *poll, int status, int events)
{
	struct exchanges *all = poll->data;
	struct epoll_event came[EVENTS_MAX];
	int n = epoll_wait(all->epoll, came, EVENTS_MAX, 0);

	(void)status;
	(void)events;
	callers_tell_time(all->callers);
	for (int i = 0; i < n; i++)
		happened(came[i].data.ptr);
}

/* It has had its time. Of an answer, what the kernel holds goes too. */
void exchange_due(struct exchange *e)
{
	uint64_t *refused = e->all->callers->hub->counters.refused;

	switch (e->state) {
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
		end(e);
	}
}

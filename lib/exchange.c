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

/* When a head is looked at again that nobody tells of: see look(). */
#define AGAIN_MS 100

static void on_event(uv_poll_t *poll, int status, int events);

int exchanges_init(struct exchanges *all, struct callers *callers,
		   const struct exchange_ops *ops, void *user)
{
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
	uv_poll_init(&callers->loop->uv, &all->poll, all->epoll);
	uv_poll_start(&all->poll, UV_READABLE, on_event);
	return 0;
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

/* It is no caller any more, and belongs to nobody. */
static void detach(struct exchange *e)
{
	e->state = EXCHANGE_ENDED;
	e->fd = -1;
	e->caller->exchange = NULL;
	e->caller = NULL;
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

/* The loop tells of it only when more than `bytes` are there. */
static void expect_more_than(struct exchange *e, size_t bytes)
{
	int least = (int)bytes + 1;

	setsockopt(e->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

/*
 * Not all of the head is there. It stays with the kernel, which tells of more
 * only; but of Unix sockets it tells at once again. These are looked at again
 * after a while.
 */
static void wait_for_head(struct exchange *e, size_t there, bool peer_ended)
{
	int64_t left = e->due_ms - e->all->callers->wheel.now_ms;
	bool more = there > e->looked;

	if (peer_ended) {
		end(e);
		return;
	}
	e->looked = there;
	if (more)
		expect_more_than(e, there);
	if (more || !there) {
		watch(e, EPOLLIN | EPOLLRDHUP);
		return;
	}
	watch_nothing(e);
	exchange_time(e, (uint64_t)(left < AGAIN_MS ? left : AGAIN_MS));
}

static void head_is_there(struct exchange *e, const struct httphead *head)
{
	if (e->looked)
		expect_more_than(e, 0);
	e->all->ops->head(e, head);
}

/* Most heads are short, and a body that follows need not be copied. */
static ssize_t peek(struct exchange *e)
{
	char *bytes = e->all->head;
	ssize_t n = recv(e->fd, bytes, PEEKED_FIRST, MSG_PEEK | MSG_DONTWAIT);

	if (n < PEEKED_FIRST || memmem(bytes, (size_t)n, "\r\n\r\n", 4))
		return n;
	return recv(e->fd, bytes, HTTPHEAD_MAX, MSG_PEEK | MSG_DONTWAIT);
}

static void look(struct exchange *e, bool peer_ended)
{
	char *bytes = e->all->head;
	ssize_t n = peek(e);
	struct httphead head;

	if (n == 0 || (n < 0 && !must_wait())) {
		end(e);
		return;
	}
	if (n < 0)
		n = 0;
	if (httphead_parse(&head, bytes, (size_t)n) == HTTPHEAD_MORE) {
		wait_for_head(e, (size_t)n, peer_ended);
		return;
	}
	e->unread = head.fault ? 0 : head.len;
	head_is_there(e, &head);
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
	e->due_ms = all->callers->wheel.now_ms +
		    (int64_t)all->callers->times.handshake;
	meter_holder_init(&e->holder, let_go);
	list_init(&e->list);
	list_append(&all->going, &e->list);
	c->exchange = e;
	look(e, false);
}

/* Reads off what was looked at. False: it has ended. */
static bool read_head(struct exchange *e)
{
	ssize_t n = recv(e->fd, e->all->head, e->unread, MSG_DONTWAIT);

	if (n == (ssize_t)e->unread)
		return true;
	end(e);
	return false;
}

void exchange_upgrade(struct exchange *e, const struct buf *handshake)
{
	struct caller *c = e->caller;
	int fd = e->fd;

	if (!read_head(e))
		return;
	watch_nothing(e);
	detach(e);
	caller_adopt(c, fd, handshake);
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

void exchange_busy(struct exchange *e, uint64_t ms)
{
	e->state = EXCHANGE_BUSY;
	watch_nothing(e);
	exchange_time(e, ms);
}

/* The answer */

/*
 * What has come of the request is read off, and more that follows at once: see
 * above. 0 when the peer has ended, or -1.
 */
static ssize_t throw_away(struct exchange *e)
{
	ssize_t n;

	for (int i = 0; i < READS_MAX; i++) {
		n = recv(e->fd, e->all->bytes, sizeof(e->all->bytes),
			 MSG_DONTWAIT);
		if (n < (ssize_t)sizeof(e->all->bytes))
			break;
	}
	return n;
}

static void linger(struct exchange *e)
{
	ssize_t n;

	if (e->state != EXCHANGE_LINGER) {
		e->state = EXCHANGE_LINGER;
		shutdown(e->fd, SHUT_WR);
		exchange_time(e, LINGER_MS);
	}
	n = throw_away(e);
	if (n == 0 || (n < 0 && !must_wait()))
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
		throw_away(e);
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

static void happened(struct exchange *e, uint32_t events)
{
	switch (e->state) {
	case EXCHANGE_HEAD:
		look(e, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
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
	for (int i = 0; i < n; i++)
		happened(came[i].data.ptr, came[i].events);
}

static void head_due(struct exchange *e)
{
	if (e->all->callers->wheel.now_ms < e->due_ms) {
		look(e, false);
		return;
	}
	e->all->callers->hub->counters.refused[REFUSED_HANDSHAKE_TIME]++;
	exchange_kill(e);
}

void exchange_due(struct exchange *e)
{
	if (e->state == EXCHANGE_HEAD)
		head_due(e);
	else if (e->state == EXCHANGE_BODY)
		e->all->ops->late(e);
	else
		end(e);
}

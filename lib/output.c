/* SPDX-License-Identifier: MIT */
#include "output.h"

#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than this waiting is too much, until it is less than that. */
#define HIGH (1 << 20)
#define LOW (1 << 18)

/* Memory that is kept when all is written. */
#define KEPT (1 << 20)

/* To a file at once, without waiting for the loop. */
#define FILE_PIECE (1 << 16)

/* poll(2) promises room for so much: pipe(7), and the driver of terminals. */
#define STREAM_PIECE PIPE_BUF
#define TERMINAL_PIECE 256

/* Pieces in one turn of the loop, so that other work gets its turn too. */
#define PIECES 256

/* Which kind, and how it is waited for */

static int watch(struct output *o)
{
	struct epoll_event event = {.events = 0};

	o->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (o->epoll < 0)
		return -1;
	if (epoll_ctl(o->epoll, EPOLL_CTL_ADD, o->fd, &event) == 0) {
		o->kind = isatty(o->fd) ? OUTPUT_TERMINAL : OUTPUT_STREAM;
		return 0;
	}
	close(o->epoll);
	o->epoll = -1;
	o->kind = OUTPUT_FILE;
	return errno == EPERM ? 0 : -1; /* nothing to wait for: a file */
}

static void fail(struct output *o, int error)
{
	if (o->dead)
		return;
	o->dead = true;
	if (o->handles && o->epoll >= 0)
		uv_poll_stop(&o->poll);
	o->events->failed(o->user, error);
}

/* Asks for room; that the reader left is told without asking. */
static void wait_for_room(struct output *o, bool waiting)
{
	struct epoll_event event = {.events = waiting ? EPOLLOUT : 0};

	if (o->epoll < 0 || o->waiting == waiting)
		return;
	o->waiting = waiting;
	if (epoll_ctl(o->epoll, EPOLL_CTL_MOD, o->fd, &event) < 0)
		fail(o, errno);
}

static void watched(uv_poll_t *poll, int status, int events)
{
	struct output *o = poll->data;
	struct epoll_event event;

	(void)events;
	if (status < 0 || epoll_wait(o->epoll, &event, 1, 0) <= 0)
		return;
	if (event.events & (EPOLLERR | EPOLLHUP))
		fail(o, EPIPE);
	else
		output_flush(o);
}

/* Writing */

static bool has_room(const struct output *o)
{
	struct pollfd pollfd = {.fd = o->fd, .events = POLLOUT};

	if (o->kind == OUTPUT_FILE)
		return true;
	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & ~POLLIN);
}

static size_t piece(const struct output *o)
{
	size_t len = buf_len(&o->bytes);
	size_t most = o->kind == OUTPUT_STREAM	   ? STREAM_PIECE
		      : o->kind == OUTPUT_TERMINAL ? TERMINAL_PIECE
						   : len;

	return len < most ? len : most;
}

/* Whether to go on: something was written. */
static bool write_piece(struct output *o)
{
	ssize_t n = write(o->fd, buf_bytes(&o->bytes), piece(o));

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno != EAGAIN)
		fail(o, errno);
	if (n <= 0)
		return false;
	buf_consume(&o->bytes, (size_t)n);
	o->written += (uint64_t)n;
	return true;
}

static void write_pieces(struct output *o)
{
	for (int i = 0; i < PIECES && !output_is_empty(o) && !o->dead; i++)
		if (!has_room(o) || !write_piece(o))
			break;
}

void output_flush(struct output *o)
{
	uint64_t before = o->written;

	if (o->dead || output_is_empty(o))
		return;
	write_pieces(o);
	if (o->dead)
		return;
	wait_for_room(o, !output_is_empty(o));
	if (output_is_empty(o))
		buf_clear(&o->bytes, KEPT);
	if (o->is_full && buf_len(&o->bytes) < LOW) {
		o->is_full = false;
		o->events->full(o->user, false);
	}
	if (o->written != before)
		o->events->written(o->user);
}

static void before_waiting(uv_prepare_t *prepare)
{
	output_flush(prepare->data);
}

/* Lines */

static void put_text(struct output *o, const char *text, size_t len)
{
	if (o->kind == OUTPUT_TERMINAL)
		escape_controls(&o->bytes, text, len);
	else
		buf_append(&o->bytes, text, len);
}

int output_line(struct output *o, const char *text, size_t len)
{
	const char *end = text + len;
	size_t before = buf_len(&o->bytes);
	const char *newline;

	if (o->dead)
		return 0;
	while ((newline = memchr(text, '\n', (size_t)(end - text)))) {
		put_text(o, text, (size_t)(newline - text));
		buf_putc(&o->bytes, ' ');
		text = newline + 1;
	}
	put_text(o, text, (size_t)(end - text));
	buf_putc(&o->bytes, '\n');
	if (o->bytes.failed)
		return -1;
	o->appended += buf_len(&o->bytes) - before;
	if (o->kind == OUTPUT_FILE && buf_len(&o->bytes) >= FILE_PIECE)
		output_flush(o);
	if (!o->is_full && buf_len(&o->bytes) > HIGH) {
		o->is_full = true;
		o->events->full(o->user, true);
	}
	return 0;
}

void output_sync(struct output *o)
{
	if (o->kind == OUTPUT_FILE)
		fdatasync(o->fd);
}

/* Beginning and end */

int output_init(struct output *o, uv_loop_t *uv, int fd,
		const struct output_events *events, void *user)
{
	memset(o, 0, sizeof(*o));
	o->events = events;
	o->user = user;
	o->fd = fd;
	o->epoll = -1;
	if (fcntl(fd, F_GETFD) < 0 || watch(o) < 0)
		return -1;
	uv_prepare_init(uv, &o->prepare);
	o->prepare.data = o;
	uv_prepare_start(&o->prepare, before_waiting);
	uv_unref((uv_handle_t *)&o->prepare);
	if (o->epoll >= 0) {
		uv_poll_init(uv, &o->poll, o->epoll);
		o->poll.data = o;
		uv_poll_start(&o->poll, UV_READABLE, watched);
	}
	o->handles = true;
	return 0;
}

static void close_epoll(uv_handle_t *handle)
{
	struct output *o = handle->data;

	close(o->epoll);
	o->epoll = -1;
}

void output_close(struct output *o)
{
	buf_release(&o->bytes);
	if (!o->handles)
		return;
	o->handles = false;
	uv_close((uv_handle_t *)&o->prepare, NULL);
	if (o->epoll >= 0)
		uv_close((uv_handle_t *)&o->poll, close_epoll);
}

/* SPDX-License-Identifier: MIT */
#include "farewell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct farewell {
	uv_poll_t poll;
	int fd; /* owned: a duplicate */
	struct buf rest;
	farewell_fn *done;
	void *user;
};

static bool must_wait(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void finish(struct farewell *f)
{
	uv_poll_stop(&f->poll);
	f->done(f->user);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct farewell *f = poll->data;
	char thrown_away[4096];
	ssize_t n;

	(void)events;
	n = status < 0 ? 0 : recv(f->fd, thrown_away, sizeof(thrown_away), 0);
	if (n == 0 || (n < 0 && !must_wait()))
		finish(f);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
	struct farewell *f = poll->data;
	ssize_t n;

	(void)events;
	if (status < 0) {
		finish(f);
		return;
	}
	n = send(f->fd, buf_bytes(&f->rest), buf_len(&f->rest),
		 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && !must_wait()) {
		finish(f);
		return;
	}
	if (n > 0)
		buf_consume(&f->rest, (size_t)n);
	if (buf_len(&f->rest))
		return;
	buf_release(&f->rest);
	shutdown(f->fd, SHUT_WR);
	uv_poll_start(&f->poll, UV_READABLE, on_readable);
}

static int begin(struct farewell *f, uv_loop_t *loop, int fd)
{
	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (f->fd < 0)
		return -1;
	if (uv_poll_init(loop, &f->poll, f->fd) != 0) {
		close(f->fd);
		errno = ENOMEM;
		return -1;
	}
	f->poll.data = f;
	uv_poll_start(&f->poll, UV_WRITABLE, on_writable);
	return 0;
}

struct farewell *farewell_begin(uv_loop_t *loop, int fd, struct buf *rest,
				farewell_fn *done, void *user)
{
	struct farewell *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	if (begin(f, loop, fd) < 0) {
		free(f);
		return NULL;
	}
	f->rest = *rest;
	f->done = done;
	f->user = user;
	buf_init(rest);
	return f;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void farewell_end(struct farewell *f)
{
	uv_close((uv_handle_t *)&f->poll, on_closed);
	close(f->fd);
	buf_release(&f->rest);
}

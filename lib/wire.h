/* SPDX-License-Identifier: MIT */
/*
 * wire - the stream of bytes below an exchange: a connected socket that never
 * blocks.
 *
 * All of it is like recv(2) and send(2). Reading that gives less than there was
 * room for has read all that was there.
 */
#ifndef WIRE_H
#define WIRE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct wire {
	int fd; /* owned; -1: none */
};

static inline void wire_init(struct wire *w, int fd)
{
	w->fd = fd;
}

/* What was there, which `to` is from now on; `w` has nothing any more. */
static inline void wire_move(struct wire *to, struct wire *w)
{
	*to = *w;
	w->fd = -1;
}

/* Whether what failed may succeed later. */
static inline bool wire_must_wait(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static inline ssize_t wire_recv(struct wire *w, char *bytes, size_t room)
{
	return recv(w->fd, bytes, room, MSG_DONTWAIT);
}

/* The same, and what it gives can be read again. */
static inline ssize_t wire_peek(struct wire *w, char *bytes, size_t room)
{
	return recv(w->fd, bytes, room, MSG_PEEK | MSG_DONTWAIT);
}

/* `more` says that something follows at once. */
static inline ssize_t wire_send(struct wire *w, const char *bytes, size_t len,
				bool more)
{
	return send(w->fd, bytes, len,
		    MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
}

/* Nothing more is sent. */
void wire_finish(struct wire *w);

/* Whatever the kernel still holds for the peer goes when it is closed. */
void wire_abort(struct wire *w);

void wire_close(struct wire *w);

#endif

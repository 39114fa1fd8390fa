/* SPDX-License-Identifier: MIT */
/*
 * wire - the stream of bytes below an exchange: a connected socket that never
 * blocks, with or without TLS.
 *
 * All of it is like recv(2) and send(2). Reading that gives less than there was
 * room for has read all that was there; of TLS, all that a turn may read (see
 * secure.h), and the socket tells when there is more.
 */
#ifndef WIRE_H
#define WIRE_H

#include "secure.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct wire {
	int fd;		    /* owned; -1: none */
	struct secure *tls; /* owned; NULL: plain */
};

static inline void wire_init(struct wire *w, int fd)
{
	w->fd = fd;
	w->tls = NULL;
}

/* What was there, which `to` is from now on; `w` has nothing any more. */
static inline void wire_move(struct wire *to, struct wire *w)
{
	*to = *w;
	wire_init(w, -1);
}

/* Whether what failed may succeed later. */
static inline bool wire_must_wait(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static inline ssize_t wire_recv(struct wire *w, char *bytes, size_t room)
{
	if (w->tls)
		return secure_recv(w->tls, bytes, room);
	return recv(w->fd, bytes, room, MSG_DONTWAIT);
}

/* The same, and what it gives can be read again. */
static inline ssize_t wire_peek(struct wire *w, char *bytes, size_t room)
{
	if (w->tls)
		return secure_peek(w->tls, bytes, room);
	return recv(w->fd, bytes, room, MSG_PEEK | MSG_DONTWAIT);
}

/* `more` says that something follows at once. */
static inline ssize_t wire_send(struct wire *w, const char *bytes, size_t len,
				bool more)
{
	if (w->tls)
		return secure_send(w->tls, bytes, len, more);
	return send(w->fd, bytes, len,
		    MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
}

/* The same for pieces that belong together. */
ssize_t wire_sendv(struct wire *w, const struct iovec *pieces, int count);

/* The socket was waited for: a turn begins. -1: the connection is dead. */
static inline int wire_turn(struct wire *w)
{
	return w->tls ? secure_turn(w->tls) : 0;
}

/* Bytes that were taken for sending, and are still here. */
static inline size_t wire_waits(const struct wire *w)
{
	return w->tls && secure_waits(w->tls) ? w->tls->kept_end : 0;
}

/* Bytes that are held here of what can be read. */
static inline size_t wire_holds(const struct wire *w)
{
	return w->tls && secure_holds(w->tls) ? SECURE_PARTIAL : 0;
}

/* Tells the peer that nothing more comes, as far as TLS has it. */
void wire_part(struct wire *w);

/* Nothing more is sent. */
void wire_finish(struct wire *w);

/* Whatever the kernel still holds for the peer goes when it is closed. */
void wire_abort(struct wire *w);

void wire_close(struct wire *w);

#endif

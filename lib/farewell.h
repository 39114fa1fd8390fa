/* SPDX-License-Identifier: MIT */
/*
 * farewell - the rest of an answer, to a peer that does not take it at once.
 *
 * libwebsockets, which owns the connection, cannot do this without harm: while
 * it writes it does not read, and is woken for what it does not read again and
 * again. So it is told to leave the connection alone, and this writes to the
 * same socket by a descriptor of its own. Behind the rest the sending side is
 * closed, and what the peer still sends is read and thrown away until it
 * closes too, for closing with unread bytes would reset the connection and the
 * answer with it (RFC 9112 section 9.6).
 */
#ifndef FAREWELL_H
#define FAREWELL_H

#include "buf.h"

#include <uv.h>

struct farewell;

typedef void farewell_fn(void *user);

/*
 * Begins to write what is in `rest`, which it takes, to the socket `fd`. Calls
 * `done` when the peer has closed or is gone. NULL with errno when it cannot;
 * `rest` stays the caller's then.
 */
struct farewell *farewell_begin(uv_loop_t *loop, int fd, struct buf *rest,
				farewell_fn *done, void *user);

/* Ends it, said or not; `done` is not called. The loop must run once more. */
void farewell_end(struct farewell *f);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lwsmemory - the memory that libwebsockets must not lack.
 *
 * For each connection it allocates a watcher of libuv. When there is no memory
 * for that, lws 4.1 to 5.0 forgets the connection half closed: the descriptor
 * stays open, and at the end the context is freed while libuv still has timers
 * in it. So one watcher is kept in reserve, to be looked after before each
 * connection. What else there is no memory for, lws copes with: the connection
 * ends.
 *
 * A reserve is for the lws of one thread, as its allocator is told of no more
 * than what it is asked for.
 */
#ifndef LWSMEMORY_H
#define LWSMEMORY_H

struct lwsmemory {
	void *watcher; /* NULL: it was needed, and given away */
};

/* From now on lws in this thread has this reserve. 0, or -1 with errno. */
int lwsmemory_init(struct lwsmemory *m);

/* Has the reserve filled again: 0, or -1 with errno. */
int lwsmemory_fill(struct lwsmemory *m);

/* From now on lws in this thread has none. */
void lwsmemory_release(struct lwsmemory *m);

#endif

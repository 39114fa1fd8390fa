/* SPDX-License-Identifier: MIT */
/*
 * output - lines to stdout on the loop, which it never blocks.
 *
 * Descriptors that were inherited are shared with other programs, so their
 * flags are never changed (uv_poll_init() would set O_NONBLOCK). A pipe or
 * terminal is written to only when poll(2) says that there is room, and never
 * more at once than fits then. It is also watched while there is nothing to
 * write: when the reader leaves, that is known at once.
 *
 * Lines are collected and written when the loop is about to wait: at once when
 * updates are few, in large pieces when they are many.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct output_events {
	/* Too much is waiting, or no longer: read less, or go on. */
	void (*full)(void *user, bool full);
	/* Something was written. */
	void (*written)(void *user);
	/* No more can be written; EPIPE: the reader has left. Comes once. */
	void (*failed)(void *user, int error);
};

enum output_kind {
	OUTPUT_FILE,	 /* and what cannot be waited for: /dev/null */
	OUTPUT_STREAM,	 /* pipe, FIFO, socket */
	OUTPUT_TERMINAL, /* lines are shown with escape_controls() */
};

struct output {
	const struct output_events *events; /* borrowed */
	void *user;
	int fd;
	enum output_kind kind;
	struct buf bytes;  /* not written yet */
	uint64_t appended; /* bytes since the beginning */
	uint64_t written;  /* of those */
	bool is_full;
	bool dead;	      /* failed() was called */
	bool waiting;	      /* for room; else only for the reader's end */
	int epoll;	      /* holds fd, when it can be waited for; or -1 */
	uv_poll_t poll;	      /* of `epoll` */
	uv_prepare_t prepare; /* writes before the loop waits */
	bool handles;
};

/*
 * Begins; `fd` stays the caller's. 0, or -1 with errno: EBADF when stdout is
 * closed. After -1 there is nothing to close.
 */
int output_init(struct output *o, uv_loop_t *uv, int fd,
		const struct output_events *events, void *user);

/*
 * Adds a line and its newline; line breaks within it become spaces. -1 when
 * out of memory.
 */
int output_line(struct output *o, const char *text, size_t len);

/* Writes what goes without waiting, now. */
void output_flush(struct output *o);

/* Puts what was written to a file on its disk; others are left alone. */
void output_sync(struct output *o);

static inline bool output_is_empty(const struct output *o)
{
	return buf_len(&o->bytes) == 0;
}

/*
 * Frees all but the two handles, which the loop closes in its next turn: `o`
 * must last until then. Harmless a second time.
 */
void output_close(struct output *o);

#endif

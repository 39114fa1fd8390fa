/* SPDX-License-Identifier: MIT */
/*
 * window - messages that were not acknowledged yet: those in flight, and
 * behind them those that were not sent.
 *
 * Ids start at 1 and rise by 1. What is in it is the ids from `first` to
 * `next` - 1, those from `unsent` on still to be sent. The messages lie one
 * behind the other in one piece of memory, each with a newline at its end, so
 * that many are copied into a frame at once; no line is allocated by itself.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_slot;

struct window {
	struct buf bytes;	   /* the messages from `first` on */
	struct buf origins;	   /* their input, for those who want it */
	struct window_slot *slots; /* owned; the one of an id: id & mask */
	size_t mask;
	size_t max_lines;
	size_t max_bytes;     /* of messages; one may go beyond it */
	uint64_t first;	      /* oldest id in it; next when empty */
	uint64_t unsent;      /* first <= unsent <= next */
	uint64_t next;	      /* id of the next message */
	uint64_t base;	      /* offset of bytes, counted from the beginning */
	uint64_t origin_base; /* the same of origins */
	size_t open;	      /* messages in it that nothing has answered */
};

/* A message in the window; borrowed until the next window_commit(). */
struct window_line {
	uint64_t id;
	const char *message; /* with its newline */
	size_t len;
	const char *origin; /* as it was read */
	size_t origin_len;
	uint64_t number; /* as given to window_commit() */
	uint32_t source;
};

/* 0, or -1 with errno ENOMEM; window_release() is harmless then. */
int window_init(struct window *w, size_t max_bytes, size_t max_lines);
void window_release(struct window *w);

/* Whether it is to take no more now. */
bool window_full(const struct window *w);

/*
 * To add a message: append it with its newline to w->bytes (it must name the
 * id w->next), and what it was made from to w->origins unless nobody asks for
 * that; then commit. `number` and `source` say where it comes from, for
 * messages. 0, or -1 with errno, and then it is as it was before: ENOMEM;
 * ENOBUFS when it has no place for one more.
 */
int window_commit(struct window *w, uint64_t number, uint32_t source);

/* Takes back what was appended and not committed. */
void window_abort(struct window *w);

/*
 * Appends to `out` the next messages to be sent, as many as fit into
 * `max_bytes` and `max_lines`, but one at least; remembers that they went in
 * frame `frame`. Returns how many. `out` may have failed; then they count as
 * sent nevertheless.
 */
size_t window_take(struct window *w, struct buf *out, size_t max_bytes,
		   size_t max_lines, uint32_t frame);

/* The next message to be sent; false when there is none. */
bool window_next(const struct window *w, struct window_line *line);

/* ACK: settles every open id <= `id` that was sent. Returns how many. */
uint64_t window_ack(struct window *w, uint64_t id);

/*
 * What window_ack(w, id) would settle, run by run: the first run of neighbours
 * from `*first` on, which is changed to where that begins; `*last` is its last.
 * false when there is none.
 */
bool window_run(const struct window *w, uint64_t *first, uint64_t *last,
		uint64_t id);

/* What the window has of an open id; false when it has nothing of it. */
bool window_line(const struct window *w, uint64_t id, struct window_line *line);

/* ERROR: settles that id alone, which window_line() knows. */
void window_reject(struct window *w, uint64_t id);

/*
 * ERROR that speaks of now only: no ACK settles that id until window_rewind(),
 * and then it is sent again.
 */
void window_defer(struct window *w, uint64_t id);

/* The id of the `nth` message (from 0) of a frame; 0 when not there. */
uint64_t window_in_frame(const struct window *w, uint32_t frame, uint64_t nth);

/* Everything open is to be sent again. Returns how many had been sent. */
size_t window_rewind(struct window *w);

/* Settles what was sent, for want of acknowledgements. Returns how many. */
size_t window_forget(struct window *w);

#endif

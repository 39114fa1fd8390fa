/* SPDX-License-Identifier: MIT */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum state {
	OPEN,
	DEFERRED, /* open, and only a resend settles it */
	SETTLED,  /* waits for those before it */
};

struct window_slot {
	uint64_t end;	     /* offset behind the message, as window.base */
	uint64_t origin_end; /* the same of its origin */
	uint64_t number;
	uint32_t source;
	uint32_t frame;	   /* that it went in; meaningful once sent */
	uint32_t in_frame; /* how many messages stand before it there */
	enum state state;
};

int window_init(struct window *w, size_t max_bytes, size_t max_lines)
{
	size_t slots = 1;

	memset(w, 0, sizeof(*w));
	buf_init(&w->bytes);
	buf_init(&w->origins);
	w->first = w->unsent = w->next = 1;
	while (slots < max_lines) {
		if (slots > SIZE_MAX / 2) {
			errno = ENOMEM;
			return -1;
		}
		slots *= 2;
	}
	/* Pages of it that are never used are never there. */
	w->slots = calloc(slots, sizeof(*w->slots));
	if (!w->slots)
		return -1;
	w->mask = slots - 1;
	w->max_bytes = max_bytes;
	w->max_lines = max_lines;
	return 0;
}

void window_release(struct window *w)
{
	buf_release(&w->bytes);
	buf_release(&w->origins);
	free(w->slots);
	memset(w, 0, sizeof(*w));
}

bool window_full(const struct window *w)
{
	return w->next - w->first >= w->max_lines ||
	       buf_len(&w->bytes) >= w->max_bytes;
}

static struct window_slot *slot(const struct window *w, uint64_t id)
{
	return &w->slots[id & w->mask];
}

/* Offset of the first byte of a message; of `next`, behind all of them. */
static uint64_t start_of(const struct window *w, uint64_t id)
{
	return id == w->first ? w->base : slot(w, id - 1)->end;
}

static uint64_t origin_of(const struct window *w, uint64_t id)
{
	return id == w->first ? w->origin_base : slot(w, id - 1)->origin_end;
}

void window_abort(struct window *w)
{
	buf_truncate(&w->bytes, start_of(w, w->next) - w->base);
	buf_truncate(&w->origins, origin_of(w, w->next) - w->origin_base);
	w->bytes.failed = w->origins.failed = false;
}

int window_commit(struct window *w, uint64_t number, uint32_t source)
{
	if (w->bytes.failed || w->origins.failed) {
		window_abort(w);
		errno = ENOMEM;
		return -1;
	}
	if (w->next - w->first > w->mask) {
		window_abort(w);
		errno = ENOBUFS;
		return -1;
	}
	*slot(w, w->next) = (struct window_slot){
		.end = w->base + buf_len(&w->bytes),
		.origin_end = w->origin_base + buf_len(&w->origins),
		.number = number,
		.source = source,
	};
	w->next++;
	w->open++;
	return 0;
}

/* Passes over what was answered before it is sent again. */
static uint64_t next_open(const struct window *w, uint64_t id)
{
	while (id < w->next && slot(w, id)->state != OPEN)
		id++;
	return id;
}

/*
 * Behind the last of the messages from `id` on that lie side by side, are
 * open, and fit. The first fits anyhow when `must`.
 */
static uint64_t run_end(const struct window *w, uint64_t id, size_t max_bytes,
			size_t max_lines, bool must)
{
	uint64_t start = start_of(w, id);
	uint64_t at = id;

	while (at < w->next && slot(w, at)->state == OPEN &&
	       at - id < max_lines &&
	       (slot(w, at)->end - start <= max_bytes || (must && at == id)))
		at++;
	return at;
}

size_t window_take(struct window *w, struct buf *out, size_t max_bytes,
		   size_t max_lines, uint32_t frame)
{
	size_t taken = 0;
	size_t used = 0;

	for (;;) {
		uint64_t from = next_open(w, w->unsent);
		uint64_t to = run_end(w, from, max_bytes - used,
				      max_lines - taken, !taken);
		uint64_t start = start_of(w, from);
		size_t len = start_of(w, to) - start;

		if (from == to)
			return taken;
		buf_append(out, buf_bytes(&w->bytes) + (start - w->base), len);
		for (uint64_t id = from; id < to; id++) {
			slot(w, id)->frame = frame;
			slot(w, id)->in_frame = (uint32_t)taken++;
		}
		w->unsent = to;
		used += len;
		if (used >= max_bytes)
			return taken;
	}
}

/* Lets go of what is settled at the front. */
static void drop_settled(struct window *w)
{
	uint64_t id = w->first;
	uint64_t end = w->base;
	uint64_t origin_end = w->origin_base;

	while (id < w->next && slot(w, id)->state == SETTLED) {
		end = slot(w, id)->end;
		origin_end = slot(w, id)->origin_end;
		id++;
	}
	buf_consume(&w->bytes, end - w->base);
	buf_consume(&w->origins, origin_end - w->origin_base);
	w->first = id;
	w->base = end;
	w->origin_base = origin_end;
	if (w->unsent < id)
		w->unsent = id;
}

static void settle(struct window *w, uint64_t id)
{
	slot(w, id)->state = SETTLED;
	w->open--;
}

uint64_t window_ack(struct window *w, uint64_t id)
{
	uint64_t count = 0;

	for (uint64_t at = w->first; at <= id && at < w->unsent; at++) {
		if (slot(w, at)->state == OPEN) {
			settle(w, at);
			count++;
		}
	}
	drop_settled(w);
	return count;
}

bool window_run(const struct window *w, uint64_t *first, uint64_t *last,
		uint64_t id)
{
	uint64_t end = id < w->unsent ? id + 1 : w->unsent;
	uint64_t at = *first > w->first ? *first : w->first;

	while (at < end && slot(w, at)->state != OPEN)
		at++;
	*first = at;
	while (at < end && slot(w, at)->state == OPEN)
		at++;
	*last = at - 1;
	return *first < end;
}

static bool has(const struct window *w, uint64_t id)
{
	return id >= w->first && id < w->next && slot(w, id)->state != SETTLED;
}

bool window_line(const struct window *w, uint64_t id, struct window_line *line)
{
	uint64_t start;
	uint64_t origin;

	if (!has(w, id))
		return false;
	start = start_of(w, id);
	origin = origin_of(w, id);
	*line = (struct window_line){
		.id = id,
		.message = buf_bytes(&w->bytes) + (start - w->base),
		.len = slot(w, id)->end - start,
		.origin_len = slot(w, id)->origin_end - origin,
		.number = slot(w, id)->number,
		.source = slot(w, id)->source,
	};
	if (line->origin_len)
		line->origin =
			buf_bytes(&w->origins) + (origin - w->origin_base);
	return true;
}

bool window_next(const struct window *w, struct window_line *line)
{
	return window_line(w, next_open(w, w->unsent), line);
}

void window_reject(struct window *w, uint64_t id)
{
	if (!has(w, id))
		return;
	settle(w, id);
	drop_settled(w);
}

void window_defer(struct window *w, uint64_t id)
{
	if (has(w, id))
		slot(w, id)->state = DEFERRED;
}

uint64_t window_in_frame(const struct window *w, uint32_t frame, uint64_t nth)
{
	for (uint64_t id = w->first; id < w->unsent; id++)
		if (slot(w, id)->frame == frame && slot(w, id)->in_frame == nth)
			return id;
	return 0;
}

size_t window_rewind(struct window *w)
{
	size_t sent = 0;

	for (uint64_t id = w->first; id < w->unsent; id++) {
		if (slot(w, id)->state == SETTLED)
			continue;
		slot(w, id)->state = OPEN;
		sent++;
	}
	w->unsent = w->first;
	return sent;
}

size_t window_forget(struct window *w)
{
	return window_ack(w, UINT64_MAX);
}

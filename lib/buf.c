/* SPDX-License-Identifier: MIT */
#include "buf.h"
#include "num.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

void buf_init(struct buf *b)
{
	memset(b, 0, sizeof(*b));
}

void buf_release(struct buf *b)
{
	free(b->base);
	buf_init(b);
}

void buf_wipe(struct buf *b)
{
	if (b->base)
		explicit_bzero(b->base, b->cap);
	buf_release(b);
}

/* Moves the bytes to the beginning of the memory. */
static void slide(struct buf *b)
{
	size_t len = buf_len(b);

	if (!b->start)
		return;
	memmove(b->base, b->base + b->start, len);
	b->start = 0;
	b->end = len;
}

/*
 * The capacity after `cap` that holds `need` bytes, or 0 when there is none.
 * Always above `cap`: sliding a nearly full buffer for each append would make
 * appending quadratic.
 */
static size_t doubled(size_t cap, size_t need)
{
	size_t next = cap ? cap : FIRST_CAP / 2;

	do {
		if (next > SIZE_MAX / 4)
			return 0;
		next *= 2;
	} while (next < need);
	return next;
}

static char *give_up(struct buf *b)
{
	b->failed = true;
	return NULL;
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t len = buf_len(b);
	size_t cap;
	char *base;

	if (b->failed)
		return NULL;
	if (n > SIZE_MAX - len)
		return give_up(b);
	/* Sliding fewer bytes than were consumed keeps appending linear. */
	if (b->start && b->start >= len && b->cap - len >= n) {
		slide(b);
		return b->base + b->end;
	}
	cap = doubled(b->cap, len + n);
	if (!cap)
		return give_up(b);
	slide(b);
	base = realloc(b->base, cap);
	if (!base)
		return give_up(b);
	b->base = base;
	b->cap = cap;
	return b->base + b->end;
}

void buf_put_u64(struct buf *b, uint64_t value)
{
	char *out = buf_reserve(b, NUM_TEXT_MAX);

	if (out)
		buf_added(b, num_put_u64(out, value));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	char *out;
	int n;

	if (b->failed)
		return;
	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		b->failed = true;
		return;
	}
	out = buf_reserve(b, (size_t)n + 1);
	if (!out)
		return;
	va_start(args, fmt);
	vsnprintf(out, (size_t)n + 1, fmt, args);
	va_end(args);
	buf_added(b, (size_t)n);
}

void buf_consume(struct buf *b, size_t n)
{
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void buf_truncate(struct buf *b, size_t n)
{
	if (n < buf_len(b))
		b->end = b->start + n;
}

void buf_clear(struct buf *b, size_t keep)
{
	b->failed = false;
	b->start = b->end = 0;
	if (b->cap > keep)
		buf_release(b);
}

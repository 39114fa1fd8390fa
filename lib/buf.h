/* SPDX-License-Identifier: MIT */
/*
 * buf - a queue of bytes in one piece of memory: append at the end, consume
 * at the front.
 *
 * An allocation that fails sets `failed`, which sticks; from then on appending
 * does nothing. So a message is put together without a check for each part,
 * and checked once.
 */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *base;   /* owned; NULL while nothing was appended */
	size_t start; /* offset of the first byte not consumed */
	size_t end;   /* offset behind the last byte */
	size_t cap;   /* bytes at base */
	bool failed;  /* out of memory; what is there is not whole */
};

void buf_init(struct buf *b);
void buf_release(struct buf *b); /* frees, leaves it as buf_init does */

/*
 * The same of a secret, of which nothing stays in memory, provided that all of
 * its room was reserved before it was appended: growing leaves copies behind.
 */
void buf_wipe(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/*
 * The first byte; valid until the next call that appends. NULL while there is
 * no memory, as NULL + 0 is undefined in C.
 */
static inline char *buf_bytes(const struct buf *b)
{
	return b->base ? b->base + b->start : NULL;
}

/* buf_reserve() where there is no room yet. */
char *buf_grow(struct buf *b, size_t n);

/*
 * Makes room for `n` more bytes and returns where they go; buf_added() then
 * says how many were written there. NULL and `failed` when out of memory, NULL
 * too when it had failed before. Capacity doubles, from 64.
 */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (b->base && !b->failed && b->cap - b->end >= n)
		return b->base + b->end;
	return buf_grow(b, n);
}

static inline void buf_added(struct buf *b, size_t n)
{
	b->end += n;
}

/* Inline, so that the bytes of a literal are stored without a call. */
static inline void buf_append(struct buf *b, const void *bytes, size_t n)
{
	char *out = n ? buf_reserve(b, n) : NULL;

	if (!out)
		return;
	memcpy(out, bytes, n);
	buf_added(b, n);
}

static inline void buf_puts(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

static inline void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_put_u64(struct buf *b, uint64_t value); /* in decimal */
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Takes `n` bytes, at most buf_len(), off the front. */
void buf_consume(struct buf *b, size_t n);

/* Cuts it to its first `n` bytes, if it has more. */
void buf_truncate(struct buf *b, size_t n);

/* Empties it; keeps at most `keep` bytes of memory. Clears `failed`. */
void buf_clear(struct buf *b, size_t keep);

#endif

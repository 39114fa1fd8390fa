/* SPDX-License-Identifier: MIT */
/*
 * jsonmark - marks the bytes at which the scan of a JSON string must stop:
 * quotes, backslashes, control characters, and what is not ASCII.
 *
 * Where a string ends decides where the next one begins, so a scanner that
 * searches each string waits for the result of each search. Here a stretch of
 * the text is marked ahead, one bit for each byte, with no such wait; what is
 * left for each string is to count zeros. Never reads outside of the text.
 */
#ifndef JSONMARK_H
#define JSONMARK_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSONMARK_WORDS 64 /* of 64 bytes each are marked at a time */

/* A load that begins at a byte may lose up to 7 of its 64 bits. */
#define JSONMARK_SEEN 57

struct jsonmark {
	const char *end;  /* of the text */
	const char *base; /* byte of the first bit */
	size_t reach;	  /* offsets from base below this can be looked up */
	/* Little-endian, so that a load may begin at any byte of it. */
	uint64_t bits[JSONMARK_WORDS + 1];
};

/* Begins with nothing marked. `text` is borrowed. */
static inline void jsonmark_init(struct jsonmark *m, const char *text,
				 size_t len)
{
	m->end = text + len;
	m->base = text;
	m->reach = 0;
}

/* Marks the bytes from `at` on. */
void jsonmark_read(struct jsonmark *m, const char *at);

/* A bit for each byte from `at` on: as many as JSONMARK_SEEN say something. */
static inline uint64_t jsonmark_bits(struct jsonmark *m, const char *at)
{
	size_t offset = (size_t)(at - m->base);
	uint64_t bits;

	if (__builtin_expect(offset >= m->reach, 0)) {
		jsonmark_read(m, at);
		offset = 0;
	}
	memcpy(&bits, (const char *)m->bits + offset / 8, sizeof(bits));
	return le64toh(bits) >> offset % 8;
}

/* The first marked byte from `at` on, or the end of the text. */
static inline const char *jsonmark_find(struct jsonmark *m, const char *at)
{
	uint64_t bits = jsonmark_bits(m, at);

	while (__builtin_expect(!bits, 0)) {
		at += JSONMARK_SEEN;
		bits = jsonmark_bits(m, at);
	}
	return at + __builtin_ctzll(bits);
}

#endif

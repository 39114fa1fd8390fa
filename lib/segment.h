/* SPDX-License-Identifier: MIT */
/*
 * segment - a block of ready-made frames with the index that finds them.
 *
 * Frames grow from the front of the block, index entries from its back, until
 * they meet. What was appended is never changed or moved, so that a reader
 * needs nothing but (segment, index), and other threads may read along.
 * Entry i is the update with the sequence number first + i; an entry may be
 * empty (it takes a number, but has no bytes in this view).
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_MIN 512		 /* bytes of the first block of a chain */
#define SEGMENT_MAX (64U * 1024) /* of later ones, but for a larger frame */

struct segment_entry {
	uint32_t offset;  /* where its frame begins */
	uint32_t mono_ms; /* when it was appended, since segment->mono_ms */
	int64_t wall_ms;  /* the same as wall time, since 1970 */
};

struct segment {
	struct segment *next; /* the one with the next sequence numbers */
	int64_t base;	      /* bytes in the chain before this one */
	int64_t mono_ms;      /* monotonic time of the first entry */
	uint64_t first;	      /* sequence number of the first entry */
	uint32_t count;	      /* entries */
	uint32_t used;	      /* bytes of frames */
	uint32_t size;	      /* bytes of the block, a multiple of 16 */
	uint32_t cursors;     /* readers that stand in it */
	uint64_t block[];     /* aligned for the entries at its end */
};

/*
 * A block of `size` bytes (rounded up to 16). NULL when out of memory.
 */
struct segment *segment_new(uint32_t size, uint64_t first, int64_t base);
void segment_free(struct segment *s);

/* What it takes of the heap. */
static inline size_t segment_memory(const struct segment *s)
{
	return sizeof(*s) + s->size;
}

static inline char *segment_bytes(const struct segment *s)
{
	return (char *)(uintptr_t)s->block;
}

static inline const struct segment_entry *segment_entry(const struct segment *s,
							uint32_t i)
{
	const char *end = segment_bytes(s) + s->size;

	return (const struct segment_entry *)(const void *)end - 1 - i;
}

/* The offset at which entry `i`, or what follows the last one, begins. */
static inline uint32_t segment_offset(const struct segment *s, uint32_t i)
{
	return i < s->count ? segment_entry(s, i)->offset : s->used;
}

static inline int64_t segment_mono(const struct segment *s, uint32_t i)
{
	return s->mono_ms + segment_entry(s, i)->mono_ms;
}

/* Whether a frame of `len` bytes still fits, and its time can be told. */
bool segment_fits(const struct segment *s, size_t len, int64_t mono_ms);

/*
 * Makes an entry of `len` bytes, which fit, and returns where they go. The
 * caller fills them before anyone reads.
 */
char *segment_add(struct segment *s, size_t len, int64_t mono_ms,
		  int64_t wall_ms);

/* The first entry that begins at `offset` or behind it; count if none does. */
uint32_t segment_find(const struct segment *s, uint32_t offset);

#endif

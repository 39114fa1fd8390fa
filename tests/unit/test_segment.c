/* SPDX-License-Identifier: MIT */
/* What segment promises: frames from the front, index from the back. */
#include "segment.h"
#include "tap.h"

#include <string.h>

#define ENTRY sizeof(struct segment_entry)

static void add(struct segment *s, const char *text, int64_t mono_ms)
{
	memcpy(segment_add(s, strlen(text), mono_ms, 5000 + mono_ms), text,
	       strlen(text));
}

static void filling(void)
{
	struct segment *s = segment_new(100, 7, 1000);

	ok(s->size == 112 && segment_memory(s) == sizeof(*s) + 112,
	   "a block is rounded up to 16 bytes");
	ok(segment_fits(s, 112 - ENTRY, 0) && !segment_fits(s, 113 - ENTRY, 0),
	   "a frame and its entry fill it to the last byte");
	add(s, "abc", 10);
	add(s, "", 11);
	add(s, "de", 12);
	ok(s->count == 3 && s->used == 5 && s->first == 7,
	   "entries are counted, frames lie end to end");
	ok(memcmp(segment_bytes(s), "abcde", 5) == 0, "as they were written");
	ok(segment_offset(s, 0) == 0 && segment_offset(s, 1) == 3 &&
		   segment_offset(s, 2) == 3 && segment_offset(s, 3) == 5,
	   "an empty entry begins where the next one does");
	ok(segment_mono(s, 0) == 10 && segment_mono(s, 2) == 12 &&
		   segment_entry(s, 2)->wall_ms == 5012,
	   "each knows its time");
	ok(segment_fits(s, 112 - 5 - 4 * ENTRY, 12) &&
		   !segment_fits(s, 112 - 4 - 4 * ENTRY, 12),
	   "frames and index meet");
	segment_free(s);
}

static void finding(void)
{
	struct segment *s = segment_new(256, 1, 0);

	ok(segment_find(s, 0) == 0, "in an empty one there is nothing");
	add(s, "", 0);
	add(s, "abc", 0);
	add(s, "", 0);
	add(s, "", 0);
	add(s, "de", 0);
	add(s, "", 0);
	ok(segment_find(s, 0) == 0, "the first entry begins at 0");
	ok(segment_find(s, 1) == 2 && segment_find(s, 3) == 2,
	   "the first of several at one offset is found");
	ok(segment_find(s, 4) == 5 && segment_find(s, 5) == 5,
	   "also at the end");
	ok(segment_find(s, 6) == s->count, "behind the last one: count");
	segment_free(s);
}

static void times(void)
{
	struct segment *s = segment_new(256, 1, 0);

	ok(segment_fits(s, 1, INT64_MAX), "an empty block takes any time");
	add(s, "a", 1000);
	ok(segment_fits(s, 1, 1000 + (int64_t)UINT32_MAX) &&
		   !segment_fits(s, 1, 1001 + (int64_t)UINT32_MAX),
	   "times further apart than 32 bits do not share a block");
	add(s, "b", 1000 + (int64_t)UINT32_MAX);
	ok(segment_mono(s, 1) == 1000 + (int64_t)UINT32_MAX,
	   "the largest distance is kept exactly");
	segment_free(s);
}

int main(void)
{
	filling();
	finding();
	times();
	oom_after(1);
	ok(!segment_new(64, 1, 0), "NULL when out of memory");
	oom_off();
	return tap_end();
}

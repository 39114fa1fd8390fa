/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <stdlib.h>

struct segment *segment_new(uint32_t size, uint64_t first, int64_t base)
{
	struct segment *s;

	size = (size + 15) & ~UINT32_C(15);
	s = malloc(sizeof(*s) + size);
	if (!s)
		return NULL;
	s->next = NULL;
	s->base = base;
	s->mono_ms = 0;
	s->first = first;
	s->count = 0;
	s->used = 0;
	s->size = size;
	s->cursors = 0;
	return s;
}

void segment_free(struct segment *s)
{
	free(s);
}

bool segment_fits(const struct segment *s, size_t len, int64_t mono_ms)
{
	size_t index = (s->count + 1) * sizeof(struct segment_entry);

	if (s->count && mono_ms - s->mono_ms > UINT32_MAX)
		return false;
	return len + index <= s->size - s->used;
}

char *segment_add(struct segment *s, size_t len, int64_t mono_ms,
		  int64_t wall_ms)
{
	struct segment_entry *entry =
		(struct segment_entry *)(void *)(segment_bytes(s) + s->size) -
		1 - s->count;
	char *bytes = segment_bytes(s) + s->used;

	if (s->count == 0)
		s->mono_ms = mono_ms;
	entry->offset = s->used;
	entry->mono_ms = (uint32_t)(mono_ms - s->mono_ms);
	entry->wall_ms = wall_ms;
	s->used += (uint32_t)len;
	s->count++;
	return bytes;
}

uint32_t segment_find(const struct segment *s, uint32_t offset)
{
	uint32_t low = 0, high = s->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (segment_entry(s, middle)->offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

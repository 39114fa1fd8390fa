/* SPDX-License-Identifier: MIT */
#include "roster.h"

#include <stdlib.h>

#define FIRST_ROOM 16

void roster_init(struct roster *r)
{
	*r = (struct roster){0};
}

void roster_release(struct roster *r)
{
	free(r->entries);
	roster_init(r);
}

int roster_add(struct roster *r, uint64_t number, void *object)
{
	size_t room = r->room ? r->room * 2 : FIRST_ROOM;
	struct roster_entry *entries;

	if (r->used == r->room) {
		entries = realloc(r->entries, room * sizeof(*entries));
		if (!entries)
			return -1;
		r->entries = entries;
		r->room = room;
	}
	r->entries[r->used++] = (struct roster_entry){number, object};
	r->count++;
	return 0;
}

/* Index of the first entry whose number is above `number`, holes too. */
static size_t above(const struct roster *r, uint64_t number)
{
	size_t low = 0, high = r->used, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (r->entries[middle].number > number)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void close_holes(struct roster *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->used; i++)
		if (r->entries[i].object)
			r->entries[kept++] = r->entries[i];
	r->used = kept;
}

void roster_remove(struct roster *r, uint64_t number)
{
	r->entries[above(r, number) - 1].object = NULL;
	r->count--;
	if (r->count < r->used / 2)
		close_holes(r);
}

void *roster_above(const struct roster *r, uint64_t number)
{
	size_t i = above(r, number);

	while (i < r->used && !r->entries[i].object)
		i++;
	return i < r->used ? r->entries[i].object : NULL;
}

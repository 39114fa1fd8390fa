/* SPDX-License-Identifier: MIT */
/*
 * At most half of the slots are taken. An entry stands in the first slot from
 * its own on that was free; no free slot lies between the two, which removing
 * keeps so by moving up what would be cut off (Knuth, volume 3, algorithm 6.4
 * R).
 */
#include "entryset.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

int entryset_init(struct entryset *s)
{
	memset(s, 0, sizeof(*s));
	return hash_random(&s->key, sizeof(s->key));
}

void entryset_release(struct entryset *s)
{
	free(s->slots);
	s->slots = NULL;
	s->mask = s->count = 0;
}

static size_t home(const struct entryset *s, uint32_t stream, struct entryid id)
{
	const uint64_t words[3] = {id.ms, id.seq, stream};

	return hash_bytes(&s->key, words, sizeof(words)) & s->mask;
}

/* Where it is, or where it would go. */
static size_t find(const struct entryset *s, uint32_t stream, struct entryid id)
{
	size_t at = home(s, stream, id);

	while (s->slots[at].stream &&
	       (s->slots[at].stream != stream + 1 ||
		entryid_compare(s->slots[at].id, id) != 0))
		at = (at + 1) & s->mask;
	return at;
}

static int grow(struct entryset *s)
{
	size_t old = s->slots ? s->mask + 1 : 0;
	size_t n = old ? 2 * old : SLOTS_FIRST;
	struct entryset_slot *from = s->slots;
	struct entryset_slot *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -1;
	s->slots = slots;
	s->mask = n - 1;
	for (size_t i = 0; i < old; i++)
		if (from[i].stream)
			slots[find(s, from[i].stream - 1, from[i].id)] =
				from[i];
	free(from);
	return 0;
}

enum entryset_result entryset_add(struct entryset *s, uint32_t stream,
				  struct entryid id)
{
	size_t at;

	if ((!s->slots || 2 * (s->count + 1) > s->mask + 1) && grow(s) != 0)
		return ENTRYSET_NO_MEMORY;
	at = find(s, stream, id);
	if (s->slots[at].stream)
		return ENTRYSET_THERE;
	s->slots[at] = (struct entryset_slot){id, stream + 1};
	s->count++;
	return ENTRYSET_ADDED;
}

/* Whether the entry at `at` may not be found once `hole` before it is free. */
static bool is_cut_off(const struct entryset *s, size_t hole, size_t at)
{
	size_t from = home(s, s->slots[at].stream - 1, s->slots[at].id);

	return ((at - from) & s->mask) >= ((at - hole) & s->mask);
}

void entryset_remove(struct entryset *s, uint32_t stream, struct entryid id)
{
	size_t hole, at;

	if (!s->slots)
		return;
	hole = find(s, stream, id);
	if (!s->slots[hole].stream)
		return;
	s->count--;
	for (at = (hole + 1) & s->mask; s->slots[at].stream;
	     at = (at + 1) & s->mask) {
		if (!is_cut_off(s, hole, at))
			continue;
		s->slots[hole] = s->slots[at];
		hole = at;
	}
	s->slots[hole].stream = 0;
}

bool entryset_least(const struct entryset *s, uint32_t stream,
		    struct entryid *id)
{
	bool any = false;

	for (size_t i = 0; s->slots && i <= s->mask; i++) {
		const struct entryset_slot *slot = &s->slots[i];

		if (slot->stream != stream + 1 ||
		    (any && entryid_compare(slot->id, *id) >= 0))
			continue;
		*id = slot->id;
		any = true;
	}
	return any;
}

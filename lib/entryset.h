/* SPDX-License-Identifier: MIT */
/*
 * entryset - entries of streams that are on their way: a set of pairs of stream
 * and id, by open addressing, in one piece of memory that grows and stays.
 */
#ifndef ENTRYSET_H
#define ENTRYSET_H

#include "entryid.h"
#include "hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entryset_slot {
	struct entryid id;
	uint32_t stream; /* + 1; 0: the slot is free */
};

struct entryset {
	struct hash_key key;
	struct entryset_slot *slots; /* owned; NULL at first */
	size_t mask;		     /* slots - 1 */
	size_t count;		     /* entries in it */
};

/* 0, or -1 with errno. */
int entryset_init(struct entryset *s);
void entryset_release(struct entryset *s);

enum entryset_result {
	ENTRYSET_ADDED,
	ENTRYSET_THERE, /* it was in it */
	ENTRYSET_NO_MEMORY,
};

enum entryset_result entryset_add(struct entryset *s, uint32_t stream,
				  struct entryid id);

/* Harmless for one that is not in it. */
void entryset_remove(struct entryset *s, uint32_t stream, struct entryid id);

/* The least id of a stream; false when none of its is in it. O(slots). */
bool entryset_least(const struct entryset *s, uint32_t stream,
		    struct entryid *id);

#endif

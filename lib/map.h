/* SPDX-License-Identifier: MIT */
/*
 * map - intrusive hash table: nodes live in the objects, the table holds only
 * the buckets.
 *
 * The caller hashes (with a key that peers don't know, see hash.h) and
 * compares. It begins with 16 buckets and doubles them when there are as many
 * nodes; it never shrinks. Growing can fail without harm: the chains get
 * longer.
 *
 * A bucket has the hashes that begin with the same bits, so the buckets are in
 * the order of the hashes, however many there are: in that order one can go
 * through a map a few nodes at a time, while it grows and changes, see
 * map_above().
 */
#ifndef MAP_H
#define MAP_H

#include "list.h"

#include <stddef.h>
#include <stdint.h>

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **buckets; /* owned; mask + 1 of them */
	size_t mask;
	unsigned shift; /* of a hash, to its bucket */
	size_t count;	/* nodes in it */
};

#define map_entry(node, type, member) list_entry(node, type, member)

/* 0, or -1 with errno ENOMEM; map_release() is harmless then. */
int map_init(struct map *m);

/* Frees the buckets; the nodes are the caller's. */
void map_release(struct map *m);

void map_insert(struct map *m, struct map_node *node, uint64_t hash);

/* Takes out a node that is in it. */
void map_remove(struct map *m, struct map_node *node);

/*
 * Any node, to empty a map: map_any(), map_remove(), free. NULL when empty.
 * Looks through the buckets from `*bucket`, which starts at 0.
 */
struct map_node *map_any(const struct map *m, size_t *bucket);

/*
 * All nodes, in no order; the body may neither insert nor remove, and `break`
 * only skips the rest of a bucket.
 */
#define map_for_each(at, m)                                                    \
	for (size_t at##_bucket = 0; at##_bucket <= (m)->mask; at##_bucket++)  \
		for (struct map_node *at = (m)->buckets[at##_bucket]; at;      \
		     at = at->next)

/*
 * The node with the lowest hash, and the one with the next one above `hash`,
 * which need not be there; NULL: there is none. Who goes on so meets each node
 * once that is there all the time, but of those that have the same hash only
 * one.
 */
struct map_node *map_lowest(const struct map *m);
struct map_node *map_above(const struct map *m, uint64_t hash);

static inline struct map_node *map_match(struct map_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

/* The nodes with this hash, one after the other; NULL at the end. */
static inline struct map_node *map_first(const struct map *m, uint64_t hash)
{
	return map_match(m->buckets[hash >> m->shift], hash);
}

static inline struct map_node *map_next(const struct map_node *node)
{
	return map_match(node->next, node->hash);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <stdlib.h>

#define FIRST_BUCKETS 16
#define FIRST_SHIFT 60

int map_init(struct map *m)
{
	m->buckets = calloc(FIRST_BUCKETS, sizeof(*m->buckets));
	m->mask = m->buckets ? FIRST_BUCKETS - 1 : 0;
	m->shift = FIRST_SHIFT;
	m->count = 0;
	return m->buckets ? 0 : -1;
}

void map_release(struct map *m)
{
	free(m->buckets);
	m->buckets = NULL;
	m->mask = 0;
	m->count = 0;
}

static void push(struct map *m, struct map_node *node)
{
	struct map_node **bucket = &m->buckets[node->hash >> m->shift];

	node->next = *bucket;
	*bucket = node;
}

static void push_chain(struct map *m, struct map_node *node)
{
	while (node) {
		struct map_node *next = node->next;

		push(m, node);
		node = next;
	}
}

/* Doubles the buckets. Without memory for that all stays as it is. */
static void grow(struct map *m)
{
	struct map_node **old = m->buckets;
	size_t n = m->mask + 1;
	struct map_node **buckets = calloc(n * 2, sizeof(*buckets));

	if (!buckets)
		return;
	m->buckets = buckets;
	m->mask = n * 2 - 1;
	m->shift--;
	for (size_t i = 0; i < n; i++)
		push_chain(m, old[i]);
	free(old);
}

void map_insert(struct map *m, struct map_node *node, uint64_t hash)
{
	if (m->count > m->mask)
		grow(m);
	node->hash = hash;
	push(m, node);
	m->count++;
}

void map_remove(struct map *m, struct map_node *node)
{
	struct map_node **at = &m->buckets[node->hash >> m->shift];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	m->count--;
}

struct map_node *map_any(const struct map *m, size_t *bucket)
{
	if (!m->count)
		return NULL;
	while (*bucket <= m->mask) {
		if (m->buckets[*bucket])
			return m->buckets[*bucket];
		++*bucket;
	}
	return NULL;
}

/* Of a chain, the node with the lowest hash that is `from` or above. */
static struct map_node *lowest_of(struct map_node *node, uint64_t from)
{
	struct map_node *lowest = NULL;

	for (; node; node = node->next)
		if (node->hash >= from &&
		    (!lowest || node->hash < lowest->hash))
			lowest = node;
	return lowest;
}

static struct map_node *seek(const struct map *m, uint64_t from)
{
	struct map_node *node = NULL;

	for (size_t i = from >> m->shift; i <= m->mask && !node; i++)
		node = lowest_of(m->buckets[i], from);
	return node;
}

struct map_node *map_lowest(const struct map *m)
{
	return seek(m, 0);
}

struct map_node *map_above(const struct map *m, uint64_t hash)
{
	return hash == UINT64_MAX ? NULL : seek(m, hash + 1);
}

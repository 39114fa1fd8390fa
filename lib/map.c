/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <stdlib.h>

#define FIRST_BUCKETS 16

int map_init(struct map *m)
{
	m->buckets = calloc(FIRST_BUCKETS, sizeof(*m->buckets));
	m->mask = m->buckets ? FIRST_BUCKETS - 1 : 0;
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
	struct map_node **bucket = &m->buckets[node->hash & m->mask];

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
	struct map_node **at = &m->buckets[node->hash & m->mask];

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

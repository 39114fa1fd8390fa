/* SPDX-License-Identifier: MIT */
#include "blame.h"

#include <stdlib.h>
#include <string.h>

struct address {
	struct map_node node;
	struct list recent; /* node */
	struct netaddr network;
	int64_t began_ms; /* of the minute that is counted */
	uint64_t count;	  /* failures in it */
};

int blame_init(struct blame *b)
{
	memset(b, 0, sizeof(*b));
	list_init(&b->recent);
	if (hash_random(&b->hash_key, sizeof(b->hash_key)) < 0)
		return -1;
	return map_init(&b->addresses);
}

static void forget(struct blame *b, struct address *a)
{
	map_remove(&b->addresses, &a->node);
	list_remove(&a->recent);
	free(a);
}

void blame_release(struct blame *b)
{
	while (!list_empty(&b->recent))
		forget(b, list_entry(b->recent.next, struct address, recent));
	map_release(&b->addresses);
}

static bool counts(const struct blame *b, const struct netaddr *from)
{
	return b->max && (b->local_too || !netaddr_is_local(from));
}

static struct address *find(const struct blame *b,
			    const struct netaddr *network, uint64_t hash)
{
	struct map_node *node = map_first(&b->addresses, hash);
	struct address *a;

	for (; node; node = map_next(node)) {
		a = map_entry(node, struct address, node);
		if (memcmp(&a->network, network, sizeof(*network)) == 0)
			return a;
	}
	return NULL;
}

static uint64_t hash_of(const struct blame *b, const struct netaddr *network)
{
	return hash_bytes(&b->hash_key, network, sizeof(*network));
}

static struct address *add(struct blame *b, const struct netaddr *network,
			   uint64_t hash)
{
	struct address *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	if (b->addresses.count >= BLAME_MAX)
		forget(b, list_entry(b->recent.next, struct address, recent));
	a->network = *network;
	map_insert(&b->addresses, &a->node, hash);
	list_init(&a->recent);
	return a;
}

static bool is_over(const struct address *a, int64_t mono_ms)
{
	return mono_ms - a->began_ms >= BLAME_MS;
}

int64_t blame_wait(const struct blame *b, const struct netaddr *from,
		   int64_t mono_ms)
{
	struct netaddr network;
	struct address *a;

	if (!counts(b, from) || !b->addresses.count)
		return 0;
	network = netaddr_network(from);
	a = find(b, &network, hash_of(b, &network));
	if (!a || a->count < b->max || is_over(a, mono_ms))
		return 0;
	return a->began_ms + BLAME_MS - mono_ms;
}

bool blame_failed(struct blame *b, const struct netaddr *from, int64_t mono_ms)
{
	struct netaddr network;
	struct address *a;
	uint64_t hash;

	if (!counts(b, from))
		return false;
	network = netaddr_network(from);
	hash = hash_of(b, &network);
	a = find(b, &network, hash);
	if (!a)
		a = add(b, &network, hash);
	if (!a)
		return false;
	if (!a->count || is_over(a, mono_ms)) {
		a->began_ms = mono_ms;
		a->count = 0;
	}
	a->count++;
	list_remove(&a->recent);
	list_append(&b->recent, &a->recent);
	return a->count >= b->max;
}

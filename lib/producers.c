/* SPDX-License-Identifier: MIT */
#include "producers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So many beyond a `max` that was lowered go at once. */
#define EXCESS_TURN 1000

int producers_init(struct producers *p, const struct hash_key *hash_key,
		   size_t max, int64_t age_ms)
{
	p->hash_key = *hash_key;
	p->max = max;
	p->age_ms = age_ms;
	list_init(&p->away);
	return map_init(&p->map);
}

static void forget(struct producers *p, struct producer *producer)
{
	map_remove(&p->map, &producer->node);
	list_remove(&producer->away);
	free(producer);
}

void producers_release(struct producers *p)
{
	struct map_node *node;
	size_t bucket = 0;

	while ((node = map_any(&p->map, &bucket)))
		forget(p, map_entry(node, struct producer, node));
	map_release(&p->map);
}

static struct producer *find(const struct producers *p, const char *name,
			     size_t len, uint64_t hash)
{
	struct map_node *node = map_first(&p->map, hash);
	struct producer *producer;

	for (; node; node = map_next(node)) {
		producer = map_entry(node, struct producer, node);
		if (producer->name_len == len &&
		    memcmp(producer->name, name, len) == 0)
			return producer;
	}
	return NULL;
}

/* Room for one more, if need be by forgetting the one longest away. */
static bool make_room(struct producers *p)
{
	if (p->map.count < p->max)
		return true;
	if (list_empty(&p->away))
		return false;
	forget(p, list_entry(p->away.next, struct producer, away));
	return true;
}

static struct producer *add(struct producers *p, const char *name, size_t len,
			    uint64_t hash)
{
	struct producer *producer;

	if (!make_room(p)) {
		errno = ENOSPC;
		return NULL;
	}
	producer = malloc(sizeof(*producer) + len);
	if (!producer)
		return NULL;
	list_init(&producer->away);
	producer->owner = NULL;
	producer->last = 0;
	memset(producer->refused, 0, sizeof(producer->refused));
	producer->refused_next = 0;
	producer->gone_ms = 0;
	producer->name_len = (uint8_t)len;
	memcpy(producer->name, name, len);
	map_insert(&p->map, &producer->node, hash);
	return producer;
}

struct producer *producers_claim(struct producers *p, const char *name,
				 size_t len, int64_t mono_ms)
{
	uint64_t hash = hash_bytes(&p->hash_key, name, len);
	struct producer *producer;

	producers_expire(p, mono_ms);
	producer = find(p, name, len, hash);
	if (!producer)
		return add(p, name, len, hash);
	list_remove(&producer->away);
	return producer;
}

void producers_leave(struct producers *p, struct producer *producer,
		     int64_t mono_ms)
{
	producer->owner = NULL;
	producer->gone_ms = mono_ms;
	list_append(&p->away, &producer->away);
}

/* The entry of a refused id; PRODUCER_REFUSED when there is none. */
static size_t find_refused(const struct producer *producer, uint64_t id)
{
	size_t i = 0;

	while (i < PRODUCER_REFUSED && producer->refused[i] != id)
		i++;
	return i;
}

void producer_took(struct producer *producer, uint64_t id)
{
	size_t i = find_refused(producer, id);

	if (i < PRODUCER_REFUSED)
		producer->refused[i] = 0;
	if (producer->last < id)
		producer->last = id;
}

void producer_refused(struct producer *producer, uint64_t id)
{
	if (find_refused(producer, id) < PRODUCER_REFUSED)
		return;
	producer->refused[producer->refused_next] = id;
	producer->refused_next =
		(producer->refused_next + 1) % PRODUCER_REFUSED;
}

bool producer_has(const struct producer *producer, uint64_t id)
{
	return id <= producer->last &&
	       find_refused(producer, id) == PRODUCER_REFUSED;
}

void producers_expire(struct producers *p, int64_t mono_ms)
{
	struct producer *oldest;
	int excess = EXCESS_TURN;

	while (!list_empty(&p->away)) {
		oldest = list_entry(p->away.next, struct producer, away);
		if (mono_ms - oldest->gone_ms <= p->age_ms &&
		    (p->map.count <= p->max || excess-- == 0))
			break;
		forget(p, oldest);
	}
}

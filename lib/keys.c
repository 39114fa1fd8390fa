/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include "tenant.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

/* Entries beyond a `max` that was lowered that go for each new one. */
#define EXCESS_TURN 16

void keys_init(struct keys *k, const struct hash_key *hash_key, uint32_t max,
	       int64_t age_ms)
{
	memset(k, 0, sizeof(*k));
	k->hash_key = *hash_key;
	k->max = max;
	k->age_ms = age_ms;
}

void keys_release(struct keys *k)
{
	free(k->ring);
	free(k->buckets);
	k->ring = NULL;
	k->buckets = NULL;
	k->room = 0;
	k->count = 0;
}

struct hash128 keys_hash(const struct keys *k, const char *tenant, size_t len,
			 const char *key, size_t key_len)
{
	struct hash128 of_key = hash_bytes128(&k->hash_key, key, key_len);
	char both[sizeof(of_key) + TENANT_MAX];

	memcpy(both, &of_key, sizeof(of_key));
	memcpy(both + sizeof(of_key), tenant, len);
	return hash_bytes128(&k->hash_key, both, sizeof(of_key) + len);
}

static uint32_t *bucket(const struct keys *k, const struct hash128 *hash)
{
	return &k->buckets[hash->lo & (k->room - 1)];
}

static struct keys_entry *find(const struct keys *k, const struct hash128 *hash,
			       int64_t mono_ms)
{
	struct keys_entry *e;

	if (!k->room)
		return NULL;
	for (uint32_t i = *bucket(k, hash); i; i = e->next) {
		e = &k->ring[i - 1];
		if (e->hash.lo == hash->lo && e->hash.hi == hash->hi && e->seq)
			return mono_ms - e->mono_ms <= k->age_ms ? e : NULL;
	}
	return NULL;
}

const struct keys_entry *keys_find(const struct keys *k,
				   const struct hash128 *hash, int64_t mono_ms)
{
	return find(k, hash, mono_ms);
}

/* It keeps its place in the ring and in its bucket until it is the oldest. */
void keys_forget(struct keys *k, const struct hash128 *hash, int64_t mono_ms)
{
	struct keys_entry *e = find(k, hash, mono_ms);

	if (e)
		e->seq = 0;
}

static void link_entry(struct keys *k, uint32_t at)
{
	uint32_t *head = bucket(k, &k->ring[at].hash);

	k->ring[at].next = *head;
	*head = at + 1;
}

static void forget_oldest(struct keys *k)
{
	uint32_t *link = bucket(k, &k->ring[k->oldest].hash);

	while (*link != k->oldest + 1)
		link = &k->ring[*link - 1].next;
	*link = k->ring[k->oldest].next;
	k->ring[k->oldest].seq = 0;
	k->oldest = (k->oldest + 1) & (k->room - 1);
	k->count--;
}

/* Twice the room; the entries move to the front, the oldest first. */
static int grow(struct keys *k)
{
	uint32_t room = k->room ? 2 * k->room : ROOM_MIN;
	struct keys_entry *ring = calloc(room, sizeof(*ring));
	uint32_t *buckets = calloc(room, sizeof(*buckets));
	uint32_t count = k->count;

	if (!ring || !buckets) {
		free(ring);
		free(buckets);
		return -1;
	}
	for (uint32_t i = 0; i < count; i++)
		ring[i] = k->ring[(k->oldest + i) & (k->room - 1)];
	keys_release(k);
	k->ring = ring;
	k->buckets = buckets;
	k->room = room;
	k->oldest = 0;
	k->count = count;
	for (uint32_t i = 0; i < count; i++)
		link_entry(k, i);
	return 0;
}

int keys_reserve(struct keys *k, int64_t mono_ms)
{
	while (k->count && mono_ms - k->ring[k->oldest].mono_ms > k->age_ms)
		forget_oldest(k);
	for (int i = 0; i < EXCESS_TURN && k->count >= k->max; i++)
		forget_oldest(k);
	return k->count < k->room ? 0 : grow(k);
}

struct keys_entry *keys_add(struct keys *k, const struct hash128 *hash,
			    uint32_t generation, uint64_t seq, int64_t mono_ms)
{
	uint32_t at = (k->oldest + k->count) & (k->room - 1);
	struct keys_entry *e = &k->ring[at];

	e->hash = *hash;
	e->seq = seq;
	e->generation = generation;
	e->mono_ms = mono_ms;
	e->check = 0;
	k->count++;
	link_entry(k, at);
	return e;
}

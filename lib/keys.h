/* SPDX-License-Identifier: MIT */
/*
 * keys - which keys were published lately, so that an update that a source
 * names twice is published once.
 *
 * A key counts for one tenant. It is kept as a keyed 128-bit hash of both, so
 * an entry has a fixed size whatever peers send. Entries live in a ring in
 * the order of their age; the oldest goes when it is too old, or when a new
 * one needs its place.
 */
#ifndef KEYS_H
#define KEYS_H

#include "hash.h"

#include <stdint.h>

struct keys_entry {
	struct hash128 hash;
	uint64_t seq;	     /* of the update; 0: free, or forgotten */
	int64_t mono_ms;     /* when it was published */
	uint32_t next;	     /* entry in the same bucket, + 1; 0: none */
	uint32_t generation; /* of the epoch that seq belongs to */
	uint32_t check;	     /* what it came with; 0: nobody asks */
};

struct keys {
	struct hash_key hash_key;
	struct keys_entry *ring; /* owned; `room` entries */
	uint32_t *buckets;	 /* owned; `room` heads, as `next` */
	uint32_t room;		 /* a power of two; 0 before the first key */
	uint32_t oldest;	 /* entry that was added first */
	uint32_t count;
	uint32_t max;	/* entries at most; may change at any time */
	int64_t age_ms; /* kept so long */
};

/* `max` is from 1 to 2^30. */
void keys_init(struct keys *k, const struct hash_key *hash_key, uint32_t max,
	       int64_t age_ms);
void keys_release(struct keys *k);

/* What stands for a key of a tenant. */
struct hash128 keys_hash(const struct keys *k, const char *tenant, size_t len,
			 const char *key, size_t key_len);

/* What is known of a key that was published lately, or NULL; borrowed. */
const struct keys_entry *keys_find(const struct keys *k,
				   const struct hash128 *hash, int64_t mono_ms);

/*
 * Makes sure that keys_add() has room: forgets what is too old, or the oldest
 * when there are `max`. 0, or -1 with errno ENOMEM.
 */
int keys_reserve(struct keys *k, int64_t mono_ms);

/*
 * Remembers a key that keys_find() did not find. `seq` is at least 1. Returns
 * its entry, with `check` 0; borrowed, until the next key.
 */
struct keys_entry *keys_add(struct keys *k, const struct hash128 *hash,
			    uint32_t generation, uint64_t seq, int64_t mono_ms);

/* It was not published after all; harmless when it is not known. */
void keys_forget(struct keys *k, const struct hash128 *hash, int64_t mono_ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * hash - SipHash (Aumasson and Bernstein, 2012) and random bytes.
 *
 * Keyed, so that a peer who chooses tenant ids or keys cannot choose
 * collisions.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0;
	uint64_t k1;
};

struct hash128 {
	uint64_t lo;
	uint64_t hi;
};

/*
 * Fills `out` with unpredictable bytes (getrandom(2)). 0, or -1 with errno.
 */
int hash_random(void *out, size_t n);

/* SipHash-1-3: for tables. */
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t n);

/* SipHash-2-4 with 128 bits: where the hash stands for the bytes. */
struct hash128 hash_bytes128(const struct hash_key *key, const void *bytes,
			     size_t n);

#endif

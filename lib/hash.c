/* SPDX-License-Identifier: MIT */
#include "hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* The state of SipHash, named as in the paper. */
struct sip {
	uint64_t v0;
	uint64_t v1;
	uint64_t v2;
	uint64_t v3;
};

static inline uint64_t rotl(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_rounds(struct sip *s, int n)
{
	while (n--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 = rotl(s->v2, 32);
	}
}

static inline void sip_init(struct sip *s, const struct hash_key *key)
{
	s->v0 = key->k0 ^ 0x736f6d6570736575; /* "somepseudorandomlygener" */
	s->v1 = key->k1 ^ 0x646f72616e646f6d; /* "atedbytes" */
	s->v2 = key->k0 ^ 0x6c7967656e657261;
	s->v3 = key->k1 ^ 0x7465646279746573;
}

static inline void sip_word(struct sip *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
	sip_rounds(s, rounds);
	s->v0 ^= word;
}

/* `n` bytes, at most 8, as a little-endian number. */
static inline uint64_t get_le(const uint8_t *in, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, in, n);
	return le64toh(word);
}

/* Takes all bytes; the last word has the rest and the length, modulo 256. */
static inline void sip_bytes(struct sip *s, const uint8_t *in, size_t n,
			     int rounds)
{
	size_t rest = n % 8;

	for (const uint8_t *end = in + (n - rest); in < end; in += 8)
		sip_word(s, get_le(in, 8), rounds);
	sip_word(s, (uint64_t)n << 56 | get_le(in, rest), rounds);
}

static inline uint64_t sip_finish(struct sip *s, int rounds)
{
	sip_rounds(s, rounds);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t n)
{
	struct sip s;

	sip_init(&s, key);
	sip_bytes(&s, bytes, n, 1);
	s.v2 ^= 0xff;
	return sip_finish(&s, 3);
}

struct hash128 hash_bytes128(const struct hash_key *key, const void *bytes,
			     size_t n)
{
	struct hash128 hash;
	struct sip s;

	sip_init(&s, key);
	s.v1 ^= 0xee;
	sip_bytes(&s, bytes, n, 2);
	s.v2 ^= 0xee;
	hash.lo = sip_finish(&s, 4);
	s.v1 ^= 0xdd;
	hash.hi = sip_finish(&s, 4);
	return hash;
}

int hash_random(void *out, size_t n)
{
	char *at = out;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

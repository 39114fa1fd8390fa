/* SPDX-License-Identifier: MIT */
/* What hash promises, one line a promise. */
#include "hash.h"
#include "tap.h"

#include <string.h>

/*
 * The published vectors: key 00 01 … 0f, message 00 01 … of `len` bytes.
 * SipHash-2-4-128 from vectors.h of the authors' implementation, SipHash-1-3
 * as that implementation gives it with cROUNDS 1 and dROUNDS 3.
 */
static const struct vector {
	size_t len;
	uint64_t sip13;
	struct hash128 sip24;
} vectors[] = {
	{0, 0xabac0158050fc4dc, {0xe6a825ba047f81a3, 0x930255c71472f66d}},
	{1, 0xc9f49bf37d57ca93, {0x44af996bd8c187da, 0x45fc229b11597634}},
	{7, 0xd3927d989bb11140, {0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0}},
	{8, 0x369095118d299a8e, {0x61f55862baa9623b, 0xb49714f364e2830f}},
	{9, 0x25a48eb36c063de4, {0xabbad90a06994426, 0xed716dbb028b7fc4}},
	{15, 0xd320d86d2a519956, {0x11a8b03399e99354, 0xd9c3cf970fec087e}},
	{16, 0xcc4fdd1a7d908b66, {0xbb54b067caa4e26e, 0x77052385bf1533fd}},
	{63, 0x9d199062b7bbb3a8, {0x4a83502f77d15051, 0x7cbd3f979a063e50}},
};

#define VECTORS (sizeof(vectors) / sizeof(*vectors))

static const struct hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static void message(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)i;
}

static bool sip13_agrees(void)
{
	uint8_t bytes[64];
	bool pass = true;

	message(bytes, sizeof(bytes));
	for (const struct vector *v = vectors; v < vectors + VECTORS; v++)
		pass = pass && hash_bytes(&key, bytes, v->len) == v->sip13;
	return pass;
}

static bool is(struct hash128 a, struct hash128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static bool sip24_agrees(void)
{
	uint8_t bytes[64];
	bool pass = true;

	message(bytes, sizeof(bytes));
	for (const struct vector *v = vectors; v < vectors + VECTORS; v++)
		pass = pass && is(hash_bytes128(&key, bytes, v->len), v->sip24);
	return pass;
}

static bool any_alignment(void)
{
	uint8_t bytes[80];
	bool pass = true;

	for (size_t shift = 0; shift < 8; shift++) {
		message(bytes + shift, 63);
		pass = pass && hash_bytes(&key, bytes + shift, 63) ==
				       vectors[VECTORS - 1].sip13;
	}
	return pass;
}

static bool keys_matter(void)
{
	struct hash_key k0 = {key.k0 ^ 1, key.k1};
	struct hash_key k1 = {key.k0, key.k1 ^ 1};
	uint64_t hash = hash_bytes(&key, "tenant-1", 8);

	return hash != hash_bytes(&k0, "tenant-1", 8) &&
	       hash != hash_bytes(&k1, "tenant-1", 8);
}

/* By chance, 4 of 1000 bytes are the same. */
static bool random_fills(void)
{
	static uint8_t a[1000];
	static uint8_t b[1000];
	size_t same = 0;

	if (hash_random(a, sizeof(a)) || hash_random(b, sizeof(b)))
		return false;
	for (size_t i = 0; i < sizeof(a); i++)
		same += a[i] == b[i];
	return same < 50 && memcmp(a + 992, b + 992, 8) != 0;
}

int main(void)
{
	ok(sip13_agrees(), "SipHash-1-3 gives the reference values");
	ok(sip24_agrees(), "SipHash-2-4-128 gives the reference values");
	ok(any_alignment(), "at any alignment");
	ok(keys_matter(), "both halves of the key matter");
	ok(random_fills(), "random bytes differ to the last");
	ok(hash_random(NULL, 0) == 0, "no random bytes are no error");
	return tap_end();
}

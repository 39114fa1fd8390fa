/* SPDX-License-Identifier: MIT */
#include "masked.h"

#include "hash.h"

#include <string.h>

#define MASKED 0x80

/*
 * In one pass, eight bytes at a time; the key repeats every four, so two of
 * them side by side mask a word.
 */
void masked_copy(char *out, const char *in, size_t len, uint32_t key)
{
	uint64_t keys = (uint64_t)key << 32 | key;
	size_t whole = len & ~(size_t)7;
	uint64_t word = 0;

	for (size_t i = 0; i < whole; i += sizeof(word)) {
		memcpy(&word, in + i, sizeof(word));
		word ^= keys;
		memcpy(out + i, &word, sizeof(word));
	}
	if (whole == len)
		return;
	memcpy(&word, in + whole, len - whole);
	word ^= keys;
	memcpy(out + whole, &word, len - whole);
}

void masked_put(struct buf *out, enum wsframe_opcode opcode,
		const char *payload, size_t len, uint32_t key)
{
	char *at = buf_reserve(out, WSFRAME_HEADER_MAX + len);
	size_t header;

	if (!at)
		return;
	header = wsframe_encode((uint8_t *)at, opcode, len);
	at[1] = (char)(at[1] | MASKED);
	memcpy(at + header, &key, sizeof(key));
	header += sizeof(key);
	masked_copy(at + header, payload, len, key);
	buf_added(out, header + len);
}

int masked_key(struct masked_keys *keys, uint32_t *key)
{
	if (!keys->left) {
		if (hash_random(keys->keys, sizeof(keys->keys)) != 0)
			return -1;
		keys->left = MASKED_KEYS;
	}
	*key = keys->keys[--keys->left];
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "loadframe.h"

/*
 * Copies and masks in one pass, eight bytes at a time; the key repeats every
 * four, so two of them side by side mask a word.
 */
static void copy_masked(char *out, const char *in, size_t len, uint32_t mask)
{
	uint64_t key = (uint64_t)mask << 32 | mask;
	size_t whole = len & ~(size_t)7;
	uint64_t word = 0;

	for (size_t i = 0; i < whole; i += sizeof(word)) {
		memcpy(&word, in + i, sizeof(word));
		word ^= key;
		memcpy(out + i, &word, sizeof(word));
	}
	if (whole == len)
		return;
	memcpy(&word, in + whole, len - whole);
	word ^= key;
	memcpy(out + whole, &word, len - whole);
}

void loadframe_put(struct buf *out, enum wsframe_opcode opcode,
		   const char *payload, size_t len, uint32_t mask)
{
	char *at = buf_reserve(out, WSFRAME_HEADER_MAX + len);
	size_t header;

	if (!at)
		return;
	header = wsframe_encode((uint8_t *)at, opcode, len);
	at[1] = (char)(at[1] | 0x80); /* "masked" */
	memcpy(at + header, &mask, sizeof(mask));
	header += sizeof(mask);
	copy_masked(at + header, payload, len, mask);
	buf_added(out, header + len);
}

void loadframe_begin(struct loadframe_walk *walk, const char *bytes, size_t len)
{
	walk->at = bytes;
	walk->end = bytes + len;
	walk->same = false;
}

enum wsframe_result loadframe_decode(struct loadframe_walk *walk)
{
	size_t have = (size_t)(walk->end - walk->at);
	struct wsframe *f = &walk->frame;
	enum wsframe_result result;

	walk->same = false;
	result = wsframe_decode(f, (const uint8_t *)walk->at, have);
	if (result != WSFRAME_OK)
		return result;
	if (f->payload > have - f->header)
		return WSFRAME_SHORT;
	if (have >= sizeof(walk->begin) && f->header <= sizeof(walk->begin)) {
		memcpy(walk->begin, walk->at, sizeof(walk->begin));
		walk->same = true;
	}
	walk->payload = walk->at + f->header;
	walk->at = walk->payload + f->payload;
	return WSFRAME_OK;
}

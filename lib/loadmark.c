/* SPDX-License-Identifier: MIT */
#include "loadmark.h"

#include <assert.h>

static const char head[] = "{\"wsbench\":\"";

#define HEAD (sizeof(head) - 1)

static_assert(HEAD + 8 == LOADMARK_FLOW, "the run stands behind the head");
static_assert(LOADMARK_PAD + 2 == LOADMARK_MIN, "the smallest has no padding");

/* The way of loadmark_hex() back: spreads the nibbles over the bytes. */
static void put_hex(char *out, uint32_t value)
{
	uint64_t x = value;
	uint64_t letters;

	x = (x << 32 | x >> 16) & 0x0000ffff0000ffff;
	x = (x << 16 | x >> 8) & 0x00ff00ff00ff00ff;
	x = (x << 8 | x >> 4) & 0x0f0f0f0f0f0f0f0f;
	letters = (x + 0x0606060606060606) >> 4 & 0x0101010101010101;
	x = htole64(x + 0x3030303030303030 + letters * ('a' - '0' - 10));
	memcpy(out, &x, sizeof(x));
}

static void put_time(char *out, uint64_t time)
{
	put_hex(out, (uint32_t)(time >> 32));
	put_hex(out + 8, (uint32_t)time);
}

void loadmark_make(char *update, size_t size, uint32_t run)
{
	static const struct loadmark none;

	memset(update, 'x', size);
	memcpy(update, head, HEAD);
	put_hex(update + HEAD, run);
	loadmark_set(update, &none);
	memcpy(update + size - 2, "\"}", 2);
}

void loadmark_set(char *update, const struct loadmark *mark)
{
	put_hex(update + LOADMARK_FLOW, mark->flow);
	put_hex(update + LOADMARK_SEQ, mark->seq);
	put_time(update + LOADMARK_TIME, mark->time);
}

void loadmark_reader_init(struct loadmark_reader *reader, uint32_t run)
{
	memcpy(reader->head, head, HEAD);
	put_hex(reader->head + HEAD, run);
	reader->time = 0;
	put_time(reader->digits, 0);
}

void loadmark_read_time(struct loadmark_reader *reader, const char *digits)
{
	memcpy(reader->digits, digits, sizeof(reader->digits));
	reader->time =
		(uint64_t)loadmark_hex(digits) << 32 | loadmark_hex(digits + 8);
}

bool loadmark_find(struct loadmark *mark, struct loadmark_reader *reader,
		   const char *text, size_t len, size_t size)
{
	const char *at;

	if (len > size &&
	    loadmark_read(mark, reader, text + len - 1 - size, size))
		return true;
	at = memmem(text, len, reader->head, sizeof(reader->head));
	return at && loadmark_read(mark, reader, at, len - (size_t)(at - text));
}

/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_put(struct buf *out, const void *bytes, size_t n)
{
	const unsigned char *in = bytes;
	uint32_t bits = 0;
	unsigned held = 0; /* of `bits`, not yet written */

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | in[i];
		for (held += 8; held >= 6; held -= 6)
			buf_putc(out, alphabet[bits >> (held - 6) & 63]);
	}
	if (held)
		buf_putc(out, alphabet[bits << (6 - held) & 63]);
}

/* The six bits of a character, or -1. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

bool base64_read(struct buf *out, const char *text, size_t len)
{
	char *room = buf_reserve(out, len / 4 * 3 + 2);
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (room)
			room[n++] = (char)(bits >> held);
	}
	/* One character alone holds no byte; what is left over must be 0. */
	if (held >= 6 || (bits & ((1U << held) - 1)))
		return false;
	if (room)
		buf_added(out, n);
	return true;
}

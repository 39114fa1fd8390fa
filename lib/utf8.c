/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include <string.h>

static bool is_tail(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

static bool within(uint8_t byte, uint8_t first, uint8_t last)
{
	return byte >= first && byte <= last;
}

/*
 * The syntax of RFC 3629 section 4: only the second byte depends on the first,
 * which is how overlong forms, surrogates and too large code points are out.
 */
static size_t sequence3(const uint8_t *s)
{
	uint8_t first = s[0] == 0xe0 ? 0xa0 : 0x80;
	uint8_t last = s[0] == 0xed ? 0x9f : 0xbf;

	return within(s[1], first, last) && is_tail(s[2]) ? 3 : 0;
}

static size_t sequence4(const uint8_t *s)
{
	uint8_t first = s[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t last = s[0] == 0xf4 ? 0x8f : 0xbf;

	return within(s[1], first, last) && is_tail(s[2]) && is_tail(s[3]) ? 4
									   : 0;
}

size_t utf8_sequence(const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;

	if (s[0] < 0x80)
		return 1;
	if (within(s[0], 0xc2, 0xdf))
		return len >= 2 && is_tail(s[1]) ? 2 : 0;
	if (within(s[0], 0xe0, 0xef))
		return len >= 3 ? sequence3(s) : 0;
	if (within(s[0], 0xf0, 0xf4))
		return len >= 4 ? sequence4(s) : 0;
	return 0;
}

uint32_t utf8_decode(const char *text, size_t sequence)
{
	const uint8_t *s = (const uint8_t *)text;
	uint32_t code_point = s[0];

	if (sequence > 1)
		code_point &= 0x7fU >> sequence;
	for (size_t i = 1; i < sequence; i++)
		code_point = code_point << 6 | (s[i] & 0x3f);
	return code_point;
}

size_t utf8_encode(char out[4], uint32_t code_point)
{
	size_t n = code_point < 0x80	  ? 1
		   : code_point < 0x800	  ? 2
		   : code_point < 0x10000 ? 3
					  : 4;

	for (size_t i = n; i-- > 1; code_point >>= 6)
		out[i] = (char)(0x80 | (code_point & 0x3f));
	out[0] = (char)(n == 1 ? code_point : (0xf00U >> n | code_point));
	return n;
}

#define WORD sizeof(uint64_t)
#define BLOCK (4 * WORD)
#define HIGH_BITS 0x8080808080808080ULL

static inline bool word_is_ascii(const char *text)
{
	uint64_t w;

	memcpy(&w, text, sizeof(w));
	return !(w & HIGH_BITS);
}

static inline bool block_is_ascii(const char *text)
{
	uint64_t w[4];

	memcpy(w, text, sizeof(w));
	return !((w[0] | w[1] | w[2] | w[3]) & HIGH_BITS);
}

/* How many bytes of ASCII `text` begins with. */
static size_t ascii_run(const char *text, size_t len)
{
	size_t i = 0;

	while (len - i >= BLOCK && block_is_ascii(text + i))
		i += BLOCK;
	while (len - i >= WORD && word_is_ascii(text + i))
		i += WORD;
	while (i < len && (uint8_t)text[i] < 0x80)
		i++;
	return i;
}

bool utf8_valid(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = (uint8_t)text[i] < 0x80
				   ? ascii_run(text + i, len - i)
				   : utf8_sequence(text + i, len - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

bool utf8_is_control(uint32_t code_point)
{
	static const struct {
		uint32_t first;
		uint32_t last;
	} ranges[] = {
		{0x0000, 0x001f}, /* C0 */
		{0x007f, 0x009f}, /* DEL and C1 */
		{0x061c, 0x061c}, /* the bidirectional ones */
		{0x200e, 0x200f},
		{0x2028, 0x202e}, /* with line and paragraph separator */
		{0x2066, 0x2069},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code_point >= ranges[i].first &&
		    code_point <= ranges[i].last)
			return true;
	return false;
}

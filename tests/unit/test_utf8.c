/* SPDX-License-Identifier: MIT */
/* What utf8 promises, one line a promise. */
#include "tap.h"
#include "utf8.h"

#include <string.h>

static bool is_surrogate(uint32_t code_point)
{
	return code_point >= 0xd800 && code_point <= 0xdfff;
}

static bool round_trips(uint32_t code_point)
{
	char text[4];
	size_t n = utf8_encode(text, code_point);

	return utf8_sequence(text, n) == n && utf8_valid(text, n) &&
	       utf8_decode(text, n) == code_point;
}

static bool all_round_trip(void)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++)
		if (!is_surrogate(c) && !round_trips(c))
			return false;
	return true;
}

static bool encodes(uint32_t code_point, const char *want)
{
	char text[4];
	size_t n = utf8_encode(text, code_point);

	return n == strlen(want) && !memcmp(text, want, n);
}

/*
 * Of all sequences of 4 bytes, with the last two from each class of byte, how
 * many begin with a valid sequence of `want` bytes.
 */
static size_t count_sequences(size_t want)
{
	static const char last[] = {0x00,	0x7f,	    (char)0x80,
				    (char)0xbf, (char)0xc0, (char)0xff};
	size_t count = 0;

	for (unsigned i = 0; i < 65536 * 36; i++) {
		char text[4] = {(char)(i / 36 / 256), (char)(i / 36 % 256),
				last[i % 36 / 6], last[i % 6]};

		count += utf8_sequence(text, 4) == want;
	}
	return count;
}

static bool valid(const char *text)
{
	return utf8_valid(text, strlen(text));
}

/* Every proper prefix of a sequence is not whole. */
static bool prefixes_refused(const char *text)
{
	for (size_t n = 1; n < strlen(text); n++)
		if (utf8_sequence(text, n) || utf8_valid(text, n))
			return false;
	return utf8_sequence(text, strlen(text)) == strlen(text);
}

/* ASCII of any length with `piece` at any place in it. */
static bool found_anywhere(const char *piece, bool want)
{
	size_t n = strlen(piece);
	char text[130];

	for (size_t len = n; len <= sizeof(text); len++) {
		for (size_t at = 0; at + n <= len; at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, piece, n);
			if (utf8_valid(text, len) != want)
				return false;
		}
	}
	return true;
}

static bool controls_are(void)
{
	static const uint32_t yes[] = {0,      0x1f,   0x7f,   0x80,   0x9f,
				       0x61c,  0x200e, 0x200f, 0x2028, 0x2029,
				       0x202a, 0x202e, 0x2066, 0x2069};
	static const uint32_t no[] = {0x20,   0x7e,   0xa0,   0x200d, 0x2027,
				      0x202f, 0x2065, 0x206a, 0xfffd, 0x1f600};
	bool pass = true;

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		pass = pass && utf8_is_control(yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		pass = pass && !utf8_is_control(no[i]);
	return pass;
}

int main(void)
{
	ok(all_round_trip(), "every code point but surrogates round trips");
	ok(encodes('a', "a") && encodes(0x7ff, "\xdf\xbf") &&
		   encodes(0x20ac, "\xe2\x82\xac") &&
		   encodes(0x10ffff, "\xf4\x8f\xbf\xbf"),
	   "encodes in the shortest form");
	ok(count_sequences(1) == 128 * 256 * 36, "128 sequences of 1 byte");
	ok(count_sequences(2) == 30 * 64 * 36, "1920 sequences of 2 bytes");
	ok(count_sequences(3) == (61440 / 64) * 2 * 6,
	   "61440 sequences of 3 bytes");
	ok(count_sequences(4) == (1048576 / 4096) * 4,
	   "1048576 sequences of 4 bytes");
	ok(!valid("\xc0\x80") && !valid("\xe0\x80\xaf") &&
		   !valid("\xf0\x8f\xbf\xbf"),
	   "overlong forms are refused");
	ok(!valid("\xed\xa0\x80") && !valid("\xed\xbf\xbf"),
	   "surrogates are refused");
	ok(!valid("\xf4\x90\x80\x80") && !valid("\xf5\x80\x80\x80"),
	   "what is above U+10FFFF is refused");
	ok(prefixes_refused("\xc3\xa4") && prefixes_refused("\xe2\x82\xac") &&
		   prefixes_refused("\xf0\x9f\x98\x80"),
	   "a sequence that is not whole is refused");
	ok(utf8_valid("", 0), "the empty text is valid");
	ok(utf8_valid("a\0b", 3), "NUL is a character");
	ok(found_anywhere("\xf0\x9f\x98\x80", true) &&
		   found_anywhere("\xc3\xa4\xe2\x82\xac", true),
	   "valid sequences pass wherever they stand");
	ok(found_anywhere("\xff", false) && found_anywhere("\x80", false) &&
		   found_anywhere("\xe2\x82", false),
	   "invalid ones are found wherever they stand");
	ok(controls_are(), "knows what a terminal would act on");
	return tap_end();
}

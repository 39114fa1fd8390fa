/* SPDX-License-Identifier: MIT */
/*
 * json_naive - RFC 8259 written down again, as plainly as can be, to compare
 * the scanner with: recursive, byte by byte, says only yes or no.
 */
#ifndef JSON_NAIVE_H
#define JSON_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define NAIVE_DEPTH 128

struct naive {
	const unsigned char *at;
	const unsigned char *end;
	int depth;
};

static inline bool naive_value(struct naive *n);

/* The next byte, or -1 at the end. */
static inline int naive_peek(const struct naive *n)
{
	return n->at < n->end ? *n->at : -1;
}

static inline bool naive_range(struct naive *n, int first, int last)
{
	int c = naive_peek(n);

	if (c < first || c > last)
		return false;
	n->at++;
	return true;
}

static inline bool naive_byte(struct naive *n, int c)
{
	return naive_range(n, c, c);
}

static inline bool naive_word(struct naive *n, const char *word)
{
	while (*word)
		if (!naive_byte(n, *word++))
			return false;
	return true;
}

static inline void naive_blanks(struct naive *n)
{
	while (naive_byte(n, ' ') || naive_byte(n, '\t') ||
	       naive_byte(n, '\n') || naive_byte(n, '\r'))
		;
}

static inline bool naive_digits(struct naive *n)
{
	if (!naive_range(n, '0', '9'))
		return false;
	while (naive_range(n, '0', '9'))
		;
	return true;
}

static inline bool naive_number(struct naive *n)
{
	naive_byte(n, '-');
	if (!naive_byte(n, '0') && !naive_digits(n))
		return false;
	if (naive_byte(n, '.') && !naive_digits(n))
		return false;
	if (!naive_byte(n, 'e') && !naive_byte(n, 'E'))
		return true;
	if (!naive_byte(n, '+'))
		naive_byte(n, '-');
	return naive_digits(n);
}

static inline bool naive_escape(struct naive *n)
{
	int c = naive_peek(n);

	if (c <= 0 || !strchr("\"\\/bfnrtu", c))
		return false;
	n->at++;
	for (int i = 0; c == 'u' && i < 4; i++)
		if (!naive_range(n, '0', '9') && !naive_range(n, 'a', 'f') &&
		    !naive_range(n, 'A', 'F'))
			return false;
	return true;
}

static inline bool naive_tails(struct naive *n, int count)
{
	while (count--)
		if (!naive_range(n, 0x80, 0xbf))
			return false;
	return true;
}

/* The table of RFC 3629, section 4. */
static inline bool naive_utf8(struct naive *n)
{
	if (naive_range(n, 0xc2, 0xdf))
		return naive_tails(n, 1);
	if (naive_byte(n, 0xe0))
		return naive_range(n, 0xa0, 0xbf) && naive_tails(n, 1);
	if (naive_byte(n, 0xed))
		return naive_range(n, 0x80, 0x9f) && naive_tails(n, 1);
	if (naive_range(n, 0xe1, 0xef))
		return naive_tails(n, 2);
	if (naive_byte(n, 0xf0))
		return naive_range(n, 0x90, 0xbf) && naive_tails(n, 2);
	if (naive_range(n, 0xf1, 0xf3))
		return naive_tails(n, 3);
	return naive_byte(n, 0xf4) && naive_range(n, 0x80, 0x8f) &&
	       naive_tails(n, 2);
}

static inline bool naive_string(struct naive *n)
{
	if (!naive_byte(n, '"'))
		return false;
	while (!naive_byte(n, '"')) {
		if (naive_byte(n, '\\')) {
			if (!naive_escape(n))
				return false;
		} else if (!naive_range(n, ' ', 0x7f) && !naive_utf8(n)) {
			return false;
		}
	}
	return true;
}

static inline bool naive_element(struct naive *n, int closer)
{
	if (closer == '}') {
		naive_blanks(n);
		if (!naive_string(n))
			return false;
		naive_blanks(n);
		if (!naive_byte(n, ':'))
			return false;
	}
	return naive_value(n);
}

static inline bool naive_elements(struct naive *n, int closer)
{
	n->at++;
	if (++n->depth > NAIVE_DEPTH)
		return false;
	naive_blanks(n);
	if (!naive_byte(n, closer)) {
		do {
			if (!naive_element(n, closer))
				return false;
		} while (naive_byte(n, ','));
		if (!naive_byte(n, closer))
			return false;
	}
	n->depth--;
	return true;
}

/* With the blanks around it. */
static inline bool naive_value(struct naive *n)
{
	bool good;

	naive_blanks(n);
	switch (naive_peek(n)) {
	case '{':
		good = naive_elements(n, '}');
		break;
	case '[':
		good = naive_elements(n, ']');
		break;
	case '"':
		good = naive_string(n);
		break;
	case 't':
		good = naive_word(n, "true");
		break;
	case 'f':
		good = naive_word(n, "false");
		break;
	case 'n':
		good = naive_word(n, "null");
		break;
	default:
		good = naive_number(n);
	}
	naive_blanks(n);
	return good;
}

static inline bool naive_valid(const char *text, size_t len)
{
	struct naive n = {.at = (const unsigned char *)text,
			  .end = (const unsigned char *)text + len};

	return naive_value(&n) && n.at == n.end;
}

#endif

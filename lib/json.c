/* SPDX-License-Identifier: MIT */
/*
 * json - the scanner: one pass over the text, no recursion, no allocation.
 *
 * Every update that is published goes through here, so the common text takes
 * the short way: jsonmark finds the ends of strings, the rest are branches that
 * the processor foresees. Escapes, UTF-8 and errors are kept out of line. No
 * function reads at or behind `end`. What strings and numbers mean is in
 * jsontext.c.
 */
#include "json.h"

#include "utf8.h"

#include <string.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define OUT_OF_LINE __attribute__((noinline, cold))
#define INLINE inline __attribute__((always_inline))

/* Returns NULL, as do all functions here that found something wrong. */
OUT_OF_LINE static const char *fail(struct json_scan *s, const char *wrong,
				    enum json_result result)
{
	s->at = wrong;
	s->result = wrong == s->end ? JSON_SHORT : result;
	return NULL;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static INLINE const char *skip_digits(const char *at, const char *end)
{
	while (at < end && is_digit(*at))
		at++;
	return at;
}

/*
 * Lines are mostly indented like the one before, so these branches are
 * foreseen, where counting spaces would have to be waited for.
 */
static INLINE const char *skip_spaces(const char *at, const char *end)
{
	while (end - at >= 8 && !memcmp(at, "        ", 8))
		at += 8;
	if (end - at >= 4 && !memcmp(at, "    ", 4))
		at += 4;
	if (end - at >= 2 && !memcmp(at, "  ", 2))
		at += 2;
	return at;
}

static INLINE const char *skip_blanks(const char *at, const char *end)
{
	if (likely(at < end && (unsigned char)*at > ' '))
		return at;
	while (at < end && is_blank(*at))
		at = skip_spaces(at + 1, end);
	return at;
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *skip_escape(struct json_scan *s, const char *at)
{
	if (++at == s->end || !memchr("\"\\/bfnrtu", *at, 9))
		return fail(s, at, JSON_BAD_ESCAPE);
	if (*at++ != 'u')
		return at;
	for (int i = 0; i < 4; i++, at++)
		if (at == s->end || !is_hex(*at))
			return fail(s, at, JSON_BAD_ESCAPE);
	return at;
}

/* Whether the last bytes of a text can begin a sequence: then it is short. */
static bool utf8_cut(const char *at, size_t len)
{
	char low[4] = {'\x80', '\x80', '\x80', '\x80'};
	char high[4] = {'\xbf', '\xbf', '\xbf', '\xbf'};

	if (len >= 4)
		return false;
	memcpy(low, at, len);
	memcpy(high, at, len);
	return utf8_sequence(low, 4) > len || utf8_sequence(high, 4) > len;
}

static const char *skip_utf8(struct json_scan *s, const char *at)
{
	while (at < s->end && (unsigned char)*at >= 0x80) {
		size_t left = (size_t)(s->end - at);
		size_t n = utf8_sequence(at, left);

		if (!n)
			return fail(s, utf8_cut(at, left) ? s->end : at,
				    JSON_BAD_UTF8);
		at += n;
	}
	return at;
}

/* The rest of a string from its first byte that is not plain. */
__attribute__((noinline)) static const char *skip_rest(struct json_scan *s,
						       const char *at)
{
	while (at && at < s->end && *at != '"') {
		if (*at == '\\')
			at = skip_escape(s, at);
		else if ((unsigned char)*at >= 0x80)
			at = skip_utf8(s, at);
		else
			return fail(s, at, JSON_BAD_CONTROL);
		if (at)
			at = jsonmark_find(&s->marks, at);
	}
	if (!at)
		return NULL;
	return at < s->end ? at + 1 : fail(s, at, JSON_SHORT);
}

/* `at` is at the first byte of a string that is not plain. */
static INLINE const char *end_string(struct json_scan *s, const char *at)
{
	if (likely(at < s->end && *at == '"'))
		return at + 1;
	return skip_rest(s, at);
}

/* `at` is behind the opening quote. */
static INLINE const char *skip_string(struct json_scan *s, const char *at)
{
	return end_string(s, jsonmark_find(&s->marks, at));
}

static const char *skip_some_digits(struct json_scan *s, const char *at)
{
	if (at == s->end || !is_digit(*at))
		return fail(s, at, JSON_BAD_NUMBER);
	return skip_digits(at, s->end);
}

/* From the '.' or 'e' of a number. */
__attribute__((noinline)) static const char *skip_fraction(struct json_scan *s,
							   const char *at)
{
	if (*at == '.') {
		at = skip_some_digits(s, at + 1);
		if (!at || at == s->end || (*at | 0x20) != 'e')
			return at;
	}
	at++;
	if (at < s->end && (*at == '+' || *at == '-'))
		at++;
	return skip_some_digits(s, at);
}

static INLINE const char *skip_number(struct json_scan *s, const char *at)
{
	const char *digits = *at == '-' ? at + 1 : at;

	at = skip_digits(digits, s->end);
	if (unlikely(at == digits))
		return fail(s, at, JSON_BAD_NUMBER);
	if (unlikely(*digits == '0' && at > digits + 1))
		return fail(s, digits + 1, JSON_BAD_NUMBER);
	if (at < s->end && (*at == '.' || (*at | 0x20) == 'e'))
		return skip_fraction(s, at);
	return at;
}

OUT_OF_LINE static const char *fail_literal(struct json_scan *s, const char *at,
					    const char *word)
{
	while (at < s->end && *at == *word)
		at++, word++;
	return fail(s, at, JSON_BAD_LITERAL);
}

static INLINE const char *skip_literal(struct json_scan *s, const char *at,
				       const char *word, size_t len)
{
	if (likely((size_t)(s->end - at) >= len && !memcmp(at, word, len)))
		return at + len;
	return fail_literal(s, at, word);
}

/* A string that must be here. */
static INLINE const char *skip_quoted(struct json_scan *s, const char *at)
{
	if (unlikely(at == s->end || *at != '"'))
		return fail(s, at, JSON_UNEXPECTED);
	return skip_string(s, at + 1);
}

/* The ':' behind a name and the blanks around it. */
static INLINE const char *skip_colon(struct json_scan *s, const char *at)
{
	at = skip_blanks(at, s->end);
	if (unlikely(at == s->end || *at != ':'))
		return fail(s, at, JSON_UNEXPECTED);
	return skip_blanks(at + 1, s->end);
}

/* Whether a string value stands so near that nothing between is marked. */
static INLINE bool string_follows(const char *quote, const char *value,
				  const char *end)
{
	return value < end && *value == '"' &&
	       (value == quote + 2 || (value == quote + 3 && quote[2] == ' '));
}

/*
 * A name with what follows it, up to its value. The bits in which its end was
 * found often show the end of a string value as well; such a value is skipped
 * with it, and `*whole` is set.
 */
static INLINE const char *skip_name(struct json_scan *s, const char *at,
				    bool *whole)
{
	const char *quote, *value;
	uint64_t bits;

	*whole = false;
	if (unlikely(at == s->end || *at != '"'))
		return fail(s, at, JSON_UNEXPECTED);
	bits = jsonmark_bits(&s->marks, ++at);
	quote = likely(bits) ? at + __builtin_ctzll(bits) : s->end;
	if (unlikely(quote == s->end || *quote != '"')) {
		at = skip_string(s, at);
		return at ? skip_colon(s, at) : NULL;
	}
	value = skip_colon(s, quote + 1);
	if (!value || !string_follows(quote, value, s->end))
		return value;
	*whole = true;
	bits &= bits - 1; /* the closing quote of the name */
	bits &= bits - 1; /* the opening quote of the value */
	if (bits)
		return end_string(s, at + __builtin_ctzll(bits));
	return skip_string(s, value + 1);
}

static INLINE const char *skip_scalar(struct json_scan *s, const char *at)
{
	switch (*at) {
	case '"':
		return skip_string(s, at + 1);
	case 't':
		return skip_literal(s, at, "true", 4);
	case 'f':
		return skip_literal(s, at, "false", 5);
	case 'n':
		return skip_literal(s, at, "null", 4);
	}
	if (likely(is_digit(*at) || *at == '-'))
		return skip_number(s, at);
	return fail(s, at, JSON_UNEXPECTED);
}

/*
 * Skips the value at `at`, which is within `depth` others. `closers` is the
 * stack of brackets that are due.
 */
static const char *skip_value(struct json_scan *s, const char *at,
			      unsigned depth)
{
	char closers[JSON_DEPTH_MAX];
	unsigned base = depth;

value:
	if (unlikely(at == s->end))
		return fail(s, at, JSON_SHORT);
	if (*at == '{' || *at == '[') {
		if (unlikely(depth == JSON_DEPTH_MAX))
			return fail(s, at, JSON_TOO_DEEP);
		closers[depth++] = *at == '{' ? '}' : ']';
		at = skip_blanks(at + 1, s->end);
		if (at < s->end && *at == closers[depth - 1])
			goto close;
		goto element;
	}
	at = skip_scalar(s, at);
	if (unlikely(!at))
		return NULL;
next:
	if (depth == base)
		return at;
	at = skip_blanks(at, s->end);
	if (unlikely(at == s->end))
		return fail(s, at, JSON_SHORT);
	if (*at == ',') {
		at = skip_blanks(at + 1, s->end);
		goto element;
	}
	if (unlikely(*at != closers[depth - 1]))
		return fail(s, at, JSON_UNEXPECTED);
close:
	depth--;
	at++;
	goto next;
element:
	if (closers[depth - 1] == '}') {
		bool whole;

		at = skip_name(s, at, &whole);
		if (unlikely(!at))
			return NULL;
		if (whole)
			goto next;
	}
	goto value;
}

static enum json_type type_of(char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	}
	return JSON_NUMBER;
}

static INLINE void set_value(struct json_value *value, const char *at,
			     const char *end, enum json_type type)
{
	value->text = at;
	value->len = (size_t)(end - at);
	value->type = type;
}

/* The first byte of the document, or NULL. */
static const char *begin(struct json_scan *s, const char *text, size_t len)
{
	const char *at;

	if (!len)
		text = ""; /* may have been NULL */
	s->start = text;
	s->end = text + len;
	s->first = true;
	jsonmark_init(&s->marks, text, len);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return fail(s, text, JSON_BOM);
	at = skip_blanks(text, s->end);
	if (at < s->end)
		return at;
	s->at = at;
	s->result = JSON_EMPTY;
	return NULL;
}

/* `good` when nothing is behind the document, which ends at `at`. */
static enum json_result finish(struct json_scan *s, const char *at,
			       enum json_result good)
{
	s->at = skip_blanks(at, s->end);
	return s->at == s->end ? good : JSON_TRAILING;
}

enum json_result json_parse(struct json_value *value, const char *text,
			    size_t len, size_t *where)
{
	struct json_scan s;
	const char *at = begin(&s, text, len);
	const char *behind = at ? skip_value(&s, at, 0) : NULL;
	enum json_result result =
		behind ? finish(&s, behind, JSON_OK) : s.result;

	if (where)
		*where = json_where(&s);
	if (result == JSON_OK)
		set_value(value, at, behind, type_of(*at));
	return result;
}

enum json_result json_check(const char *text, size_t len, size_t *where)
{
	struct json_value value;

	return json_parse(&value, text, len, where);
}

enum json_result json_members(struct json_scan *scan, const char *text,
			      size_t len)
{
	const char *at = begin(scan, text, len);
	enum json_result result;
	size_t where;

	scan->depth = 1;
	if (at && *at == '{') {
		scan->at = at + 1;
		return JSON_OK;
	}
	result = json_check(text, len, &where);
	scan->at = result == JSON_OK ? at : scan->start + where;
	return result == JSON_OK ? JSON_NOT_OBJECT : result;
}

enum json_result json_envelope(struct json_scan *scan, const char *text,
			       size_t len)
{
	enum json_result result = json_members(scan, text, len);

	scan->depth = 0;
	return result;
}

/* Where the next name should be; NULL behind the last or on an error. */
static const char *next_name(struct json_scan *s)
{
	const char *at = skip_blanks(s->at, s->end);

	if (at == s->end)
		return fail(s, at, JSON_SHORT);
	if (*at == '}') {
		s->result = finish(s, at + 1, JSON_END);
		return NULL;
	}
	if (s->first)
		return at;
	if (*at != ',')
		return fail(s, at, JSON_UNEXPECTED);
	return skip_blanks(at + 1, s->end);
}

/* The value of a member. A string, as most are, needs no stack. */
static INLINE const char *skip_member(struct json_scan *s, const char *at)
{
	if (at < s->end && *at == '"')
		return skip_string(s, at + 1);
	return skip_value(s, at, s->depth);
}

enum json_result json_next(struct json_scan *scan, struct json_member *member)
{
	const char *name = next_name(scan);
	const char *colon = name ? skip_quoted(scan, name) : NULL;
	const char *value = colon ? skip_colon(scan, colon) : NULL;
	const char *at = value ? skip_member(scan, value) : NULL;

	scan->first = false;
	if (!at)
		return scan->result;
	set_value(&member->name, name, colon, JSON_STRING);
	set_value(&member->value, value, at, type_of(*value));
	scan->at = at;
	return JSON_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * json - the scanner: one pass over the text, no recursion, no allocation.
 *
 * Every update that is published goes through here, so the loop is laid out
 * for the common text: strings are searched 64 bytes at a time for a byte that
 * needs a look, numbers and blanks 16 at a time. All else (escapes, UTF-8,
 * errors) is kept out of line. No load reaches outside of the text: the last
 * bytes are read by a load that ends where the text ends. What strings mean is
 * in jsontext.c.
 */
#include "json.h"

#include "utf8.h"

#include <string.h>

#if defined(__SSE2__) && !defined(JSON_PORTABLE)
#include <emmintrin.h>
#define JSON_SSE2 1
#else
#define JSON_SSE2 0
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define OUT_OF_LINE __attribute__((noinline, cold))
#define INLINE inline __attribute__((always_inline))

/* One pass over a text; set where a function below returns NULL. */
struct pass {
	const char *start;
	const char *end;
	const char *wrong; /* first byte that is wrong */
	enum json_result result;
};

OUT_OF_LINE static const char *fail(struct pass *p, const char *wrong,
				    enum json_result result)
{
	p->wrong = wrong;
	p->result = wrong == p->end ? JSON_SHORT : result;
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

/* Within a string: what stands for itself and is ASCII. */
static inline bool is_plain(char c)
{
	return c != '"' && c != '\\' && (unsigned char)c >= ' ' &&
	       (unsigned char)c < 0x80;
}

#if JSON_SSE2

static inline unsigned equal16(__m128i bytes, char c)
{
	return (unsigned)_mm_movemask_epi8(
		_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
}

static inline __m128i load16(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* A bit for each of 16 bytes that is not plain; signed, so >= 0x80 is < ' '. */
static inline unsigned special16(const char *at)
{
	__m128i bytes = load16(at);
	__m128i special = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));

	special = _mm_or_si128(special,
			       _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
	special = _mm_or_si128(special,
			       _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(special);
}

/* A bit for each of 16 bytes that is not a digit. */
static inline unsigned other16(const char *at)
{
	__m128i bytes = load16(at);

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8('0')),
			     _mm_cmpgt_epi8(bytes, _mm_set1_epi8('9'))));
}

static inline unsigned blank16(const char *at)
{
	__m128i bytes = load16(at);

	return equal16(bytes, ' ') | equal16(bytes, '\n') |
	       equal16(bytes, '\r') | equal16(bytes, '\t');
}

/* The first byte from `at` on that is not plain, or the end. */
static INLINE const char *skip_plain(const struct pass *p, const char *at)
{
	while (p->end - at >= 64) {
		uint64_t low = special16(at) | special16(at + 16) << 16;
		uint64_t high = special16(at + 32) | special16(at + 48) << 16;
		uint64_t special = low | high << 32;

		if (likely(special))
			return at + __builtin_ctzll(special);
		at += 64;
	}
	while (p->end - at >= 16) {
		unsigned special = special16(at);

		if (special)
			return at + __builtin_ctz(special);
		at += 16;
	}
	if (p->end - p->start >= 16 && at < p->end) {
		unsigned special =
			special16(p->end - 16) >> (16 - (p->end - at));

		return special ? at + __builtin_ctz(special) : p->end;
	}
	while (at < p->end && is_plain(*at))
		at++;
	return at;
}

static INLINE const char *skip_digits(const struct pass *p, const char *at)
{
	while (p->end - at >= 16) {
		unsigned other = other16(at);

		if (likely(other))
			return at + __builtin_ctz(other);
		at += 16;
	}
	while (at < p->end && is_digit(*at))
		at++;
	return at;
}

static inline const char *skip_blank_run(const struct pass *p, const char *at)
{
	while (p->end - at >= 16) {
		unsigned other = ~blank16(at) & 0xffff;

		if (likely(other))
			return at + __builtin_ctz(other);
		at += 16;
	}
	while (at < p->end && is_blank(*at))
		at++;
	return at;
}

#else /* portable: 8 bytes in a word */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t load8(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Not 0 when one of the bytes is below `n`, which is at most 128. */
static inline uint64_t below(uint64_t word, uint64_t n)
{
	return (word - EACH(n)) & ~word & EACH(0x80);
}

static inline uint64_t special8(uint64_t word)
{
	return below(word, ' ') | below(word ^ EACH('"'), 1) |
	       below(word ^ EACH('\\'), 1) | (word & EACH(0x80));
}

static inline const char *skip_plain(const struct pass *p, const char *at)
{
	while (p->end - at >= 8 && !special8(load8(at)))
		at += 8;
	while (at < p->end && is_plain(*at))
		at++;
	return at;
}

static inline const char *skip_digits(const struct pass *p, const char *at)
{
	while (at < p->end && is_digit(*at))
		at++;
	return at;
}

static inline const char *skip_blank_run(const struct pass *p, const char *at)
{
	while (p->end - at >= 8 && load8(at) == EACH(' '))
		at += 8;
	while (at < p->end && is_blank(*at))
		at++;
	return at;
}

#endif

static INLINE const char *skip_blanks(const struct pass *p, const char *at)
{
	if (at < p->end && (unsigned char)*at > ' ')
		return at;
	return skip_blank_run(p, at);
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *skip_escape(struct pass *p, const char *at)
{
	if (++at == p->end || !memchr("\"\\/bfnrtu", *at, 9))
		return fail(p, at, JSON_BAD_ESCAPE);
	if (*at++ != 'u')
		return at;
	for (int i = 0; i < 4; i++, at++)
		if (at == p->end || !is_hex(*at))
			return fail(p, at, JSON_BAD_ESCAPE);
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

static const char *skip_utf8(struct pass *p, const char *at)
{
	while (at < p->end && (unsigned char)*at >= 0x80) {
		size_t left = (size_t)(p->end - at);
		size_t n = utf8_sequence(at, left);

		if (!n)
			return fail(p, utf8_cut(at, left) ? p->end : at,
				    JSON_BAD_UTF8);
		at += n;
	}
	return at;
}

/* The rest of a string from its first byte that is not plain. */
__attribute__((noinline)) static const char *skip_rest(struct pass *p,
						       const char *at)
{
	while (at && at < p->end && *at != '"') {
		if (*at == '\\')
			at = skip_escape(p, at);
		else if ((unsigned char)*at >= 0x80)
			at = skip_utf8(p, at);
		else
			return fail(p, at, JSON_BAD_CONTROL);
		if (at)
			at = skip_plain(p, at);
	}
	if (!at)
		return NULL;
	return at < p->end ? at + 1 : fail(p, at, JSON_SHORT);
}

/* `at` is behind the opening quote. */
static INLINE const char *skip_string(struct pass *p, const char *at)
{
	at = skip_plain(p, at);
	if (likely(at < p->end && *at == '"'))
		return at + 1;
	return skip_rest(p, at);
}

static const char *skip_some_digits(struct pass *p, const char *at)
{
	if (at == p->end || !is_digit(*at))
		return fail(p, at, JSON_BAD_NUMBER);
	return skip_digits(p, at);
}

/* From the '.' or 'e' of a number. */
__attribute__((noinline)) static const char *skip_fraction(struct pass *p,
							   const char *at)
{
	if (*at == '.') {
		at = skip_some_digits(p, at + 1);
		if (!at || at == p->end || (*at | 0x20) != 'e')
			return at;
	}
	at++;
	if (at < p->end && (*at == '+' || *at == '-'))
		at++;
	return skip_some_digits(p, at);
}

static INLINE const char *skip_number(struct pass *p, const char *at)
{
	const char *digits = *at == '-' ? at + 1 : at;

	at = skip_digits(p, digits);
	if (unlikely(at == digits))
		return fail(p, at, JSON_BAD_NUMBER);
	if (unlikely(*digits == '0' && at > digits + 1))
		return fail(p, digits + 1, JSON_BAD_NUMBER);
	if (at < p->end && (*at == '.' || (*at | 0x20) == 'e'))
		return skip_fraction(p, at);
	return at;
}

OUT_OF_LINE static const char *fail_literal(struct pass *p, const char *at,
					    const char *word)
{
	while (at < p->end && *at == *word)
		at++, word++;
	return fail(p, at, JSON_BAD_LITERAL);
}

static INLINE const char *skip_literal(struct pass *p, const char *at,
				       const char *word, size_t len)
{
	if (likely((size_t)(p->end - at) >= len && !memcmp(at, word, len)))
		return at + len;
	return fail_literal(p, at, word);
}

/* The ':' behind a name and the blanks around it. */
static INLINE const char *skip_colon(struct pass *p, const char *at)
{
	at = skip_blanks(p, at);
	if (unlikely(at == p->end || *at != ':'))
		return fail(p, at, JSON_UNEXPECTED);
	return skip_blanks(p, at + 1);
}

/* A name with what follows it, up to its value. */
static INLINE const char *skip_name(struct pass *p, const char *at)
{
	if (unlikely(at == p->end || *at != '"'))
		return fail(p, at, JSON_UNEXPECTED);
	at = skip_string(p, at + 1);
	return likely(at) ? skip_colon(p, at) : NULL;
}

static INLINE const char *skip_scalar(struct pass *p, const char *at)
{
	switch (*at) {
	case '"':
		return skip_string(p, at + 1);
	case 't':
		return skip_literal(p, at, "true", 4);
	case 'f':
		return skip_literal(p, at, "false", 5);
	case 'n':
		return skip_literal(p, at, "null", 4);
	}
	if (likely(is_digit(*at) || *at == '-'))
		return skip_number(p, at);
	return fail(p, at, JSON_UNEXPECTED);
}

/*
 * Skips the value at `at`, which is within `depth` others. `closers` is the
 * stack of brackets that are due.
 */
static const char *skip_value(struct pass *p, const char *at, unsigned depth)
{
	char closers[JSON_DEPTH_MAX];
	unsigned base = depth;

value:
	if (unlikely(at == p->end))
		return fail(p, at, JSON_SHORT);
	if (*at == '{' || *at == '[') {
		if (unlikely(depth == JSON_DEPTH_MAX))
			return fail(p, at, JSON_TOO_DEEP);
		closers[depth++] = *at == '{' ? '}' : ']';
		at = skip_blanks(p, at + 1);
		if (at < p->end && *at == closers[depth - 1])
			goto close;
		goto element;
	}
	at = skip_scalar(p, at);
	if (unlikely(!at))
		return NULL;
next:
	if (depth == base)
		return at;
	at = skip_blanks(p, at);
	if (unlikely(at == p->end))
		return fail(p, at, JSON_SHORT);
	if (*at == ',') {
		at = skip_blanks(p, at + 1);
		goto element;
	}
	if (unlikely(*at != closers[depth - 1]))
		return fail(p, at, JSON_UNEXPECTED);
close:
	depth--;
	at++;
	goto next;
element:
	if (closers[depth - 1] == '}') {
		at = skip_name(p, at);
		if (unlikely(!at))
			return NULL;
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

static void set_value(struct json_value *value, const char *at, const char *end)
{
	value->text = at;
	value->len = (size_t)(end - at);
	value->type = type_of(*at);
}

/* The first byte of the document, or NULL. */
static const char *begin(struct pass *p, const char *text, size_t len)
{
	const char *at;

	p->start = text;
	p->end = text + len;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		return fail(p, text, JSON_BOM);
	at = skip_blanks(p, text);
	if (at < p->end)
		return at;
	fail(p, at, JSON_EMPTY);
	p->result = JSON_EMPTY;
	return NULL;
}

/* What is behind the document; `at` may be NULL. */
static enum json_result finish(struct pass *p, const char *at)
{
	if (!at)
		return p->result;
	p->wrong = skip_blanks(p, at);
	return p->wrong == p->end ? JSON_OK : JSON_TRAILING;
}

enum json_result json_parse(struct json_value *value, const char *text,
			    size_t len, size_t *where)
{
	struct pass p;
	const char *at = begin(&p, text, len);
	const char *behind = at ? skip_value(&p, at, 0) : NULL;
	enum json_result result = finish(&p, behind);

	if (where)
		*where = (size_t)(p.wrong - text);
	if (result == JSON_OK)
		set_value(value, at, behind);
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
	struct pass p;
	const char *at = begin(&p, text, len);
	enum json_result result;
	size_t where;

	scan->start = text;
	scan->end = text + len;
	scan->first = true;
	if (at && *at == '{') {
		scan->at = at + 1;
		return JSON_OK;
	}
	result = json_check(text, len, &where);
	scan->at = result == JSON_OK ? at : text + where;
	return result == JSON_OK ? JSON_NOT_OBJECT : result;
}

/* Where the next name should be; NULL behind the last or on an error. */
static const char *next_name(struct pass *p, const struct json_scan *scan)
{
	const char *at = skip_blanks(p, scan->at);

	if (at == p->end)
		return fail(p, at, JSON_SHORT);
	if (*at == '}') {
		p->result = finish(p, at + 1);
		if (p->result == JSON_OK)
			p->result = JSON_END;
		return NULL;
	}
	if (scan->first)
		return at;
	if (*at != ',')
		return fail(p, at, JSON_UNEXPECTED);
	return skip_blanks(p, at + 1);
}

/* As json_next(); returns what is behind the member, or NULL. */
static const char *read_member(struct pass *p, const struct json_scan *scan,
			       struct json_member *member)
{
	const char *name = next_name(p, scan);
	const char *at, *value;

	if (!name)
		return NULL;
	if (name == p->end || *name != '"')
		return fail(p, name, JSON_UNEXPECTED);
	at = skip_string(p, name + 1);
	if (!at)
		return NULL;
	set_value(&member->name, name, at);
	value = skip_colon(p, at);
	at = value ? skip_value(p, value, 1) : NULL;
	if (at)
		set_value(&member->value, value, at);
	return at;
}

enum json_result json_next(struct json_scan *scan, struct json_member *member)
{
	struct pass p = {.start = scan->start, .end = scan->end};
	const char *at = read_member(&p, scan, member);

	scan->first = false;
	scan->at = at ? at : p.wrong;
	return at ? JSON_OK : p.result;
}

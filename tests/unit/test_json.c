/* SPDX-License-Identifier: MIT */
/*
 * What json promises. test_json_portable.c runs all of this once more with the
 * part that has no SSE2.
 */
#include "fence.h"
#include "json.h"
#include "json_naive.h"
#include "json_samples.h"
#include "tap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LONGEST 16384

static enum json_result check(const char *text, size_t len)
{
	return json_check(text, len, NULL);
}

/* Reads all members; with json_where() in `*where` as json_check() has it. */
static enum json_result walk(const char *text, size_t len, size_t *where)
{
	struct json_scan scan;
	struct json_member member;
	enum json_result result = json_members(&scan, text, len);

	while (result == JSON_OK)
		result = json_next(&scan, &member);
	*where = json_where(&scan);
	return result;
}

static bool walk_agrees(const char *text, size_t len)
{
	size_t where, walked;
	enum json_result result = json_check(text, len, &where);
	enum json_result end = walk(text, len, &walked);

	if (result == JSON_OK)
		return end == JSON_END || end == JSON_NOT_OBJECT;
	return result == end && where == walked;
}

/* What stands before the error could have gone on. */
static bool right_until(const char *text, size_t len)
{
	size_t where;
	enum json_result result = json_check(text, len, &where);
	enum json_result before;

	if (result == JSON_OK)
		return true;
	if (where > len)
		return false;
	before = check(text, where);
	return before == JSON_OK || before == JSON_SHORT ||
	       before == JSON_EMPTY;
}

static bool sample_holds(const struct sample *s, const char *text)
{
	size_t where;

	return json_check(text, s->len, &where) == s->result &&
	       (s->result == JSON_OK || where == s->where) &&
	       walk_agrees(text, s->len) && right_until(text, s->len) &&
	       naive_valid(text, s->len) == (s->result == JSON_OK);
}

static void test_samples(const struct fence *f)
{
	for (size_t i = 0; i < COUNT(samples); i++) {
		const struct sample *s = &samples[i];
		char name[100];

		snprintf(name, sizeof(name), "sample %zu: %s at %zu", i,
			 json_strerror(s->result), s->where);
		ok(sample_holds(s, fence_last(f, s->text, s->len)) &&
			   sample_holds(s, fence_first(f, s->text, s->len)),
		   name);
	}
}

static bool prefixes_are_short(const struct fence *f, const char *text)
{
	size_t len = strlen(text);

	for (size_t n = 0; n < len; n++) {
		const char *at = fence_last(f, text, n);
		size_t where;

		if (json_check(at, n, &where) != (n ? JSON_SHORT : JSON_EMPTY))
			return false;
		if (where != n || !walk_agrees(at, n))
			return false;
	}
	return check(text, len) == JSON_OK;
}

static const char *const seeds[] = {
	"{\"type\":\"PUBLISH\",\"id\":17,\"tenantId\":\"tenant-1\",\"data\":{"
	"\"job\":\"b-1\",\"done\":true,\"left\":null,\"rate\":-1.25e+3,\"n\":["
	"1,2,{}]}}",
	"{\n  \"name\": \"h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80\",\n"
	"  \"url\": \"https://example.org/a/long/path/{that}/is/more/than/64/"
	"bytes/of/text\",\n  \"list\": [\n    \"\\u00e9\\ud83d\\ude00\",\n"
	"    \"a\\tb\\\\\\\"\",\n    {\n      \"deep\": false\n    }\n  ]\n}",
	"[[\"\",\"\\\\\",\"\\\"\"],[0,-0.5,1e9],{\"a\" : \"b\" , \"\" : {}}]",
	"\"\xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf \xf0\x90\x80\x80\"",
};

static void test_prefixes(const struct fence *f)
{
	for (size_t i = 0; i < COUNT(seeds); i++)
		ok(prefixes_are_short(f, seeds[i]),
		   "each prefix of a text ends too early");
}

/*
 * A string of `n` letters, one of them `special`, behind one of `before`, so
 * that the marks of the second begin at any bit.
 */
static bool stretched(const struct fence *f, size_t before, size_t n,
		      size_t special)
{
	char text[LONGEST];
	size_t len = before + n + 7, where;
	char *at;

	memset(text, 'a', len);
	memcpy(text, "[\"", 2);
	memcpy(text + 2 + before, "\",\"", 3);
	memcpy(text + len - 2, "\"]", 2);
	at = fence_last(f, text, len);
	if (check(at, len) != JSON_OK || !walk_agrees(at, len - 1))
		return false;
	at[before + 5 + special] = '\x1f';
	return json_check(at, len, &where) == JSON_BAD_CONTROL &&
	       where == before + 5 + special;
}

/* With a special letter at each place of the last `around` ones. */
static bool stretched_all(const struct fence *f, size_t first, size_t last,
			  size_t around)
{
	for (size_t n = first; n < last; n++)
		for (size_t back = 1; back <= n && back <= around; back++)
			if (!stretched(f, (n + back) % 17, n, n - back))
				return false;
	return true;
}

static bool marks_exactly(void)
{
	char text[64];

	for (int c = 0; c < 256; c++) {
		struct jsonmark m;
		bool stops = c < ' ' || c >= 0x80 || c == '"' || c == '\\';

		memset(text, 'a', sizeof(text));
		text[41] = (char)c;
		jsonmark_init(&m, text, sizeof(text));
		if (jsonmark_find(&m, text) != text + (stops ? 41 : 64))
			return false;
	}
	return true;
}

static void test_strings(const struct fence *f)
{
	ok(stretched_all(f, 1, 300, 300), "short strings of each length");
	ok(stretched_all(f, 4000, 4300, 9), "strings of about 4 KiB");
	ok(stretched_all(f, 8100, 8300, 9), "strings of about 8 KiB");
	ok(marks_exactly(), "each byte is marked or not");
}

static size_t put(char *text, const char *piece, size_t times)
{
	size_t len = strlen(piece);

	for (size_t i = 0; i < times; i++)
		memcpy(text + i * len, piece, len);
	return times * len;
}

/* Values within each other, `depth` of them, each opened by `opener`. */
static enum json_result nested(const char *opener, const char *closer,
			       size_t depth, size_t *where)
{
	char text[LONGEST];
	size_t len = put(text, opener, depth - 1);

	len += put(text + len, "[]", 1);
	len += put(text + len, closer, depth - 1);
	if (!walk_agrees(text, len))
		return JSON_EMPTY;
	return json_check(text, len, where);
}

static void test_depth(void)
{
	size_t where;

	ok(nested("[", "]", 128, &where) == JSON_OK, "128 arrays");
	ok(nested("[", "]", 129, &where) == JSON_TOO_DEEP && where == 128,
	   "129 arrays are too deep");
	ok(nested("{\"a\":", "}", 128, &where) == JSON_OK, "128 objects");
	ok(nested("{\"a\":", "}", 129, &where) == JSON_TOO_DEEP &&
		   where == 128 * 5,
	   "129 objects are too deep");
	ok(nested("[[", "]]", 64, &where) == JSON_OK &&
		   nested("[{\"a\":", "}]", 65, &where) == JSON_TOO_DEEP,
	   "arrays and objects count alike");
}

static bool value_is(const struct json_value *v, enum json_type type,
		     const char *text)
{
	return v->type == type && v->len == strlen(text) &&
	       memcmp(v->text, text, v->len) == 0;
}

static bool parses_to(const char *text, enum json_type type, const char *span)
{
	struct json_value value;

	return json_parse(&value, text, strlen(text), NULL) == JSON_OK &&
	       value_is(&value, type, span);
}

static bool next_is(struct json_scan *scan, const char *name,
		    enum json_type type, const char *text)
{
	struct json_member member;

	return json_next(scan, &member) == JSON_OK &&
	       value_is(&member.name, JSON_STRING, name) &&
	       value_is(&member.value, type, text);
}

static void test_spans(void)
{
	static const char text[] =
		" { \"a\" : 1.0 ,\"b\\u0063\":[ 1, {}] ,\n\"\":\"x\\n\","
		"\"t\":true,\"f\":false,\"n\":null,\"o\":{\"a\":2}} ";
	struct json_scan s;
	struct json_member member;

	ok(parses_to(" [1 ] ", JSON_ARRAY, "[1 ]"), "an array's span");
	ok(parses_to("\n{}", JSON_OBJECT, "{}"), "an object's span");
	ok(parses_to(" -1.50 ", JSON_NUMBER, "-1.50"), "a number's span");
	ok(parses_to("\"a\\n\" ", JSON_STRING, "\"a\\n\""), "a string's span");
	ok(parses_to(" true", JSON_TRUE, "true") &&
		   parses_to("false", JSON_FALSE, "false") &&
		   parses_to("null\n", JSON_NULL, "null"),
	   "the spans of literals");
	ok(json_members(&s, text, sizeof(text) - 1) == JSON_OK, "an object");
	ok(next_is(&s, "\"a\"", JSON_NUMBER, "1.0") &&
		   next_is(&s, "\"b\\u0063\"", JSON_ARRAY, "[ 1, {}]") &&
		   next_is(&s, "\"\"", JSON_STRING, "\"x\\n\"") &&
		   next_is(&s, "\"t\"", JSON_TRUE, "true") &&
		   next_is(&s, "\"f\"", JSON_FALSE, "false") &&
		   next_is(&s, "\"n\"", JSON_NULL, "null") &&
		   next_is(&s, "\"o\"", JSON_OBJECT, "{\"a\":2}"),
	   "its members in order, byte for byte");
	ok(json_next(&s, &member) == JSON_END &&
		   json_where(&s) == sizeof(text) - 1,
	   "and its end");
	ok(json_members(&s, " [1]", 4) == JSON_NOT_OBJECT,
	   "an array is no object");
	ok(json_members(&s, "[1", 2) == JSON_SHORT && json_where(&s) == 2,
	   "what is no object must be valid all the same");
	ok(check(NULL, 0) == JSON_EMPTY, "no text at all is empty");
}

static bool string_is(const char *raw, const char *want, size_t len)
{
	struct json_value v = {raw, strlen(raw), JSON_STRING};

	return json_string_is(&v, want, len);
}

static void test_string_is(void)
{
	ok(string_is("\"type\"", "type", 4), "a plain string");
	ok(string_is("\"\"", "", 0), "the empty string");
	ok(string_is("\"\\u0074y\\u0070e\"", "type", 4), "escaped letters");
	ok(string_is("\"\\u0074\\u0079\\u0070\\u0065\\u0073\\u0021\"", "types!",
		     6),
	   "nothing but escapes");
	ok(string_is("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8),
	   "all short escapes");
	ok(string_is("\"\\ud83d\\ude00\\u00E9\"", "\xf0\x9f\x98\x80\xc3\xa9",
		     6),
	   "pairs of surrogates");
	ok(string_is("\"a\\u0000\"", "a\0", 2), "U+0000");
	ok(!string_is("\"type\"", "typ", 3) && !string_is("\"typ\"", "type", 4),
	   "another length");
	ok(!string_is("\"Type\"", "type", 4), "another letter");
	ok(!string_is("\"a\\n\"", "a\\n", 3), "an escape is not its letters");
	ok(!string_is("\"\\u0074yp\"", "type", 4) &&
		   !string_is("\"typ\\u0065\"", "typ", 3),
	   "another length after unescaping");
	ok(!string_is("\"\\ud800\"", "\xed\xa0\x80", 3),
	   "a lone surrogate is no text");
}

static long unescape(const char *raw, char *out, size_t room)
{
	struct json_value v = {raw, strlen(raw), JSON_STRING};

	return json_unescape(&v, out, room);
}

static void test_unescape(void)
{
	char out[8] = "xxxxxxx";

	ok(unescape("\"a\\u00e4b\"", out, 4) == 4 && memcmp(out,
							    "a\xc3\xa4"
							    "bx",
							    5) == 0,
	   "unescapes and writes no NUL");
	ok(unescape("\"\"", out, 0) == 0, "nothing needs no room");
	ok(unescape("\"abc\"", out, 2) == -1, "too little room");
	ok(unescape("\"a\\ud83d\\ude00\"", out, 4) == -1,
	   "too little room for an escape");
	ok(unescape("\"\\ud83d\"", out, 8) == -1 &&
		   unescape("\"\\ud83dx\"", out, 8) == -1 &&
		   unescape("\"\\ud83d\\n12345\"", out, 8) == -1 &&
		   unescape("\"\\ud83d\\ud83d\"", out, 8) == -1 &&
		   unescape("\"\\ude00\\ud83d\"", out, 8) == -1,
	   "lone surrogates");
}

static bool reads_u64(const char *text, uint64_t want)
{
	struct json_value v;
	uint64_t value = want + 1;

	return json_parse(&v, text, strlen(text), NULL) == JSON_OK &&
	       json_to_u64(&v, &value) && value == want;
}

static bool no_u64(const char *text)
{
	struct json_value v;
	uint64_t value;

	return json_parse(&v, text, strlen(text), NULL) == JSON_OK &&
	       !json_to_u64(&v, &value);
}

static void test_u64(void)
{
	ok(reads_u64("0", 0) && reads_u64("17", 17), "integers");
	ok(reads_u64("9007199254740991", 9007199254740991), "2^53 - 1");
	ok(no_u64("9007199254740992"), "2^53 is too large");
	ok(no_u64("99999999999999999999999"), "so is what fits nowhere");
	ok(no_u64("-1") && no_u64("-0"), "a sign");
	ok(no_u64("1.0") && no_u64("1e3"), "not digits alone");
	ok(no_u64("\"1\"") && no_u64("null"), "no number");
}

static bool puts_string(const char *bytes, size_t len, bool valid,
			const char *want)
{
	struct buf b;
	bool good;

	buf_init(&b);
	good = json_put_string(&b, bytes, len) == valid &&
	       buf_len(&b) == strlen(want) &&
	       memcmp(buf_bytes(&b), want, buf_len(&b)) == 0 &&
	       check(buf_bytes(&b), buf_len(&b)) == JSON_OK;
	buf_release(&b);
	return good;
}

/* Each byte alone comes back from its string. */
static bool puts_each_byte(void)
{
	for (int c = 0; c < 0x80; c++) {
		char byte = (char)c;
		struct json_value v;
		struct buf b;
		bool good;

		buf_init(&b);
		json_put_string(&b, &byte, 1);
		good = json_parse(&v, buf_bytes(&b), buf_len(&b), NULL) ==
			       JSON_OK &&
		       json_string_is(&v, &byte, 1);
		buf_release(&b);
		if (!good)
			return false;
	}
	return true;
}

static bool put_fails_softly(void)
{
	struct buf b;
	bool failed;

	buf_init(&b);
	oom_after(1);
	json_put_string(&b, "a\n\xff", 3);
	failed = oom_off() > 0 && b.failed;
	buf_release(&b);
	return failed;
}

static void test_put(void)
{
	ok(puts_string("", 0, true, "\"\""), "an empty string");
	ok(puts_string("a/\"\\\n\x01\x7f", 7, true,
		       "\"a/\\\"\\\\\\n\\u0001\x7f\""),
	   "what must be escaped is");
	ok(puts_string("\b\t\n\v\f\r", 6, true, "\"\\b\\t\\n\\u000b\\f\\r\""),
	   "short escapes where there are any");
	ok(puts_string("\xc3\xa4\xf0\x9f\x98\x80", 6, true,
		       "\"\xc3\xa4\xf0\x9f\x98\x80\""),
	   "UTF-8 stays as it is");
	ok(puts_string("a\xff\xe2\x82z\xed\xa0\x80", 8, false,
		       "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"
		       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
	   "each byte that is not UTF-8 is replaced");
	ok(puts_each_byte(), "each byte comes back");
	ok(put_fails_softly(), "out of memory marks the buffer");
}

static bool position_is(const char *text, size_t offset, size_t line,
			size_t column)
{
	size_t l, c;

	json_position(text, offset, &l, &c);
	return l == line && c == column;
}

static bool strings_differ(void)
{
	for (int a = JSON_OK; a <= JSON_NOT_OBJECT; a++)
		for (int b = a; b <= JSON_NOT_OBJECT + 1; b++)
			if (a != b &&
			    !strcmp(json_strerror(a), json_strerror(b)))
				return false;
	return true;
}

static void test_messages(void)
{
	ok(position_is("", 0, 1, 1), "the first position is 1, 1");
	ok(position_is("ab\ncd", 2, 1, 3), "a newline ends its own line");
	ok(position_is("ab\ncd", 3, 2, 1), "column 1 follows a newline");
	ok(position_is("\n\n\xc3\xa4x", 4, 3, 3), "columns are bytes");
	ok(strings_differ(), "each result has its own text");
}

static unsigned below(uint64_t *state, size_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned)((*state >> 33) % n);
}

static size_t mutate(uint64_t *state, char *text, size_t len)
{
	static const char bytes[] =
		"\"\"\"\"\\\\/{}[]::,,0123456789-+.eEtfnu \n\r\t\x01\x1f\x7f"
		"\x80\xbf\xc3\xa4\xe0\xe2\xed\xef\xf0\xf4\xff";
	size_t at = below(state, len + 1);
	char byte = bytes[below(state, sizeof(bytes))];
	size_t n;

	switch (below(state, 4)) {
	case 0: /* put in */
		memmove(text + at + 1, text + at, len - at);
		text[at] = byte;
		return len + 1;
	case 1: /* take out */
		n = below(state, len - at + 1) % 5;
		memmove(text + at, text + at + n, len - at - n);
		return len - n;
	case 2: /* say twice */
		n = below(state, len - at + 1) % 80;
		memmove(text + at + n, text + at, len - at);
		return len + n;
	default:
		if (at < len)
			text[at] = byte;
		return len;
	}
}

/* The scanner and the naive one say the same of a text. */
static bool agree(const struct fence *f, const char *text, size_t len)
{
	const char *at = fence_last(f, text, len);

	return naive_valid(at, len) == (check(at, len) == JSON_OK) &&
	       walk_agrees(at, len) && right_until(at, len);
}

static bool agree_on_mutants(const struct fence *f, int rounds)
{
	uint64_t state = 0x9e3779b97f4a7c15;

	for (int i = 0; i < rounds; i++) {
		char text[LONGEST];
		const char *seed = seeds[below(&state, COUNT(seeds))];
		size_t blanks = below(&state, 70);
		size_t len = blanks + strlen(seed);

		memset(text, ' ', blanks);
		memcpy(text + blanks, seed, strlen(seed));
		for (unsigned n = below(&state, 4); n < 4; n++)
			len = mutate(&state, text, len);
		if (!agree(f, text, len)) {
			printf("# round %d: %.*s\n", i, (int)len, text);
			return false;
		}
	}
	return true;
}

int main(void)
{
	struct fence f;

	if (fence_init(&f, LONGEST) < 0)
		return 1;
	test_samples(&f);
	test_prefixes(&f);
	test_strings(&f);
	test_depth();
	test_spans();
	test_string_is();
	test_unescape();
	test_u64();
	test_put();
	test_messages();
	ok(agree_on_mutants(&f, 200000), "agrees with a naive validator");
	return tap_end();
}

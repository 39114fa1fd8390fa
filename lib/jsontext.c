/* SPDX-License-Identifier: MIT */
/*
 * jsontext - the rest of json.h: what the strings and numbers of a text mean,
 * and how text becomes a string. The values that it reads were checked by
 * json.c, so no escape here is incomplete.
 */
#include "json.h"
#include "num.h"
#include "utf8.h"

#include <string.h>

#define INTEGER_MAX ((UINT64_C(1) << 53) - 1) /* exact in a double */

#define LONGEST_ESCAPE 6 /* \u0041 for one byte */

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static uint32_t hex_digit(char c)
{
	if (c <= '9')
		return (uint32_t)(c - '0');
	return (uint32_t)((c | 0x20) - 'a' + 10);
}

static uint32_t hex4(const char *at)
{
	return hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 |
	       hex_digit(at[2]) << 4 | hex_digit(at[3]);
}

/* Reads the \u escape at `*at`, a pair as one; false for a lone surrogate. */
static bool read_unicode(const char **at, const char *end, uint32_t *code)
{
	uint32_t low;

	*code = hex4(*at + 2);
	*at += 6;
	if (*code < 0xd800 || *code > 0xdfff)
		return true;
	if (*code > 0xdbff || end - *at < 6 || memcmp(*at, "\\u", 2) != 0)
		return false;
	low = hex4(*at + 2);
	*at += 6;
	*code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
	return low >= 0xdc00 && low <= 0xdfff;
}

/* Reads the escape at `*at` into `out`; returns its bytes, 0 for a lone one. */
static size_t read_escape(const char **at, const char *end, char out[4])
{
	static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
	const char *letter;
	uint32_t code;

	if ((*at)[1] == 'u')
		return read_unicode(at, end, &code) ? utf8_encode(out, code)
						    : 0;
	letter = strchr(letters, (*at)[1]);
	out[0] = letter ? bytes[letter - letters] : (*at)[1];
	*at += 2;
	return 1;
}

/* Reads the next escape, or all that stands before it, as a span. */
static size_t read_piece(const char **at, const char *end, char out[4],
			 const char **piece)
{
	const char *escape;
	size_t n;

	if (**at == '\\') {
		*piece = out;
		return read_escape(at, end, out);
	}
	escape = memchr(*at, '\\', (size_t)(end - *at));
	*piece = *at;
	n = (size_t)((escape ? escape : end) - *at);
	*at += n;
	return n;
}

long json_unescape(const struct json_value *string, char *out, size_t room)
{
	const char *at = string->text + 1;
	const char *end = string->text + string->len - 1;
	size_t used = 0;

	while (at < end) {
		char bytes[4];
		const char *piece;
		size_t n = read_piece(&at, end, bytes, &piece);

		if (!n || n > room - used)
			return -1;
		memcpy(out + used, piece, n);
		used += n;
	}
	return (long)used;
}

static bool escaped_is(const char *at, const char *end, const char *want,
		       size_t len)
{
	while (at < end) {
		char bytes[4];
		const char *piece;
		size_t n = read_piece(&at, end, bytes, &piece);

		if (!n || n > len || memcmp(piece, want, n) != 0)
			return false;
		want += n;
		len -= n;
	}
	return len == 0;
}

bool json_string_is(const struct json_value *string, const char *want,
		    size_t len)
{
	const char *text = string->text + 1;
	size_t raw = string->len - 2;

	/* Unescaping shortens, so at the same length nothing is escaped. */
	if (raw == len)
		return memcmp(text, want, len) == 0 && !memchr(want, '\\', len);
	if (raw < len || raw / LONGEST_ESCAPE > len)
		return false;
	return escaped_is(text, text + raw, want, len);
}

bool json_to_u64(const struct json_value *number, uint64_t *value)
{
	uint64_t parsed;

	if (number->type != JSON_NUMBER ||
	    num_parse_u64(number->text, number->len, &parsed) < 0 ||
	    parsed > INTEGER_MAX)
		return false;
	*value = parsed;
	return true;
}

static void put_escape(struct buf *b, unsigned char c)
{
	static const char letters[] = "btn?fr"; /* from 8 on */

	if (c >= ' ')
		buf_printf(b, "\\%c", c);
	else if (c >= '\b' && c <= '\r' && c != '\v')
		buf_printf(b, "\\%c", letters[c - '\b']);
	else
		buf_printf(b, "\\u%04x", c);
}

/* Bytes at `text` that go into a string as they are. */
static size_t plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '"' && text[n] != '\\' &&
	       (unsigned char)text[n] >= ' ') {
		size_t sequence = utf8_sequence(text + n, len - n);

		if (!sequence)
			break;
		n += sequence;
	}
	return n;
}

bool json_put_string(struct buf *b, const char *bytes, size_t len)
{
	bool valid = true;
	size_t at = 0;

	buf_putc(b, '"');
	while (at < len) {
		size_t n = plain_run(bytes + at, len - at);

		buf_append(b, bytes + at, n);
		at += n;
		if (at == len)
			break;
		if ((unsigned char)bytes[at] < 0x80) {
			put_escape(b, (unsigned char)bytes[at]);
		} else {
			buf_puts(b, REPLACEMENT);
			valid = false;
		}
		at++;
	}
	buf_putc(b, '"');
	return valid;
}

void json_position(const char *text, size_t offset, size_t *line,
		   size_t *column)
{
	size_t begin = 0;

	*line = 1;
	for (size_t i = 0; i < offset; i++)
		if (text[i] == '\n') {
			(*line)++;
			begin = i + 1;
		}
	*column = offset - begin + 1;
}

const char *json_strerror(enum json_result result)
{
	switch (result) {
	case JSON_OK:
		return "no error";
	case JSON_END:
		return "no further member";
	case JSON_EMPTY:
		return "no value";
	case JSON_SHORT:
		return "the text ends too early";
	case JSON_UNEXPECTED:
		return "unexpected character";
	case JSON_BAD_LITERAL:
		return "bad literal";
	case JSON_BAD_NUMBER:
		return "bad number";
	case JSON_BAD_ESCAPE:
		return "bad escape";
	case JSON_BAD_CONTROL:
		return "unescaped control character in a string";
	case JSON_BAD_UTF8:
		return "invalid UTF-8";
	case JSON_TOO_DEEP:
		return "nested too deeply";
	case JSON_TRAILING:
		return "something follows the document";
	case JSON_BOM:
		return "byte order mark";
	case JSON_NOT_OBJECT:
		return "not an object";
	}
	return "unknown error";
}

/* SPDX-License-Identifier: MIT */
/*
 * json - a strict scanner for JSON texts, RFC 8259, that builds nothing.
 *
 * It checks a text byte by byte (grammar, UTF-8, depth) and tells the spans
 * of the members of one object. Spans point into the caller's text and keep
 * its bytes: digits, escapes, blanks. It allocates nothing and never reads
 * outside of the text. A byte order mark is an error, and so is anything
 * behind the document but white space. Lone surrogate escapes ("\ud800") are
 * within the grammar of RFC 8259 section 7 and pass.
 */
#ifndef JSON_H
#define JSON_H

#include "buf.h"
#include "jsonmark.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 128 /* arrays and objects within each other */

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

enum json_result {
	JSON_OK,
	JSON_END,	 /* no further member; the text is valid to its end */
	JSON_EMPTY,	 /* nothing but white space */
	JSON_SHORT,	 /* ends before the value does */
	JSON_UNEXPECTED, /* a byte that the grammar has not here */
	JSON_BAD_LITERAL,
	JSON_BAD_NUMBER,
	JSON_BAD_ESCAPE,
	JSON_BAD_CONTROL, /* a raw control character within a string */
	JSON_BAD_UTF8,
	JSON_TOO_DEEP,
	JSON_TRAILING, /* something follows the document */
	JSON_BOM,
	JSON_NOT_OBJECT, /* valid, but not an object */
};

/* A value within a text: for a string, with its quotes. */
struct json_value {
	const char *text; /* borrowed; NULL where there is none */
	size_t len;
	enum json_type type;
};

struct json_member {
	struct json_value name; /* always a JSON_STRING */
	struct json_value value;
};

/* Reads the members of one object; set by json_members(). */
struct json_scan {
	const char *start; /* of the text */
	const char *at;	   /* next byte to look at; where an error is */
	const char *end;   /* behind the text */
	bool first;	   /* no member was read yet */
	unsigned depth;	   /* levels that the object itself counts for: 1 */
	/* For the scanner alone: */
	enum json_result result;
	struct jsonmark marks;
};

/*
 * Checks that `text` is one whole JSON text. On an error `*where`, unless NULL,
 * is the offset of the first byte that is wrong (`len` for JSON_SHORT and
 * JSON_EMPTY, the first byte of the sequence for JSON_BAD_UTF8).
 */
enum json_result json_check(const char *text, size_t len, size_t *where);

/* As json_check(), and tells the span and type of the value without blanks. */
enum json_result json_parse(struct json_value *value, const char *text,
			    size_t len, size_t *where);

/*
 * Begins to read the members of the object that `text` is. JSON_OK,
 * JSON_NOT_OBJECT when it is valid but something else, or its error.
 */
enum json_result json_members(struct json_scan *scan, const char *text,
			      size_t len);

/*
 * The same for an object that is an envelope and counts for nothing: each
 * member may be as deep as a text by itself.
 */
enum json_result json_envelope(struct json_scan *scan, const char *text,
			       size_t len);

/*
 * The next member, its value checked to the bottom. JSON_OK, JSON_END, or an
 * error, which is final; json_where() then tells the offset.
 */
enum json_result json_next(struct json_scan *scan, struct json_member *member);

static inline size_t json_where(const struct json_scan *scan)
{
	return (size_t)(scan->at - scan->start);
}

/* Whether a JSON_STRING says `want` (of `len` bytes) after unescaping. */
bool json_string_is(const struct json_value *string, const char *want,
		    size_t len);

/*
 * Unescapes a JSON_STRING into `out`; returns its bytes, or -1 when it has
 * more than `room` or a lone surrogate. Writes no NUL.
 */
long json_unescape(const struct json_value *string, char *out, size_t room);

/*
 * Reads a JSON_NUMBER that is an integer from 0 to 2^53 - 1, in digits alone
 * ("1.0" and "1e3" are not). False also when it is not a JSON_NUMBER.
 */
bool json_to_u64(const struct json_value *number, uint64_t *value);

/*
 * Appends `bytes` as a JSON string with quotes. What is not UTF-8 becomes
 * U+FFFD, one for each byte; false then.
 */
bool json_put_string(struct buf *b, const char *bytes, size_t len);

/* Line and column, both from 1, column in bytes, of an offset in a text. */
void json_position(const char *text, size_t offset, size_t *line,
		   size_t *column);

/* A static text: "unexpected character", "bad escape", … */
const char *json_strerror(enum json_result result);

#endif

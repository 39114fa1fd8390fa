/* SPDX-License-Identifier: MIT */
/*
 * httphead - the head of an HTTP request (RFC 9112), in the bytes that came.
 *
 * It finds the request line and the fields behind it and is strict about their
 * form; what they mean is for others. Nothing is copied, so a head is valid as
 * long as its bytes are. A line may end in LF alone, and one blank line may
 * come first, as the RFC allows; blanks before a colon, folded lines and
 * control characters are faults, as those who read them differently could be
 * played off against each other.
 */
#ifndef HTTPHEAD_H
#define HTTPHEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HTTPHEAD_MAX 8192	/* bytes of a head, all its lines */
#define HTTPHEAD_FIELDS_MAX 100 /* fields in it */
#define HEADER_MAX 512		/* bytes of a value that is read, with a NUL */

/* Borrowed bytes. */
struct httphead_span {
	const char *at;
	size_t len;
};

struct httphead_field {
	struct httphead_span name;
	struct httphead_span value; /* without the blanks around it */
};

struct httphead {
	size_t len; /* bytes of it, with the blank line */
	struct httphead_span method;
	struct httphead_span target;
	bool http10; /* HTTP/1.0 */
	size_t count;
	struct httphead_field fields[HTTPHEAD_FIELDS_MAX];
	unsigned status;   /* of a fault: 400, 431, 505 */
	const char *fault; /* what is wrong: static; or NULL */
};

enum httphead_result {
	HTTPHEAD_WHOLE,
	HTTPHEAD_MORE, /* it does not end yet */
	HTTPHEAD_BAD,  /* status and fault say why */
};

/* Looks at what came so far; what is behind the head is not looked at. */
enum httphead_result httphead_parse(struct httphead *h, const char *bytes,
				    size_t len);

/* Whether a field has this name, in either case. */
bool httphead_named(const struct httphead_field *f, const char *name);

/* A part of a head, copied as a text. */
struct header {
	bool present;
	bool too_long; /* present, but not read */
	char text[HEADER_MAX];
};

/*
 * Reads a field, by its name in either case. One that came more than once is
 * joined by commas (RFC 9110 section 5.3).
 */
void header_read(struct header *out, const struct httphead *h,
		 const char *name);

/* How often it came. */
size_t header_count(const struct httphead *h, const char *name);

/* Of a query: it is a token, and for credential.h alone (RFC 6750 s. 2.3). */
#define HTTPHEAD_TOKEN "access_token="

/*
 * Takes the next parameter, raw, off a raw query. False when none is left; the
 * query begins with its `at` not NULL.
 */
bool httphead_parameter(struct httphead_span *query,
			struct httphead_span *parameter);

/* Whether it is a token, and may be shown to nobody else. */
bool httphead_is_token(struct httphead_span parameter);

/* The raw query of a target, without its '?'; its `at` is NULL: there is none.
 */
struct httphead_span httphead_query(const struct httphead *h);

/*
 * Decodes %41 in a span (RFC 3986 section 2.1) to `out`, which has room for
 * in.len. The length; or -1: that is none, or a NUL.
 */
long httphead_decode(char *out, struct httphead_span in);

/*
 * Reads the target, percent-decoded once: its path, the query behind '?', and
 * the authority of an absolute one ("http://host/path", or with https), which
 * stands for Host
 * (RFC 9112 section 3.2.2). A token is left out of the query. 0, or -1 when it
 * is none.
 */
int httphead_target(const struct httphead *h, struct header *path,
		    struct header *query, struct header *authority);

/* Whether it names what is to be had by TLS alone ("https://host/path"). */
bool httphead_is_https(const struct httphead *h);

#endif

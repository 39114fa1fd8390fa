/* SPDX-License-Identifier: MIT */
/* What httphead promises: the form of a request's head. */
#include "httphead.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST "GET / HTTP/1.1\r\n"

/* In memory of just that size, so that each step outside is seen. */
static enum httphead_result parse_bytes(struct httphead *h, const char *text,
					size_t len)
{
	static char *bytes;

	free(bytes);
	bytes = len ? malloc(len) : NULL;
	if (len)
		memcpy(bytes, text, len);
	return httphead_parse(h, bytes ? bytes : "", len);
}

static enum httphead_result parse(struct httphead *h, const char *text)
{
	return parse_bytes(h, text, strlen(text));
}

/* The status of a head that is bad; 0: it is whole; 1: there is more to come */
static unsigned status_of(const char *text)
{
	struct httphead h;
	enum httphead_result result = parse(&h, text);

	if (result == HTTPHEAD_BAD)
		return h.fault && h.fault[0] ? h.status : 0;
	return result == HTTPHEAD_MORE;
}

static bool is(struct httphead_span s, const char *want)
{
	return strlen(want) == s.len && memcmp(s.at, want, s.len) == 0;
}

static void wholes(void)
{
	static const char text[] = "POST /a?b HTTP/1.1\r\nHost: x\r\n"
				   "A:\t1 \t\r\nB:\r\n\r\nbody";
	struct httphead h;

	ok(parse(&h, text) == HTTPHEAD_WHOLE && is(h.method, "POST") &&
		   is(h.target, "/a?b") && !h.http10 && h.count == 3,
	   "a head is its request line and fields");
	ok(h.len == sizeof(text) - 1 - strlen("body"),
	   "it ends with a blank line; a body is none of it");
	ok(is(h.fields[1].name, "A") && is(h.fields[1].value, "1") &&
		   is(h.fields[2].value, ""),
	   "blanks around a value are none of it, and it may be empty");
	ok(parse(&h, "GET / HTTP/1.0\n\n") == HTTPHEAD_WHOLE && h.http10 &&
		   h.len == 16,
	   "lines may end in LF alone; HTTP/1.0 is told");
	ok(parse(&h, "GET / HTTP/1.7\r\nA: \xc3\xa9\r\n\r\n") == HTTPHEAD_WHOLE,
	   "any other 1.x is 1.1, and bytes above ASCII may be in a value");
}

static void blank_line(void)
{
	struct httphead h;

	ok(parse(&h, "\r\nGET / HTTP/1.1\r\n\r\n") == HTTPHEAD_WHOLE &&
		   h.len == 20 && is(h.method, "GET") &&
		   parse(&h, "\nGET / HTTP/1.1\r\n\r\n") == HTTPHEAD_WHOLE &&
		   parse(&h, "\r") == HTTPHEAD_MORE &&
		   parse(&h, "\r\n") == HTTPHEAD_MORE,
	   "one blank line may come first");
	ok(status_of("\rGET / HTTP/1.1\r\n\r\n") == 400 &&
		   status_of("\r\n\r\nGET / HTTP/1.1\r\n\r\n") == 400,
	   "not two, and no half one");
}

static void pieces(void)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct httphead h;
	size_t n = 0;

	while (n < sizeof(text) - 1 &&
	       parse_bytes(&h, text, n) == HTTPHEAD_MORE)
		n++;
	ok(n == sizeof(text) - 1 && parse_bytes(&h, text, n) == HTTPHEAD_WHOLE,
	   "each part of a head, from no byte on, has more to come");
}

static void faults(void)
{
	ok(status_of("\x16\x03\x01") == 400 &&
		   status_of("\r\n\r\nGET") == 400 &&
		   status_of("GET\t/") == 400,
	   "what can't become a request is told before it ends");
	ok(status_of("GET  HTTP/1.1\r\n\r\n") == 400 &&
		   status_of("GET\r\n\r\n") == 400 &&
		   status_of("GET / x HTTP/1.1\r\n\r\n") == 400 &&
		   status_of("GET /\x80 HTTP/1.1\r\n\r\n") == 400 &&
		   status_of("GET / HTTP/1.1 \r\n\r\n") == 400 &&
		   status_of("GET /\r\n\r\n") == 400,
	   "a request line is a method, a target and a version");
	ok(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505 &&
		   status_of("GET / HTTP/0.9\r\n\r\n") == 505 &&
		   status_of("GET / http/1.1\r\n\r\n") == 400,
	   "another version is 505, and its name is HTTP");
	ok(status_of(REQUEST "A : 1\r\n\r\n") == 400 &&
		   status_of(REQUEST ": 1\r\n\r\n") == 400 &&
		   status_of(REQUEST "A\r\n\r\n") == 400 &&
		   status_of(REQUEST " A: 1\r\n\r\n") == 400 &&
		   status_of(REQUEST "A: 1\r\n 2\r\n\r\n") == 400,
	   "a blank before a colon or a line, and no colon, are faults");
	ok(status_of(REQUEST "A: 1\r2\r\n\r\n") == 400 &&
		   status_of(REQUEST "A: \x1b[2J\r\n\r\n") == 400 &&
		   status_of(REQUEST "A: \x7f\r\n\r\n") == 400,
	   "so are control characters");
}

static void nul_bytes(void)
{
	static const char line[] = "GET /\0 HTTP/1.1\r\n\r\n";
	static const char name[] = REQUEST "A\0: 1\r\n\r\n";
	static const char value[] = REQUEST "A: 1\0\r\n\r\n";
	struct httphead h;

	ok(parse_bytes(&h, line, sizeof(line) - 1) == HTTPHEAD_BAD &&
		   parse_bytes(&h, name, sizeof(name) - 1) == HTTPHEAD_BAD &&
		   parse_bytes(&h, value, sizeof(value) - 1) == HTTPHEAD_BAD,
	   "and NUL, wherever it is");
}

static void limits(void)
{
	static char text[2 * HTTPHEAD_MAX];
	struct httphead h;
	size_t n;

	n = (size_t)sprintf(text, REQUEST "A: ");
	memset(text + n, 'x', sizeof(text) - n);
	ok(parse_bytes(&h, text, HTTPHEAD_MAX - 1) == HTTPHEAD_MORE &&
		   parse_bytes(&h, text, HTTPHEAD_MAX) == HTTPHEAD_BAD &&
		   h.status == 431,
	   "a head that does not end in 8 KiB is 431");
	memcpy(text + HTTPHEAD_MAX - 4, "\r\n\r\n", 4);
	ok(parse_bytes(&h, text, sizeof(text)) == HTTPHEAD_WHOLE &&
		   h.len == HTTPHEAD_MAX,
	   "one that does is taken");
	memset(text, 'x', sizeof(text));
	ok(parse_bytes(&h, text, HTTPHEAD_MAX) == HTTPHEAD_BAD &&
		   h.status == 431,
	   "so it is with the request line");
	n = (size_t)sprintf(text, REQUEST);
	for (int i = 0; i < HTTPHEAD_FIELDS_MAX; i++)
		n += (size_t)sprintf(text + n, "A: 1\r\n");
	strcpy(text + n, "\r\n");
	ok(parse(&h, text) == HTTPHEAD_WHOLE && h.count == HTTPHEAD_FIELDS_MAX,
	   "there may be a hundred fields");
	strcpy(text + n, "A: 1\r\n\r\n");
	ok(status_of(text) == 431, "and not one more");
}

static void reading(void)
{
	static char text[2 * HEADER_MAX];
	struct httphead h;
	struct header a;
	int n;

	parse(&h, REQUEST "A: 1\r\nab: 2\r\na: 3\r\nB:\r\n\r\n");
	header_read(&a, &h, "A");
	ok(a.present && !a.too_long && strcmp(a.text, "1, 3") == 0,
	   "a field is found in either case, joined where it came twice");
	header_read(&a, &h, "b");
	ok(a.present && !a.text[0] && header_count(&h, "b"),
	   "an empty one is there");
	header_read(&a, &h, "c");
	ok(!a.present && !a.text[0] && !header_count(&h, "c"),
	   "one that did not come is not");
	n = sprintf(text, REQUEST "A: %0*d\r\n\r\n", HEADER_MAX - 1, 1);
	parse(&h, text);
	header_read(&a, &h, "a");
	ok(a.present && !a.too_long && strlen(a.text) == HEADER_MAX - 1,
	   "a value may have 511 bytes");
	sprintf(text + n - 4, "1\r\n\r\n");
	parse(&h, text);
	header_read(&a, &h, "a");
	ok(a.present && a.too_long && !a.text[0], "a longer one is not read");
}

/* Whether a target is read as these; NULL: it is not there. */
static bool reads(const char *target, const char *want_path,
		  const char *want_query, const char *want_authority)
{
	struct header path, query, authority;
	struct httphead h = {.target = {target, strlen(target)}};

	return httphead_target(&h, &path, &query, &authority) == 0 &&
	       strcmp(path.text, want_path) == 0 &&
	       query.present == !!want_query &&
	       strcmp(query.text, want_query ? want_query : "") == 0 &&
	       authority.present == !!want_authority &&
	       strcmp(authority.text, want_authority ? want_authority : "") ==
		       0;
}

static bool none(const char *target)
{
	struct header path, query, authority;
	struct httphead h = {.target = {target, strlen(target)}};

	return httphead_target(&h, &path, &query, &authority) < 0;
}

static bool by_https(const char *target)
{
	struct httphead h = {.target = {target, strlen(target)}};

	return httphead_is_https(&h);
}

static void targets(void)
{
	ok(reads("/", "/", NULL, NULL) && reads("/a?", "/a", "", NULL) &&
		   reads("/a?b=c?d", "/a", "b=c?d", NULL),
	   "a target is a path, and a query behind the first '?'");
	ok(reads("/%41%2f%C3%a9?x%3D1%26", "/A/\xc3\xa9", "x=1&", NULL) &&
		   reads("/%2541", "/%41", NULL, NULL),
	   "both are decoded, once");
	ok(none("/%") && none("/%4") && none("/%4g") && none("/a%00b") &&
		   none("/?%00") && none("/?%x1"),
	   "what is not encoded right, and NUL, is none");
	ok(reads("http://h:1/a?b", "/a", "b", "h:1") &&
		   reads("HTTP://h?b", "/", "b", "h") &&
		   reads("http://h", "/", NULL, "h") &&
		   reads("http:///a", "/a", NULL, "") &&
		   reads("https://h:1/a?b", "/a", "b", "h:1") &&
		   reads("HTTPS://h", "/", NULL, "h"),
	   "an absolute one names its host");
	ok(by_https("https://h/") && by_https("HTTPS://h") &&
		   !by_https("http://h/") && !by_https("/https://h") &&
		   !by_https("https:/"),
	   "and that it is to be had by TLS");
	ok(none("*") && none("h:443") && none("a/b") && none("https:/h") &&
		   none("ws://h/"),
	   "anything else is none");
}

static void long_targets(void)
{
	static char text[HTTPHEAD_MAX];
	struct header path, query, authority;
	struct httphead h = {.target = {text, HEADER_MAX}};

	memset(text, '/', sizeof(text));
	ok(httphead_target(&h, &path, &query, &authority) == 0 && path.too_long,
	   "a path that is too long is told");
	h.target.len--;
	ok(httphead_target(&h, &path, &query, &authority) == 0 &&
		   !path.too_long,
	   "one that just fits is not");
	h.target.len = sizeof(text);
	text[1] = '?';
	ok(httphead_target(&h, &path, &query, &authority) == 0 &&
		   query.too_long && !path.too_long,
	   "so it is with a query");
}

int main(void)
{
	wholes();
	blank_line();
	pieces();
	faults();
	nul_bytes();
	limits();
	reading();
	targets();
	long_targets();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What reply promises: answers as RFC 9112 has them, errors as JSON. */
#include "reply.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define WALL_MS INT64_C(784111777250) /* the date of RFC 9110 section 5.6.7 */

static const char *text_of(struct buf *b)
{
	buf_putc(b, '\0');
	return buf_bytes(b);
}

/* What is wanted: a head with the length of `body`, which HEAD does not get. */
static void expect(struct buf *want, const char *status, const char *type,
		   const char *more, const char *body, bool to_head)
{
	buf_printf(want,
		   "HTTP/1.1 %s\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		   "Content-Type: %s\r\nContent-Length: %zu\r\n"
		   "Cache-Control: no-store\r\n"
		   "Content-Security-Policy: default-src 'none'; "
		   "frame-ancestors 'none'\r\n"
		   "X-Content-Type-Options: nosniff\r\n"
		   "Referrer-Policy: no-referrer\r\n"
		   "X-Frame-Options: DENY\r\n"
		   "Cross-Origin-Resource-Policy: same-origin\r\n"
		   "%sConnection: close\r\n\r\n%s",
		   status, type, strlen(body), more, to_head ? "" : body);
}

/* Whether the reply, to GET and to HEAD, is this. */
static bool is(const struct reply *r, const char *content, const char *status,
	       const char *more, const char *body)
{
	bool same = true;

	for (int to_head = 0; to_head < 2; to_head++) {
		struct buf out, made, want;

		buf_init(&out);
		buf_init(&made);
		buf_init(&want);
		if (content)
			buf_puts(&made, content);
		reply_put(&out, r, content ? &made : NULL, to_head, WALL_MS);
		expect(&want, status, r->type, more, body, to_head);
		same &= !out.failed &&
			strcmp(text_of(&out), text_of(&want)) == 0;
		if (!same)
			printf("# got %s\n", buf_bytes(&out));
		buf_release(&out);
		buf_release(&made);
		buf_release(&want);
	}
	return same;
}

static void contents(void)
{
	struct reply r;

	reply_content(&r, 200, REPLY_TEXT);
	ok(is(&r, "ok\n", "200 OK", "", "ok\n"), "content, with its length");
	ok(is(&r, "", "200 OK", "", ""), "no content");
}

/* Whether all of it, without a content, is this head. */
static bool head_is(const struct reply *r, const char *want)
{
	struct buf out;
	bool same;

	buf_init(&out);
	reply_put(&out, r, NULL, false, WALL_MS);
	same = strcmp(text_of(&out), want) == 0;
	if (!same)
		printf("# got %s\n", buf_bytes(&out));
	buf_release(&out);
	return same;
}

static void others(void)
{
	struct reply r;

	reply_empty(&r, 204);
	r.allow = "GET";
	r.policy = "default-src 'self'";
	ok(head_is(&r, "HTTP/1.1 204 No Content\r\n"
		       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		       "Cache-Control: no-store\r\n"
		       "Content-Security-Policy: default-src 'self'\r\n"
		       "X-Content-Type-Options: nosniff\r\n"
		       "Referrer-Policy: no-referrer\r\n"
		       "X-Frame-Options: DENY\r\n"
		       "Cross-Origin-Resource-Policy: same-origin\r\n"
		       "Allow: GET\r\nConnection: close\r\n\r\n"),
	   "no content, neither type nor length; a page has its own policy");
	reply_empty(&r, 304);
	r.etag = "\"1\"";
	ok(head_is(&r, "HTTP/1.1 304 Not Modified\r\n"
		       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		       "Cache-Control: no-cache\r\n"
		       "ETag: \"1\"\r\n"
		       "Content-Security-Policy: default-src 'none'; "
		       "frame-ancestors 'none'\r\n"
		       "X-Content-Type-Options: nosniff\r\n"
		       "Referrer-Policy: no-referrer\r\n"
		       "X-Frame-Options: DENY\r\n"
		       "Cross-Origin-Resource-Policy: same-origin\r\n"
		       "Connection: close\r\n\r\n"),
	   "what has an ETag may be kept, and is asked for anew");
	reply_content(&r, 200, REPLY_TEXT);
	r.cors.origin = "https://a.example";
	ok(is(&r, "ok\n", "200 OK",
	      "Access-Control-Allow-Origin: https://a.example\r\n"
	      "Vary: Origin\r\n",
	      "ok\n"),
	   "a page of another origin may read it");
	reply_fault(&r, 429, PROTO_RATE_LIMITED, "x");
	r.cors.origin = "https://a.example";
	ok(is(&r, NULL, "429 Too Many Requests",
	      "Access-Control-Allow-Origin: https://a.example\r\n"
	      "Vary: Origin\r\n"
	      "Access-Control-Expose-Headers: Retry-After, "
	      "WWW-Authenticate\r\n",
	      "{\"error\":{\"code\":\"RATE_LIMITED\",\"message\":\"x\"}}\n"),
	   "an error too, and what to do then");
}

static void errors(void)
{
	struct reply r;

	reply_fault(&r, 400, PROTO_BAD_JSON, "bad %s", "number");
	r.line = 3;
	r.column = 7;
	ok(is(&r, NULL, "400 Bad Request", "",
	      "{\"error\":{\"code\":\"BAD_JSON\",\"message\":\"bad number\","
	      "\"line\":3,\"column\":7}}\n"),
	   "an error, and where");
	reply_error(&r, 405, "METHOD_NOT_ALLOWED", "\"\\\n\xff");
	r.allow = "GET, HEAD";
	ok(is(&r, NULL, "405 Method Not Allowed", "Allow: GET, HEAD\r\n",
	      "{\"error\":{\"code\":\"METHOD_NOT_ALLOWED\",\"message\":"
	      "\"\\\"\\\\\\n\xef\xbf\xbd\"}}\n"),
	   "what is allowed; a message is JSON, whatever is in it");
	reply_fault(&r, 503, PROTO_DRAINING, "x");
	reply_retry(&r, 1500);
	r.extra = "X-A: 1\r\nX-B: 2\r\n";
	ok(is(&r, NULL, "503 Service Unavailable",
	      "Retry-After: 2\r\nX-A: 1\r\nX-B: 2\r\n",
	      "{\"error\":{\"code\":\"DRAINING\",\"message\":\"x\"}}\n"),
	   "when to try again");
}

static void retries(void)
{
	struct reply r;

	reply_fault(&r, 429, PROTO_RATE_LIMITED, "x");
	ok(r.retry_s == 0, "at first nothing is said of a retry");
	reply_retry(&r, 0);
	ok(r.retry_s == 1, "but it is never at once");
	reply_retry(&r, 1000);
	ok(r.retry_s == 1, "whole seconds as they are");
	reply_retry(&r, 1001);
	ok(r.retry_s == 2, "others rounded up");
	reply_retry(&r, UINT64_MAX);
	ok(r.retry_s == UINT64_MAX / 1000 + 1, "without an overflow");
}

static void bounds(void)
{
	char text[2 * REPLY_MESSAGE_MAX];
	struct reply r;
	struct buf out, failed;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	reply_error(&r, 400, "X", "%s", text);
	ok(strlen(r.message) == REPLY_MESSAGE_MAX - 1, "a message is cut");
	ok(reply_index(404) == 6 && strcmp(reply_digits(6), "404") == 0 &&
		   strcmp(reply_reason(6), "Not Found") == 0 &&
		   reply_index(299) == reply_index(500),
	   "each status has its text, unknown ones are 500");
	buf_init(&out);
	buf_init(&failed);
	failed.failed = true;
	reply_put(&out, &r, &failed, false, WALL_MS);
	ok(out.failed, "content that failed makes no reply");
	buf_clear(&out, 0);
	oom_after(1);
	reply_put(&out, &r, NULL, false, WALL_MS);
	ok(oom_off() && out.failed, "nor does anything without memory");
	buf_release(&out);
}

int main(void)
{
	contents();
	others();
	errors();
	retries();
	bounds();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * reply - an answer to an HTTP request (RFC 9110, RFC 9112), put together as
 * the bytes that go out.
 *
 * Every reply has its length, forbids to store it unless it has an ETag, and
 * ends the connection: see http.h for why. A browser must neither take it for
 * another type, nor load or frame anything by it, nor give it to pages of other
 * origins, unless cors.h says so. What was refused is told as JSON:
 *
 *   {"error":{"code":"BAD_JSON","message":"bad number","line":3,"column":7}}
 *
 * and whatever is told ends in a newline, for the people at a terminal.
 */
#ifndef REPLY_H
#define REPLY_H

#include "buf.h"
#include "cors.h"
#include "proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_TEXT "text/plain; charset=utf-8"
#define REPLY_JSON "application/json"

#define REPLY_MESSAGE_MAX 200

struct reply {
	unsigned status;    /* one of those below */
	const char *type;   /* of the content: static; NULL: it has none */
	const char *code;   /* of an error: static; NULL: it is none */
	uint64_t line;	    /* where in the body, from 1; 0: nowhere */
	uint64_t column;    /* in bytes, from 1; of a line */
	uint64_t retry_s;   /* seconds; 0: nothing is said of it */
	const char *allow;  /* methods, of 405 and OPTIONS: static */
	const char *etag;   /* of what may be kept, and is asked for anew with
			       it; borrowed; NULL: it may not be kept */
	const char *extra;  /* header lines, each with its CRLF: static */
	const char *policy; /* a page's Content-Security-Policy: static; NULL:
			       nothing may be loaded, and nobody frames it */
	struct cors cors;   /* which page may read it */
	bool logged;	    /* who refused it has said so in the log */
	char message[REPLY_MESSAGE_MAX]; /* of an error */
};

/* It is this, with content of that type. */
void reply_content(struct reply *r, unsigned status, const char *type);

/* It has no content, as a 204 has none. */
void reply_empty(struct reply *r, unsigned status);

/* It is an error; the message is cut at REPLY_MESSAGE_MAX - 1 bytes. */
void reply_error(struct reply *r, unsigned status, const char *code,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The same with a code of the protocol. */
#define reply_fault(r, status, code, ...)                                      \
	reply_error(r, status, proto_code_name(code), __VA_ARGS__)

/* It has just been refused: say when it may be tried again. */
void reply_retry(struct reply *r, uint64_t ms);

/* The statuses that we send, in order. */
#define REPLY_STATUSES 21

/* Which of them it is; that of 500 when it is none. */
size_t reply_index(unsigned status);

/* "404", and "Not Found". */
const char *reply_digits(size_t index);
const char *reply_reason(size_t index);

/*
 * Appends head and content to `out`. `content` is NULL for an error, which
 * makes its own, and for what has none. To HEAD only the head is sent, with the
 * length that GET would tell (RFC 9110 section 9.3.2). `wall_ms` is now, for
 * the Date.
 */
void reply_put(struct buf *out, const struct reply *r,
	       const struct buf *content, bool to_head, int64_t wall_ms);

/* Header lines of a 426: what to upgrade to (RFC 9110 sections 7.8, 15.5.22) */
#define REPLY_WEBSOCKET                                                        \
	"Connection: Upgrade\r\n"                                              \
	"Upgrade: websocket\r\n"                                               \
	"Sec-WebSocket-Version: 13\r\n"

/*
 * Header lines of a 401, where no token came and where it was not good, and of
 * a 403 (RFC 6750 section 3).
 */
#define REPLY_TOKEN_NEEDED "WWW-Authenticate: Bearer\r\n"
#define REPLY_TOKEN_BAD "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"
#define REPLY_TOKEN_WEAK                                                       \
	"WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n"

/* The interim answer to `Expect: 100-continue`. */
#define REPLY_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

#endif

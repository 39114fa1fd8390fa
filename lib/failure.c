/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include "proto.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __attribute__((format(printf, 4, 0))) void put(struct failure *f,
						      const char *what,
						      const char *url,
						      const char *fmt,
						      va_list ap)
{
	int n = snprintf(f->text, sizeof(f->text), "%s '%s': ", what, url);

	if (n >= 0 && (size_t)n < sizeof(f->text))
		vsnprintf(f->text + n, sizeof(f->text) - (size_t)n, fmt, ap);
}

void failure_connect(struct failure *f, const char *url, bool final,
		     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(f, "cannot connect to", url, fmt, ap);
	va_end(ap);
	f->status = EXIT_CONNECTION;
	f->final = final;
}

void failure_lost(struct failure *f, const char *url, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(f, "lost the connection to", url, fmt, ap);
	va_end(ap);
	f->status = EXIT_CONNECTION;
	f->final = false;
}

/* What an HTTP status says of the path and the server. */
static const char *answer_meaning(unsigned status)
{
	if (status == 401 || status == 407)
		return "the server wants credentials";
	if (status == 403)
		return "the server refused";
	if (status == 404 || status == 410)
		return "the server has nothing at this path";
	if (status == 429)
		return "the server wants fewer requests";
	if (status >= 500)
		return "the server cannot serve now";
	if (status >= 300 && status < 400)
		return "the server points elsewhere";
	if (status >= 200 && status < 300)
		return "this path is no WebSocket endpoint";
	return "the server did not accept the request";
}

static bool answer_is_passing(unsigned status)
{
	return status == 408 || status == 429 || status >= 500;
}

void failure_answer(struct failure *f, const char *url, unsigned status,
		    const char *phrase, const char *body)
{
	failure_connect(f, url, !answer_is_passing(status), "%s: %u%s%s%s%s",
			answer_meaning(status), status, *phrase ? " " : "",
			phrase, *body ? ": " : "", body);
	if (status == 401 || status == 403 || status == 407)
		f->status = EXIT_REFUSED;
}

static enum exits close_status(unsigned code)
{
	switch (code) {
	case PROTO_CLOSE_FORBIDDEN:
	case PROTO_CLOSE_AUTH_REQUIRED:
	case PROTO_CLOSE_AUTH_FAILED:
		return EXIT_REFUSED;
	case PROTO_CLOSE_BAD_REQUEST:
	case PROTO_CLOSE_UNACCEPTABLE:
	case PROTO_CLOSE_BAD_TEXT:
	case PROTO_CLOSE_TOO_BIG:
		return EXIT_REJECTED;
	default:
		return EXIT_CONNECTION;
	}
}

/* 40xx says so; of the standard codes those that blame what was sent. */
static bool close_is_final(unsigned code)
{
	return (code >= 4000 && code < 4100) || code == PROTO_CLOSE_PROTOCOL ||
	       close_status(code) == EXIT_REJECTED;
}

void failure_close(struct failure *f, const char *url, unsigned code,
		   const char *reason)
{
	if (code)
		failure_lost(f, url, "closed with %u (%s)%s%s", code,
			     proto_close_name(code), *reason ? ": " : "",
			     reason);
	else
		failure_lost(f, url, "it ended without a close frame");
	f->status = close_status(code);
	f->final = close_is_final(code);
}

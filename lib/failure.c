/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How a client gets a token. */
#define TOKEN_HINT " (--token-file, WSD_TOKEN)"

static void begin(struct failure *f, enum exits status, bool final)
{
	f->status = status;
	f->final = final;
	f->token = f->busy = false;
}

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
	begin(f, EXIT_CONNECTION, final);
}

void failure_lost(struct failure *f, const char *url, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(f, "lost the connection to", url, fmt, ap);
	va_end(ap);
	begin(f, EXIT_CONNECTION, false);
}

/* What an HTTP status says of the path and the server. */
static const char *answer_meaning(unsigned status, bool token)
{
	if (status == 401)
		return token ? "the server does not take this token"
			     : "the server asks for a token" TOKEN_HINT;
	if (status == 407)
		return "a proxy wants credentials";
	if (status == 403)
		return "the server refused";
	if (status == 404 || status == 410)
		return "the server has nothing at this path";
	if (status == 429)
		return "the server wants fewer requests";
	if (status == 431)
		return "the server does not take so long a request";
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
		    const char *phrase, const char *body, bool token)
{
	failure_connect(f, url, !answer_is_passing(status), "%s: %u%s%s%s%s",
			answer_meaning(status, token), status,
			*phrase ? " " : "", phrase, *body ? ": " : "", body);
	if (status == 401 || status == 403 || status == 407)
		f->status = EXIT_REFUSED;
	f->token = status == 401 && token;
	f->busy = status == 429;
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

/*
 * 41xx says so, but for who was too slow: its history is being trimmed, and
 * the sooner it is back the less it misses.
 */
static bool close_is_busy(unsigned code)
{
	return code >= 4100 && code < 4200 && code != PROTO_CLOSE_TOO_SLOW;
}

void failure_close(struct failure *f, const char *url, unsigned code,
		   const char *reason, bool token)
{
	if (!code)
		failure_lost(f, url, "it ended without a close frame");
	else
		failure_lost(
			f, url, "closed with %u (%s)%s%s%s", code,
			proto_close_name(code), *reason ? ": " : "", reason,
			code == PROTO_CLOSE_AUTH_REQUIRED && !token ? TOKEN_HINT
								    : "");
	f->status = close_status(code);
	f->final = close_is_final(code);
	f->token = code == PROTO_CLOSE_AUTH_FAILED && token;
	f->busy = close_is_busy(code);
}

/* Who was asked for a token that it has shown lost it on the way. */
void failure_denied(struct failure *f, enum proto_code code, const char *text,
		    bool token)
{
	begin(f, EXIT_REFUSED, true);
	snprintf(f->text, sizeof(f->text), "%s%s", text,
		 token ? "" : TOKEN_HINT);
	f->token = token && code != PROTO_AUTH_REQUIRED;
}

void failure_expired(struct failure *f, const char *url, const char *path)
{
	failure_connect(f, url, true, "the token has expired%s%s%s",
			path ? ", and '" : "", path ? path : "",
			path ? "' still has it" : "");
	f->status = EXIT_REFUSED;
	f->token = true;
}

/* SPDX-License-Identifier: MIT */
/*
 * failure - why there is no connection, as a sentence, and what follows from
 * it: the exit status, and whether trying again can help.
 *
 * The sentence names what failed - the name, the port, the path, the server -
 * and leaves no other open. Pure; whoever found the failure brings the facts.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include "exits.h"
#include "proto.h"

#include <stdbool.h>

#define FAILURE_TEXT_MAX 900

struct failure {
	char text[FAILURE_TEXT_MAX];
	enum exits status;
	bool final; /* trying again as we are cannot help */
	bool token; /* but another token may */
	bool busy;  /* the server asks for fewer attempts */
};

/*
 * "cannot connect to 'URL': " and why. `final` when another attempt would
 * find the same.
 */
void failure_connect(struct failure *f, const char *url, bool final,
		     const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The server answered the request for a WebSocket with another HTTP status
 * than 101. `phrase` is what follows the number, `body` the beginning of what
 * it said, both possibly empty. `token`: one was shown.
 */
void failure_answer(struct failure *f, const char *url, unsigned status,
		    const char *phrase, const char *body, bool token);

/* "lost the connection to 'URL': " and why; another attempt may help. */
void failure_lost(struct failure *f, const char *url, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * It was closed with a code (0: without a close frame) and a reason, which
 * may be empty. `token`: one had been shown.
 */
void failure_close(struct failure *f, const char *url, unsigned code,
		   const char *reason, bool token);

/*
 * It has no right to go on, as an ERROR said: `text` is the whole sentence.
 * `token`: one had been shown.
 */
void failure_denied(struct failure *f, enum proto_code code, const char *text,
		    bool token);

/* The token has expired; `path` of the file that still has it, or NULL. */
void failure_expired(struct failure *f, const char *url, const char *path);

#endif

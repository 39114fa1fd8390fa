/* SPDX-License-Identifier: MIT */
/*
 * bearer - the token that a client shows (RFC 6750): out of a file, which is
 * read anew for each attempt, so that who exchanges the token there need not
 * start the client again; or one that stays the same.
 *
 * A token is 1 to BEARER_MAX printable characters of ASCII without a blank.
 * What it says is the server's business. No message has anything of it.
 */
#ifndef BEARER_H
#define BEARER_H

#include "secretfile.h"

#include <stdbool.h>

/* Bytes of a token. */
#define BEARER_MAX 16384

/* Room for a reason, with its NUL. */
#define BEARER_WHY_MAX SECRETFILE_WHY_MAX

struct bearer {
	const char *path; /* of its file, borrowed; NULL: none */
	bool fixed;	  /* it is never another one */
	char *token;	  /* owned; NULL: none */
	bool ended;	  /* the server has said that this one has */
};

/*
 * Takes the token out of the file at `path`, which others must not be able to
 * use (see secretfile.h); without a path it is `given`, which is copied; NULL
 * or empty: there is none. A path that is no file but a pipe gives it once. 0,
 * or -1 and why; bearer_release() is harmless then.
 */
int bearer_init(struct bearer *b, const char *path, const char *given,
		char why[BEARER_WHY_MAX]);

/*
 * Reads the file again, if there is one. 1: it has another token, which is the
 * one from now on; 0: all is as it was; -1 and why: it cannot be used, and all
 * is as it was.
 */
int bearer_renew(struct bearer *b, char why[BEARER_WHY_MAX]);

/* Wipes and frees the token. */
void bearer_release(struct bearer *b);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * grant - what a token that was checked gives: rights, until when, and a name
 * for the log. It borrows nothing, so it stays good when keys and tokens are
 * read anew. The token itself is not in it.
 */
#ifndef GRANT_H
#define GRANT_H

#include "rights.h"

#include <stdbool.h>
#include <stdint.h>

#define GRANT_NEVER INT64_MAX /* does not expire */

/* Bytes of a name; a longer one is cut, at the end of a character. */
#define GRANT_NAME_MAX 128

#define GRANT_HASH 32 /* bytes of SHA-256 */

struct grant {
	struct rights rights;
	struct grant *next; /* of a connection's; see pass.h */
	int64_t expires;    /* seconds since 1970: not good from then on */
	int64_t due_ms; /* ms since 1970: its end is told of; then that end */
	bool fixed;	/* of a static token, which a list has by its hash */
	uint8_t hash[GRANT_HASH]; /* SHA-256 of that token, where `fixed` */
	/* Whose it is, as the token says: UTF-8, may be empty, ends with NUL */
	char name[];
};

/*
 * One without rights that never expires. `name` of `len` bytes is UTF-8; a NUL
 * within ends it. NULL when out of memory.
 */
struct grant *grant_new(const char *name, size_t len);

/* What became of a token that was shown. */
enum grant_verdict {
	GRANT_GIVEN,
	GRANT_REFUSED,	 /* whatever the reason */
	GRANT_TOO_OFTEN, /* too many were refused lately: it was not looked at
			  */
	GRANT_NO_MEMORY,
};

/* NULL is allowed. */
void grant_free(struct grant *g);

#endif

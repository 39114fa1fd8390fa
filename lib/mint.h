/* SPDX-License-Identifier: MIT */
/*
 * mint - new tokens, and what tokens say in JSON for people and programs.
 */
#ifndef MINT_H
#define MINT_H

#include "buf.h"
#include "claims.h"
#include "jwtkey.h"

#include <stdbool.h>

enum mint_result {
	MINT_OK,
	MINT_NO_MEMORY,
	MINT_CANNOT_SIGN,
	MINT_TOO_LONG, /* it would be refused: it is above JWT_MAX */
	MINT_NOT_JSON, /* header or claims are no JSON */
};

/*
 * Appends a token, signed by `key`, which can sign; `kid` is UTF-8 or NULL. On
 * any other result than MINT_OK `out` is of no use. The only copy of the token
 * is in `out`, which is the caller's to wipe.
 */
enum mint_result mint_token(struct buf *out, const struct jwtkey *key,
			    const char *kid, const struct claims *claims);

/*
 * Appends what a grant gives, as one line:
 * {"name":…,"subscribe":[…],"publish":[…],"admin":…,"expires":…}; the last is
 * a time of RFC 3339, or null. The name, which whoever made the token has
 * chosen, has no control characters (see escape.h).
 */
void mint_put_grant(struct buf *out, const struct grant *g);

/*
 * Appends header and claims of a token as one line: {"header":…,"claims":…};
 * `escape`: for a terminal, see escape.h.
 */
enum mint_result mint_put_parts(struct buf *out, const struct jwt *jwt,
				bool escape);

/* A static text: "out of memory", … */
const char *mint_strerror(enum mint_result result);

#endif

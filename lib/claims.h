/* SPDX-License-Identifier: MIT */
/*
 * claims - what a token claims (RFC 7519 section 4), and the rights that it
 * gives by that. Read only after its signature was found good.
 *
 * `subscribe` and `publish` are patterns (see rights.h): an array of strings,
 * or one string; `admin` is a boolean; `exp` must be there, `nbf` counts.
 * Where a claim of those is of another type the whole token is refused, as its
 * maker meant something that we do not know.
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "buf.h"
#include "grant.h"
#include "refusal.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of `sub`, of which a grant keeps the beginning; a longer one is none.
 */
#define CLAIMS_SUBJECT_MAX 1024

/* What is asked of all tokens; borrowed. */
struct claims_expected {
	const char *audience; /* one of `aud`; NULL: any, or none */
	const char *issuer;   /* `iss`, exactly; NULL: any, or none */
	/* A claim with a tenant id, a string or integer, that may be subscribed
	 * to besides; NULL: none. A token may lack it. */
	const char *tenant;
};

/*
 * Reads the JSON object `text`. `now` is in seconds since 1970; there is no
 * leeway. REFUSAL_NONE: `*grant` is the caller's; its name is `sub`.
 */
enum refusal claims_read(const char *text, size_t len,
			 const struct claims_expected *expected, int64_t now,
			 struct grant **grant);

/* For a new token; borrowed. */
struct claims {
	const struct rights *rights;
	int64_t issued;	      /* seconds since 1970 */
	int64_t expires;      /* seconds since 1970 */
	const char *subject;  /* UTF-8, as the next two; NULL: none */
	const char *audience; /* NULL: none */
	const char *issuer;   /* NULL: none */
};

/* Appends them as a JSON object. */
void claims_put(struct buf *out, const struct claims *c);

/* Appends "subscribe", "publish", "admin" to an object, even when empty. */
void claims_put_rights(struct buf *out, const struct rights *rights);

#endif

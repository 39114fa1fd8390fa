/* SPDX-License-Identifier: MIT */
/*
 * jwt - JSON Web Tokens in their compact form, RFC 7519 and RFC 7515: taken
 * apart and put together. Signatures are made and checked elsewhere.
 *
 * Taking apart is strict, as all of it happens before anything is known of the
 * sender: three parts in base64url, a header that is a JSON object with unique
 * members. A header can only say which of four algorithms it is and name a key
 * that we have (`kid`); where it would bring or choose a key, or change what
 * the signature is of, it is refused. Other members are passed over, as `typ`
 * and the thumbprints `x5t` and `x5t#S256`, which choose nothing here.
 */
#ifndef JWT_H
#define JWT_H

#include "buf.h"
#include "json.h"
#include "refusal.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a token; a longer one is refused. */
#define JWT_MAX 16384

/* Bytes of a kid; no key has a longer one. */
#define JWT_KID_MAX 256

/* RFC 7518 section 3 and RFC 8037 section 3.1. */
enum jwt_alg {
	JWT_HS256, /* HMAC with SHA-256 */
	JWT_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 */
	JWT_ES256, /* ECDSA on P-256 with SHA-256 */
	JWT_EDDSA, /* Ed25519 */
};

#define JWT_ALGS 4

struct jwt {
	enum jwt_alg alg;
	bool has_kid;
	char kid[JWT_KID_MAX]; /* `kid_len` bytes, unescaped */
	size_t kid_len;
	const char *input; /* what the signature is of; in the token */
	size_t input_len;
	struct buf header;    /* owned, as are the next two; JSON */
	struct buf claims;    /* not looked at yet: see claims.h */
	struct buf signature; /* bytes */
};

/*
 * Takes a token apart; `input` points into `text`. On any result but
 * REFUSAL_NONE there is nothing to release.
 */
enum refusal jwt_open(struct jwt *t, const char *text, size_t len);

/*
 * Only decodes it, whatever its header says: for a look at a token that is not
 * trusted. Of the fields the three bufs are set.
 */
enum refusal jwt_decode(struct jwt *t, const char *text, size_t len);

/* Wipes what was decoded. */
void jwt_release(struct jwt *t);

/*
 * Appends the input of a signature, which goes to jwt_put_signature() behind
 * it. `kid` NULL: none; else it is UTF-8. `claims` is JSON.
 */
void jwt_put_input(struct buf *out, enum jwt_alg alg, const char *kid,
		   const char *claims, size_t len);
void jwt_put_signature(struct buf *out, const void *signature, size_t len);

/* "HS256", … */
const char *jwt_alg_name(enum jwt_alg alg);

/* Which one a JSON string names; false: none of ours. */
bool jwt_alg_read(enum jwt_alg *alg, const struct json_value *name);

#endif

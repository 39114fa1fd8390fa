/* SPDX-License-Identifier: MIT */
/*
 * jwtkey - one key, and the signatures that are made and checked with it.
 *
 * A key has one algorithm, which is decided by what the key is and never by
 * what a token says: so a public key is never taken for a secret. On top of
 * libcrypto; its queue of errors, which TLS on the same thread looks at, is
 * left empty.
 */
#ifndef JWTKEY_H
#define JWTKEY_H

#include "buf.h"
#include "jwt.h"
#include "refusal.h"

#include <stdbool.h>
#include <stddef.h>

#define JWTKEY_SECRET_MIN 32 /* bytes: RFC 7518 section 3.2 */
#define JWTKEY_RSA_MIN 2048  /* bits: RFC 7518 section 3.3 */
#define JWTKEY_RSA_MAX 8192

/* Room for a reason, with its NUL. */
#define JWTKEY_WHY_MAX 200

struct evp_pkey_st;

struct jwtkey {
	enum jwt_alg alg;
	char *kid; /* owned, `kid_len` bytes; NULL: it has none */
	size_t kid_len;
	struct evp_pkey_st *pkey; /* owned; NULL for JWT_HS256 */
	char *secret;		  /* owned, of JWT_HS256; wiped when freed */
	size_t secret_len;
	bool can_sign; /* is a secret or a private key */
};

/*
 * From the bytes of an HMAC secret, or the text of a PEM public or private key
 * (RFC 7468; not encrypted). NULL and `why`, which has nothing of the key.
 */
struct jwtkey *jwtkey_from_secret(const void *bytes, size_t len,
				  char why[JWTKEY_WHY_MAX]);
struct jwtkey *jwtkey_from_pem(const char *text, size_t len,
			       char why[JWTKEY_WHY_MAX]);

/* Takes a key of libcrypto's, also when it returns NULL and `why`. */
struct jwtkey *jwtkey_from_pkey(struct evp_pkey_st *pkey, bool can_sign,
				char why[JWTKEY_WHY_MAX]);

/* NULL is allowed. What is secret is wiped. */
void jwtkey_free(struct jwtkey *key);

/*
 * Of a private key wipes what is private, so that it can only verify; a secret
 * or a public key stays as it is. 0, or -1 and `why`.
 */
int jwtkey_make_public(struct jwtkey *key, char why[JWTKEY_WHY_MAX]);

/* Gives it a kid of 1 to JWT_KID_MAX bytes. 0, or -1 and `why`. */
int jwtkey_name(struct jwtkey *key, const char *kid, size_t len,
		char why[JWTKEY_WHY_MAX]);

/* Whether the signature of a token is by this key: REFUSAL_NONE. */
enum refusal jwtkey_verify(const struct jwtkey *key, const struct jwt *token);

/*
 * Appends the signature of `len` bytes; `can_sign`. 0, or -1: out of memory,
 * or libcrypto cannot.
 */
int jwtkey_sign(const struct jwtkey *key, const char *input, size_t len,
		struct buf *signature);

/* Writes a reason to `why`, for those that make keys. Returns -1. */
int jwtkey_refuse(char why[JWTKEY_WHY_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: MIT */
/*
 * refusal - why a token is refused.
 *
 * For the log of whoever keeps the keys. Who sent the token hears the same of
 * all of them, or he could feel his way to one that is taken.
 */
#ifndef REFUSAL_H
#define REFUSAL_H

enum refusal {
	REFUSAL_NONE, /* it is good */
	REFUSAL_EMPTY,
	REFUSAL_TOO_LONG,
	REFUSAL_UNKNOWN, /* no static token, and no JWT that could be checked */
	/* What comes before its signature */
	REFUSAL_FORM,	/* not three parts in base64url */
	REFUSAL_HEADER, /* not an object with unique members of their types */
	REFUSAL_ALGORITHM, /* "none", or one that is not ours */
	REFUSAL_CRITICAL,  /* crit or b64: changes what a signature means */
	REFUSAL_OWN_KEY,   /* jku, jwk, x5u, x5c: would choose its key */
	REFUSAL_KEY_NAME,  /* a kid that no key has */
	REFUSAL_NO_KEY,	   /* no kid, and no key that is meant by that */
	REFUSAL_PINNED,	   /* its algorithm is not that of its key */
	REFUSAL_SIGNATURE,
	/* What it claims */
	REFUSAL_CLAIMS,	   /* not an object with unique members */
	REFUSAL_NO_EXPIRY, /* no exp */
	REFUSAL_TIME,	   /* exp or nbf is no time */
	REFUSAL_EXPIRED,
	REFUSAL_EARLY, /* nbf is still to come */
	REFUSAL_AUDIENCE,
	REFUSAL_ISSUER,
	REFUSAL_SUBJECT, /* sub is no string, or a long one */
	REFUSAL_PATTERN, /* subscribe or publish is no list of patterns */
	REFUSAL_ADMIN,	 /* admin is neither true nor false */
	REFUSAL_TENANT,	 /* the claim that names its tenant does not */
	REFUSAL_NO_MEMORY,
};

/* A static text: "it has expired", … */
const char *refusal_strerror(enum refusal refusal);

#endif

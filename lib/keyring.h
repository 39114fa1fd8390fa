/* SPDX-License-Identifier: MIT */
/*
 * keyring - the keys that tokens are checked with, by their kid.
 *
 * Which key is a token's: where it has a kid, the one of that kid and no
 * other. Where it has none, each key of its algorithm that has no kid either,
 * or the only key of that algorithm. No two keys have the same kid.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "jwtkey.h"

#define KEYRING_MAX 64 /* keys */

/*
 * Keys of an algorithm that have no kid: as many signatures anybody can have
 * checked by sending one token.
 */
#define KEYRING_UNNAMED_MAX 8

struct keyring {
	struct jwtkey *keys[KEYRING_MAX]; /* owned */
	size_t count;
	size_t passed_over; /* of JWKS files: those that are of other kinds */
};

void keyring_init(struct keyring *ring);
void keyring_release(struct keyring *ring);

/* Takes `key`, also when it fails. 0, or -1 and `why`. */
int keyring_add(struct keyring *ring, struct jwtkey *key,
		char why[JWTKEY_WHY_MAX]);

/* Whether the signature of a token is by the key that it is to be by. */
enum refusal keyring_verify(const struct keyring *ring,
			    const struct jwt *token);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * jwk - keys in JSON: RFC 7517, with the parameters of RFC 7518 section 6 and
 * RFC 8037 section 2.
 *
 * A set may have keys of other kinds, which are passed over: for encryption,
 * of another algorithm or curve. One that is of our kinds has to be right, or
 * the whole set is refused: so is a member that is there twice. Of a private
 * key only the public half is taken.
 */
#ifndef JWK_H
#define JWK_H

#include "keyring.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Adds the keys of a set ({"keys":[...]}) or of a single key to the ring;
 * `*secret`: the text has what nobody else may know. 0, or -1 and `why`: also
 * when all keys were passed over. Some keys may have been added then.
 */
int jwk_read_set(struct keyring *ring, const char *text, size_t len,
		 bool *secret, char why[JWTKEY_WHY_MAX]);

#endif

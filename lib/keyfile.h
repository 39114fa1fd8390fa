/* SPDX-License-Identifier: MIT */
/*
 * keyfile - keys out of files.
 *
 * A file is what it looks like: where it begins with '{', a JWK or a set of
 * them; where there is "-----BEGIN " in it, PEM; one word of printable ASCII is
 * an HMAC secret, without the newline at its end; all else is refused. So what
 * everybody knows, a public key in whatever form or a page that was fetched in
 * its place, is not taken for a secret. Secrets and private keys may not be
 * readable by others, public keys not writable.
 */
#ifndef KEYFILE_H
#define KEYFILE_H

#include "keyring.h"

/* Bytes of a file; a larger one is refused. */
#define KEYFILE_MAX (1 << 20)

/* Room for a reason, with its NUL; it does not name the file. */
#define KEYFILE_WHY_MAX JWTKEY_WHY_MAX

/*
 * Adds the keys that `text` names: "FILE", or "KID=FILE" for the one that has
 * no kid of its own; what stands before '=' is a kid when there is no '/' in
 * it. Of a private key its public half is kept. 0, or -1 and `why`.
 */
int keyfile_add(struct keyring *ring, const char *text,
		char why[KEYFILE_WHY_MAX]);

/* Of such a text the path. */
const char *keyfile_path(const char *text);

/* The key to sign with in a file: a secret or a private key. NULL and `why`. */
struct jwtkey *keyfile_signer(const char *path, char why[KEYFILE_WHY_MAX]);

#endif

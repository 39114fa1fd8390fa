/* SPDX-License-Identifier: MIT */
/*
 * keygen - new keys, in files of their own.
 *
 * A file that is there already is never touched. The files have mode 0600,
 * whatever the umask.
 */
#ifndef KEYGEN_H
#define KEYGEN_H

/* Room for a reason, with its NUL. */
#define KEYGEN_WHY_MAX 4200

enum keygen_type {
	KEYGEN_HMAC, /* 256 random bits, as 43 characters of base64url */
	KEYGEN_RSA,  /* 3072 bits */
	KEYGEN_EC,   /* P-256 */
	KEYGEN_ED25519,
};

/*
 * Writes a secret, or the private key (PKCS #8) to `path` and its public key
 * to "`path`.pub", both in PEM. 0, or -1 and `why`, which names the file; what
 * was written then is removed.
 */
int keygen_write(enum keygen_type type, const char *path,
		 char why[KEYGEN_WHY_MAX]);

#endif

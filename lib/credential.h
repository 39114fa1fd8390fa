/* SPDX-License-Identifier: MIT */
/*
 * credential - the token that a request shows: `Authorization: Bearer TOKEN`
 * (RFC 6750 section 2.1), or `?access_token=TOKEN` (section 2.3).
 *
 * It finds it; what it is worth is for others. Another scheme (Basic, which a
 * proxy in front may ask for) is none of ours and counts as none. More than one
 * token is a fault, since two readers might take different ones.
 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include "httphead.h"

enum credential_kind {
	CREDENTIAL_NONE,
	CREDENTIAL_HEADER,
	CREDENTIAL_QUERY,
	CREDENTIAL_BAD, /* more than one, or not one that can be read */
};

struct credential {
	enum credential_kind kind;
	const char *token; /* in the head, or in `store`; no NUL behind it */
	size_t len;
	char store[HTTPHEAD_MAX]; /* where it had to be decoded; wipe it */
};

/* Borrows from the head's bytes. */
void credential_read(struct credential *c, const struct httphead *head);

/* Forgets what it has in its store. */
void credential_wipe(struct credential *c);

#endif

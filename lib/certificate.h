/* SPDX-License-Identifier: MIT */
/*
 * certificate - what a server proves with who it is: a chain of certificates
 * and the key of the first, from PEM files that can be read anew.
 *
 * It decides what TLS is spoken: 1.2 and 1.3 with forward secrecy and
 * authenticated encryption, http/1.1 alone (RFC 7301), without compression and
 * renegotiation. Connections keep the certificate that they began with.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include "secure.h"

/* Room for a reason, with its NUL. */
#define CERTIFICATE_WHY_MAX 400

struct certificate {
	const char *chain; /* path of its file; borrowed */
	const char *key;   /* the same; others must not be able to read it */
	struct secures secures;
	struct ssl_ctx_st *context; /* owned; for new connections */
	int64_t begins_ms; /* wall time from which all of it is valid */
	int64_t ends_ms;   /* and from which some of it is not */
};

/* Reads both files: 0, or -1 and `why`, which has nothing of the key. */
int certificate_open(struct certificate *c, const char *chain, const char *key,
		     char why[CERTIFICATE_WHY_MAX]);

/* Reads them anew; -1 and `why`: all stays as it was. */
int certificate_renew(struct certificate *c, char why[CERTIFICATE_WHY_MAX]);

/*
 * Makes the keys anew with which tickets of sessions are encrypted: those that
 * clients have are of no use any more, and who gets hold of the present keys
 * reads no connection of TLS 1.2 from before (RFC 5077 section 5.5). -1: they
 * stay as they were.
 */
int certificate_new_tickets(struct certificate *c);

/* After the last connection. */
void certificate_close(struct certificate *c);

/* The server's end of a connection on `fd`. NULL: out of memory. */
struct secure *certificate_accept(const struct certificate *c, int fd);

/* So long before the end people want to know. */
#define CERTIFICATE_SOON_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

/*
 * Whether people should know something: then true, and `what` says that it has
 * expired, expires soon or is not valid yet.
 */
bool certificate_warns(const struct certificate *c, int64_t now_ms,
		       char what[CERTIFICATE_WHY_MAX]);

#endif

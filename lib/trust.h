/* SPDX-License-Identifier: MIT */
/*
 * trust - whom a client takes for the server of a wss URL: TLS 1.2 or later,
 * and a certificate for the host of the URL (RFC 9525: the names in its
 * subjectAltName, or the IP address), signed by an authority that is known.
 *
 * One is for one URL and one connection at a time. Of a handshake that fails it
 * keeps why, for people.
 */
#ifndef TRUST_H
#define TRUST_H

#include "url.h"

#include <stdbool.h>

struct ssl_ctx_st;
struct ssl_st;

/* Room for a reason, with its NUL. */
#define TRUST_WHY_MAX 400

struct trust {
	struct ssl_ctx_st *tls;	   /* owned; NULL: no TLS */
	char host[URL_PART_MAX];   /* without a dot at its end */
	bool numeric;		   /* the host is an IP address */
	bool insecure;		   /* any certificate will do */
	char fault[TRUST_WHY_MAX]; /* of the certificate; "": none */
	unsigned long error;	   /* of OpenSSL, 0: none */
	int alert;		   /* that the server sent; 0: none */
};

struct trust_config {
	const char *cacert; /* file of authorities, PEM; NULL: the system's */
	bool insecure;
};

/*
 * For the host of `url`, which is a wss one. 0, or -1 and why: the authorities
 * cannot be read, or out of memory; trust_release() is harmless then.
 */
int trust_init(struct trust *t, const struct url *url,
	       const struct trust_config *config, char why[TRUST_WHY_MAX]);
void trust_release(struct trust *t);

/* Another connection begins. */
void trust_begin(struct trust *t);

/*
 * Why the last handshake failed, or the server ended the connection behind it:
 * "the certificate is not for 'h'"; NULL: nothing of TLS is to blame. Valid
 * until the next call.
 */
const char *trust_why(struct trust *t, bool handshake);

#endif

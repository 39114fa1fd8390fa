/* SPDX-License-Identifier: MIT */
/*
 * cors - what a browser has to be told before it lets a page of another origin
 * send a request and read the answer (the CORS protocol of the Fetch standard).
 *
 * Whose page may is for access.h; here are the headers. Before a request that
 * no form could send, a browser asks in a preflight, an OPTIONS without any
 * token. Cookies and the like are never allowed (Allow-Credentials): nobody is
 * let in by them, and a browser sends them whatever page asks it to.
 */
#ifndef CORS_H
#define CORS_H

#include "buf.h"

#include <stdbool.h>

#define CORS_MAX_AGE_S 600 /* what a preflight has said holds so long */

struct cors {
	const char *origin;  /* of the page, allowed; borrowed; NULL: none */
	const char *methods; /* of a preflight: "GET, HEAD"; static; or NULL */
	unsigned headers;    /* that it asks for and may have, as bits */
	bool private;	     /* it asks to come into a private network */
	bool error;	     /* there may be headers that say what to do */
};

/*
 * It is a preflight, of what takes these methods. `headers` is what it asks for
 * in Access-Control-Request-Headers, and `private` in -Private-Network; NULL:
 * nothing.
 */
void cors_preflight(struct cors *c, const char *methods, const char *headers,
		    const char *private);

/* Appends the header lines; none where no page may read. */
void cors_put(struct buf *out, const struct cors *c);

#endif

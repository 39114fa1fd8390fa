/* SPDX-License-Identifier: MIT */
/*
 * header - a header of a request, out of what libwebsockets keeps of it.
 */
#ifndef HEADER_H
#define HEADER_H

#include <libwebsockets.h>
#include <stdbool.h>

#define HEADER_MAX 512 /* bytes of a value, with the NUL behind it */

struct header {
	bool present;
	bool too_long; /* present, but not read */
	char text[HEADER_MAX];
};

/*
 * Reads one that libwebsockets knows, or a path. White space around a value is
 * none of it (RFC 9110 section 5.5). One that came more than once is joined by
 * commas, as libwebsockets does.
 */
void header_read(struct lws *wsi, enum lws_token_indexes token,
		 struct header *h);

/* Reads any other, by its name in small letters and a colon. */
void header_read_other(struct lws *wsi, const char *name, struct header *h);

/* Reads the query of the target: parameters with '&' between them. */
void header_read_query(struct lws *wsi, struct header *h);

#endif

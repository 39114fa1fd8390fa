/* SPDX-License-Identifier: MIT */
/*
 * loadtarget - where a load goes: the address behind a URL, found once, and
 * the request that opens a WebSocket, or a stream of events, there.
 */
#ifndef LOADTARGET_H
#define LOADTARGET_H

#include "url.h"

#include <stddef.h>
#include <sys/socket.h>

struct loadtarget {
	struct url url;
	struct sockaddr_storage address;
	socklen_t address_len;
	const char *token; /* borrowed; NULL: none is shown */
};

/* Bytes of a token. */
#define LOADTARGET_TOKEN_MAX 8192

/*
 * Finds the first address of `text` that accepts a connection (localhost may
 * be two). 0, or -1 with the reason, for people, in `why`; then `*usage` says
 * whether the URL itself is wrong.
 */
int loadtarget_find(struct loadtarget *target, const char *text, bool *usage,
		    char *why, size_t room);

/*
 * Writes the HTTP request of the handshake (RFC 6455 section 4.1), asking for
 * `subprotocol` unless NULL. Returns its length, below `room`.
 */
#define LOADTARGET_REQUEST_MAX (1024 + LOADTARGET_TOKEN_MAX)
size_t loadtarget_request(const struct loadtarget *target,
			  const char *subprotocol, char *out, size_t room);

/*
 * The same of the request that follows the tenant of this name and number by
 * server-sent events.
 */
size_t loadtarget_follow(const struct loadtarget *target, const char *prefix,
			 unsigned number, char *out, size_t room);

#endif

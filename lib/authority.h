/* SPDX-License-Identifier: MIT */
/*
 * authority - the part of a URL that says where: "host", "host:port",
 * "[ipv6]", "[ipv6]:port" (RFC 3986 section 3.2, without user). Shared by all
 * schemes that we read.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include <stddef.h>
#include <stdint.h>

#define AUTHORITY_HOST_MAX 256

/*
 * Parses the `len` bytes at `text`. Writes the host, without the brackets of
 * IPv6, and the port, if there is one. Returns NULL, or a static text that says
 * what is wrong, such as "no host"; what was written is undefined then.
 */
const char *authority_parse(const char *text, size_t len,
			    char host[AUTHORITY_HOST_MAX], uint16_t *port);

/* The same for a host alone that is no IPv6 address: any bytes but the NUL. */
const char *authority_take_host(const char *text, size_t len,
				char host[AUTHORITY_HOST_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * forwarded - on whose behalf a proxy sends a request, as it says in
 * X-Forwarded-For and X-Forwarded-Proto.
 *
 * Anybody can send these headers, so they count only in a request that comes
 * from an address that was named as a proxy's. Each proxy adds the address of
 * its peer behind those that it was sent. So the list is read from its end: as
 * long as an address is a proxy's, what it has added before is believed; the
 * first one that is not is the client's, and what stands before it, which the
 * client may have made up, is not even looked at.
 *
 * `Forwarded` (RFC 7239) is not read: a proxy that sets one of the two passes
 * on the other as it came from the client.
 */
#ifndef FORWARDED_H
#define FORWARDED_H

#include "httphead.h"
#include "netaddr.h"

/* Whose word counts; borrowed. */
struct forwarded_proxies {
	const struct netaddr_block *blocks;
	size_t count;
};

struct forwarded {
	struct netaddr client; /* without a port where the proxy tells none */
	bool https; /* the client is known to speak TLS with the first proxy */
};

/* Whether an address is a proxy's. */
bool forwarded_is_proxy(const struct forwarded_proxies *proxies,
			const struct netaddr *from);

/*
 * Reads what the head of a request from this address says. Where it is no
 * proxy's, or names nobody, that address is the client's. 0, or -1: a proxy
 * names somebody by what is no address, so nobody knows who it is.
 *
 * An address may be in brackets and have a port; nginx has "unix:" for one of
 * its own Unix sockets.
 */
int forwarded_read(struct forwarded *f, const struct forwarded_proxies *proxies,
		   const struct netaddr *from, const struct httphead *head);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * netaddr - where a peer comes from, and blocks of such addresses.
 *
 * An IPv4 address that came over an IPv6 socket (RFC 4291 section 2.5.5.2) is
 * the IPv4 address. Limits for each address count an IPv6 peer by its /64,
 * since that is what a single customer gets (RFC 6177).
 */
#ifndef NETADDR_H
#define NETADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum netaddr_family {
	NETADDR_UNIX, /* or unknown: no address */
	NETADDR_V4,
	NETADDR_V6,
};

struct netaddr {
	uint8_t bytes[16]; /* network order; of IPv4 the first 4, else 0 */
	uint16_t port;
	uint16_t family; /* enum netaddr_family; no padding: it is hashed */
};

/* Room for "[2001:db8::1]:65535" and the NUL. */
#define NETADDR_TEXT_MAX (INET6_ADDRSTRLEN + 8)

/* Any family that it does not know is NETADDR_UNIX. */
void netaddr_from_v4(struct netaddr *a, const struct sockaddr_in *from);
void netaddr_from_v6(struct netaddr *a, const struct sockaddr_in6 *from);

/*
 * Reads "192.0.2.1" or "2001:db8::1", without a port, which is 0. 0, or -1: it
 * is none.
 */
int netaddr_parse(struct netaddr *a, const char *text, size_t len);

/*
 * "192.0.2.1:3000", "[2001:db8::1]:3000", "unix"; without a port that is 0.
 * Returns `out`.
 */
const char *netaddr_show(const struct netaddr *a, char out[NETADDR_TEXT_MAX]);

/* "192.0.2.1", "2001:db8::1", "". Returns `out`. */
const char *netaddr_show_host(const struct netaddr *a,
			      char out[NETADDR_TEXT_MAX]);

/* All addresses that begin with the same bits; or all Unix sockets. */
struct netaddr_block {
	struct netaddr base;
	unsigned bits;
};

/*
 * Reads "192.0.2.0/24", "2001:db8::/32", an address, which stands for itself,
 * or "unix". NULL, or why it is none: a static text.
 */
const char *netaddr_parse_block(struct netaddr_block *b, const char *text);

/* Whether the address is in the block; the port makes no difference. */
bool netaddr_within(const struct netaddr *a, const struct netaddr_block *b);

/* 127.0.0.0/8, ::1, and Unix sockets. */
bool netaddr_is_local(const struct netaddr *a);

/* The address without its port; of IPv6 the first 64 bits. */
struct netaddr netaddr_network(const struct netaddr *a);

#endif

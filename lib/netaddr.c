/* SPDX-License-Identifier: MIT */
#include "netaddr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V6_NETWORK 8 /* bytes of a /64 */

void netaddr_from_v4(struct netaddr *a, const struct sockaddr_in *from)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->bytes, &from->sin_addr, sizeof(from->sin_addr));
	a->port = ntohs(from->sin_port);
	a->family = NETADDR_V4;
}

void netaddr_from_v6(struct netaddr *a, const struct sockaddr_in6 *from)
{
	memset(a, 0, sizeof(*a));
	a->port = ntohs(from->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
		memcpy(a->bytes, &from->sin6_addr.s6_addr[12], 4);
		a->family = NETADDR_V4;
		return;
	}
	memcpy(a->bytes, &from->sin6_addr, sizeof(from->sin6_addr));
	a->family = NETADDR_V6;
}

const char *netaddr_show_host(const struct netaddr *a,
			      char out[NETADDR_TEXT_MAX])
{
	out[0] = '\0';
	if (a->family != NETADDR_UNIX)
		inet_ntop(a->family == NETADDR_V6 ? AF_INET6 : AF_INET,
			  a->bytes, out, NETADDR_TEXT_MAX);
	return out;
}

const char *netaddr_show(const struct netaddr *a, char out[NETADDR_TEXT_MAX])
{
	char host[NETADDR_TEXT_MAX];

	if (a->family == NETADDR_UNIX)
		return strcpy(out, "unix");
	snprintf(out, NETADDR_TEXT_MAX,
		 a->family == NETADDR_V6 ? "[%.*s]:%u" : "%.*s:%u",
		 INET6_ADDRSTRLEN, netaddr_show_host(a, host), a->port);
	return out;
}

bool netaddr_is_local(const struct netaddr *a)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (a->family == NETADDR_V6)
		return memcmp(a->bytes, loopback, sizeof(loopback)) == 0;
	return a->family == NETADDR_UNIX || a->bytes[0] == 127;
}

struct netaddr netaddr_network(const struct netaddr *a)
{
	struct netaddr n = *a;

	n.port = 0;
	if (n.family == NETADDR_V6)
		memset(n.bytes + V6_NETWORK, 0, sizeof(n.bytes) - V6_NETWORK);
	return n;
}

/* SPDX-License-Identifier: MIT */
#include "netaddr.h"

#include "num.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V6_NETWORK 8 /* bytes of a /64 */

#define V4_BITS 32
#define V6_BITS 128
#define V4_IN_V6 96 /* bits before an IPv4 address in an IPv6 one */

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

int netaddr_parse(struct netaddr *a, const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct sockaddr_in v4 = {0};
	struct sockaddr_in6 v6 = {0};

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &v4.sin_addr) == 1)
		netaddr_from_v4(a, &v4);
	else if (inet_pton(AF_INET6, copy, &v6.sin6_addr) == 1)
		netaddr_from_v6(a, &v6);
	else
		return -1;
	return 0;
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
	if (!a->port)
		return netaddr_show_host(a, out);
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

/* Blocks */

/* How many of the bits at the front of `n` bytes are the same. */
static unsigned same_bits(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned differs = a[i] ^ b[i];

		if (!differs) {
			bits += 8;
			continue;
		}
		while (!(differs & 0x80)) {
			differs <<= 1;
			bits++;
		}
		break;
	}
	return bits;
}

bool netaddr_within(const struct netaddr *a, const struct netaddr_block *b)
{
	return a->family == b->base.family &&
	       same_bits(a->bytes, b->base.bytes, sizeof(a->bytes)) >= b->bits;
}

/* Whether all bits behind the first `bits` are 0. */
static bool ends_in_zeros(const struct netaddr *a, unsigned bits)
{
	for (unsigned i = bits; i < V6_BITS; i++)
		if (a->bytes[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

static const char *parse_bits(struct netaddr_block *b, const char *text,
			      bool mapped)
{
	unsigned skipped = mapped ? V4_IN_V6 : 0;
	unsigned max = b->base.family == NETADDR_V4 ? V4_BITS : V6_BITS;
	uint64_t bits;

	if (num_parse_u64(text, strlen(text), &bits) < 0 ||
	    bits > max + skipped || bits < skipped)
		return "no number of bits that such an address has behind '/'";
	b->bits = (unsigned)bits - skipped;
	if (b->bits == 0)
		return "all addresses that there are";
	return ends_in_zeros(&b->base, b->bits)
		       ? NULL
		       : "bits of the address are set behind those that count";
}

const char *netaddr_parse_block(struct netaddr_block *b, const char *text)
{
	size_t len = strcspn(text, "/");

	memset(b, 0, sizeof(*b));
	if (strcmp(text, "unix") == 0)
		return NULL;
	if (netaddr_parse(&b->base, text, len) < 0)
		return "not an address, a block as in 192.0.2.0/24 or "
		       "2001:db8::/32, or unix";
	b->bits = b->base.family == NETADDR_V4 ? V4_BITS : V6_BITS;
	if (!text[len])
		return NULL;
	return parse_bits(b, text + len + 1,
			  b->base.family == NETADDR_V4 &&
				  memchr(text, ':', len));
}

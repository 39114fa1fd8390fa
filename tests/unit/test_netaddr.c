/* SPDX-License-Identifier: MIT */
/* What netaddr promises, one line a promise. */
#include "netaddr.h"
#include "tap.h"

#include <arpa/inet.h>
#include <string.h>

static struct netaddr v4(const char *text, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	struct netaddr a;

	inet_pton(AF_INET, text, &in.sin_addr);
	netaddr_from_v4(&a, &in);
	return a;
}

static struct netaddr v6(const char *text, uint16_t port)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port)};
	struct netaddr a;

	inet_pton(AF_INET6, text, &in.sin6_addr);
	netaddr_from_v6(&a, &in);
	return a;
}

static bool shows(struct netaddr a, const char *want)
{
	char text[NETADDR_TEXT_MAX];

	return strcmp(netaddr_show(&a, text), want) == 0;
}

static bool host_is(struct netaddr a, const char *want)
{
	char text[NETADDR_TEXT_MAX];

	return strcmp(netaddr_show_host(&a, text), want) == 0;
}

static bool same_network(struct netaddr a, struct netaddr b)
{
	struct netaddr x = netaddr_network(&a), y = netaddr_network(&b);

	return memcmp(&x, &y, sizeof(x)) == 0;
}

static bool local(struct netaddr a)
{
	return netaddr_is_local(&a);
}

int main(void)
{
	struct netaddr none = {.family = NETADDR_UNIX};

	ok(shows(v4("192.0.2.1", 3000), "192.0.2.1:3000"), "IPv4");
	ok(shows(v6("2001:db8::1", 65535), "[2001:db8::1]:65535"), "IPv6");
	ok(shows(none, "unix"), "a Unix socket has no address");
	ok(shows(v6("::ffff:192.0.2.1", 80), "192.0.2.1:80"),
	   "IPv4 by way of an IPv6 socket is IPv4");
	ok(host_is(v4("192.0.2.1", 3000), "192.0.2.1") &&
		   host_is(v6("2001:db8::1", 9), "2001:db8::1") &&
		   host_is(none, ""),
	   "the address alone is shown without port and brackets");
	ok(local(v4("127.0.0.1", 1)) && local(v4("127.255.0.9", 1)) &&
		   local(v6("::1", 1)) && local(none) &&
		   local(v6("::ffff:127.0.0.1", 1)),
	   "loopback and Unix sockets are local");
	ok(!local(v4("128.0.0.1", 1)) && !local(v6("::2", 1)) &&
		   !local(v6("7f00::1", 1)),
	   "nothing else is");
	ok(same_network(v4("192.0.2.1", 1), v4("192.0.2.1", 2)),
	   "ports make no difference to the network");
	ok(!same_network(v4("192.0.2.1", 1), v4("192.0.2.2", 1)),
	   "each IPv4 address is one");
	ok(same_network(v6("2001:db8:0:1::1", 1), v6("2001:db8:0:1:9::2", 2)) &&
		   !same_network(v6("2001:db8:0:1::1", 1),
				 v6("2001:db8:0:2::1", 1)),
	   "of IPv6 each /64 is");
	return tap_end();
}

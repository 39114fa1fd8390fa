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

static bool parses(const char *text, const char *want)
{
	char shown[NETADDR_TEXT_MAX];
	struct netaddr a;

	return netaddr_parse(&a, text, strlen(text)) == 0 && a.port == 0 &&
	       strcmp(netaddr_show(&a, shown), want) == 0;
}

static bool no_address(const char *text)
{
	struct netaddr a;

	return netaddr_parse(&a, text, strlen(text)) < 0;
}

static void addresses(void)
{
	struct netaddr a;

	ok(parses("192.0.2.1", "192.0.2.1") &&
		   parses("2001:DB8:0:0::1", "2001:db8::1") &&
		   parses("::ffff:192.0.2.1", "192.0.2.1"),
	   "an address is read");
	ok(no_address("") && no_address("192.0.2") && no_address("1.2.3.4.5") &&
		   no_address("256.0.0.1") && no_address("01.2.3.4") &&
		   no_address("192.0.2.1:80") && no_address("[::1]") &&
		   no_address("::1%lo") && no_address(" ::1") &&
		   no_address("localhost") && no_address(":::") &&
		   no_address("1234:1234:1234:1234:1234:1234:1234:1234:1234"
			      ":1234:1234"),
	   "and nothing else");
	ok(netaddr_parse(&a, "192.0.2.123", 9) == 0 && a.bytes[3] == 1 &&
		   netaddr_parse(&a, "192.0.2.1\0x", 11) < 0,
	   "of so many bytes, all of them");
}

static bool in(const char *text, struct netaddr a)
{
	struct netaddr_block b;

	return !netaddr_parse_block(&b, text) && netaddr_within(&a, &b);
}

static bool no_block(const char *text)
{
	struct netaddr_block b;

	return netaddr_parse_block(&b, text) != NULL;
}

static void blocks(void)
{
	struct netaddr none = {.family = NETADDR_UNIX};

	ok(in("192.0.2.1", v4("192.0.2.1", 9)) &&
		   !in("192.0.2.1", v4("192.0.2.0", 9)) &&
		   in("2001:db8::1", v6("2001:db8::1", 9)) &&
		   !in("2001:db8::1", v6("2001:db8::2", 9)),
	   "an address is a block of one");
	ok(in("192.0.2.0/23", v4("192.0.3.255", 9)) &&
		   !in("192.0.2.0/23", v4("192.0.4.0", 9)) &&
		   !in("192.0.2.0/23", v4("192.0.1.255", 9)) &&
		   in("128.0.0.0/1", v4("255.0.0.1", 9)) &&
		   !in("128.0.0.0/1", v4("127.0.0.1", 9)) &&
		   in("192.0.2.1/32", v4("192.0.2.1", 9)),
	   "a block of IPv4");
	ok(in("2001:db8::/33", v6("2001:db8:7fff::", 9)) &&
		   !in("2001:db8::/33", v6("2001:db8:8000::", 9)) &&
		   in("::1/128", v6("::1", 9)) && !in("::1/128", v6("::", 9)),
	   "a block of IPv6");
	ok(in("unix", none) && !in("unix", v4("0.0.0.0", 0)) &&
		   !in("unix", v6("::", 0)) && !in("0.0.0.0/8", none) &&
		   !in("::/8", v4("0.0.0.0", 0)) &&
		   !in("0.0.0.0/8", v6("::", 0)),
	   "Unix sockets are one, and families are apart");
	ok(in("::ffff:10.0.0.0/104", v4("10.9.9.9", 9)) &&
		   !in("::ffff:10.0.0.0/104", v4("11.0.0.0", 9)) &&
		   in("::ffff:10.0.0.1", v4("10.0.0.1", 9)),
	   "IPv4 in IPv6 is IPv4");
	ok(no_block("") && no_block("x") && no_block("192.0.2.0/") &&
		   no_block("192.0.2.0/33") && no_block("192.0.2.0/x") &&
		   no_block("192.0.2.0/24/24") && no_block("192.0.2/24") &&
		   no_block("2001:db8::/129") && no_block("/8") &&
		   no_block("::ffff:10.0.0.0/95") && no_block("unix/0") &&
		   no_block("localhost") && no_block("192.0.2.0/-1"),
	   "what is none");
	ok(no_block("192.0.2.1/24") && no_block("2001:db8::1/64") &&
		   no_block("::ffff:10.0.0.1/104"),
	   "an address that is not where its block begins");
	ok(no_block("0.0.0.0/0") && no_block("::/0") &&
		   no_block("::ffff:0.0.0.0/96"),
	   "and one that has everybody in it");
}

int main(void)
{
	struct netaddr none = {.family = NETADDR_UNIX};

	ok(shows(v4("192.0.2.1", 3000), "192.0.2.1:3000"), "IPv4");
	ok(shows(v6("2001:db8::1", 65535), "[2001:db8::1]:65535"), "IPv6");
	ok(shows(none, "unix"), "a Unix socket has no address");
	ok(shows(v4("192.0.2.1", 0), "192.0.2.1") &&
		   shows(v6("2001:db8::1", 0), "2001:db8::1"),
	   "without a port");
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
	addresses();
	blocks();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What forwarded promises: whose request it is, and who is believed. */
#include "forwarded.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const char *const named[] = {"127.0.0.1", "10.0.0.0/8",
				    "2001:db8:1::/48", "unix"};

#define NAMED (sizeof(named) / sizeof(*named))

/* "FROM" or "unix" sends `head`, header lines; -1: it is not taken. */
static int read_head(struct forwarded *f, const char *from, const char *head)
{
	struct netaddr_block blocks[NAMED], peer;
	struct forwarded_proxies proxies = {blocks, NAMED};
	struct httphead h;
	char bytes[2000];
	int len;

	for (size_t i = 0; i < NAMED; i++)
		netaddr_parse_block(&blocks[i], named[i]);
	netaddr_parse_block(&peer, from);
	peer.base.port = peer.base.family == NETADDR_UNIX ? 0 : 4711;
	len = snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\n%s\r\n", head);
	if (httphead_parse(&h, bytes, (size_t)len) != HTTPHEAD_WHOLE) {
		printf("# no head: %s\n", head);
		return -2;
	}
	return forwarded_read(f, &proxies, &peer.base, &h);
}

#define FOR "X-Forwarded-For: "
#define PROTO "X-Forwarded-Proto: "

static bool client_is(const char *from, const char *head, const char *want)
{
	char text[NETADDR_TEXT_MAX];
	struct forwarded f;

	if (read_head(&f, from, head) != 0) {
		printf("# not taken: %s\n", head);
		return false;
	}
	netaddr_show(&f.client, text);
	if (strcmp(text, want) != 0)
		printf("# %s is of %s\n", head, text);
	return strcmp(text, want) == 0;
}

static bool refused(const char *head)
{
	struct forwarded f;

	return read_head(&f, "127.0.0.1", head) == -1;
}

static bool https(const char *from, const char *head)
{
	struct forwarded f;

	return read_head(&f, from, head) == 0 && f.https;
}

static void believed(void)
{
	ok(client_is("127.0.0.1", FOR "192.0.2.1\r\n", "192.0.2.1"),
	   "a proxy says who its client is");
	ok(client_is("unix", FOR "192.0.2.1\r\n", "192.0.2.1") &&
		   client_is("10.1.2.3", FOR "2001:db8::1\r\n", "2001:db8::1"),
	   "on a Unix socket, from a block, in either version of IP");
	ok(client_is("192.0.2.9", FOR "192.0.2.1\r\n", "192.0.2.9:4711") &&
		   client_is("11.0.0.1", FOR "nonsense\r\n", "11.0.0.1:4711") &&
		   client_is("::1", FOR "192.0.2.1\r\n", "[::1]:4711"),
	   "nobody else does, whatever it says");
	ok(client_is("127.0.0.1", "Host: x\r\n", "127.0.0.1:4711") &&
		   client_is("127.0.0.1", FOR "\r\n" FOR " , ,\r\n",
			     "127.0.0.1:4711"),
	   "a proxy that names nobody is the client itself");
}

static void chains(void)
{
	ok(client_is("127.0.0.1", FOR "203.0.113.7, 192.0.2.1\r\n",
		     "192.0.2.1"),
	   "what the client claims is not believed");
	ok(client_is("127.0.0.1", FOR "203.0.113.7, 192.0.2.1, 10.0.0.1\r\n",
		     "192.0.2.1") &&
		   client_is("127.0.0.1",
			     FOR
			     "127.0.0.1,192.0.2.1,2001:db8:1::9,10.9.9.9\r\n",
			     "192.0.2.1"),
	   "what further proxies add is");
	ok(client_is("127.0.0.1", FOR "nonsense, \x80, 192.0.2.1\r\n",
		     "192.0.2.1") &&
		   client_is("127.0.0.1", FOR "unknown, 192.0.2.1\r\n",
			     "192.0.2.1"),
	   "nor can a client break it by nonsense before");
	ok(client_is("127.0.0.1",
		     FOR "203.0.113.7\r\nx-forwarded-FOR: 192.0.2.1\r\n",
		     "192.0.2.1") &&
		   client_is("127.0.0.1",
			     FOR "192.0.2.1\r\nHost: x\r\n" FOR "10.0.0.1\r\n",
			     "192.0.2.1"),
	   "several headers are one list");
	ok(client_is("127.0.0.1", FOR "10.0.0.1, 10.0.0.2\r\n", "10.0.0.1"),
	   "where all are proxies, it is the first one's own");
}

static void forms(void)
{
	ok(client_is("127.0.0.1", FOR "192.0.2.1:81\r\n", "192.0.2.1:81") &&
		   client_is("127.0.0.1", FOR "[2001:db8::1]\r\n",
			     "2001:db8::1") &&
		   client_is("127.0.0.1", FOR "[2001:db8::1]:443\r\n",
			     "[2001:db8::1]:443"),
	   "an address may have a port, and IPv6 brackets");
	ok(client_is("127.0.0.1", FOR "::ffff:192.0.2.1\r\n", "192.0.2.1") &&
		   client_is("127.0.0.1", FOR "192.0.2.1, ::ffff:10.0.0.1\r\n",
			     "192.0.2.1"),
	   "IPv4 in IPv6 is IPv4");
	ok(client_is("127.0.0.1", FOR "unix:\r\n", "unix") &&
		   client_is("127.0.0.1", FOR "192.0.2.1, unix:\r\n",
			     "192.0.2.1"),
	   "what nginx says of a Unix socket");
	ok(client_is("127.0.0.1", FOR "\t192.0.2.1\t,\r\n", "192.0.2.1"),
	   "blanks and empty members are nothing");
	ok(refused(FOR "unknown\r\n") && refused(FOR "192.0.2\r\n") &&
		   refused(FOR "192.0.2.256\r\n") &&
		   refused(FOR "192.0.2.1:\r\n") &&
		   refused(FOR "192.0.2.1:65536\r\n") &&
		   refused(FOR "192.0.2.1:8 0\r\n") &&
		   refused(FOR "192.0.2.1 192.0.2.2\r\n") &&
		   refused(FOR "[192.0.2.1]\r\n") &&
		   refused(FOR "[2001:db8::1\r\n") &&
		   refused(FOR "[2001:db8::1]443\r\n") &&
		   refused(FOR "fe80::1%eth0\r\n") &&
		   refused(FOR "example.com\r\n") && refused(FOR "\"\"\r\n") &&
		   refused(FOR "unix\r\n") && refused(FOR "_x\r\n"),
	   "a proxy must name an address");
	ok(refused(FOR "192.0.2.1, x\r\n") &&
		   refused(FOR "192.0.2.1, x, 10.0.0.1\r\n") &&
		   refused(FOR "192.0.2.1\r\n" FOR "x\r\n"),
	   "there is no way around one that is none");
}

static void schemes(void)
{
	ok(https("127.0.0.1", PROTO "https\r\n") &&
		   https("unix", PROTO "HTTPS\r\n") &&
		   https("127.0.0.1", PROTO "wss\r\n"),
	   "a proxy says that it was https");
	ok(!https("192.0.2.1", PROTO "https\r\n"), "and nobody else");
	ok(!https("127.0.0.1", PROTO "http\r\n") &&
		   !https("127.0.0.1", PROTO "ws\r\n") &&
		   !https("127.0.0.1", PROTO "\r\n") &&
		   !https("127.0.0.1", PROTO "httpsx\r\n") &&
		   !https("127.0.0.1", "Host: x\r\n"),
	   "or that it was not");
	ok(https("127.0.0.1", PROTO "https, https\r\n") &&
		   !https("127.0.0.1", PROTO "https, http\r\n") &&
		   !https("127.0.0.1", PROTO "http, https\r\n") &&
		   !https("127.0.0.1", PROTO "https\r\n" PROTO "http\r\n"),
	   "where several say something, all must say so");
}

int main(void)
{
	believed();
	chains();
	forms();
	schemes();
	return tap_end();
}

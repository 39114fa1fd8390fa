/* SPDX-License-Identifier: MIT */
/* What address promises, one line a promise. */
#include "address.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static bool refuses(const char *text, const char *why)
{
	struct address a;
	const char *said = address_parse(&a, text, true);

	return said && strstr(said, why);
}

static bool is_ip(const char *text, const char *host, unsigned port)
{
	struct address a;

	return !address_parse(&a, text, true) && a.kind == ADDRESS_IP &&
	       strcmp(a.host, host) == 0 && a.port == port;
}

static bool is_exposed(const char *text)
{
	struct address a;

	return address_parse(&a, text, false) == address_off_loopback &&
	       !address_parse(&a, text, true);
}

static bool is_inside(const char *text)
{
	struct address a;

	return !address_parse(&a, text, false);
}

static bool is_localhost(void)
{
	struct address a;

	return !address_parse(&a, "localhost:3000", false) &&
	       a.kind == ADDRESS_LOCALHOST && a.port == 3000;
}

static bool is_path(void)
{
	struct address a;

	return !address_parse(&a, "unix:/run/a:b", false) &&
	       a.kind == ADDRESS_UNIX && strcmp(a.path, "/run/a:b") == 0;
}

/* The longest path that a socket may have, and one byte more. */
static bool bounds_path(void)
{
	char text[128] = "unix:";
	struct address a;

	memset(text + 5, 'x', 107);
	if (address_parse(&a, text, false))
		return false;
	text[5 + 107] = 'x';
	return refuses(text, "the path is too long");
}

static bool bounds_host(void)
{
	char text[128];

	memset(text, '1', 100);
	strcpy(text + 100, ":1");
	return refuses(text, "not a numeric address");
}

int main(void)
{
	ok(is_ip("127.0.0.1:3000", "127.0.0.1", 3000), "an IPv4 address");
	ok(is_ip("[::1]:0", "::1", 0), "an IPv6 address in brackets");
	ok(is_ip("::1:65535", "::1", 65535), "or without");
	ok(is_localhost(), "localhost");
	ok(is_path(), "a Unix socket, with whatever is in its path");
	ok(is_exposed("0.0.0.0:1") && is_exposed("[::]:1") &&
		   is_exposed("192.0.2.1:1") && is_exposed("[2001:db8::1]:1"),
	   "addresses off loopback are refused unless allowed");
	ok(is_inside("127.255.255.254:1") && is_inside("[::1]:1"),
	   "all of loopback is not");
	ok(refuses("3000", ":PORT is missing") &&
		   refuses("", ":PORT is missing"),
	   "a port must be there");
	ok(refuses("127.0.0.1:", "no port") &&
		   refuses("127.0.0.1:65536", "no port") &&
		   refuses("127.0.0.1:-1", "no port") &&
		   refuses("127.0.0.1:x", "no port"),
	   "and be one");
	ok(refuses("example.com:1", "numeric") && refuses(":1", "numeric") &&
		   refuses("[]:1", "numeric") && refuses("[::1:1", "numeric"),
	   "names are not looked up");
	ok(refuses("unix:", "no path"), "a path must be there");
	ok(bounds_path(), "and fit");
	ok(bounds_host(), "so must a host");
	return tap_end();
}

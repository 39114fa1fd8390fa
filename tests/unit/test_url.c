/* SPDX-License-Identifier: MIT */
/* What url promises, one line a promise. */
#include "tap.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

/* What a URL says, in one text: scheme, host, port, path. */
static bool says(const char *text, const char *want)
{
	char got[3 * URL_PART_MAX];
	struct url url;
	const char *why = "";

	memset(&url, 'x', sizeof(url));
	if (url_parse(&url, text, &why) || why)
		return false;
	snprintf(got, sizeof(got), "%s %s %u %s",
		 url.local ? "unix"
		 : url.tls ? "tls"
			   : "tcp",
		 url.host, url.port, url.path);
	if (strcmp(got, want))
		printf("# '%s' says '%s'\n", text, got);
	return !strcmp(got, want);
}

static bool refused(const char *text, const char *want)
{
	struct url url;
	const char *why = NULL;

	if (url_parse(&url, text, &why) != -1 || !why)
		return false;
	if (strcmp(why, want))
		printf("# '%s': %s\n", text, why);
	return !strcmp(why, want);
}

static void test_tcp(void)
{
	ok(says("ws://localhost:3000/ws", "tcp localhost 3000 /ws"),
	   "host, port and path");
	ok(says("ws://h/ws", "tcp h 80 /ws"), "80 is the port of ws");
	ok(says("wss://h/ws", "tls h 443 /ws"), "443 is the port of wss");
	ok(says("ws://h:1", "tcp h 1 /ws") && says("ws://h", "tcp h 80 /ws"),
	   "without a path it is /ws");
	ok(says("ws://h/", "tcp h 80 /"), "a path that is there stays");
	ok(says("ws://h/a/b?c=d:e/f?g", "tcp h 80 /a/b?c=d:e/f?g"),
	   "the query belongs to the path");
	ok(says("ws://h?a=b", "tcp h 80 /ws?a=b"), "a query without a path");
	ok(says("WS://Host/P", "tcp Host 80 /P"), "the case of the scheme");
	ok(says("ws://127.0.0.1:65535/", "tcp 127.0.0.1 65535 /"),
	   "IPv4 and the last port");
	ok(says("ws://[::1]:3000/ws", "tcp ::1 3000 /ws") &&
		   says("wss://[::ffff:1.2.3.4]", "tls ::ffff:1.2.3.4 443 /ws"),
	   "IPv6 in brackets");
}

static void test_local(void)
{
	ok(says("ws+unix:/run/wsd.sock:/p?q", "unix /run/wsd.sock 0 /p?q"),
	   "socket and path");
	ok(says("ws+unix:/run/wsd.sock", "unix /run/wsd.sock 0 /ws"),
	   "without a path it is /ws");
	ok(says("ws+unix:///run/wsd.sock:/", "unix /run/wsd.sock 0 /"),
	   "an empty authority");
	ok(says("ws+unix:wsd.sock", "unix wsd.sock 0 /ws"), "a relative path");
	ok(says("ws+unix:/s?a=b", "unix /s 0 /ws?a=b"), "a query alone");
	ok(refused("ws+unix:", "no path of a socket") &&
		   refused("ws+unix::/ws", "no path of a socket"),
	   "no socket");
	ok(refused("ws+unix://h/ws",
		   "a host in ws+unix, where a socket's path goes"),
	   "a host with ws+unix");
	ok(refused("ws+unix:/s:", "what follows the socket and ':' does not "
				  "begin with '/'"),
	   "':' without a path");
}

static void test_refused(void)
{
	static const char other[] = "the scheme is not ws, wss or ws+unix";
	static const char none[] =
		"does not begin with ws://, wss:// or ws+unix:";
	static const char port[] = "the port is not a number from 1 to 65535";

	ok(refused("http://h/ws", other) && refused("unix:/run/s", other),
	   "another scheme");
	ok(refused("", none) && refused("localhost:3000", none), "no scheme");
	ok(refused("ws:h", "no '//' after the scheme"), "no //");
	ok(refused("ws://", "no host") && refused("ws://:80/", "no host") &&
		   refused("ws:///ws", "no host"),
	   "no host");
	ok(refused("ws://h:/", "no port after the ':'"), "no port");
	ok(refused("ws://h:0/", port) && refused("ws://h:65536", port) &&
		   refused("ws://h:8a", port) && refused("ws://h:-1", port) &&
		   refused("ws://h:99999999999999999999", port),
	   "a bad port");
	ok(refused("ws://::1/", "an IPv6 address must stand in [ ]") &&
		   refused("ws://::1:80", "an IPv6 address must stand in [ ]"),
	   "IPv6 without brackets");
	ok(refused("ws://[::1", "no ']' after the IPv6 address") &&
		   refused("ws://[::1/]", "no ']' after the IPv6 address") &&
		   refused("ws://[", "no ']' after the IPv6 address"),
	   "a bracket that stays open");
	ok(refused("ws://[h]/", "what stands in [ ] is not an IPv6 address"),
	   "a name in brackets");
	ok(refused("ws://[::1]x/", "neither a port nor a path after the ']'"),
	   "something behind the bracket");
	ok(refused("ws://me:pw@h/", "a user name has no meaning for WebSocket"),
	   "a user");
	ok(refused("ws://h/ws#x",
		   "a fragment ('#') has no meaning for WebSocket"),
	   "a fragment");
	ok(refused("ws://h /ws",
		   "the host has a character that no host name has") &&
		   refused("ws://h\xc3\xa4/ws",
			   "the host has a character that no host name has"),
	   "a bad character in the host");
	ok(refused("ws://h/a b",
		   "the path has a character that must be written as %XX") &&
		   refused("ws://h/\xc3\xa4", "the path has a character that "
					      "must be written as %XX"),
	   "a bad character in the path");
	ok(refused("ws://h/\r\nx", "a control character"), "a line break");
}

/* `begins` made longer by `n` times 'a'. */
static const char *longer(const char *begins, size_t n)
{
	static char text[512];
	size_t len = strlen(begins);

	memcpy(text, begins, len);
	memset(text + len, 'a', n);
	text[len + n] = '\0';
	return text;
}

static bool passes(const char *text)
{
	struct url url;
	const char *why;

	return url_parse(&url, text, &why) == 0;
}

static void test_limits(void)
{
	ok(passes(longer("ws://", 255)) &&
		   refused(longer("ws://", 256),
			   "the host is longer than 255 bytes"),
	   "a host has at most 255 bytes");
	ok(passes(longer("ws://h/", 254)) &&
		   refused(longer("ws://h/", 255),
			   "the path is longer than 255 bytes"),
	   "a path has at most 255 bytes");
	ok(passes(longer("ws://h?", 251)) &&
		   refused(longer("ws://h?", 252),
			   "the path is longer than 255 bytes"),
	   "a query counts with the path before it");
	ok(passes(longer("ws+unix:/", 106)) &&
		   refused(longer("ws+unix:/", 107),
			   "the path of the socket is longer than 107 bytes"),
	   "a socket's path fits in a sockaddr_un");
}

int main(void)
{
	test_tcp();
	test_local();
	test_refused();
	test_limits();
	return tap_end();
}

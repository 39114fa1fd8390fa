/* SPDX-License-Identifier: MIT */
/* What access promises: who gets in, judged by Host and Origin. */
#include "access.h"
#include "tap.h"

#include <string.h>

static const struct access nobody = {0};

static bool allowed(const char *host, const char *origin)
{
	return access_judge(&nobody, host, origin, false) == ACCESS_ALLOWED;
}

static bool bad_host(const char *host)
{
	return access_judge(&nobody, host, NULL, false) == ACCESS_BAD_HOST;
}

static bool no_host(const char *host)
{
	return access_judge(&nobody, host, NULL, false) == ACCESS_NO_HOST;
}

static bool bad_origin(const char *host, const char *origin)
{
	return access_judge(&nobody, host, origin, false) == ACCESS_BAD_ORIGIN;
}

static void hosts(void)
{
	ok(allowed("localhost", NULL) && allowed("localhost:3000", NULL) &&
		   allowed("LocalHost:1", NULL),
	   "localhost, on any port, in any case");
	ok(allowed("127.0.0.1", NULL) && allowed("127.1.2.3:80", NULL),
	   "all of 127.0.0.0/8");
	ok(allowed("[::1]", NULL) && allowed("[::1]:3000", NULL), "::1");
	ok(bad_host("example.com") && bad_host("example.com:3000") &&
		   bad_host("10.0.0.1") && bad_host("[::2]"),
	   "another name is refused: DNS rebinding");
	ok(bad_host("localhost.evil.com") && bad_host("127.0.0.1.evil.com") &&
		   bad_host("127.evil.com") && bad_host("xlocalhost") &&
		   bad_host("user@localhost") && bad_host("localhost.") &&
		   bad_host("127.0.0.1.") && bad_host("127.0.0") &&
		   bad_host("127.0.0.1.1") && bad_host("127..0.1"),
	   "what looks like loopback is not");
	ok(no_host(NULL) && no_host("") && no_host(":3000") && no_host("::1") &&
		   no_host("[::1") && no_host("[]") && no_host("[::1]3000") &&
		   no_host("localhost:x") && no_host("localhost:1:2"),
	   "what is no host is told apart");
}

static void origins(void)
{
	ok(allowed("localhost:3000", NULL), "a program sends no Origin");
	ok(allowed("localhost:3000", "http://localhost:3000") &&
		   allowed("localhost:3000", "http://127.0.0.1:5173") &&
		   allowed("127.0.0.1:3000", "https://[::1]") &&
		   allowed("[::1]:3000", "http://LOCALHOST"),
	   "names of loopback count as one host on any port");
	ok(bad_origin("localhost:3000", "http://evil.com") &&
		   bad_origin("localhost:3000", "http://evil.com:3000") &&
		   bad_origin("localhost", "https://localhost.evil.com"),
	   "a page from elsewhere is refused");
	ok(bad_origin("localhost", "null") && bad_origin("localhost", "") &&
		   bad_origin("localhost", "file://") &&
		   bad_origin("localhost", "localhost") &&
		   bad_origin("localhost", "ws://localhost") &&
		   bad_origin("localhost", "chrome-extension://localhost"),
	   "so is what is no origin of the web");
	ok(bad_origin("localhost", "http://localhost, http://evil.com") &&
		   bad_origin("localhost",
			      "http://localhost http://evil.com") &&
		   bad_origin("localhost", "http://localhost/") &&
		   bad_origin("localhost", "http://evil.com@localhost") &&
		   bad_origin("localhost", "http://localhost:80:81"),
	   "and two in one, or one with more behind it");
}

static bool https_allowed(const char *host, const char *origin)
{
	static const char *const hosts[] = {"example.com"};
	static const char *const origins[] = {"http://app.example.com"};
	const struct access a = {hosts, 1, origins, 1};

	return access_judge(&a, host, origin, true) == ACCESS_ALLOWED;
}

static void by_https(void)
{
	ok(https_allowed("example.com", "https://example.com") &&
		   https_allowed("example.com:443", "https://example.com") &&
		   https_allowed("example.com:8443",
				 "https://example.com:8443"),
	   "by https a page of the same host and port is allowed");
	ok(!https_allowed("example.com", "http://example.com") &&
		   !https_allowed("example.com:80", "http://example.com") &&
		   !https_allowed("example.com:8443",
				  "http://example.com:8443"),
	   "but not one that came by http");
	ok(https_allowed("example.com", "http://app.example.com") &&
		   https_allowed("localhost", "http://localhost:5173") &&
		   https_allowed("example.com", NULL),
	   "--origin, loopback and no page are as ever");
}

static bool judged(const struct access *a, enum access_verdict verdict,
		   const char *host, const char *origin)
{
	return access_judge(a, host, origin, false) == verdict;
}

static void options(void)
{
	static const char *const hosts[] = {"example.com", "one:8080",
					    "[fe80::1]"};
	static const char *const origins[] = {"https://app.example.com", "null",
					      "file://"};
	const struct access a = {hosts, 3, origins, 3};

	ok(judged(&a, ACCESS_ALLOWED, "Example.com:99", NULL) &&
		   judged(&a, ACCESS_ALLOWED, "[fe80::1]:3", NULL),
	   "--host allows a name on any port");
	ok(judged(&a, ACCESS_ALLOWED, "one:8080", NULL) &&
		   judged(&a, ACCESS_BAD_HOST, "one:80", NULL) &&
		   judged(&a, ACCESS_BAD_HOST, "one", NULL),
	   "or on one");
	ok(judged(&a, ACCESS_BAD_HOST, "sub.example.com", NULL) &&
		   judged(&a, ACCESS_BAD_HOST, "example.com.", NULL),
	   "and nothing like it");
	ok(judged(&a, ACCESS_ALLOWED, "localhost", "https://app.example.com") &&
		   judged(&a, ACCESS_ALLOWED, "localhost",
			  "HTTPS://App.Example.com"),
	   "--origin allows an origin");
	ok(judged(&a, ACCESS_BAD_ORIGIN, "localhost", "null") &&
		   judged(&a, ACCESS_BAD_ORIGIN, "localhost", "NULL") &&
		   judged(&a, ACCESS_BAD_ORIGIN, "localhost", "file://"),
	   "but never one that anybody's pages can have");
	ok(judged(&a, ACCESS_BAD_ORIGIN, "localhost",
		  "http://app.example.com") &&
		   judged(&a, ACCESS_BAD_ORIGIN, "localhost",
			  "https://app.example.com:444") &&
		   judged(&a, ACCESS_BAD_ORIGIN, "localhost",
			  "https://app.example.com.evil.com"),
	   "exactly");
	ok(judged(&a, ACCESS_ALLOWED, "example.com:3000",
		  "http://example.com:3000") &&
		   judged(&a, ACCESS_ALLOWED, "example.com",
			  "http://example.com:80") &&
		   judged(&a, ACCESS_ALLOWED, "example.com:443",
			  "https://example.com") &&
		   judged(&a, ACCESS_ALLOWED, "example.com",
			  "https://EXAMPLE.com"),
	   "the same host and port is no other site");
	ok(judged(&a, ACCESS_BAD_ORIGIN, "example.com:3000",
		  "http://example.com") &&
		   judged(&a, ACCESS_BAD_ORIGIN, "example.com:80",
			  "https://example.com") &&
		   judged(&a, ACCESS_BAD_ORIGIN, "example.com:3000",
			  "http://localhost:3000"),
	   "another port, or loopback, is");
}

static bool all(bool (*valid)(const char *), const char *const *texts,
		bool want)
{
	for (; *texts; texts++)
		if (valid(*texts) != want)
			return false;
	return true;
}

static void valid_names(void)
{
	static const char *const hosts[] = {
		"x",	       "example.com",	"a_b-c.example:8080",
		"192.0.2.1:1", "[2001:DB8::1]", "[::ffff:192.0.2.1]:65535",
		NULL};
	static const char *const no_hosts[] = {
		"",	     "*",     "http://x.com",
		"x.com/",    "x:",    "x:http",
		"x:65536",   "::1",   "[::1",
		"[1.2.3.4]", "a b",   "a'b",
		"*.x.com",   "a@b",   "m\xc3\xbcnchen.de",
		":80",	     "[]:80", NULL};
	static const char *const origins[] = {
		"https://example.com",	     "http://[::1]:3000",
		"HTTPS://Example.com:80",    "tauri://localhost",
		"chrome-extension://abcdef", NULL};
	static const char *const no_origins[] = {"",
						 "*",
						 "example.com",
						 "https://example.com/",
						 "https://example.com/x",
						 "https://*.example.com",
						 "https://example.com:443",
						 "http://example.com:80",
						 "http://",
						 "://x",
						 "a b://x",
						 "https://a https://b",
						 "http://a'; x '",
						 "null",
						 "file://",
						 "file:///tmp/x.html",
						 NULL};

	ok(all(access_host_valid, hosts, true), "hosts that can be allowed");
	ok(all(access_host_valid, no_hosts, false), "and what is none");
	ok(all(access_origin_valid, origins, true),
	   "origins that can be allowed");
	ok(all(access_origin_valid, no_origins, false),
	   "and what no browser sends");
}

int main(void)
{
	valid_names();
	hosts();
	origins();
	by_https();
	options();
	ok(access_is_loopback("::1", 3) &&
		   access_is_loopback("localhostx", 9) &&
		   !access_is_loopback("", 0),
	   "loopback names without brackets");
	return tap_end();
}

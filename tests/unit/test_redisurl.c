/* SPDX-License-Identifier: MIT */
/* What redisurl promises, one line a promise. */
#include "redisurl.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* What a URL says, in one text: scheme, host, port, database, user, password.
 */
static bool says(const char *text, const char *want)
{
	char got[sizeof(struct redisurl) + 64];
	struct redisurl url;
	const char *why = "";

	memset(&url, 'x', sizeof(url));
	if (redisurl_parse(&url, text, &why) || why) {
		printf("# '%s': %s\n", text, why);
		return false;
	}
	snprintf(got, sizeof(got), "%s %s %u %u '%s' '%s'%s",
		 url.local ? "unix"
		 : url.tls ? "tls"
			   : "tcp",
		 url.host, url.port, url.database, url.user, url.password,
		 url.has_password ? "" : " none");
	if (strcmp(got, want))
		printf("# '%s' says %s\n", text, got);
	return !strcmp(got, want);
}

static bool refused(const char *text, const char *want)
{
	struct redisurl url;
	const char *why = NULL;

	if (redisurl_parse(&url, text, &why) != -1 || !why)
		return false;
	if (strcmp(why, want))
		printf("# '%s': %s\n", text, why);
	return !strcmp(why, want) && !*url.user && !*url.password;
}

static bool shows(const char *text, const char *want)
{
	char got[REDISURL_SHOW_MAX];
	struct redisurl url;
	const char *why;

	if (redisurl_parse(&url, text, &why) < 0)
		return false;
	if (strcmp(redisurl_show(&url, got), want))
		printf("# '%s' shows '%s'\n", text, got);
	return !strcmp(got, want);
}

static void test_tcp(void)
{
	ok(says("redis://127.0.0.1:6380/2", "tcp 127.0.0.1 6380 2 '' '' none"),
	   "host, port and database");
	ok(says("redis://h", "tcp h 6379 0 '' '' none") &&
		   says("redis://h/", "tcp h 6379 0 '' '' none"),
	   "6379 is the port, 0 the database");
	ok(says("rediss://h", "tls h 6379 0 '' '' none"), "rediss is TLS");
	ok(says("REDIS://Host", "tcp Host 6379 0 '' '' none"),
	   "the case of the scheme");
	ok(says("redis://[::1]:1/3", "tcp ::1 1 3 '' '' none") &&
		   says("redis://[::1]", "tcp ::1 6379 0 '' '' none"),
	   "IPv6 in brackets");
	ok(says("redis://h?db=4", "tcp h 6379 4 '' '' none") &&
		   says("redis://h/?db=4", "tcp h 6379 4 '' '' none"),
	   "the database as a parameter");
	ok(says("redis://h/2147483647", "tcp h 6379 2147483647 '' '' none"),
	   "the last database");
}

static void test_credentials(void)
{
	ok(says("redis://me:pw@h:1/2", "tcp h 1 2 'me' 'pw'"),
	   "user and password");
	ok(says("redis://:pw@h", "tcp h 6379 0 '' 'pw'"), "a password alone");
	ok(says("redis://me@h", "tcp h 6379 0 'me' '' none"), "a user alone");
	ok(says("redis://me:@h", "tcp h 6379 0 'me' ''"),
	   "an empty password of a user");
	ok(says("redis://:@h", "tcp h 6379 0 '' '' none") &&
		   says("redis://@h", "tcp h 6379 0 '' '' none"),
	   "nothing before the '@'");
	ok(says("redis://m%65:%40%3a%2F%3F%23%25%ff@h",
		"tcp h 6379 0 'me' '@:/?#%\xff'"),
	   "they are percent-decoded");
	ok(says("redis://:a:b@c@h", "tcp h 6379 0 '' 'a:b@c'"),
	   "a password with ':' and '@'");
	ok(says("redis://:a+b@h", "tcp h 6379 0 '' 'a+b'"), "a '+' is a '+'");
	ok(says("redis://:pw@[::1]:1", "tcp ::1 1 0 '' 'pw'"), "and IPv6");
	ok(says("unix://me:pw@/s?db=1", "unix /s 0 1 'me' 'pw'"),
	   "and a socket");
}

static void test_local(void)
{
	ok(says("unix:/run/redis.sock", "unix /run/redis.sock 0 0 '' '' none"),
	   "a socket");
	ok(says("unix:/s?db=7", "unix /s 0 7 '' '' none"), "with a database");
	ok(says("unix:///s", "unix /s 0 0 '' '' none") &&
		   says("redis+unix:/s", "unix /s 0 0 '' '' none") &&
		   says("redis+unix:///s", "unix /s 0 0 '' '' none"),
	   "other spellings");
	ok(says("unix:redis.sock", "unix redis.sock 0 0 '' '' none"),
	   "a relative path");
	ok(says("unix:/a@b:c", "unix /a@b:c 0 0 '' '' none"),
	   "'@' and ':' in a path");
	ok(refused("unix:", "no path of a socket") &&
		   refused("unix:?db=1", "no path of a socket") &&
		   refused("unix://", "no path of a socket"),
	   "no socket");
	ok(refused("unix://h/s", "a host in unix:, where a socket's path goes"),
	   "a host with unix:");
}

static void test_refused(void)
{
	static const char db[] =
		"the database is not a number from 0 to 2147483647";
	static const char percent[] =
		"a '%' in user or password that is not followed by two "
		"hexadecimal digits (a '%' itself is %25)";
	static const char escape[] = "a '/', '?' or '#' in user or password "
				     "must be written as %2F, %3F or %23";

	ok(refused("http://h", "the scheme is not redis, rediss or unix"),
	   "another scheme");
	ok(refused("", "does not begin with redis://, rediss:// or unix:") &&
		   refused("localhost:6379", "does not begin with redis://, "
					     "rediss:// or unix:"),
	   "no scheme");
	ok(refused("redis:h", "no '//' after the scheme"), "no //");
	ok(refused("redis://", "no host") && refused("redis://:1", "no host") &&
		   refused("redis://:pw@/1", "no host"),
	   "no host");
	ok(refused("redis://h:", "no port after the ':'") &&
		   refused("redis://h:0",
			   "the port is not a number from 1 to 65535"),
	   "a bad port");
	ok(refused("redis://h/x", db) && refused("redis://h/1/2", db) &&
		   refused("redis://h/-1", db) &&
		   refused("redis://h/2147483648", db) &&
		   refused("unix:/s?db=", db),
	   "a bad database");
	ok(refused("redis://h/1?db=1", "the database is there twice") &&
		   refused("unix:/s?db=1&db=1", "the database is there twice"),
	   "two databases");
	ok(refused("redis://h?ssl=1",
		   "a parameter other than db after the '?'"),
	   "another parameter");
	ok(refused("redis://:%@h", percent) &&
		   refused("redis://:%4@h", percent) &&
		   refused("redis://:%4g@h", percent),
	   "a '%' that is none");
	ok(refused("redis://:a%00b@h", "a NUL (%00) in user or password"),
	   "a NUL");
	ok(refused("redis://:a/b@h", escape) &&
		   refused("redis://:a?b@h", escape) &&
		   refused("redis://:a#b@h", escape),
	   "a '/' in the password, with what to do");
	ok(refused("redis://::1", "an IPv6 address must stand in [ ]"),
	   "IPv6 without brackets");
	ok(refused("redis://h#x", "a fragment ('#') has no meaning for Redis"),
	   "a fragment");
	ok(refused("redis://h\n", "a control character"), "a line break");
}

/* `begins`, `n` times 'a', `ends`. */
static const char *longer(const char *begins, size_t n, const char *ends)
{
	static char text[2 * REDISURL_PASSWORD_MAX];
	size_t len = strlen(begins);

	memcpy(text, begins, len);
	memset(text + len, 'a', n);
	strcpy(text + len + n, ends);
	return text;
}

static bool passes(const char *text)
{
	struct redisurl url;
	const char *why;

	return redisurl_parse(&url, text, &why) == 0;
}

static void test_limits(void)
{
	ok(passes(longer("redis://", 255, "")) &&
		   refused(longer("redis://", 256, ""),
			   "the host is longer than 255 bytes"),
	   "a host has at most 255 bytes");
	ok(passes(longer("redis://", 255, "@h")) &&
		   refused(longer("redis://", 256, "@h"),
			   "the user is longer than 255 bytes"),
	   "a user has at most 255 bytes");
	ok(passes(longer("redis://:", 4095, "@h")) &&
		   refused(longer("redis://:", 4096, "@h"),
			   "the password is longer than 4095 bytes"),
	   "a password has at most 4095 bytes");
	ok(passes(longer("unix:/", 106, "")) &&
		   refused(longer("unix:/", 107, ""),
			   "the path of the socket is longer than 107 bytes"),
	   "a socket's path fits in a sockaddr_un");
}

static size_t shown_length(const char *text)
{
	char got[REDISURL_SHOW_MAX];
	struct redisurl url;
	const char *why;

	if (redisurl_parse(&url, text, &why) < 0)
		return 0;
	return strlen(redisurl_show(&url, got));
}

static bool logs_in(const char *text, const char *user, const char *password,
		    const char *want)
{
	struct redisurl url;
	const char *why;

	if (redisurl_parse(&url, text, &why) == 0)
		why = redisurl_login(&url, user, password);
	if (why)
		return strcmp(why, want) == 0;
	return strncmp(want, url.user, strlen(url.user)) == 0 &&
	       strcmp(want + strlen(url.user) + 1, url.password) == 0 &&
	       url.has_password == (*url.user || *url.password);
}

static void test_login(void)
{
	ok(logs_in("redis://me:pw@h", NULL, NULL, "me:pw") &&
		   logs_in("redis://h", NULL, NULL, ":"),
	   "nothing comes from elsewhere");
	ok(logs_in("redis://me@h", NULL, "x", "me:x") &&
		   logs_in("redis://me:pw@h", NULL, "x", "me:x") &&
		   logs_in("redis://h", NULL, "x", ":x"),
	   "the password does");
	ok(logs_in("redis://me:pw@h", "you", "x", "you:x") &&
		   logs_in("redis://:pw@h", "you", NULL, "you:pw"),
	   "the user does");
	ok(logs_in("redis://h", NULL, "", ":"), "an empty password is none");
	ok(logs_in("redis://me@h", NULL, NULL, "a user without a password") &&
		   logs_in("redis://h", "me", NULL,
			   "a user without a password"),
	   "a user without a password");
	ok(logs_in("redis://h", NULL, longer("", 4096, ""),
		   "the password is longer than 4095 bytes") &&
		   logs_in("redis://h", longer("", 256, ""), "",
			   "the user is longer than 255 bytes"),
	   "their limits");
}

static void test_show(void)
{
	ok(shows("redis://me:secret@h/2", "redis://h:6379/2") &&
		   shows("rediss://:secret@h:1", "rediss://h:1"),
	   "shown without user and password");
	ok(shows("redis://[::1]", "redis://[::1]:6379"), "IPv6 in brackets");
	ok(shows("unix://me:secret@/s?db=3", "unix:/s?db=3") &&
		   shows("redis+unix:/s", "unix:/s"),
	   "a socket");
	ok(shown_length(longer("rediss://", 255, ":65535/2147483647")) ==
		   strlen("rediss://:65535/2147483647") + 255,
	   "the longest is shown whole");
}

int main(void)
{
	test_tcp();
	test_credentials();
	test_local();
	test_refused();
	test_limits();
	test_login();
	test_show();
	return tap_end();
}

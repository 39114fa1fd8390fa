/* SPDX-License-Identifier: MIT */
#include "redisurl.h"

#include "num.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

_Static_assert(SOCKET_PATH_MAX == 107, "a message below says 107");
_Static_assert(REDISURL_USER_MAX == 256, "a message below says 255");
_Static_assert(REDISURL_PASSWORD_MAX == 4096, "a message below says 4095");

struct scheme {
	const char *begins;
	bool tls;
	bool local;
};

/* A part of the text. */
struct span {
	const char *at;
	size_t len;
};

static const struct scheme *find_scheme(const char *text)
{
	static const struct scheme schemes[] = {
		{"redis://", false, false},
		{"rediss://", true, false},
		{"unix:", false, true},
		{"redis+unix:", false, true},
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const char *begins = schemes[i].begins;

		if (!strncasecmp(text, begins, strlen(begins)))
			return &schemes[i];
	}
	return NULL;
}

/* The functions below return NULL, or a text that says what is wrong. */

static const char *scheme_error(const char *text)
{
	if (!strncasecmp(text, "redis:", 6) || !strncasecmp(text, "rediss:", 7))
		return "no '//' after the scheme";
	if (strstr(text, ":/"))
		return "the scheme is not redis, rediss or unix";
	return "does not begin with redis://, rediss:// or unix:";
}

static const char *check_bytes(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return "a control character";
	return NULL;
}

/* User and password */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c);

	return c && at ? (int)(at - digits) : -1;
}

static const char too_long_user[] = "the user is longer than 255 bytes";
static const char too_long_password[] =
	"the password is longer than 4095 bytes";

static const char *decode(char *out, size_t room, struct span in,
			  const char *too_long)
{
	const char *end = in.at + in.len;
	size_t n = 0;

	for (const char *at = in.at; at < end; at++) {
		char c = *at;

		if (c == '%') {
			int high = end - at > 2 ? hex_digit(at[1]) : -1;
			int low = high < 0 ? -1 : hex_digit(at[2]);

			if (low < 0)
				return "a '%' in user or password that is not "
				       "followed by two hexadecimal digits "
				       "(a '%' itself is %25)";
			c = (char)(high << 4 | low);
			at += 2;
		}
		if (!c)
			return "a NUL (%00) in user or password";
		if (n + 1 >= room)
			return too_long;
		out[n++] = c;
	}
	out[n] = '\0';
	return NULL;
}

/* "user:password", ":password", "user" */
static const char *take_credentials(struct redisurl *url, struct span all)
{
	const char *colon = memchr(all.at, ':', all.len);
	size_t user_len = colon ? (size_t)(colon - all.at) : all.len;
	const char *why;

	why = decode(url->user, sizeof(url->user),
		     (struct span){all.at, user_len}, too_long_user);
	if (why || !colon)
		return why;
	why = decode(url->password, sizeof(url->password),
		     (struct span){colon + 1, all.len - user_len - 1},
		     too_long_password);
	url->has_password = *url->user || *url->password;
	return why;
}

/* Takes what stands before the last '@' of `all` off its front. */
static const char *split_credentials(struct redisurl *url, struct span *all)
{
	const char *at = memrchr(all->at, '@', all->len);
	struct span credentials;

	if (!at)
		return NULL;
	credentials = (struct span){all->at, (size_t)(at - all->at)};
	all->at = at + 1;
	all->len -= credentials.len + 1;
	return take_credentials(url, credentials);
}

/* Where */

static const char *take_authority(struct redisurl *url, const char **text)
{
	struct span all = {*text, strcspn(*text, "/?#")};
	const char *why;

	*text += all.len;
	if (strchr(*text, '@'))
		return "a '/', '?' or '#' in user or password must be written "
		       "as %2F, %3F or %23";
	why = split_credentials(url, &all);
	if (why)
		return why;
	return authority_parse(all.at, all.len, url->host, &url->port);
}

/* "/run/redis.sock", "///run/redis.sock", "//user:password@/run/redis.sock" */
static const char *take_socket(struct redisurl *url, const char **text)
{
	struct span path;

	if (!strncmp(*text, "//", 2)) {
		struct span all = {*text + 2, strcspn(*text + 2, "/?#")};
		const char *why;

		*text = all.at + all.len;
		why = split_credentials(url, &all);
		if (why)
			return why;
		if (all.len)
			return "a host in unix:, where a socket's path goes";
	}
	path = (struct span){*text, strcspn(*text, "?#")};
	*text += path.len;
	if (!path.len)
		return "no path of a socket";
	if (path.len > SOCKET_PATH_MAX)
		return "the path of the socket is longer than 107 bytes";
	return authority_take_host(path.at, path.len, url->host);
}

/* The database */

static const char *take_database(struct redisurl *url, struct span digits,
				 bool *given)
{
	uint64_t value;

	if (*given)
		return "the database is there twice";
	*given = true;
	if (num_parse_u64(digits.at, digits.len, &value) || value > INT32_MAX)
		return "the database is not a number from 0 to 2147483647";
	url->database = (uint32_t)value;
	return NULL;
}

/* "db=N" */
static const char *take_parameter(struct redisurl *url, struct span p,
				  bool *given)
{
	if (p.len < 3 || strncmp(p.at, "db=", 3) != 0)
		return "a parameter other than db after the '?'";
	return take_database(url, (struct span){p.at + 3, p.len - 3}, given);
}

static const char *take_rest(struct redisurl *url, const char *text)
{
	const char *why = NULL;
	bool given = false;
	size_t len;

	if (*text == '/') {
		len = strcspn(++text, "?#");
		if (len)
			why = take_database(url, (struct span){text, len},
					    &given);
		text += len;
	}
	while (!why && *text && strchr("?&", *text)) {
		len = strcspn(++text, "&#");
		if (len)
			why = take_parameter(url, (struct span){text, len},
					     &given);
		text += len;
	}
	if (!why && *text)
		return "a fragment ('#') has no meaning for Redis";
	return why;
}

static const char *parse(struct redisurl *url, const char *text)
{
	const struct scheme *scheme = find_scheme(text);
	const char *why = check_bytes(text);

	if (why)
		return why;
	if (!scheme)
		return scheme_error(text);
	url->tls = scheme->tls;
	url->local = scheme->local;
	url->port = scheme->local ? 0 : REDISURL_PORT;
	text += strlen(scheme->begins);
	why = url->local ? take_socket(url, &text) : take_authority(url, &text);
	return why ? why : take_rest(url, text);
}

int redisurl_parse(struct redisurl *url, const char *text, const char **why)
{
	memset(url, 0, sizeof(*url));
	*why = parse(url, text);
	if (*why)
		explicit_bzero(url, sizeof(*url));
	return *why ? -1 : 0;
}

const char *redisurl_login(struct redisurl *url, const char *user,
			   const char *password)
{
	if (user && strlen(user) >= sizeof(url->user))
		return too_long_user;
	if (password && strlen(password) >= sizeof(url->password))
		return too_long_password;
	if (user)
		strcpy(url->user, user);
	if (password) {
		strcpy(url->password, password);
		url->has_password = *url->user || *password;
	}
	return *url->user && !url->has_password ? "a user without a password"
						: NULL;
}

const char *redisurl_show(const struct redisurl *url,
			  char out[REDISURL_SHOW_MAX])
{
	bool v6 = strchr(url->host, ':');
	int n;

	if (url->local)
		n = snprintf(out, REDISURL_SHOW_MAX, "unix:%s", url->host);
	else
		n = snprintf(out, REDISURL_SHOW_MAX,
			     v6 ? "%s://[%s]:%u" : "%s://%s:%u",
			     url->tls ? "rediss" : "redis", url->host,
			     url->port);
	if (url->database && n > 0)
		snprintf(out + n, REDISURL_SHOW_MAX - (size_t)n, "%s%u",
			 url->local ? "?db=" : "/", url->database);
	return out;
}

/* SPDX-License-Identifier: MIT */
#include "url.h"

#include "authority.h"

#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define DEFAULT_PATH "/ws"
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

_Static_assert(SOCKET_PATH_MAX == 107, "a message below says 107");
_Static_assert(URL_PART_MAX == 256, "a message below says 255");
_Static_assert(AUTHORITY_HOST_MAX == URL_PART_MAX, "the host fits");

struct scheme {
	const char *begins;
	bool tls;
	bool local;
	uint16_t port;
};

static const struct scheme *find_scheme(const char *text)
{
	static const struct scheme schemes[] = {
		{"ws://", false, false, 80},
		{"wss://", true, false, 443},
		{"ws+unix:", false, true, 0},
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
	if (!strncasecmp(text, "ws:", 3) || !strncasecmp(text, "wss:", 4))
		return "no '//' after the scheme";
	if (strstr(text, ":/"))
		return "the scheme is not ws, wss or ws+unix";
	return "does not begin with ws://, wss:// or ws+unix:";
}

/* What would break out of a line or a request, and what has no meaning here. */
static const char *check_bytes(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			return "a control character";
		if (c == '#')
			return "a fragment ('#') has no meaning for WebSocket";
	}
	return NULL;
}

static const char *take_authority(struct url *url, const char **text)
{
	const char *at = *text;
	size_t len = strcspn(at, "/?");

	*text += len;
	if (memchr(at, '@', len))
		return "a user name has no meaning for WebSocket";
	return authority_parse(at, len, url->host, &url->port);
}

/* "/run/wsd.sock", "///run/wsd.sock" and, before a path, "…:" */
static const char *take_socket(struct url *url, const char **text)
{
	const char *path;
	size_t len;

	if (!strncmp(*text, "//", 2)) {
		*text += 2;
		if (**text != '/')
			return "a host in ws+unix, where a socket's path goes";
	}
	path = *text;
	len = strcspn(path, ":?");
	*text += len;
	if (!len)
		return "no path of a socket";
	if (len > SOCKET_PATH_MAX)
		return "the path of the socket is longer than 107 bytes";
	if (**text == ':' && *++*text != '/')
		return "what follows the socket and ':' does not begin "
		       "with '/'";
	return authority_take_host(path, len, url->host);
}

static const char *take_path(struct url *url, const char *text)
{
	size_t len = strlen(text);
	size_t start = *text == '/' ? 0 : strlen(DEFAULT_PATH);

	if (start + len >= URL_PART_MAX)
		return "the path is longer than 255 bytes";
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return "the path has a character that must be written "
			       "as %XX";
	memcpy(url->path, DEFAULT_PATH, start);
	memcpy(url->path + start, text, len + 1);
	return NULL;
}

static const char *parse(struct url *url, const char *text)
{
	const struct scheme *scheme = find_scheme(text);
	const char *why = check_bytes(text);

	if (why)
		return why;
	if (!scheme)
		return scheme_error(text);
	url->tls = scheme->tls;
	url->local = scheme->local;
	url->port = scheme->port;
	text += strlen(scheme->begins);
	why = url->local ? take_socket(url, &text) : take_authority(url, &text);
	return why ? why : take_path(url, text);
}

int url_parse(struct url *url, const char *text, const char **why)
{
	*why = parse(url, text);
	return *why ? -1 : 0;
}

/* SPDX-License-Identifier: MIT */
#include "url.h"
#include "num.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define DEFAULT_PATH "/ws"
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

_Static_assert(SOCKET_PATH_MAX == 107, "a message below says 107");
_Static_assert(URL_PART_MAX == 256, "two messages below say 255");

struct scheme {
	const char *begins;
	bool tls;
	bool local;
	uint16_t port;
};

/* A part of the text. */
struct span {
	const char *at;
	size_t len;
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

static const char *take_port(struct url *url, struct span port)
{
	uint64_t value;

	if (!port.len)
		return "no port after the ':'";
	if (num_parse_u64(port.at, port.len, &value) || value < 1 ||
	    value > UINT16_MAX)
		return "the port is not a number from 1 to 65535";
	url->port = (uint16_t)value;
	return NULL;
}

static const char *take_host(struct url *url, struct span host)
{
	if (!host.len)
		return "no host";
	if (host.len >= URL_PART_MAX)
		return "the host is longer than 255 bytes";
	memcpy(url->host, host.at, host.len);
	url->host[host.len] = '\0';
	return NULL;
}

static const char *take_name(struct url *url, struct span host)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~";

	if (strspn(host.at, allowed) < host.len)
		return "the host has a character that no host name has";
	return take_host(url, host);
}

static const char *take_ipv6(struct url *url, struct span host)
{
	struct in6_addr address;
	const char *why = take_host(url, host);

	if (!why && inet_pton(AF_INET6, url->host, &address) != 1)
		return "what stands in [ ] is not an IPv6 address";
	return why;
}

/* "host", "host:port", "[ipv6]" or "[ipv6]:port" */
static const char *take_authority(struct url *url, const char **text)
{
	struct span all = {*text, strcspn(*text, "/?")};
	bool bracket = *all.at == '[';
	struct span host = {all.at + bracket,
			    strcspn(all.at, bracket ? "]/?" : ":/?") - bracket};
	struct span rest = {host.at + host.len, all.len - host.len - bracket};
	const char *why;

	*text += all.len;
	if (memchr(all.at, '@', all.len))
		return "a user name has no meaning for WebSocket";
	if (bracket) {
		if (!rest.len)
			return "no ']' after the IPv6 address";
		rest.at++;
		rest.len--;
	} else if (rest.len && memchr(rest.at + 1, ':', rest.len - 1)) {
		return "an IPv6 address must stand in [ ]";
	}
	why = bracket ? take_ipv6(url, host) : take_name(url, host);
	if (why || !rest.len)
		return why;
	if (*rest.at != ':')
		return "neither a port nor a path after the ']'";
	return take_port(url, (struct span){rest.at + 1, rest.len - 1});
}

/* "/run/wsd.sock", "///run/wsd.sock" and, before a path, "…:" */
static const char *take_socket(struct url *url, const char **text)
{
	struct span path;

	if (!strncmp(*text, "//", 2)) {
		*text += 2;
		if (**text != '/')
			return "a host in ws+unix, where a socket's path goes";
	}
	path = (struct span){*text, strcspn(*text, ":?")};
	*text += path.len;
	if (!path.len)
		return "no path of a socket";
	if (path.len > SOCKET_PATH_MAX)
		return "the path of the socket is longer than 107 bytes";
	if (**text == ':' && *++*text != '/')
		return "what follows the socket and ':' does not begin "
		       "with '/'";
	return take_host(url, path);
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

/* SPDX-License-Identifier: MIT */
#include "authority.h"

#include "num.h"

#include <arpa/inet.h>
#include <string.h>

_Static_assert(AUTHORITY_HOST_MAX == 256, "a message below says 255");

static const char *take_port(const char *text, size_t len, uint16_t *port)
{
	uint64_t value;

	if (!len)
		return "no port after the ':'";
	if (num_parse_u64(text, len, &value) || value < 1 || value > UINT16_MAX)
		return "the port is not a number from 1 to 65535";
	*port = (uint16_t)value;
	return NULL;
}

const char *authority_take_host(const char *text, size_t len,
				char host[AUTHORITY_HOST_MAX])
{
	if (!len)
		return "no host";
	if (len >= AUTHORITY_HOST_MAX)
		return "the host is longer than 255 bytes";
	memcpy(host, text, len);
	host[len] = '\0';
	return NULL;
}

static const char *take_name(const char *text, size_t len,
			     char host[AUTHORITY_HOST_MAX])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~";

	for (size_t i = 0; i < len; i++)
		if (!text[i] || !strchr(allowed, text[i]))
			return "the host has a character that no host name has";
	return authority_take_host(text, len, host);
}

static const char *take_ipv6(const char *text, size_t len,
			     char host[AUTHORITY_HOST_MAX])
{
	struct in6_addr address;
	const char *why = authority_take_host(text, len, host);

	if (!why && inet_pton(AF_INET6, host, &address) != 1)
		return "what stands in [ ] is not an IPv6 address";
	return why;
}

/* "[ipv6]" and what follows. */
static const char *parse_bracketed(const char *text, size_t len,
				   char host[AUTHORITY_HOST_MAX],
				   uint16_t *port)
{
	const char *end = text + len;
	const char *bracket = memchr(text, ']', len);
	const char *why;

	if (!bracket)
		return "no ']' after the IPv6 address";
	why = take_ipv6(text + 1, (size_t)(bracket - text) - 1, host);
	if (why || ++bracket == end)
		return why;
	if (*bracket != ':')
		return "neither a port nor a path after the ']'";
	return take_port(bracket + 1, (size_t)(end - bracket) - 1, port);
}

const char *authority_parse(const char *text, size_t len,
			    char host[AUTHORITY_HOST_MAX], uint16_t *port)
{
	const char *end = text + len;
	const char *colon = memchr(text, ':', len);
	const char *why;

	if (len && *text == '[')
		return parse_bracketed(text, len, host, port);
	if (!colon)
		return take_name(text, len, host);
	if (memchr(colon + 1, ':', (size_t)(end - colon) - 1))
		return "an IPv6 address must stand in [ ]";
	why = take_name(text, (size_t)(colon - text), host);
	return why ? why
		   : take_port(colon + 1, (size_t)(end - colon) - 1, port);
}

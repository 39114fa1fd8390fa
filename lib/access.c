/* SPDX-License-Identifier: MIT */
#include "access.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A host and a port as they stand in a header; borrowed. */
struct authority {
	const char *name; /* without brackets */
	size_t name_len;
	const char *port; /* digits; perhaps none */
	size_t port_len;
};

static bool same(const char *text, size_t len, const char *want)
{
	return strlen(want) == len && strncasecmp(text, want, len) == 0;
}

/* 127.0.0.0/8 as four numbers; nothing else begins so but a name does not. */
static bool loopback_v4(const char *name, size_t len)
{
	size_t dots = 0, digits = 0;

	if (len < 9 || memcmp(name, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (isdigit((unsigned char)name[i])) {
			if (++digits > 3)
				return false;
			continue;
		}
		if (name[i] != '.' || digits == 0)
			return false;
		dots++;
		digits = 0;
	}
	return dots == 3 && digits > 0;
}

bool access_is_loopback(const char *name, size_t len)
{
	return same(name, len, "localhost") || same(name, len, "::1") ||
	       loopback_v4(name, len);
}

/* "name", "name:port", "[v6]", "[v6]:port". */
static bool split(const char *text, size_t len, struct authority *a)
{
	const char *end = text + len, *colon;

	if (len && *text == '[') {
		a->name = text + 1;
		colon = memchr(text, ']', len);
		if (!colon)
			return false;
		a->name_len = (size_t)(colon - a->name);
		colon++;
	} else {
		a->name = text;
		colon = memchr(text, ':', len);
		if (!colon)
			colon = end;
		a->name_len = (size_t)(colon - text);
	}
	if (a->name_len == 0 || (colon < end && *colon != ':'))
		return false;
	a->port = colon < end ? colon + 1 : end;
	a->port_len = (size_t)(end - a->port);
	for (size_t i = 0; i < a->port_len; i++)
		if (!isdigit((unsigned char)a->port[i]))
			return false;
	return true;
}

static bool is_loopback(const struct authority *a)
{
	return access_is_loopback(a->name, a->name_len);
}

/* An option may name a host on any port, or on one. */
static bool host_matches(const char *allowed, const struct authority *host)
{
	struct authority want;

	if (!split(allowed, strlen(allowed), &want))
		return false;
	if (want.name_len != host->name_len ||
	    strncasecmp(want.name, host->name, host->name_len) != 0)
		return false;
	return want.port_len == 0 ||
	       (want.port_len == host->port_len &&
		memcmp(want.port, host->port, host->port_len) == 0);
}

static bool host_allowed(const struct access *a, const struct authority *host)
{
	if (is_loopback(host))
		return true;
	for (size_t i = 0; i < a->hosts_count; i++)
		if (host_matches(a->hosts[i], host))
			return true;
	return false;
}

/* The same name and, counting the default, the same port. */
static bool same_site(const struct authority *origin, bool https,
		      const struct authority *host)
{
	const char *usual = https ? "443" : "80";

	if (origin->name_len != host->name_len ||
	    strncasecmp(origin->name, host->name, host->name_len) != 0)
		return false;
	if (origin->port_len == host->port_len)
		return memcmp(origin->port, host->port, host->port_len) == 0;
	if (origin->port_len == 0)
		return same(host->port, host->port_len, usual);
	return host->port_len == 0 &&
	       same(origin->port, origin->port_len, usual);
}

static bool origin_allowed(const struct access *a, const char *origin,
			   const struct authority *host)
{
	struct authority site;
	bool https = strncasecmp(origin, "https://", 8) == 0;
	size_t scheme = https ? 8 : 7;

	for (size_t i = 0; i < a->origins_count; i++)
		if (strcasecmp(a->origins[i], origin) == 0)
			return true;
	if (!https && strncasecmp(origin, "http://", 7) != 0)
		return false;
	if (!split(origin + scheme, strlen(origin + scheme), &site))
		return false;
	if (is_loopback(&site) && is_loopback(host))
		return true;
	return same_site(&site, https, host);
}

enum access_verdict access_judge(const struct access *a, const char *host,
				 const char *origin)
{
	struct authority named;

	if (!host || !split(host, strlen(host), &named))
		return ACCESS_NO_HOST;
	if (!host_allowed(a, &named))
		return ACCESS_BAD_HOST;
	if (origin && !origin_allowed(a, origin, &named))
		return ACCESS_BAD_ORIGIN;
	return ACCESS_ALLOWED;
}

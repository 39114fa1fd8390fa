/* SPDX-License-Identifier: MIT */
#include "access.h"

#include "num.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 253 /* of a host (RFC 1035 section 3.1) */
#define SCHEME_MAX_LEN 32

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

/* Whether all of it is letters, digits or one of `others`. */
static bool only(const char *text, size_t len, const char *others)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    !memchr(others, text[i], strlen(others)))
			return false;
	return true;
}

/* A host as split() takes it, but only what a name, address, port can be. */
static bool valid(const char *text, struct authority *a)
{
	size_t len = strlen(text);
	uint64_t port = 0;

	if (!split(text, len, a) || a->name_len > NAME_MAX_LEN)
		return false;
	if (a->port_len == 0 && text[len - 1] == ':')
		return false;
	if (a->port_len && (num_parse_u64(a->port, a->port_len, &port) < 0 ||
			    port > UINT16_MAX))
		return false;
	if (*text == '[')
		return memchr(a->name, ':', a->name_len) &&
		       only(a->name, a->name_len, ":.");
	return only(a->name, a->name_len, "._-");
}

/* The one that a browser leaves out. */
static const char *usual_port(const char *scheme, size_t len)
{
	if (same(scheme, len, "https"))
		return "443";
	return same(scheme, len, "http") ? "80" : "none";
}

bool access_host_valid(const char *host)
{
	struct authority a;

	return valid(host, &a);
}

bool access_origin_valid(const char *origin)
{
	const char *end = strstr(origin, "://");
	size_t len = end ? (size_t)(end - origin) : 0;
	struct authority a;

	if (len == 0 || len > SCHEME_MAX_LEN || !only(origin, len, "+.-") ||
	    !valid(end + 3, &a))
		return false;
	return !same(a.port, a.port_len, usual_port(origin, len));
}

bool access_origin_shared(const char *origin)
{
	return strcasecmp(origin, "null") == 0 ||
	       strcasecmp(origin, "file://") == 0;
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
static bool same_site(const struct authority *origin, bool secure,
		      const struct authority *host)
{
	const char *usual = secure ? "443" : "80";

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
			   const struct authority *host, bool https)
{
	struct authority site;
	bool secure = strncasecmp(origin, "https://", 8) == 0;
	size_t scheme = secure ? 8 : 7;

	if (access_origin_shared(origin))
		return false;
	for (size_t i = 0; i < a->origins_count; i++)
		if (strcasecmp(a->origins[i], origin) == 0)
			return true;
	if (!secure && strncasecmp(origin, "http://", 7) != 0)
		return false;
	if (!split(origin + scheme, strlen(origin + scheme), &site))
		return false;
	if (is_loopback(&site) && is_loopback(host))
		return true;
	/* Behind the same name by http there may be anybody on the way. */
	return (secure || !https) && same_site(&site, secure, host);
}

enum access_verdict access_judge(const struct access *a, const char *host,
				 const char *origin, bool https)
{
	struct authority named;

	if (!host || !split(host, strlen(host), &named))
		return ACCESS_NO_HOST;
	if (!host_allowed(a, &named))
		return ACCESS_BAD_HOST;
	if (origin && !origin_allowed(a, origin, &named, https))
		return ACCESS_BAD_ORIGIN;
	return ACCESS_ALLOWED;
}

/* SPDX-License-Identifier: MIT */
/*
 * Lines: a Host, an Origin, a host and an origin that are allowed. Who gets in
 * is a loopback name or one that is allowed; from a page only where its origin
 * is allowed as a whole, or is the same place. Case does not matter.
 */
#include "access.h"
#include "script.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LINES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lines {
	char *text; /* owned */
	char *at[LINES];
};

static void cut(struct lines *l, const uint8_t *data, size_t size)
{
	char *at = calloc(1, size + LINES);

	if (size)
		memcpy(at, data, size);
	l->text = at;
	for (int i = 0; i < LINES; i++) {
		char *end = strchrnul(at, '\n');

		l->at[i] = at;
		at = *end ? end + 1 : end;
		*end = '\0';
	}
}

/* What is before the port; brackets stay. */
static size_t name_len(const char *host)
{
	const char *bracket = *host == '[' ? strchr(host, ']') : NULL;

	return bracket ? (size_t)(bracket + 1 - host) : strcspn(host, ":");
}

static bool same_name(const char *a, const char *b)
{
	return name_len(a) == name_len(b) &&
	       strncasecmp(a, b, name_len(a)) == 0;
}

static bool on_loopback(const char *host)
{
	size_t len = name_len(host);

	return *host == '[' ? access_is_loopback(host + 1, len - 2)
			    : access_is_loopback(host, len);
}

static void check_allowed(const struct access *a, const char *host,
			  const char *origin, bool https)
{
	const char *site = strstr(origin, "://");

	must(!access_origin_shared(origin));
	must(on_loopback(host) ||
	     (a->hosts_count && same_name(host, a->hosts[0])));
	if (a->origins_count && strcasecmp(origin, a->origins[0]) == 0)
		return;
	must(strncasecmp(origin, "http://", 7) == 0 ||
	     strncasecmp(origin, "https://", 8) == 0);
	site += 3;
	must(!https || on_loopback(host) ||
	     strncasecmp(origin, "https://", 8) == 0);
	must(same_name(site, host) || (on_loopback(site) && on_loopback(host)));
	/* Nothing behind the port: no path, and no second one. */
	must(strspn(site + name_len(site), ":0123456789") ==
	     strlen(site + name_len(site)));
}

static void upper(char *text)
{
	for (; *text; text++)
		*text = (char)toupper((unsigned char)*text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines l;
	const char *host, *origin;
	struct access a = {.hosts = &host, .origins = &origin};
	enum access_verdict verdict;
	bool https = size & 1;

	cut(&l, data, size);
	host = l.at[2];
	origin = l.at[3];
	/* What an option may not say is not there. */
	a.hosts_count = access_host_valid(host);
	a.origins_count = access_origin_valid(origin);
	verdict = access_judge(&a, l.at[0], l.at[1], https);
	if (verdict == ACCESS_ALLOWED)
		check_allowed(&a, l.at[0], l.at[1], https);
	/* One who is no browser gets in wherever one is that is. */
	must(access_judge(&a, l.at[0], NULL, https) ==
	     (verdict == ACCESS_BAD_ORIGIN ? ACCESS_ALLOWED : verdict));
	upper(l.at[0]);
	upper(l.at[1]);
	must(access_judge(&a, l.at[0], l.at[1], https) == verdict);
	free(l.text);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "forwarded.h"

#include "num.h"

#include <string.h>
#include <strings.h>

static bool is(struct httphead_span s, const char *want)
{
	return s.len == strlen(want) && strncasecmp(s.at, want, s.len) == 0;
}

/* Without the blanks around it. */
static struct httphead_span trimmed(struct httphead_span s)
{
	while (s.len && (*s.at == ' ' || *s.at == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* Takes the last member that is not empty off a list. False: none is left. */
static bool take_last(struct httphead_span *list, struct httphead_span *member)
{
	const char *comma;
	size_t begin;

	while (list->len) {
		comma = memrchr(list->at, ',', list->len);
		begin = comma ? (size_t)(comma + 1 - list->at) : 0;
		*member = trimmed((struct httphead_span){list->at + begin,
							 list->len - begin});
		list->len = comma ? begin - 1 : 0;
		if (member->len)
			return true;
	}
	return false;
}

/* Addresses */

static int parse_port(uint16_t *port, const char *text, size_t len)
{
	uint64_t value;

	if (num_parse_u64(text, len, &value) < 0 || value > UINT16_MAX)
		return -1;
	*port = (uint16_t)value;
	return 0;
}

/* "[2001:db8::1]" or "[2001:db8::1]:443" */
static int parse_bracketed(struct netaddr *a, struct httphead_span s)
{
	const char *close = memchr(s.at, ']', s.len);
	const char *end = s.at + s.len;

	if (!close || !memchr(s.at, ':', (size_t)(close - s.at)) ||
	    netaddr_parse(a, s.at + 1, (size_t)(close - s.at - 1)) < 0)
		return -1;
	if (close + 1 == end)
		return 0;
	if (close[1] != ':')
		return -1;
	return parse_port(&a->port, close + 2, (size_t)(end - close - 2));
}

static int parse_address(struct netaddr *a, struct httphead_span s)
{
	const char *colon;
	size_t len;

	if (is(s, "unix:")) {
		memset(a, 0, sizeof(*a));
		return 0;
	}
	if (*s.at == '[')
		return parse_bracketed(a, s);
	if (netaddr_parse(a, s.at, s.len) == 0)
		return 0;
	/* "192.0.2.1:443"; of IPv6 that would be another address. */
	colon = memchr(s.at, ':', s.len);
	len = colon ? (size_t)(colon - s.at) : 0;
	if (!colon || netaddr_parse(a, s.at, len) < 0)
		return -1;
	return parse_port(&a->port, colon + 1, s.len - len - 1);
}

bool forwarded_is_proxy(const struct forwarded_proxies *proxies,
			const struct netaddr *from)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (netaddr_within(from, &proxies->blocks[i]))
			return true;
	return false;
}

/* Goes on as long as what it finds is a proxy's. */
static int find_client(struct netaddr *client,
		       const struct forwarded_proxies *proxies,
		       const struct httphead *head)
{
	struct httphead_span list, member;

	for (size_t i = head->count; i-- > 0;) {
		if (!httphead_named(&head->fields[i], "x-forwarded-for"))
			continue;
		list = head->fields[i].value;
		while (take_last(&list, &member)) {
			if (parse_address(client, member) < 0)
				return -1;
			if (!forwarded_is_proxy(proxies, client))
				return 0;
		}
	}
	return 0; /* the first one that is named, if any */
}

/*
 * Proxies may add to it too; which of several counts nobody says, so all have
 * to say the same. Some name the scheme of a WebSocket.
 */
static bool came_by_https(const struct httphead *head)
{
	struct httphead_span list, member;
	bool https = false;

	for (size_t i = 0; i < head->count; i++) {
		if (!httphead_named(&head->fields[i], "x-forwarded-proto"))
			continue;
		list = head->fields[i].value;
		while (take_last(&list, &member)) {
			https = is(member, "https") || is(member, "wss");
			if (!https)
				return false;
		}
	}
	return https;
}

int forwarded_read(struct forwarded *f, const struct forwarded_proxies *proxies,
		   const struct netaddr *from, const struct httphead *head)
{
	f->client = *from;
	f->https = false;
	if (!forwarded_is_proxy(proxies, from))
		return 0;
	f->https = came_by_https(head);
	return find_client(&f->client, proxies, head);
}

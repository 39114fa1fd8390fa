/* SPDX-License-Identifier: MIT */
#include "rights.h"

#include "tenant.h"

#include <string.h>

void rights_init(struct rights *r)
{
	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < RIGHTS_KINDS; i++)
		buf_init(&r->lists[i].text);
}

void rights_release(struct rights *r)
{
	for (size_t i = 0; i < RIGHTS_KINDS; i++)
		buf_release(&r->lists[i].text);
	rights_init(r);
}

/* Deciding */

const char *rights_next(const struct rights *r, enum rights_what what,
			size_t *at, size_t *len)
{
	const struct buf *text = &r->lists[what].text;
	const char *pattern;

	if (*at == buf_len(text))
		return NULL;
	pattern = buf_bytes(text) + *at + 1;
	*len = (unsigned char)pattern[-1];
	*at += 1 + *len;
	return pattern;
}

static bool matches(const char *pattern, size_t len, const char *tenant,
		    size_t tenant_len)
{
	if (pattern[len - 1] == '*')
		return len - 1 <= tenant_len &&
		       memcmp(pattern, tenant, len - 1) == 0;
	return len == tenant_len && memcmp(pattern, tenant, len) == 0;
}

bool rights_may(const struct rights *r, enum rights_what what,
		const char *tenant, size_t len)
{
	const char *pattern;
	size_t pattern_len;
	size_t at = 0;

	while ((pattern = rights_next(r, what, &at, &pattern_len)))
		if (matches(pattern, pattern_len, tenant, len))
			return true;
	return false;
}

/* Whether all that a pattern matches is matched by one of a list. */
static bool covers(const struct rights *r, enum rights_what what,
		   const char *pattern, size_t len)
{
	bool open = pattern[len - 1] == '*';
	const char *outer;
	size_t outer_len;
	size_t at = 0;

	while ((outer = rights_next(r, what, &at, &outer_len)))
		if ((!open || outer[outer_len - 1] == '*') &&
		    matches(outer, outer_len, pattern, len - open))
			return true;
	return false;
}

bool rights_within(const struct rights *inner, const struct rights *outer)
{
	for (unsigned i = 0; i < RIGHTS_KINDS; i++) {
		enum rights_what what = (enum rights_what)i;
		const char *pattern;
		size_t at = 0, len;

		while ((pattern = rights_next(inner, what, &at, &len)))
			if (!covers(outer, what, pattern, len))
				return false;
	}
	return outer->admin || !inner->admin;
}

/* Allowing */

/* The beginning of a tenant id; "." and ".." are some, though they are none. */
static bool prefix_valid(const char *prefix, size_t len)
{
	return len == 0 || tenant_valid(prefix, len) ||
	       (len <= 2 && strspn(prefix, ".") >= len);
}

bool rights_pattern_valid(const char *pattern, size_t len)
{
	if (len && pattern[len - 1] == '*')
		return prefix_valid(pattern, len - 1);
	return tenant_valid(pattern, len);
}

static enum rights_result add(struct rights *r, enum rights_what what,
			      const char *pattern, size_t len)
{
	struct buf *text = &r->lists[what].text;
	char *room;

	if (r->lists[what].count == RIGHTS_MAX)
		return RIGHTS_TOO_MANY;
	room = buf_reserve(text, len + 1);
	if (!room)
		return RIGHTS_NO_MEMORY;
	room[0] = (char)len; /* TENANT_MAX + 1 at most */
	memcpy(room + 1, pattern, len);
	buf_added(text, len + 1);
	r->lists[what].count++;
	return RIGHTS_OK;
}

enum rights_result rights_allow(struct rights *r, enum rights_what what,
				const char *pattern, size_t len)
{
	if (!rights_pattern_valid(pattern, len))
		return RIGHTS_BAD_PATTERN;
	return add(r, what, pattern, len);
}

enum rights_result rights_allow_tenant(struct rights *r, enum rights_what what,
				       const char *tenant, size_t len)
{
	if (!tenant_valid(tenant, len))
		return RIGHTS_BAD_PATTERN;
	return add(r, what, tenant, len);
}

int rights_copy(struct rights *to, const struct rights *from)
{
	rights_release(to);
	to->admin = from->admin;
	for (size_t i = 0; i < RIGHTS_KINDS; i++) {
		const struct buf *text = &from->lists[i].text;

		buf_append(&to->lists[i].text, buf_bytes(text), buf_len(text));
		if (to->lists[i].text.failed)
			goto failed;
		to->lists[i].count = from->lists[i].count;
	}
	return 0;
failed:
	rights_release(to);
	return -1;
}

const char *rights_name(enum rights_what what)
{
	return what == RIGHTS_SUBSCRIBE ? "subscribe" : "publish";
}

const char *rights_strerror(enum rights_result result)
{
	switch (result) {
	case RIGHTS_OK:
		return "no error";
	case RIGHTS_BAD_PATTERN:
		return "it is no tenant pattern (a tenant id, acme-* or *)";
	case RIGHTS_TOO_MANY:
		return "there are more than 256 patterns";
	case RIGHTS_NO_MEMORY:
		return "out of memory";
	}
	return "unknown error";
}

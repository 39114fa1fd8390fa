/* SPDX-License-Identifier: MIT */
#include "route.h"

#include <errno.h>
#include <string.h>

/* A member that is looked for, and what was seen of it so far. */
struct want {
	const struct route_path *path;
	struct json_member member; /* the last one seen */
	size_t seen;
};

static int split(struct route_path *path, const char *text)
{
	memset(path, 0, sizeof(*path));
	path->text = text;
	while (text) {
		size_t len = strcspn(text, ".");

		if (!len || path->names == ROUTE_NAMES_MAX) {
			errno = EINVAL;
			return -1;
		}
		path->name[path->names].bytes = text;
		path->name[path->names++].len = len;
		text = text[len] ? text + len + 1 : NULL;
	}
	return 0;
}

int route_init(struct route *route, const char *tenant_field,
	       const char *key_field)
{
	if (split(&route->tenant, tenant_field))
		return -1;
	return split(&route->key, key_field);
}

static void consider(struct want *want, size_t depth,
		     const struct json_member *member);

/* Looks through an object that was checked already. */
static void descend(struct want *want, size_t depth,
		    const struct json_value *object)
{
	struct json_scan scan;
	struct json_member member;

	if (json_members(&scan, object->text, object->len) != JSON_OK)
		return;
	while (json_next(&scan, &member) == JSON_OK)
		consider(want, depth, &member);
}

/* The depth of this recursion is that of the path, ROUTE_NAMES_MAX. */
static void consider(struct want *want, size_t depth,
		     const struct json_member *member)
{
	const struct route_path *path = want->path;

	if (!json_string_is(&member->name, path->name[depth].bytes,
			    path->name[depth].len))
		return;
	if (depth + 1 == path->names) {
		want->member = *member;
		want->seen++;
	} else if (member->value.type == JSON_OBJECT) {
		descend(want, depth + 1, &member->value);
	}
}

static enum route_result not_json(struct route_found *found,
				  enum json_result json, size_t offset)
{
	found->json = json;
	found->offset = offset;
	return ROUTE_NOT_JSON;
}

/* Tells why json_members() would not begin. */
static enum route_result not_object(struct route_found *found, const char *text,
				    size_t len)
{
	size_t where = 0;
	enum json_result json = json_check(text, len, &where);

	if (json != JSON_OK)
		return not_json(found, json, where);
	found->offset = 0;
	return ROUTE_NOT_OBJECT;
}

/* One pass over the whole document, which checks it too. */
static enum route_result look(struct want *wants, size_t count,
			      const char *text, size_t len,
			      struct route_found *found)
{
	struct json_scan scan;
	struct json_member member;
	enum json_result json;

	if (json_members(&scan, text, len) != JSON_OK)
		return not_object(found, text, len);
	while ((json = json_next(&scan, &member)) == JSON_OK)
		for (size_t i = 0; i < count; i++)
			consider(&wants[i], 0, &member);
	if (json != JSON_END)
		return not_json(found, json, json_where(&scan));
	return ROUTE_OK;
}

static bool is_integer(const struct json_value *number)
{
	size_t sign = number->text[0] == '-';

	for (size_t i = sign; i < number->len; i++)
		if (number->text[i] < '0' || number->text[i] > '9')
			return false;
	return true;
}

/* The text that a value counts as; its length, or -1 when it does not fit. */
static long as_text(const struct json_value *value, char *out, size_t room)
{
	if (value->type == JSON_STRING)
		return json_unescape(value, out, room);
	if (value->len > room)
		return -1;
	memcpy(out, value->text, value->len);
	return (long)value->len;
}

static bool counts_as_text(const struct json_value *value)
{
	return value->type == JSON_STRING ||
	       (value->type == JSON_NUMBER && is_integer(value));
}

/*
 * Takes the text of the member that was found. `bad` is what the caller calls
 * one that is too long.
 */
static enum route_result take(const struct want *want, const char *text,
			      char *out, size_t room, size_t *len,
			      enum route_result bad, struct route_found *found)
{
	const struct json_value *value = &want->member.value;
	long n;

	found->field = want->path->text;
	if (!want->seen)
		return ROUTE_MISSING;
	found->offset = (size_t)(want->member.name.text - text);
	if (want->seen > 1)
		return ROUTE_TWICE;
	found->offset = (size_t)(value->text - text);
	if (!counts_as_text(value))
		return ROUTE_WRONG_TYPE;
	n = as_text(value, out, room);
	if (n <= 0)
		return bad;
	*len = (size_t)n;
	return ROUTE_OK;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * What goes with a member: the comma before it, or the one behind it if it is
 * the first. The document is valid, so that both walks end inside of it.
 */
static void set_cut(struct route_found *found, const char *text,
		    const struct json_member *member)
{
	const char *from = member->name.text;
	const char *to = member->value.text + member->value.len;
	const char *before = from - 1;
	const char *behind = to;

	while (is_blank(*before))
		before--;
	while (is_blank(*behind))
		behind++;
	if (*before == ',')
		from = before;
	else if (*behind == ',')
		to = behind + 1;
	found->cut = (size_t)(from - text);
	found->cut_len = (size_t)(to - from);
}

static enum route_result take_tenant(const struct want *want, const char *text,
				     struct route_found *found)
{
	enum route_result result =
		take(want, text, found->tenant, sizeof(found->tenant),
		     &found->tenant_len, ROUTE_BAD_TENANT, found);

	if (result != ROUTE_OK)
		return result;
	if (!tenant_valid(found->tenant, found->tenant_len))
		return ROUTE_BAD_TENANT;
	set_cut(found, text, &want->member);
	return ROUTE_OK;
}

static void reset(struct route_found *found)
{
	found->tenant_len = found->key_len = 0;
	found->cut = found->cut_len = 0;
	found->field = NULL;
	found->offset = 0;
	found->json = JSON_OK;
}

enum route_result route_read(const struct route *route, const char *text,
			     size_t len, struct route_found *found)
{
	struct want wants[2];
	struct want *tenant = NULL;
	struct want *key = NULL;
	size_t count = 0;
	enum route_result result;

	reset(found);
	if (route->tenant.text)
		tenant = &wants[count++];
	if (route->key.text)
		key = &wants[count++];
	if (tenant)
		*tenant = (struct want){.path = &route->tenant};
	if (key)
		*key = (struct want){.path = &route->key};
	result = look(wants, count, text, len, found);
	if (result == ROUTE_OK && tenant)
		result = take_tenant(tenant, text, found);
	if (result == ROUTE_OK && key)
		result = take(key, text, found->key, sizeof(found->key),
			      &found->key_len, ROUTE_BAD_KEY, found);
	return result;
}

char *route_remove(char *text, size_t *len, const struct route_found *found)
{
	size_t behind = found->cut + found->cut_len;
	size_t tail = *len - behind;

	*len -= found->cut_len;
	if (found->cut < tail) {
		memmove(text + found->cut_len, text, found->cut);
		return text + found->cut_len;
	}
	memmove(text + found->cut, text + behind, tail);
	return text;
}

const char *route_strerror(enum route_result result)
{
	switch (result) {
	case ROUTE_OK:
		return "is fine";
	case ROUTE_NOT_JSON:
		return "is not JSON";
	case ROUTE_NOT_OBJECT:
		return "is not an object";
	case ROUTE_MISSING:
		return "is missing";
	case ROUTE_TWICE:
		return "is there twice";
	case ROUTE_WRONG_TYPE:
		return "is neither a string nor an integer";
	case ROUTE_BAD_TENANT:
		return "is not a tenant id (1 to 128 of A-Z a-z 0-9 . _ : @ -)";
	case ROUTE_BAD_KEY:
		return "is not a key (1 to 256 bytes of Unicode text)";
	}
	return "is wrong";
}

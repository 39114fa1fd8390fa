/* SPDX-License-Identifier: MIT */
#include "jsonlist.h"

#include <stdlib.h>
#include <string.h>

/* Objects */

static const struct json_value *find(const struct jsonlist *l, const char *name,
				     size_t len)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->members[i].len == len &&
		    memcmp(l->members[i].name, name, len) == 0)
			return &l->members[i].value;
	return NULL;
}

/* `*names` is where the next name goes. */
static enum jsonlist_result add(struct jsonlist *l, char **names,
				const struct json_member *m)
{
	/* Unescaping never makes it longer. */
	long len = json_unescape(&m->name, *names, m->name.len);

	if (len < 0)
		return JSONLIST_NOT_OBJECT;
	if (find(l, *names, (size_t)len))
		return JSONLIST_TWICE;
	if (l->count == JSONLIST_MAX)
		return JSONLIST_TOO_MANY;
	l->members[l->count].name = *names;
	l->members[l->count].len = (size_t)len;
	l->members[l->count].value = m->value;
	l->count++;
	*names += len;
	return JSONLIST_OK;
}

static enum jsonlist_result read_all(struct jsonlist *l, const char *text,
				     size_t len)
{
	struct json_scan scan;
	struct json_member member;
	enum json_result json = json_members(&scan, text, len);
	enum jsonlist_result result = JSONLIST_OK;
	char *names = l->names;

	if (json != JSON_OK)
		return JSONLIST_NOT_OBJECT;
	while (result == JSONLIST_OK &&
	       (json = json_next(&scan, &member)) == JSON_OK)
		result = add(l, &names, &member);
	if (result == JSONLIST_OK && json != JSON_END)
		return JSONLIST_NOT_OBJECT;
	return result;
}

enum jsonlist_result jsonlist_read(struct jsonlist *l, const char *text,
				   size_t len)
{
	enum jsonlist_result result;

	l->count = 0;
	l->names = malloc(len + 1);
	if (!l->names)
		return JSONLIST_NO_MEMORY;
	result = read_all(l, len ? text : "", len);
	if (result != JSONLIST_OK)
		jsonlist_release(l);
	return result;
}

void jsonlist_release(struct jsonlist *l)
{
	free(l->names);
	l->names = NULL;
	l->count = 0;
}

const struct json_value *jsonlist_get(const struct jsonlist *l,
				      const char *name)
{
	return find(l, name, strlen(name));
}

const char *jsonlist_strerror(enum jsonlist_result result)
{
	switch (result) {
	case JSONLIST_OK:
		return "no error";
	case JSONLIST_NOT_OBJECT:
		return "not a JSON object";
	case JSONLIST_TWICE:
		return "a member is there twice";
	case JSONLIST_TOO_MANY:
		return "it has more than 100 members";
	case JSONLIST_NO_MEMORY:
		return "out of memory";
	}
	return "unknown error";
}

/* Arrays */

static const char *behind_string(const char *at)
{
	for (at++; *at != '"'; at++)
		at += *at == '\\';
	return at + 1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *behind_nested(const char *at)
{
	unsigned depth = 0;

	do {
		if (*at == '"') {
			at = behind_string(at);
			continue;
		}
		depth += *at == '[' || *at == '{';
		depth -= *at == ']' || *at == '}';
		at++;
	} while (depth);
	return at;
}

static const char *behind_value(const char *at)
{
	if (*at == '"')
		return behind_string(at);
	if (*at == '[' || *at == '{')
		return behind_nested(at);
	while (*at != ',' && *at != ']' && !is_blank(*at))
		at++;
	return at;
}

bool jsonlist_next(const struct json_value *array, const char **at,
		   struct json_value *item)
{
	const char *from = *at ? *at : array->text + 1;

	while (*from == ',' || is_blank(*from))
		from++;
	if (*from == ']')
		return false;
	*at = behind_value(from);
	return json_parse(item, from, (size_t)(*at - from), NULL) == JSON_OK;
}

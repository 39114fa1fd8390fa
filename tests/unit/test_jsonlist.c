/* SPDX-License-Identifier: MIT */
/* What jsonlist promises: a name means one member, an array all its items. */
#include "jsonlist.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum jsonlist_result read(const char *text)
{
	struct jsonlist l;
	enum jsonlist_result result = jsonlist_read(&l, text, strlen(text));

	if (result == JSONLIST_OK)
		jsonlist_release(&l);
	return result;
}

static bool has(const char *text, const char *name, const char *value)
{
	struct jsonlist l;
	const struct json_value *v;
	bool same;

	if (jsonlist_read(&l, text, strlen(text)) != JSONLIST_OK)
		return false;
	v = jsonlist_get(&l, name);
	same = value ? v && v->len == strlen(value) &&
			       memcmp(v->text, value, v->len) == 0
		     : !v;
	jsonlist_release(&l);
	return same;
}

static bool items_are(const char *text, const char *want)
{
	struct json_value array, item;
	const char *at = NULL;
	char all[200] = "";

	if (json_parse(&array, text, strlen(text), NULL) != JSON_OK)
		return false;
	while (jsonlist_next(&array, &at, &item))
		snprintf(all + strlen(all), sizeof(all) - strlen(all),
			 "%u%.*s;", (unsigned)item.type, (int)item.len,
			 item.text);
	return strcmp(all, want) == 0;
}

static enum jsonlist_result read_many(size_t n)
{
	char text[4096] = "{";
	size_t at = 1;

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "%s\"%zu\":0", i ? "," : "", i);
	text[at] = '}';
	return read(text);
}

static void objects(void)
{
	ok(has("{\"a\":1,\"b\":[2]}", "b", "[2]"), "a member by its name");
	ok(has("{\"a\":1}", "b", NULL), "or none");
	ok(has("{}", "", NULL), "of an empty object too");
	ok(has("{\"\":1}", "", "1"), "an empty name is one");
	ok(has("{\"\\u0061\\n\":1}", "a\n", "1"), "names count unescaped");
	ok(has("{\"\":1}x", "", NULL) == false, "nothing follows it");
	ok(read("{\"a\":1,\"a\":1}") == JSONLIST_TWICE, "a name twice");
	ok(read("{\"a\":1,\"b\":2,\"\\u0061\":1}") == JSONLIST_TWICE,
	   "and in another spelling");
	ok(read("{\"a\":{\"b\":1,\"b\":2}}") == JSONLIST_OK,
	   "what is within a member is its own affair");
	ok(read("{\"ab\":1,\"a\":1,\"b\":1,\"\":1}") == JSONLIST_OK,
	   "names that are parts of others");
	ok(read("{\"\\ud800\":1}") == JSONLIST_NOT_OBJECT,
	   "half of a surrogate pair is no name");
	ok(read("[]") == JSONLIST_NOT_OBJECT, "an array");
	ok(read("") == JSONLIST_NOT_OBJECT, "nothing");
	ok(read("{\"a\":1") == JSONLIST_NOT_OBJECT, "an object that ends");
	ok(read("{\"a\":1,}") == JSONLIST_NOT_OBJECT, "bad JSON");
	ok(read_many(JSONLIST_MAX) == JSONLIST_OK, "100 members");
	ok(read_many(JSONLIST_MAX + 1) == JSONLIST_TOO_MANY, "one more");
	oom_after(1);
	ok(read("{}") == JSONLIST_NO_MEMORY, "no memory");
	oom_off();
}

static void arrays(void)
{
	ok(items_are("[]", "") && items_are(" [ ] ", ""), "no items");
	ok(items_are("[1]", "31;"), "one");
	ok(items_are("[ 1 ,\"a\",null,true,false ]",
		     "31;4\"a\";0null;2true;1false;"),
	   "of all types");
	ok(items_are("[[1,[2]],{\"a]\":[3]},\"\\\"]\"]",
		     "5[1,[2]];6{\"a]\":[3]};4\"\\\"]\";"),
	   "with others within them");
	ok(items_are("[1,\n\t2\r\n]", "31;32;"), "with blanks between");
}

int main(void)
{
	objects();
	arrays();
	return tap_end();
}

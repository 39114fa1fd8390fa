/* SPDX-License-Identifier: MIT */
/* What route promises: which bytes go, which stay, and what it says. */
#include "route.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* Reads a copy that ends where the text ends, so that a sanitizer sees all. */
static enum route_result read_with(const char *tenant, const char *key,
				   const char *text, struct route_found *found)
{
	struct route route;
	size_t len = strlen(text);
	char *copy = malloc(len + 1);
	enum route_result result;

	memcpy(copy, text, len);
	copy = realloc(copy, len ? len : 1);
	if (route_init(&route, tenant, key))
		abort();
	result = route_read(&route, copy, len, found);
	free(copy);
	return result;
}

/* Whether `text` goes to `tenant` and `want` is what is left of it. */
static bool splits(const char *field, const char *text, const char *tenant,
		   const char *want)
{
	struct route_found found;
	char copy[512];
	size_t len = strlen(text);
	char *left;

	memcpy(copy, text, len);
	if (read_with(field, NULL, text, &found) != ROUTE_OK)
		return false;
	left = route_remove(copy, &len, &found);
	return found.tenant_len == strlen(tenant) &&
	       !memcmp(found.tenant, tenant, found.tenant_len) &&
	       len == strlen(want) && !memcmp(left, want, len) &&
	       json_check(left, len, NULL) == JSON_OK;
}

static bool says(enum route_result want, const char *field, const char *text,
		 size_t offset)
{
	struct route_found found;

	return read_with(field, NULL, text, &found) == want &&
	       found.offset == offset;
}

static bool key_is(const char *text, const char *want)
{
	struct route_found found;

	return read_with(NULL, "meta.key", text, &found) == ROUTE_OK &&
	       found.key_len == strlen(want) && !found.cut_len &&
	       !memcmp(found.key, want, found.key_len);
}

static void cuts(void)
{
	ok(splits("t", "{\"t\":\"a\",\"x\":1}", "a", "{\"x\":1}"),
	   "the first member goes with the comma behind it");
	ok(splits("t", "{\"x\":1,\"t\":\"a\"}", "a", "{\"x\":1}"),
	   "the last member goes with the comma before it");
	ok(splits("t", "{\"x\":1, \"t\" : \"a\" , \"y\":1.10}", "a",
		  "{\"x\":1 , \"y\":1.10}"),
	   "one between goes with the comma before it, blanks behind it stay");
	ok(splits("t", " { \"t\":\"a\" , \"x\":1 } ", "a", " {  \"x\":1 } "),
	   "blanks around the first member stay");
	ok(splits("t", "{\"t\":\"a\"}", "a", "{}"), "an only member leaves {}");
	ok(splits("t", "{\"x\":[{\"t\":\"b\"}],\"t\":\"a\"}", "a",
		  "{\"x\":[{\"t\":\"b\"}]}"),
	   "the same name further down is another member");
	ok(splits("a.b.c", "{\"z\":0,\"a\":{\"b\":{\"c\":7,\"d\":8},\"e\":9}}",
		  "7", "{\"z\":0,\"a\":{\"b\":{\"d\":8},\"e\":9}}"),
	   "a path goes down, and its objects stay");
	ok(splits("a.b", "{\"a\":{\"b\":\"x\"}}", "x", "{\"a\":{}}"),
	   "an object that it empties stays too");
	ok(splits("t", "{\"\\u0074\":\"\\u0061\",\"x\":\"\\u0061\"}", "a",
		  "{\"x\":\"\\u0061\"}"),
	   "names and tenants compare after unescaping, the rest is kept");
	ok(splits("t", "{\"t\":12345678901234567890,\"x\":1e400}",
		  "12345678901234567890", "{\"x\":1e400}"),
	   "an integer counts as its digits, all of them");
	ok(splits("t", "{\"t\":-5}", "-5", "{}"), "a negative one too");
}

static void faults(void)
{
	struct route_found found;

	ok(read_with("t", NULL, "{\"t\":\"a\",\"x\":01}", &found) ==
			   ROUTE_NOT_JSON &&
		   found.json == JSON_BAD_NUMBER && found.offset >= 13,
	   "what is wrong behind the tenant is found");
	ok(says(ROUTE_NOT_JSON, "t", "{\"t\":\"a\"", 8), "short text");
	ok(says(ROUTE_NOT_JSON, "t", "", 0), "empty text");
	ok(says(ROUTE_NOT_OBJECT, "t", "[{\"t\":\"a\"}]", 0), "an array");
	ok(says(ROUTE_NOT_JSON, "t", "[1,", 3), "a broken array is not JSON");
	ok(says(ROUTE_MISSING, "t", "{\"x\":\"t\"}", 0), "no such member");
	ok(says(ROUTE_MISSING, "a.b", "{\"a\":5}", 0),
	   "no such member below what is not an object");
	ok(read_with("a.b", NULL, "{\"a\":{}}", &found) == ROUTE_MISSING &&
		   !strcmp(found.field, "a.b"),
	   "the fault names the path");
	ok(says(ROUTE_TWICE, "t", "{\"t\":\"a\",\"t\":\"a\"}", 9),
	   "the same member twice is refused, at the second");
	ok(says(ROUTE_TWICE, "a.b", "{\"a\":{\"b\":1},\"a\":{\"b\":1}}", 18),
	   "also when the object above is there twice");
	ok(says(ROUTE_WRONG_TYPE, "t", "{\"t\":null}", 5), "null");
	ok(says(ROUTE_WRONG_TYPE, "t", "{\"t\":1.5}", 5), "a fraction");
	ok(says(ROUTE_WRONG_TYPE, "t", "{\"t\":1e3}", 5), "an exponent");
	ok(says(ROUTE_WRONG_TYPE, "t", "{\"t\":{\"t\":1}}", 5), "an object");
	ok(says(ROUTE_BAD_TENANT, "t", "{\"x\":1,\"t\":\"a b\"}", 11),
	   "a bad tenant id, at its value");
	ok(says(ROUTE_BAD_TENANT, "t", "{\"t\":\"\"}", 5), "an empty one");
	ok(says(ROUTE_BAD_TENANT, "t", "{\"t\":\"..\"}", 5), "two dots");
	ok(says(ROUTE_BAD_TENANT, "t", "{\"t\":\"\\ud800\"}", 5),
	   "a lone surrogate");
}

static void long_tenants(void)
{
	char text[TENANT_MAX + 16] = "{\"t\":\"";
	struct route_found found;

	memset(text + 6, 'a', TENANT_MAX + 1);
	memcpy(text + 6 + TENANT_MAX, "\"}", 3);
	ok(read_with("t", NULL, text, &found) == ROUTE_OK &&
		   found.tenant_len == TENANT_MAX,
	   "a tenant of 128 bytes");
	memcpy(text + 6 + TENANT_MAX, "a\"}", 4);
	ok(read_with("t", NULL, text, &found) == ROUTE_BAD_TENANT,
	   "and not of 129");
}

static void keys(void)
{
	struct route_found found;

	ok(key_is("{\"meta\":{\"key\":\"k\\n1\"}}", "k\n1"), "a key is read");
	ok(key_is("{\"meta\":{\"key\":17}}", "17"), "an integer as well");
	ok(read_with(NULL, "k", "{\"k\":\"\"}", &found) == ROUTE_BAD_KEY,
	   "an empty key is refused");
	ok(read_with("t", "k", "{\"k\":\"x\",\"t\":\"a\"}", &found) ==
			   ROUTE_OK &&
		   found.key_len == 1 && found.tenant_len == 1 &&
		   found.cut == 8 && found.cut_len == 8,
	   "both at once; the key stays");
	ok(read_with("t", "t", "{\"t\":\"a\"}", &found) == ROUTE_OK &&
		   found.key_len == 1 && found.cut_len == 7,
	   "one member can be both");
	ok(read_with("t", "k", "{\"t\":\"a\"}", &found) == ROUTE_MISSING &&
		   !strcmp(found.field, "k"),
	   "a missing key is a fault");
}

static void paths(void)
{
	struct route route;

	ok(route_init(&route, "a..b", NULL), "an empty name is refused");
	ok(route_init(&route, ".a", NULL), "at the beginning");
	ok(route_init(&route, NULL, "a."), "at the end");
	ok(route_init(&route, "", NULL), "alone");
	ok(!route_init(&route, "1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.g", NULL),
	   "sixteen names");
	ok(route_init(&route, "1.2.3.4.5.6.7.8.9.a.b.c.d.e.f.g.h", NULL),
	   "and not seventeen");
	ok(!route_init(&route, NULL, NULL) && !route_wanted(&route),
	   "nothing is wanted");
}

int main(void)
{
	cuts();
	faults();
	long_tenants();
	keys();
	paths();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What channel promises: which part of which names is a tenant. */
#include "channel.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Looks at a copy that ends where the name ends, so that a sanitizer sees all.
 */
static enum channel_result look(const char *template, const char *name,
				size_t len, char *tenant)
{
	struct channel_template t;
	struct request_text found = {NULL, 0};
	enum channel_result result;
	char *copy = malloc(len ? len : 1);

	if (!copy || channel_init(&t, template))
		abort();
	memcpy(copy, name, len);
	result = channel_tenant(&t, copy, len, &found);
	if (found.len)
		memcpy(tenant, found.bytes, found.len);
	tenant[found.len] = '\0';
	free(copy);
	return result;
}

static bool names(const char *template, const char *name, const char *want)
{
	char tenant[TENANT_MAX + 1];

	return look(template, name, strlen(name), tenant) == CHANNEL_OK &&
	       strcmp(tenant, want) == 0;
}

static bool fails(enum channel_result want, const char *template,
		  const char *name)
{
	char tenant[TENANT_MAX + 1];

	return look(template, name, strlen(name), tenant) == want && !*tenant;
}

static bool refused(const char *template)
{
	struct channel_template t;

	errno = 0;
	return channel_init(&t, template) == -1 && errno == EINVAL;
}

static void matches(void)
{
	ok(names("jobs:{}", "jobs:tenant-1", "tenant-1"), "behind a prefix");
	ok(names("{}.jobs", "tenant-1.jobs", "tenant-1"), "before a suffix");
	ok(names("a:{}:z", "a:b:c:z", "b:c"),
	   "between both, with what else a tenant may have");
	ok(names("{}", "t", "t"), "all of the name");
	ok(names("a{}a", "aaa", "a"), "as long as both and one more");
	ok(names("{{}}", "{t}", "t"), "braces around the braces");
	ok(names("j[{}]*", "j[7]*", "7"), "no byte of a template is special");
	ok(fails(CHANNEL_OTHER, "jobs:{}", "job:tenant-1"), "another prefix");
	ok(fails(CHANNEL_OTHER, "{}:jobs", "t:job"), "another suffix");
	ok(fails(CHANNEL_OTHER, "jobs:{}", "jobs"), "too short a name");
	ok(fails(CHANNEL_OTHER, "ab{}ba", "aba"), "that would overlap");
	ok(fails(CHANNEL_OTHER, "jobs:{}", ""), "an empty name");
}

static void tenants(void)
{
	char name[TENANT_MAX + 2];
	char tenant[TENANT_MAX + 1];

	ok(fails(CHANNEL_BAD_TENANT, "jobs:{}", "jobs:"), "no tenant");
	ok(fails(CHANNEL_BAD_TENANT, "jobs:{}", "jobs:a b"), "a bad one");
	ok(fails(CHANNEL_BAD_TENANT, "jobs:{}", "jobs:.."), "two dots");
	memset(name, 'a', sizeof(name));
	ok(look("{}", name, TENANT_MAX, tenant) == CHANNEL_OK &&
		   strlen(tenant) == TENANT_MAX,
	   "a tenant of 128 bytes");
	ok(look("{}", name, TENANT_MAX + 1, tenant) == CHANNEL_BAD_TENANT,
	   "and not of 129");
	ok(look("j{}", "ja\0b", 4, tenant) == CHANNEL_BAD_TENANT,
	   "a name has all its bytes, zeros too");
}

static void templates(void)
{
	ok(refused("jobs"), "a template without braces");
	ok(refused("{}:{}"), "with two of them");
	ok(refused("{}{}"), "side by side");
	ok(refused("{id}"), "with something in them");
	ok(refused(""), "an empty one");
	ok(strcmp(channel_strerror(CHANNEL_OTHER),
		  "does not match the template") == 0,
	   "what is wrong can be said");
}

int main(void)
{
	matches();
	tenants();
	templates();
	return tap_end();
}

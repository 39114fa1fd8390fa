/* SPDX-License-Identifier: MIT */
/*
 * Lines: a tenant, and patterns. Whether they allow it is what a naive reading
 * of them says, and a copy says the same.
 */
#include "rights.h"
#include "tenant.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What a pattern is: an id, or what can be made one by more behind it. */
static bool naive_valid(const char *pattern, size_t len)
{
	char longer[TENANT_MAX + 3];

	if (len == 0 || len > TENANT_MAX + 1)
		return false;
	if (pattern[len - 1] != '*')
		return tenant_valid(pattern, len);
	memcpy(longer, pattern, len - 1);
	memset(longer + len - 1, 'x', 2);
	/* The longest prefix has no room behind it. */
	return tenant_valid(longer, len - 1) || tenant_valid(longer, len + 1);
}

static bool naive_match(const char *pattern, size_t len, const char *tenant,
			size_t tenant_len)
{
	size_t i = 0;

	for (; i < len && pattern[i] != '*'; i++)
		if (i == tenant_len || pattern[i] != tenant[i])
			return false;
	return i < len || i == tenant_len;
}

static bool allow(struct rights *r, const char *pattern, size_t len)
{
	enum rights_result result =
		rights_allow(r, RIGHTS_SUBSCRIBE, pattern, len);

	must((result == RIGHTS_BAD_PATTERN) == !naive_valid(pattern, len));
	return result == RIGHTS_OK;
}

static void check(const struct rights *r, const char *tenant, size_t len,
		  bool want)
{
	struct rights copy;

	if (!tenant_valid(tenant, len))
		return;
	must(rights_may(r, RIGHTS_SUBSCRIBE, tenant, len) == want);
	must(!rights_may(r, RIGHTS_PUBLISH, tenant, len));
	rights_init(&copy);
	if (rights_copy(&copy, r) == 0)
		must(rights_may(&copy, RIGHTS_SUBSCRIBE, tenant, len) == want);
	rights_release(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = text + size;
	const char *newline = size ? memchr(text, '\n', size) : NULL;
	size_t len = newline ? (size_t)(newline - text) : size;
	const char *tenant = text;
	struct rights r;
	bool want = false;

	rights_init(&r);
	while (newline) {
		const char *pattern = newline + 1;
		size_t n;

		newline = memchr(pattern, '\n', (size_t)(end - pattern));
		n = (size_t)((newline ? newline : end) - pattern);
		if (allow(&r, pattern, n))
			want |= naive_match(pattern, n, tenant, len);
	}
	check(&r, tenant, len, want);
	rights_release(&r);
	return 0;
}

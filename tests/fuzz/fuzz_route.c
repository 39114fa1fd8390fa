/* SPDX-License-Identifier: MIT */
/*
 * A path, a newline, a document. What is routed was valid JSON, its tenant is
 * valid, what is left of it is valid and as much shorter as was cut; what is
 * refused names a byte within the document. The same two as a template and the
 * name of a channel: template and tenant put together are the name.
 */
#include "channel.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_routed(char *text, size_t len,
			 const struct route_found *found)
{
	size_t left_len = len;
	char *left;

	check(json_check(text, len, NULL) == JSON_OK);
	check(tenant_valid(found->tenant, found->tenant_len));
	check(found->cut_len && found->cut + found->cut_len < len);
	left = route_remove(text, &left_len, found);
	check(left_len + found->cut_len == len);
	check(left >= text && left + left_len <= text + len);
	check(json_check(left, left_len, NULL) == JSON_OK);
}

static void run(const char *field, char *text, size_t len)
{
	struct route route;
	struct route_found found;
	enum route_result result;

	if (route_init(&route, field, field))
		return;
	result = route_read(&route, text, len, &found);
	check(found.offset <= len);
	check((result == ROUTE_NOT_JSON) ==
	      (json_check(text, len, NULL) != JSON_OK));
	if (result == ROUTE_OK)
		check_routed(text, len, &found);
}

static void check_channel(const char *text, const char *name, size_t len)
{
	struct channel_template t;
	struct request_text tenant;
	size_t behind;

	if (channel_init(&t, text) ||
	    channel_tenant(&t, name, len, &tenant) != CHANNEL_OK)
		return;
	behind = strlen(text) - 2 - t.before;
	check(tenant_valid(tenant.bytes, tenant.len));
	check(t.before + tenant.len + behind == len);
	check(tenant.bytes == name + t.before);
	check(!memcmp(name, text, t.before));
	check(!memcmp(tenant.bytes + tenant.len, text + t.before + 2, behind));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t path = newline ? (size_t)(newline - data) : 0;
	size_t len = newline ? size - path - 1 : 0;
	char *field;
	char *text;

	if (!newline)
		return 0;
	field = strndup((const char *)data, path);
	text = malloc(len ? len : 1);
	if (field && text) {
		memcpy(text, newline + 1, len);
		check_channel(field, text, len);
		run(field, text, len);
	}
	free(text);
	free(field);
	return 0;
}

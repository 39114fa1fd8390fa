/* SPDX-License-Identifier: MIT */
#include "channel.h"

#include "tenant.h"

#include <errno.h>
#include <string.h>

#define BRACES "{}"
#define BRACES_LEN 2

int channel_init(struct channel_template *t, const char *text)
{
	const char *braces = strstr(text, BRACES);

	if (!braces || strstr(braces + BRACES_LEN, BRACES)) {
		errno = EINVAL;
		return -1;
	}
	t->text = text;
	t->before = (size_t)(braces - text);
	t->behind = braces + BRACES_LEN;
	t->behind_len = strlen(t->behind);
	return 0;
}

enum channel_result channel_tenant(const struct channel_template *t,
				   const char *name, size_t len,
				   struct request_text *tenant)
{
	size_t id_len;

	if (len < t->before + t->behind_len)
		return CHANNEL_OTHER;
	id_len = len - t->before - t->behind_len;
	if (memcmp(name, t->text, t->before) != 0 ||
	    memcmp(name + t->before + id_len, t->behind, t->behind_len) != 0)
		return CHANNEL_OTHER;
	if (!tenant_valid(name + t->before, id_len))
		return CHANNEL_BAD_TENANT;
	tenant->bytes = name + t->before;
	tenant->len = id_len;
	return CHANNEL_OK;
}

const char *channel_strerror(enum channel_result result)
{
	switch (result) {
	case CHANNEL_OK:
		return "is fine";
	case CHANNEL_OTHER:
		return "does not match the template";
	case CHANNEL_BAD_TENANT:
		return "names no tenant id (1 to 128 of A-Z a-z 0-9 . _ : @ -)";
	}
	return "is wrong";
}

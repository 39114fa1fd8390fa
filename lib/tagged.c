/* SPDX-License-Identifier: MIT */
#include "tagged.h"

#include "json.h"

#include <string.h>

#define MEMBER "tenantId"

/* Whether the object can take the member; `*empty`: it has no other. */
static enum tagged_result look(const char *data, size_t len, bool *empty)
{
	struct json_scan scan;
	struct json_member member;
	enum json_result result = json_members(&scan, data, len);

	*empty = true;
	if (result != JSON_OK)
		return TAGGED_NOT_OBJECT;
	while ((result = json_next(&scan, &member)) == JSON_OK) {
		*empty = false;
		if (json_string_is(&member.name, MEMBER, strlen(MEMBER)))
			return TAGGED_TAKEN;
	}
	return result == JSON_END ? TAGGED_OK : TAGGED_NOT_OBJECT;
}

enum tagged_result tagged_put(struct buf *out, struct request_text tenant,
			      const char *data, size_t len)
{
	bool empty;
	enum tagged_result result = look(data, len, &empty);

	if (result != TAGGED_OK)
		return result;
	buf_puts(out, "{\"" MEMBER "\":\"");
	buf_append(out, tenant.bytes, tenant.len);
	buf_puts(out, empty ? "\"" : "\",");
	buf_append(out, data + 1, len - 1); /* without the brace */
	return TAGGED_OK;
}

const char *tagged_strerror(enum tagged_result result)
{
	switch (result) {
	case TAGGED_OK:
		return "no error";
	case TAGGED_NOT_OBJECT:
		return "not a JSON object: no line can name its tenant";
	case TAGGED_TAKEN:
		return "has a member '" MEMBER "' of its own, where a line "
		       "names the tenant";
	}
	return "unknown error";
}

/* SPDX-License-Identifier: MIT */
#include "redisreply.h"

#include <string.h>
#include <strings.h>

static bool has_text(const struct redisreply *reply, size_t len)
{
	return (reply->type == REDISREPLY_STATUS ||
		reply->type == REDISREPLY_BULK) &&
	       reply->len == len;
}

bool redisreply_is(const struct redisreply *reply, const char *text)
{
	size_t len = strlen(text);

	return has_text(reply, len) && memcmp(reply->text, text, len) == 0;
}

bool redisreply_is_nocase(const struct redisreply *reply, const char *text)
{
	size_t len = strlen(text);

	return has_text(reply, len) && strncasecmp(reply->text, text, len) == 0;
}

bool redisreply_is_error(const struct redisreply *reply, const char *code)
{
	size_t len;

	if (!reply || reply->type != REDISREPLY_ERROR)
		return false;
	if (!code)
		return true;
	len = strlen(code);
	return reply->len >= len && memcmp(reply->text, code, len) == 0 &&
	       (reply->len == len || reply->text[len] == ' ');
}

/* SPDX-License-Identifier: MIT */
#include "proto.h"

#include "num.h"

#include <ctype.h>
#include <string.h>

static const char *const code_names[PROTO_CODES] = {
	[PROTO_FINE] = "",
	[PROTO_BAD_JSON] = "BAD_JSON",
	[PROTO_BAD_REQUEST] = "BAD_REQUEST",
	[PROTO_UNKNOWN_TYPE] = "UNKNOWN_TYPE",
	[PROTO_BAD_TENANT] = "BAD_TENANT",
	[PROTO_AUTH_REQUIRED] = "AUTH_REQUIRED",
	[PROTO_AUTH_FAILED] = "AUTH_FAILED",
	[PROTO_TOKEN_EXPIRED] = "TOKEN_EXPIRED",
	[PROTO_FORBIDDEN] = "FORBIDDEN",
	[PROTO_TOO_LARGE] = "TOO_LARGE",
	[PROTO_TOO_MANY_SUBSCRIPTIONS] = "TOO_MANY_SUBSCRIPTIONS",
	[PROTO_RATE_LIMITED] = "RATE_LIMITED",
	[PROTO_OVER_CAPACITY] = "OVER_CAPACITY",
	[PROTO_DRAINING] = "DRAINING",
	[PROTO_INTERNAL] = "INTERNAL",
};

const char *proto_code_name(enum proto_code code)
{
	return code_names[code];
}

enum proto_code proto_code_from(const char *name, size_t len)
{
	for (unsigned i = PROTO_BAD_JSON; i < PROTO_CODES; i++)
		if (strlen(code_names[i]) == len &&
		    memcmp(code_names[i], name, len) == 0)
			return (enum proto_code)i;
	return PROTO_INTERNAL;
}

bool proto_code_denies(enum proto_code code)
{
	return code == PROTO_AUTH_REQUIRED || code == PROTO_AUTH_FAILED ||
	       code == PROTO_TOKEN_EXPIRED;
}

bool proto_code_forbids(enum proto_code code)
{
	return proto_code_denies(code) || code == PROTO_FORBIDDEN;
}

const char *proto_close_name(unsigned code)
{
	switch (code) {
	case PROTO_CLOSE_NORMAL:
		return "normal end";
	case PROTO_CLOSE_GOING_AWAY:
		return "going away";
	case PROTO_CLOSE_PROTOCOL:
		return "protocol error";
	case PROTO_CLOSE_UNACCEPTABLE:
		return "kind of message not accepted";
	case PROTO_CLOSE_ABNORMAL:
		return "connection lost";
	case PROTO_CLOSE_BAD_TEXT:
		return "text is not UTF-8";
	case PROTO_CLOSE_TOO_BIG:
		return "message too big";
	case PROTO_CLOSE_BAD_REQUEST:
		return "bad request";
	case PROTO_CLOSE_FORBIDDEN:
		return "forbidden";
	case PROTO_CLOSE_AUTH_REQUIRED:
		return "authentication required";
	case PROTO_CLOSE_AUTH_FAILED:
		return "authentication failed";
	case PROTO_CLOSE_OVER_CAPACITY:
		return "over capacity";
	case PROTO_CLOSE_RATE_LIMITED:
		return "rate limited";
	case PROTO_CLOSE_TOO_SLOW:
		return "too slow";
	case PROTO_CLOSE_DRAINING:
		return "server is draining";
	case PROTO_CLOSE_TOKEN_EXPIRED:
		return "token expired";
	}
	return "unknown reason";
}

/* "k3x9q2.0:41": an epoch and a seq. */
static int parse_point(struct proto_since *since, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t epoch = colon ? (size_t)(colon - text) : 0;

	if (epoch == 0 || epoch > PROTO_EPOCH_MAX)
		return -1;
	if (num_parse_u64(colon + 1, strlen(colon + 1), &since->number) < 0 ||
	    since->number > PROTO_NUMBER_MAX)
		return -1;
	memcpy(since->epoch, text, epoch);
	since->epoch[epoch] = '\0';
	since->kind = PROTO_SINCE_SEQ;
	return 0;
}

int proto_since_parse(struct proto_since *since, const char *text)
{
	size_t len = strlen(text);

	if (strcmp(text, "all") == 0) {
		since->kind = PROTO_SINCE_ALL;
		return 0;
	}
	if (strchr(text, ':'))
		return parse_point(since, text);
	if (len && isdigit((unsigned char)text[len - 1])) {
		since->kind = PROTO_SINCE_LAST;
		return num_parse_u64(text, len, &since->number) < 0 ||
				       since->number > PROTO_NUMBER_MAX
			       ? -1
			       : 0;
	}
	since->kind = PROTO_SINCE_AGE;
	return num_parse_duration(text, len, &since->number) < 0 ? -1 : 0;
}

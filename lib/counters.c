/* SPDX-License-Identifier: MIT */
#include "counters.h"

#define FIRST_BOUND_NS 16384

static const char *const drops[] = {
	[DROP_LEFT] = "left",
	[DROP_UNSUBSCRIBED] = "unsubscribed",
	[DROP_SLOW] = "slow",
	[DROP_CLOSED] = "closed",
};

static const char *const refusals[] = {
	[REFUSED_HOST] = "host",
	[REFUSED_ORIGIN] = "origin",
	[REFUSED_FORWARDED] = "forwarded",
	[REFUSED_TOKEN] = "token",
	[REFUSED_AUTH_FAILURES] = "auth_failures",
	[REFUSED_AUTH_TIME] = "auth_time",
	[REFUSED_FORBIDDEN] = "forbidden",
	[REFUSED_EXPIRED] = "expired",
	[REFUSED_CONNECTIONS] = "connections",
	[REFUSED_ADDRESS] = "address",
	[REFUSED_HANDSHAKES] = "handshakes",
	[REFUSED_HANDSHAKE_TIME] = "handshake_time",
	[REFUSED_TLS] = "tls",
	[REFUSED_MESSAGE_TIME] = "message_time",
	[REFUSED_MESSAGE_RATE] = "message_rate",
	[REFUSED_BYTE_RATE] = "byte_rate",
	[REFUSED_TENANT_RATE] = "tenant_rate",
	[REFUSED_TENANTS] = "tenants",
	[REFUSED_SUBSCRIPTIONS] = "subscriptions",
	[REFUSED_PRODUCERS] = "producers",
	[REFUSED_MEMORY] = "memory",
	[REFUSED_TOO_LARGE] = "too_large",
	[REFUSED_SLOW] = "slow",
	[REFUSED_DEAD] = "dead",
	[REFUSED_DRAINING] = "draining",
};

_Static_assert(sizeof(drops) / sizeof(*drops) == DROP_REASONS,
	       "a reason has no name");
_Static_assert(sizeof(refusals) / sizeof(*refusals) == REFUSED_REASONS,
	       "a reason has no name");

const char *counters_drop_name(enum counters_drop reason)
{
	return drops[reason];
}

const char *counters_refusal_name(enum counters_refusal reason)
{
	return refusals[reason];
}

uint64_t counters_time_bound(int class)
{
	return (uint64_t)FIRST_BOUND_NS << class;
}

void counters_time(struct counters *c, uint64_t ns)
{
	int class = 0;

	while (class < COUNTERS_TIMES && ns > counters_time_bound(class))
		class ++;
	c->times[class]++;
	c->times_ns += ns;
}

/* SPDX-License-Identifier: MIT */
/*
 * census - looks at every cursor of a hub: what is pending, and how far behind
 * readers are. Takes time in proportion to all subscriptions, so it is for
 * metrics, not for decisions.
 */
#ifndef CENSUS_H
#define CENSUS_H

#include "outlet.h"

struct census {
	uint64_t streams;	/* tenants that are watched */
	uint64_t subscriptions; /* of all connections */
	uint64_t pending;	/* deliveries that are due */
	uint64_t lag;		/* bytes that the furthest cursor is behind */
};

void census_take(const struct hub *h, struct census *c);

/* Bytes that one subscription is behind. */
uint64_t census_lag(const struct subscription *sub);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * fanout - writes what is new to whoever lacks it: rounds over the subscribers
 * of dirty streams, and the outlets that have something to say.
 *
 * Each subscriber of a dirty stream costs one write of everything between its
 * cursor and the end, whatever the number of updates. A call has a budget of
 * time (hub_config.flush_ns: once for streams, once for outlets); streams take
 * turns in it, so that a tenant with many subscribers does not keep the others
 * waiting, and a round that is not finished goes on in the next call. When to
 * call it is the loop's decision (see pacer.h).
 */
#ifndef FANOUT_H
#define FANOUT_H

#include "outlet.h"

/* Whether there is anything to write. */
static inline bool fanout_due(const struct hub *h)
{
	return !list_empty(&h->dirty) || !list_empty(&h->ready);
}

/*
 * Whether all was written that lay ready when it began. It stops early when
 * time is up, or when so many connections were ended for what they hold that
 * the loop has to free that first. Makes room where memory is above its limit.
 */
bool fanout_run(struct hub *h);

#endif

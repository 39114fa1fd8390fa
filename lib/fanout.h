/* SPDX-License-Identifier: MIT */
/*
 * fanout - writes what is new to whoever lacks it: one pass over the dirty
 * streams and the outlets that have something to say.
 *
 * Each subscriber of a dirty stream costs one write of everything between its
 * cursor and the end, whatever the number of updates. When to call it is the
 * loop's decision (see pacer.h).
 */
#ifndef FANOUT_H
#define FANOUT_H

#include "outlet.h"

/* Whether there is anything to write. */
static inline bool fanout_due(const struct hub *h)
{
	return !list_empty(&h->dirty) || !list_empty(&h->ready);
}

void fanout_run(struct hub *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * reclaim - makes room when memory has reached its limit: first the history of
 * tenants without subscribers, the one untouched for longest first; then
 * history that no cursor needs; then the subscribers that are furthest behind,
 * as too slow.
 *
 * It frees more than was asked for, so that it need not run for each update.
 * What still does not fit is refused by the caller.
 */
#ifndef RECLAIM_H
#define RECLAIM_H

#include "outlet.h"

/*
 * Makes room for `bytes` more; false when there is none. Not during a fan-out;
 * may end the outlet that it is called for.
 */
bool reclaim_room(struct hub *h, uint64_t bytes);

/* The same where memory is above the limit already, and nothing is refused. */
void reclaim_excess(struct hub *h);

/*
 * Makes room for one more subscription; false when those that there are, with
 * the tenants that they watch, take an eighth of the limit, or half of that
 * where the connection `has_many` already. Each of these tenants has a segment
 * at least that cannot be given up, and updates need the rest. May free tenants
 * without readers.
 */
bool reclaim_watch(struct hub *h, bool has_many);

#endif

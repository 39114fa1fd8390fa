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

#endif

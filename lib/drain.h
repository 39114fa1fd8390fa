/* SPDX-License-Identifier: MIT */
/*
 * drain - the orderly end of a server: every peer is told, gets what is
 * buffered and is closed, spread over time so that they don't all come back at
 * once; then the loop stops.
 *
 * Publishes are refused from the beginning on; requests that are under way are
 * answered. What is not done in time is counted in the log and left.
 */
#ifndef DRAIN_H
#define DRAIN_H

#include "follower.h"

struct drain {
	struct followers *followers; /* borrowed */
	struct peers *peers;	     /* theirs */
	struct log *log;	     /* borrowed */
	uv_timer_t tick;
	size_t peers_then; /* when it began */
	size_t share;	   /* peers that one tick sends home */
	uint64_t ms;	   /* it may take so long */
	int64_t end_ms;	   /* monotonic; 0: not draining */
};

void drain_init(struct drain *d, struct followers *followers, struct log *log);

/* The listeners are closed already. Stops the loop when all is done. */
void drain_begin(struct drain *d, uint64_t ms);

/* Closes its timer; the loop must run once more. */
void drain_close(struct drain *d);

#endif

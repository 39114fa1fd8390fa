/* SPDX-License-Identifier: MIT */
/*
 * follower - who follows a tenant by HTTP: an exchange that streams below, a
 * follow above.
 *
 * Updates go from the segments to the socket by one call, as to a WebSocket.
 * When nothing was sent for a while it is sent something to ignore, as proxies
 * cut what is quiet. It never says anything: so it lives while nothing waits
 * for it, or it takes some of that.
 */
#ifndef FOLLOWER_H
#define FOLLOWER_H

#include "exchange.h"
#include "follow.h"
#include "peer.h"
#include "roster.h"
#include "uptake.h"

/* All of a server. */
struct followers {
	struct peers *peers; /* borrowed; they share hub, log and numbers */
	struct roster all;   /* by their numbers */
	struct list dead;    /* those to be ended */
	size_t counts[STREAM_VIEWS];
};

struct follower {
	struct follow follow;
	struct followers *all;
	struct exchange *exchange; /* the connection below */
	struct list dead;	   /* node, in all->dead */
	int64_t since_ms;	   /* when it began; monotonic */

	/* Times of the wheel, in ms; 0: there is no such time. */
	int64_t sent_ms;      /* when something was sent last */
	int64_t took_ms;      /* when it showed that it lives last */
	int64_t end_ms;	      /* when it is cut, whatever waits */
	struct uptake uptake; /* as of when it was last looked at */
	bool relieved;	      /* there was room again since then */
};

void followers_init(struct followers *all, struct peers *peers);

/* None is left. */
void followers_release(struct followers *all);

/* The first one whose number is above `number`, or NULL. */
static inline struct follower *followers_above(const struct followers *all,
					       uint64_t number)
{
	return roster_above(&all->all, number);
}

/*
 * Begins to answer a request with this head; takes `grant`, which may be NULL.
 * 0, or -1 and `refusal` is the answer.
 */
int follower_new(struct followers *all, struct exchange *e,
		 const struct httpreq *r, const struct buf *head,
		 struct grant *grant, struct reply *refusal);

/* Ends those that are dead; in each turn of the loop, not in a fan-out. */
void followers_reap(struct followers *all);

/* The wall clock went on by more than was counted: tokens may have ended. */
void followers_watch(struct followers *all);

/* Tokens were read anew: who has one that was taken back is ended. */
void followers_revise(struct followers *all);

/* The ops of its exchange. */
void follower_writable(struct exchange *e);
void follower_due(struct exchange *e);
void follower_left(struct exchange *e);

#endif

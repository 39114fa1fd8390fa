/* SPDX-License-Identifier: MIT */
/*
 * loadtally - who got what: counts, for each subscriber and flow, updates that
 * arrived, are missing, came late or twice.
 *
 * A flow is the updates that one publisher sends to one tenant, numbered from
 * 0. Flow f belongs to tenant f % tenants, and so does subscriber s to tenant
 * s % tenants; a subscriber expects every update of the flows of its tenant,
 * in their order. It also knows the slowest subscriber of a flow, which is
 * what a closed loop waits for. No I/O, no clock.
 */
#ifndef LOADTALLY_H
#define LOADTALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loadtally_flow {
	uint32_t published;
	uint32_t low;	  /* every subscriber has all below this one, or more */
	uint32_t mark;	  /* what laggards have yet to pass */
	uint32_t lagging; /* subscribers that have not; 0: not waiting */
	uint32_t tenant;
	uint32_t column; /* which pair of its subscribers it is */
};

/* One subscriber's view of one flow. */
struct loadtally_pair {
	uint32_t next;	  /* highest seq that came, plus 1 */
	uint32_t missing; /* of those below next */
	uint64_t seen;	  /* bit i: next - 1 - i came; duplicate or late? */
};

struct loadtally {
	uint32_t flows;
	uint32_t tenants;
	uint32_t subscribers;
	uint32_t columns;	     /* pairs of one subscriber */
	struct loadtally_flow *flow; /* owned; `flows` of them */
	struct loadtally_pair *pair; /* owned; a row for each subscriber */
	bool *gone;		     /* owned; who is not waited for */
	uint64_t received;	     /* without the duplicates */
	uint64_t reordered;	     /* came after a later one */
	uint64_t duplicated;
};

/* 0, or -1 with errno. None of the numbers is 0 but `subscribers`. */
int loadtally_init(struct loadtally *t, uint32_t flows, uint32_t tenants,
		   uint32_t subscribers);
void loadtally_release(struct loadtally *t);

/* Numbers the next update of a flow. */
static inline uint32_t loadtally_publish(struct loadtally *t, uint32_t flow)
{
	return t->flow[flow].published++;
}

/* Whether subscribers of this tenant get updates of this flow (any number). */
static inline bool loadtally_expects(const struct loadtally *t, uint32_t tenant,
				     uint32_t flow)
{
	return flow < t->flows && t->flow[flow].tenant == tenant;
}

/* An update that is not the next one of its flow arrived. */
void loadtally_receive_other(struct loadtally *t, uint32_t subscriber,
			     uint32_t flow, uint32_t seq);

/* An update arrived that its subscriber expects. */
static inline void loadtally_receive(struct loadtally *t, uint32_t subscriber,
				     uint32_t flow, uint32_t seq)
{
	struct loadtally_flow *f = &t->flow[flow];
	struct loadtally_pair *p =
		&t->pair[(size_t)subscriber * t->columns + f->column];

	if (seq != p->next) {
		loadtally_receive_other(t, subscriber, flow, seq);
		return;
	}
	p->next++;
	p->seen = p->seen << 1 | 1;
	t->received++;
	if (seq == f->mark && f->lagging)
		f->lagging--;
}

/*
 * How many updates may be published so that no present subscriber has more
 * than `window` (not 0) ahead of it. When there are none, the flow waits until
 * half of the window is free, so that each wake is worth a batch.
 */
uint32_t loadtally_room(struct loadtally *t, uint32_t flow, uint32_t window);

/* A subscriber is gone: nobody waits for it; what it missed stays lost. */
void loadtally_leave(struct loadtally *t, uint32_t subscriber);

/* Deliveries that the updates published so far are due, were any lost or not.
 */
uint64_t loadtally_due(const struct loadtally *t);

/* What was published and did not arrive, summed over the subscribers. */
uint64_t loadtally_lost(const struct loadtally *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * resume - where a subscriber stands in the stream of one tenant: what to ask
 * for when it subscribes, again or for the first time, and what each message
 * means to it.
 *
 * The rule (protocol, "Resume"): from `next` - 1 of SUBSCRIBED until the first
 * update, then from the last seq that came. A loss moves the point only when
 * it has been told, so that a connection that breaks between SUBSCRIBED and
 * its GAP hides nothing. Pure: no I/O, no allocation.
 */
#ifndef RESUME_H
#define RESUME_H

#include "answer.h"
#include "proto.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Of all tenants ("*") nothing is retained: it always begins with what comes,
 * and what came between two connections is missing. Its updates have numbers
 * of their tenants, so it is counted what came.
 */
struct resume {
	bool live;			 /* it is of all tenants */
	struct proto_since initial;	 /* until the server named a point */
	char epoch[PROTO_EPOCH_MAX + 1]; /* "": none yet */
	uint64_t seq;			 /* the last one that came */

	/* Where the server begins; taken over when it tells a restart. */
	char next_epoch[PROTO_EPOCH_MAX + 1];
	uint64_t next_seq;
};

enum resume_step {
	RESUME_NEXT, /* the update that was due */
	RESUME_OLD,  /* it came before: leave it */
	RESUME_JUMP, /* it is new, but what was before it is missing */
};

/* `initial` is what the very first subscription asks for. */
void resume_init(struct resume *r, const struct proto_since *initial);

/* The same for a subscription to all tenants. */
void resume_init_live(struct resume *r);

/* What a SUBSCRIBE asks for now. */
void resume_since(const struct resume *r, struct proto_since *since);

/*
 * SUBSCRIBED came. RESUME_NEXT; of all tenants RESUME_JUMP where something is
 * missing that no GAP will tell: from `*from` to the one before `next`, or 0
 * when nobody knows.
 */
enum resume_step resume_subscribed(struct resume *r,
				   const struct answer *subscribed,
				   uint64_t *from);

/*
 * An UPDATE came, or a GAP that has a seq of its own. At RESUME_JUMP `*from`
 * is the first of the missing ones, and the last is the one before `seq`; 0
 * when it is another epoch and nobody knows.
 */
enum resume_step resume_update(struct resume *r, const struct answer *update,
			       uint64_t *from);

/* A GAP without a seq of its own came: what it names is not waited for. */
void resume_gap(struct resume *r, const struct answer *gap);

#endif

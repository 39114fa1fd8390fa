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

struct resume {
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

/* What a SUBSCRIBE asks for now. */
void resume_since(const struct resume *r, struct proto_since *since);

/* SUBSCRIBED came. */
void resume_subscribed(struct resume *r, const struct answer *subscribed);

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

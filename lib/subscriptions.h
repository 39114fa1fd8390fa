/* SPDX-License-Identifier: MIT */
/*
 * subscriptions - the tenants of a subscriber, and where it stands in each:
 * what it has seen, and what of that is known to be on stdout.
 *
 * Output is a queue, so a point becomes `written` when the queue has passed
 * the byte at which the point was marked. One mark is enough: while it waits,
 * the points before it are the ones to save.
 */
#ifndef SUBSCRIPTIONS_H
#define SUBSCRIPTIONS_H

#include "buf.h"
#include "resume.h"
#include "state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subscription_point {
	char epoch[PROTO_EPOCH_MAX + 1]; /* "": none yet */
	uint64_t seq;
};

struct subscription {
	const char *tenant;		   /* borrowed */
	struct resume seen;		   /* put out, or told as lost */
	struct subscription_point marked;  /* where it was at the mark */
	struct subscription_point written; /* that far is on stdout */
	bool confirmed;			   /* in this connection */
};

struct subscriptions {
	struct subscription *items; /* owned; sorted by tenant, no repeats */
	size_t count;
	size_t latest; /* the one found last: probably the next too */
	bool mark_set;
	uint64_t mark; /* bytes of output up to `marked` */
};

/*
 * Sorts `tenants` (borrowed) and makes one of each, or one of TENANT_ALL, which
 * must be the only one. They begin with what
 * `state` (may be NULL) has for `url`, else with `since`. 0, or -1: no memory.
 */
int subscriptions_init(struct subscriptions *s, const char **tenants,
		       size_t count, const struct proto_since *since,
		       const struct state *state, const char *url);
void subscriptions_release(struct subscriptions *s);

/* The one that what concerns this tenant comes by, or NULL. */
struct subscription *subscriptions_find(struct subscriptions *s,
					const char *tenant);

/*
 * Appends requests for those from `*asked` on, which is counted up, until
 * `frame` has `most` bytes or more. The id of each is its place, from 1; in
 * plain there is none.
 */
void subscriptions_ask(const struct subscriptions *s, size_t *asked,
		       struct buf *frame, size_t most, bool plain);

/*
 * Takes note of what is on stdout: `appended` bytes were put out in all,
 * `written` of them are there.
 */
void subscriptions_note(struct subscriptions *s, uint64_t appended,
			uint64_t written);

/* Puts the written points into the state. 0, or -1: no memory. */
int subscriptions_save(const struct subscriptions *s, struct state *state,
		       const char *url);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * claimer - takes over what other consumers of a group were given and did not
 * deal with for a long time, since they are dead (XPENDING and XCLAIM).
 *
 * Not XAUTOCLAIM, which only Redis 6.2 and later have: it would claim the
 * entries of this very consumer too, which are old for want of a wsd and are
 * on their way still.
 *
 * A round goes through all streams and all other consumers of each. One command
 * is under way at a time.
 */
#ifndef CLAIMER_H
#define CLAIMER_H

#include "buf.h"
#include "entryid.h"
#include "redis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries that are claimed at a time. */
#define CLAIMER_BATCH 100

struct claimer_config {
	const char *const *streams; /* names */
	size_t count;
	const char *group;
	const char *consumer; /* who claims */
	uint64_t idle_ms;     /* for so long nobody has dealt with it */
};

struct claimer_events {
	/* Whether CLAIMER_BATCH more entries are welcome. */
	bool (*room)(void *user);
	/*
	 * Entries, as XCLAIM replies: an array, borrowed, which may have NIL in
	 * place of one that is gone. `from` is who had them.
	 */
	void (*claimed)(void *user, size_t stream,
			const struct redisreply *entries, const char *from);
};

struct claimer {
	const struct claimer_config *config; /* borrowed */
	const struct claimer_events *events; /* borrowed */
	void *user;
	struct redis *redis; /* borrowed, during a round */
	bool busy;	     /* a round goes on */
	size_t stream;	     /* its index */
	struct buf others;   /* names, each with a NUL; the front one's turn */
	size_t listed;	     /* entries that it had, at most CLAIMER_BATCH */
	char idle[24];	     /* idle_ms as text */
	char texts[CLAIMER_BATCH][ENTRYID_TEXT_MAX];
};

void claimer_init(struct claimer *c, const struct claimer_config *config,
		  const struct claimer_events *events, void *user);
void claimer_release(struct claimer *c);

/* Begins a round, unless one goes on, on a connection that is ready. */
void claimer_begin(struct claimer *c, struct redis *redis);

#endif

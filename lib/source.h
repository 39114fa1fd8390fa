/* SPDX-License-Identifier: MIT */
/*
 * source - where the messages of a bridge come from: subscriptions (pubsub.h),
 * which keep nothing, or consumer groups of streams (streams.h), which keep
 * each message until it is settled.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "exits.h"
#include "origin.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct source_events {
	/* `origin` has no tenant yet; it is borrowed. */
	void (*message)(void *user, const struct origin *origin);
	/*
	 * What is published from now on comes, for the first time or again.
	 * `missed`: of what came up to now, some may be missing.
	 */
	void (*ready)(void *user, bool missed);
	/*
	 * The connection to Redis is lost. `missed`: so is what is published
	 * until the next ready().
	 */
	void (*broken)(void *user, bool missed);
	/* So many messages are gone that were to come. */
	void (*lost)(void *user, uint64_t count);
	/* source_idle() may be true now. */
	void (*changed)(void *user);
	/* It does not go on, as was told. */
	void (*failed)(void *user, enum exits status);
};

struct source_ops {
	/* Begins to connect. EXIT_DONE, or another status after a message. */
	enum exits (*start)(void *self, uv_loop_t *uv);
	/* How many messages it may give from now on; 0: none. */
	void (*allow)(void *self, size_t messages);
	/*
	 * A message was dealt with, published or refused for good; Redis need
	 * not keep it. NULL: it keeps none.
	 */
	void (*settle)(void *self, const struct origin *origin);
	/* Whether all that was settled is known to Redis. */
	bool (*idle)(const void *self);
	/* No message comes after this; settling goes on. From anywhere. */
	void (*stop)(void *self);
	/* Ends and frees it. Not within an event. Harmless a second time. */
	void (*release)(void *self);
};

struct source {
	const struct source_ops *ops;
	void *self;
};

/* Whether what is not settled comes again in a later run. */
static inline bool source_keeps(const struct source *s)
{
	return s->ops->settle;
}

#endif

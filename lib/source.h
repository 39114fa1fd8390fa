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
	/* One that can't be a message. */
	void (*unfit)(void *user, const struct origin *origin, const char *why);
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
	/* idle() may be true now. */
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
	 * A message that it gave is not under way any more: dealt with,
	 * published or refused for good, so that Redis need not keep it; or
	 * not, so that it is to come again. NULL: Redis keeps none.
	 */
	void (*settle)(void *self, const struct origin *origin, bool done);
	/* The loop is about to wait: tells Redis what was settled. Or NULL. */
	void (*flush)(void *self);
	/* Whether all that was settled is known to Redis. */
	bool (*idle)(const void *self);
	/* The same, whatever is not settled, or it refuses to know; or NULL. */
	bool (*told)(const void *self);
	/* No message comes after this; settling goes on. From anywhere. */
	void (*stop)(void *self);
	/* Ends and frees it. Not within an event. Harmless a second time. */
	void (*release)(void *self);
};

struct source {
	const struct source_ops *ops;
	void *self;
};

#endif

/* SPDX-License-Identifier: MIT */
/*
 * pubsub - subscriptions to channels and patterns of a Redis that are kept:
 * after each break it subscribes to all of them again.
 *
 * Redis keeps nothing for who is not there. So after a break, and until all
 * subscriptions are confirmed again, nobody knows what was missed; its owner
 * is told when that begins, and when it is over.
 */
#ifndef PUBSUB_H
#define PUBSUB_H

#include "diag.h"
#include "redis.h"

#include <stdbool.h>
#include <stddef.h>

struct pubsub_config {
	const char *url;
	const char *name; /* for CLIENT SETNAME */
	const char *const *channels;
	size_t channels_count;
	const char *const *patterns;
	size_t patterns_count;
	const struct diag *diag; /* borrowed */
};

struct pubsub_events {
	void (*message)(void *user, const struct redispush *push);
	/*
	 * All subscriptions are confirmed. `early`: a message had come before
	 * that, and behind it others may have been missed.
	 */
	void (*subscribed)(void *user, bool early);
	/* From now on messages are missed. */
	void (*broken)(void *user);
	/* It does not go on, as was told. */
	void (*failed)(void *user, enum exits status);
};

struct pubsub {
	const struct pubsub_config *config; /* borrowed */
	const struct pubsub_events *events; /* borrowed */
	void *user;
	struct redis *redis; /* owned; NULL before pubsub_start() */
	size_t confirmed;    /* subscriptions of this connection */
	bool early;	     /* a message came before all were */
	bool closed;
};

void pubsub_init(struct pubsub *p, const struct pubsub_config *config,
		 const struct pubsub_events *events, void *user);

/* Begins to connect. EXIT_DONE, or another status after a message. */
enum exits pubsub_start(struct pubsub *p, uv_loop_t *uv);

/* Stops and goes on reading, see redis_pause(). */
void pubsub_pause(struct pubsub *p, bool paused);

/* Ends it: no event comes after this. Call it from anywhere. */
void pubsub_close(struct pubsub *p);

/* Frees it. Not within an event. Harmless a second time. */
void pubsub_release(struct pubsub *p);

#endif

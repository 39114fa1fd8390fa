/* SPDX-License-Identifier: MIT */
/*
 * pubsub - a source (see source.h): subscriptions to channels and patterns of a
 * Redis that are kept. After each break it subscribes to all of them again.
 *
 * Redis keeps nothing for who is not there. So after a break, and until all
 * subscriptions are confirmed again, nobody knows what was missed; its owner
 * is told when that begins, and when it is over.
 */
#ifndef PUBSUB_H
#define PUBSUB_H

#include "diag.h"
#include "redis.h"
#include "source.h"

#include <stdbool.h>
#include <stddef.h>

struct pubsub_config {
	const char *url;
	const char *user;     /* in place of that in the URL; or NULL */
	const char *password; /* the same */
	const char *name;     /* for CLIENT SETNAME */
	const char *const *channels;
	size_t channels_count;
	const char *const *patterns;
	size_t patterns_count;
	const struct diag *diag; /* borrowed */
};

struct pubsub {
	const struct pubsub_config *config; /* borrowed */
	const struct source_events *events; /* borrowed */
	void *user;
	struct redis *redis; /* owned; NULL before it starts */
	size_t confirmed;    /* subscriptions of this connection */
	bool early;	     /* a message came before all were */
	bool was_ready;	     /* all were, once */
	bool closed;
};

extern const struct source_ops pubsub_ops;

/* All is borrowed. */
void pubsub_init(struct pubsub *p, const struct pubsub_config *config,
		 const struct source_events *events, void *user);

#endif

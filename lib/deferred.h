/* SPDX-License-Identifier: MIT */
/*
 * deferred - messages that a wsd refused for now (a rate, no memory), to be
 * tried again. Those of one tenant stay in the order in which they came,
 * whatever was refused first; tenants do not wait for each other.
 *
 * A message stays here while it is tried again (it flies), until it is removed.
 * Pure: when to try is the owner's to say.
 */
#ifndef DEFERRED_H
#define DEFERRED_H

#include "hash.h"
#include "list.h"
#include "map.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deferred {
	struct hash_key hash_key;
	struct map map;	     /* of the tenants that have messages here */
	struct list tenants; /* the same */
	size_t count;	     /* of messages */
	size_t flying;	     /* of them */
	size_t bytes;	     /* of those that do not */
};

struct deferred_tenant;

struct deferred_message {
	struct list list; /* of its tenant, in the order of `serial` */
	struct deferred_tenant *tenant;
	uint64_t serial;
	bool flying;
	struct request_text key; /* bytes NULL: none */
	struct request_text data;
	struct request_text origin;
	char bytes[]; /* what these three point to */
};

/* What a message is made of; borrowed. */
struct deferred_parts {
	struct request_text tenant;
	struct request_text key;
	struct request_text data;
	struct request_text origin; /* the owner's */
};

/* 0, or -1 with errno; deferred_release() is harmless then. */
int deferred_init(struct deferred *d);
void deferred_release(struct deferred *d);

/* Whether messages of this tenant are here: others go behind them. */
bool deferred_has(const struct deferred *d, struct request_text tenant);

/*
 * Adds a message; `serial` says where it belongs among those of its tenant,
 * mostly at the end. 0, or -1 with errno ENOMEM.
 */
int deferred_add(struct deferred *d, uint64_t serial,
		 const struct deferred_parts *parts);

/*
 * Calls `fly` for the first `burst` messages of each tenant, but for those that
 * fly already, in order; they fly then, unless it returns false, which ends it.
 */
void deferred_try(struct deferred *d, size_t burst,
		  bool (*fly)(void *user, const struct deferred_message *m),
		  void *user);

/* The tenant of a message. */
struct request_text deferred_tenant_of(const struct deferred_message *m);

/* It was refused once more. */
void deferred_land(struct deferred *d, struct deferred_message *m);

/* It is done with. */
void deferred_remove(struct deferred *d, struct deferred_message *m);

#endif

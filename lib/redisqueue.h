/* SPDX-License-Identifier: MIT */
/*
 * redisqueue - what was asked of a Redis and is not answered: whose is the
 * reply that comes?
 *
 * Redis answers commands in order, so the first in the queue gets it. But a
 * connection that has a subscription also gets what nobody asked for: messages,
 * and the end of a subscription. In RESP2 those are arrays like any other, and
 * only who has counted the subscriptions can tell; that is done here. A reply
 * that can be neither is UNASKED: the two sides are out of step, and the
 * connection must end.
 *
 * Pure: no I/O, no time.
 */
#ifndef REDISQUEUE_H
#define REDISQUEUE_H

#include "redisreply.h"

/*
 * Called once for each command: with its reply, or with NULL when the
 * connection was lost before. Then nobody knows whether Redis has done it.
 */
typedef void redisqueue_done(void *user, const struct redisreply *reply);

enum redisqueue_kind {
	REDISQUEUE_COMMAND,
	REDISQUEUE_PING, /* answered in another form while subscribed */
	REDISQUEUE_SUBSCRIBE,
	REDISQUEUE_PSUBSCRIBE,
	REDISQUEUE_UNSUBSCRIBE,
	REDISQUEUE_PUNSUBSCRIBE,
};

struct redisqueue_entry {
	enum redisqueue_kind kind;
	redisqueue_done *done; /* or NULL */
	void *user;
	uint64_t wait_ms; /* Redis may wait so long before it answers */
};

struct redisqueue {
	struct redisqueue_entry *ring; /* owned */
	size_t cap;		       /* entries at ring; a power of 2, or 0 */
	size_t first;		       /* index of the oldest */
	size_t count;
	size_t max;		/* entries at most */
	uint64_t subscriptions; /* of the connection, as Redis counts them */
};

enum redispush_kind {
	REDISPUSH_MESSAGE,
	/* A subscription ended and nobody had asked for it. */
	REDISPUSH_UNSUBSCRIBED,
};

struct redispush {
	enum redispush_kind kind;
	const struct redisreply *pattern; /* that it matched; NULL: none */
	const struct redisreply *channel; /* NULL: only a pattern ended */
	const struct redisreply *payload; /* of a message; else NULL */
};

enum redisqueue_route {
	REDISQUEUE_ANSWER,
	REDISQUEUE_PUSH,
	REDISQUEUE_UNASKED,
};

void redisqueue_init(struct redisqueue *q, size_t max);
void redisqueue_release(struct redisqueue *q);

/*
 * Appends an entry for a command that has one reply. An entry of UNSUBSCRIBE
 * or another of its kind stands for one channel, as Redis confirms each. 0, or
 * -1 with errno: ENOBUFS (there are `max`) or ENOMEM.
 */
int redisqueue_add(struct redisqueue *q, const struct redisqueue_entry *entry);

/* The oldest, or NULL. */
const struct redisqueue_entry *redisqueue_head(const struct redisqueue *q);

/* Takes the oldest out. False when there is none. */
bool redisqueue_take(struct redisqueue *q, struct redisqueue_entry *entry);

/* For a new connection: it has no subscription. The queue must be empty. */
void redisqueue_restart(struct redisqueue *q);

/*
 * Whose `reply` is. ANSWER: `*entry` was taken out, and is its. PUSH: `*push`
 * says what came, by pointers into the reply.
 */
enum redisqueue_route redisqueue_route(struct redisqueue *q,
				       const struct redisreply *reply,
				       struct redisqueue_entry *entry,
				       struct redispush *push);

#endif

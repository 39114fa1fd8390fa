/* SPDX-License-Identifier: MIT */
#include "redisqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 16

void redisqueue_init(struct redisqueue *q, size_t max)
{
	memset(q, 0, sizeof(*q));
	q->max = max;
}

void redisqueue_release(struct redisqueue *q)
{
	free(q->ring);
	redisqueue_init(q, q->max);
}

/* The ring */

static struct redisqueue_entry *slot(const struct redisqueue *q, size_t i)
{
	return &q->ring[(q->first + i) & (q->cap - 1)];
}

static int grow(struct redisqueue *q)
{
	size_t cap = q->cap ? 2 * q->cap : FIRST_CAP;
	struct redisqueue_entry *ring = calloc(cap, sizeof(*ring));

	if (!ring)
		return -1;
	for (size_t i = 0; i < q->count; i++)
		ring[i] = *slot(q, i);
	free(q->ring);
	q->ring = ring;
	q->cap = cap;
	q->first = 0;
	return 0;
}

int redisqueue_add(struct redisqueue *q, const struct redisqueue_entry *entry)
{
	if (q->count >= q->max) {
		errno = ENOBUFS;
		return -1;
	}
	if (q->count == q->cap && grow(q) < 0)
		return -1;
	*slot(q, q->count++) = *entry;
	return 0;
}

const struct redisqueue_entry *redisqueue_head(const struct redisqueue *q)
{
	return q->count ? slot(q, 0) : NULL;
}

bool redisqueue_take(struct redisqueue *q, struct redisqueue_entry *entry)
{
	if (!q->count)
		return false;
	*entry = *slot(q, 0);
	q->first = (q->first + 1) & (q->cap - 1);
	q->count--;
	return true;
}

void redisqueue_restart(struct redisqueue *q)
{
	q->first = q->count = 0;
	q->subscriptions = 0;
}

/* What comes to a connection with subscriptions */

/* "message", channel, payload */
static bool is_message(const struct redisreply *r)
{
	return r->count == 3 && redisreply_is(&r->items[0], "message") &&
	       r->items[1].type == REDISREPLY_BULK &&
	       r->items[2].type == REDISREPLY_BULK;
}

/* "pmessage", pattern, channel, payload */
static bool is_pmessage(const struct redisreply *r)
{
	return r->count == 4 && redisreply_is(&r->items[0], "pmessage") &&
	       r->items[1].type == REDISREPLY_BULK &&
	       r->items[2].type == REDISREPLY_BULK &&
	       r->items[3].type == REDISREPLY_BULK;
}

/* "pong", payload */
static bool is_pong(const struct redisreply *r)
{
	return r->count == 2 && redisreply_is(&r->items[0], "pong");
}

/*
 * "subscribe", channel, number of subscriptions; and its kin. What none is gets
 * REDISQUEUE_COMMAND.
 */
static enum redisqueue_kind confirmed_kind(const struct redisreply *r)
{
	static const char *const names[] = {
		[REDISQUEUE_SUBSCRIBE] = "subscribe",
		[REDISQUEUE_PSUBSCRIBE] = "psubscribe",
		[REDISQUEUE_UNSUBSCRIBE] = "unsubscribe",
		[REDISQUEUE_PUNSUBSCRIBE] = "punsubscribe",
	};

	if (r->type != REDISREPLY_ARRAY || r->count != 3 ||
	    r->items[2].type != REDISREPLY_INTEGER || r->items[2].integer < 0)
		return REDISQUEUE_COMMAND;
	for (int kind = REDISQUEUE_SUBSCRIBE; kind <= REDISQUEUE_PUNSUBSCRIBE;
	     kind++)
		if (redisreply_is(&r->items[0], names[kind]))
			return (enum redisqueue_kind)kind;
	return REDISQUEUE_COMMAND;
}

static enum redisqueue_route answer(struct redisqueue *q,
				    struct redisqueue_entry *entry)
{
	return redisqueue_take(q, entry) ? REDISQUEUE_ANSWER
					 : REDISQUEUE_UNASKED;
}

static enum redisqueue_route message(const struct redisreply *r,
				     struct redispush *push)
{
	*push = (struct redispush){
		.kind = REDISPUSH_MESSAGE,
		.pattern = r->count == 4 ? &r->items[1] : NULL,
		.channel = &r->items[r->count - 2],
		.payload = &r->items[r->count - 1],
	};
	return REDISQUEUE_PUSH;
}

/* Redis ends subscriptions by itself, as when a slot moves. */
static enum redisqueue_route ended(const struct redisreply *r, bool pattern,
				   struct redispush *push)
{
	*push = (struct redispush){
		.kind = REDISPUSH_UNSUBSCRIBED,
		.pattern = pattern ? &r->items[1] : NULL,
		.channel = pattern ? NULL : &r->items[1],
	};
	return REDISQUEUE_PUSH;
}

static enum redisqueue_route confirmed(struct redisqueue *q,
				       const struct redisreply *r,
				       enum redisqueue_kind kind,
				       struct redisqueue_entry *entry,
				       struct redispush *push)
{
	const struct redisqueue_entry *head = redisqueue_head(q);
	bool pattern = kind == REDISQUEUE_PUNSUBSCRIBE;

	q->subscriptions = (uint64_t)r->items[2].integer;
	if (head && head->kind == kind)
		return answer(q, entry);
	if (pattern || kind == REDISQUEUE_UNSUBSCRIBE)
		return ended(r, pattern, push);
	return REDISQUEUE_UNASKED;
}

static enum redisqueue_route route_subscribed(struct redisqueue *q,
					      const struct redisreply *r,
					      struct redisqueue_entry *entry,
					      struct redispush *push)
{
	const struct redisqueue_entry *head = redisqueue_head(q);

	if (r->type == REDISREPLY_ERROR)
		return answer(q, entry);
	if (r->type != REDISREPLY_ARRAY)
		return REDISQUEUE_UNASKED;
	if (is_message(r) || is_pmessage(r))
		return message(r, push);
	if (is_pong(r) && head && head->kind == REDISQUEUE_PING)
		return answer(q, entry);
	return REDISQUEUE_UNASKED;
}

static bool is_subscription(const struct redisqueue_entry *entry)
{
	return entry && entry->kind >= REDISQUEUE_SUBSCRIBE;
}

enum redisqueue_route redisqueue_route(struct redisqueue *q,
				       const struct redisreply *reply,
				       struct redisqueue_entry *entry,
				       struct redispush *push)
{
	enum redisqueue_kind kind = confirmed_kind(reply);
	bool concerns = is_subscription(redisqueue_head(q));

	if (kind != REDISQUEUE_COMMAND && (concerns || q->subscriptions))
		return confirmed(q, reply, kind, entry, push);
	if (q->subscriptions)
		return route_subscribed(q, reply, entry, push);
	if (concerns && reply->type != REDISREPLY_ERROR)
		return REDISQUEUE_UNASKED;
	return answer(q, entry);
}

/* SPDX-License-Identifier: MIT */
#include "reclaim.h"

#include "census.h"

/* So much more than needed is freed: this part of the limit. */
#define SPARE 16

/* Passes over the subscribers; each ends those in the upper half of lags. */
#define PASSES 24

static bool enough(const struct hub *h, uint64_t bytes)
{
	return !meter_exceeds(&h->meter, bytes + h->meter.max / SPARE);
}

static bool drop_unread(struct hub *h, uint64_t bytes)
{
	while (!enough(h, bytes))
		if (!hub_drop_unread(h))
			return false;
	return true;
}

/* Those with readers keep no more than these still need. */
static bool forget_history(struct hub *h, uint64_t bytes)
{
	struct hub_tenant *t;

	list_for_each (node, &h->live) {
		t = list_entry(node, struct hub_tenant, list);
		stream_forget(t->stream);
		if (enough(h, bytes))
			return true;
	}
	return false;
}

/* Who reads from the newest segment holds back nothing. */
static bool holds_back(const struct subscription *sub)
{
	return sub->cursor.segment->next != NULL;
}

/*
 * Those that are closed for it come into `leaving`, by the node that they need
 * no more: no list may change while it is gone through.
 */
static bool end_slow_of(struct hub_tenant *t, uint64_t lag,
			struct list *leaving)
{
	struct subscription *sub;
	bool found = false;

	list_for_each (node, &t->stream->subscribers) {
		sub = list_entry(node, struct subscription, in_stream);
		if (sub->outlet->closing || !holds_back(sub) ||
		    census_lag(sub) < lag)
			continue;
		found = true;
		outlet_too_slow(sub);
		if (!sub->outlet->closing)
			continue;
		list_remove(&sub->behind);
		list_append(leaving, &sub->behind);
	}
	return found;
}

/*
 * Ends, or has go on at the head, all subscribers that are at least half as far
 * behind as the furthest one. False when none was.
 */
static bool end_slowest(struct hub *h)
{
	struct hub_tenant *t;
	struct census census;
	struct list leaving;
	bool found = false;

	list_init(&leaving);
	census_take(h, &census);
	list_for_each (node, &h->live) {
		t = list_entry(node, struct hub_tenant, list);
		found |= end_slow_of(t, census.lag / 2, &leaving);
	}
	while (!list_empty(&leaving))
		outlet_leave(
			list_entry(leaving.next, struct subscription, behind)
				->outlet);
	return found;
}

static bool end_slow(struct hub *h, uint64_t bytes)
{
	for (int i = 0; i < PASSES; i++) {
		if (!end_slowest(h))
			return false;
		drop_unread(h, bytes);
		if (forget_history(h, bytes))
			return true;
	}
	return false;
}

bool reclaim_room(struct hub *h, uint64_t bytes)
{
	if (!meter_exceeds(&h->meter, bytes))
		return true;
	if (drop_unread(h, bytes) || forget_history(h, bytes) ||
	    end_slow(h, bytes))
		return true;
	if (!meter_exceeds(&h->meter, bytes))
		return true;
	h->counters.refused[REFUSED_MEMORY]++;
	return false;
}

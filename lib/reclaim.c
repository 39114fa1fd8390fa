/* SPDX-License-Identifier: MIT */
#include "reclaim.h"

#include "census.h"

/* So much more than needed is freed: this part of the limit. */
#define SPARE 16

/*
 * This part of the limit may be taken by tenants and who watches them, and that
 * part before who has many already gets no more.
 */
#define WATCHED 8
#define WATCHED_BY_FEW 16

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

/* Of the newest segment its readers hold all, although they have read it. */
static void let_newest_go(struct stream *s)
{
	struct subscription *sub;

	for (int i = 0; i < STREAM_VIEWS; i++)
		view_renew(&s->views[i]);
	list_for_each (node, &s->subscribers) {
		sub = list_entry(node, struct subscription, in_stream);
		cursor_move_on(&sub->cursor);
	}
	stream_forget(s);
}

/* Those with readers keep no more than these still need. */
static bool forget_history(struct hub *h, uint64_t bytes)
{
	struct hub_tenant *t;

	list_for_each (node, &h->live) {
		t = list_entry(node, struct hub_tenant, list);
		stream_forget(t->stream);
		let_newest_go(t->stream);
		if (enough(h, bytes))
			return true;
	}
	return false;
}

/*
 * Who reads from the newest segment holds back nothing; who can be written to
 * has had no turn yet, and is not to blame.
 */
static bool holds_back(const struct subscription *sub)
{
	return sub->outlet->blocked && sub->cursor.segment->next != NULL;
}

/* Bytes that the furthest of those is behind, of one tenant. */
static uint64_t furthest_of(const struct hub_tenant *t)
{
	const struct subscription *sub;
	uint64_t furthest = 0;

	list_for_each (node, &t->stream->subscribers) {
		sub = list_entry(node, struct subscription, in_stream);
		if (!sub->outlet->closing && holds_back(sub) &&
		    census_lag(sub) > furthest)
			furthest = census_lag(sub);
	}
	return furthest;
}

static uint64_t furthest(const struct hub *h)
{
	uint64_t max = 0, lag;

	list_for_each (node, &h->live) {
		lag = furthest_of(list_entry(node, struct hub_tenant, list));
		if (lag > max)
			max = lag;
	}
	return max;
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
	uint64_t lag = furthest(h) / 2;
	struct hub_tenant *t;
	struct list leaving;
	bool found = false;

	list_init(&leaving);
	list_for_each (node, &h->live) {
		t = list_entry(node, struct hub_tenant, list);
		found |= end_slow_of(t, lag, &leaving);
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

/* Out of line, as most often there is room. */
__attribute__((noinline)) static bool make_room(struct hub *h, uint64_t bytes)
{
	return drop_unread(h, bytes) || forget_history(h, bytes) ||
	       end_slow(h, bytes) || !meter_exceeds(&h->meter, bytes);
}

bool reclaim_room(struct hub *h, uint64_t bytes)
{
	if (!meter_exceeds(&h->meter, bytes) || make_room(h, bytes))
		return true;
	h->counters.refused[REFUSED_MEMORY]++;
	return false;
}

void reclaim_excess(struct hub *h)
{
	if (meter_exceeds(&h->meter, 0))
		make_room(h, 0);
}

bool reclaim_watch(struct hub *h, bool has_many)
{
	const struct meter *m = &h->meter;
	uint64_t max = m->max / (has_many ? WATCHED_BY_FEW : WATCHED);

	while (m->max && m->used[METER_TENANTS] > max)
		if (!hub_drop_unread(h)) {
			h->counters.refused[REFUSED_MEMORY]++;
			return false;
		}
	return true;
}

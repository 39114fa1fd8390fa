/* SPDX-License-Identifier: MIT */
#include "fanout.h"

#include "clock.h"
#include "reclaim.h"

/* So many subscribers, or outlets, have their turn between looks at the clock.
 */
#define SLICE 32

/*
 * What was shed is free only when the loop had its turn: so much of the limit
 * may wait for that.
 */
#define LEAVING_PART 16

/* Whether enough was shed in one call, which began with so much of it. */
static bool shed_enough(const struct hub *h, uint64_t before)
{
	const struct meter *m = &h->meter;

	return m->leaving > before + m->max / LEAVING_PART;
}

static void begin_round(struct stream *s)
{
	s->round.at = s->subscribers.next;
	s->round.seq = s->seq;
	s->round.end = s->views[STREAM_PLAIN].end;
}

/*
 * All had their turn. What was appended meanwhile is for a round of its own:
 * who came early lacks it.
 */
static void end_round(struct hub *h, struct stream *s, int64_t now_ns)
{
	counters_time(&h->counters, (uint64_t)(now_ns - s->round.since_ns));
	s->round.at = NULL;
	s->round.flushed = s->round.end;
	s->round.since_ns = now_ns;
	if (s->seq > s->round.seq)
		list_append(&h->dirty, &s->dirty);
	stream_trim(s, &h->config.history, h->now.mono_ms);
}

/*
 * The next subscribers of a round; no outlet leaves a stream while this runs,
 * see outlet.h. False when some have not had their turn.
 */
static bool flush_slice(const struct hub *h, struct stream *s, uint64_t leaving)
{
	struct list *node = s->round.at;

	for (int i = 0;
	     i < SLICE && node != &s->subscribers && !shed_enough(h, leaving);
	     i++) {
		outlet_flush_one(
			list_entry(node, struct subscription, in_stream));
		node = node->next;
	}
	s->round.at = node;
	return node == &s->subscribers;
}

static void flush_streams(struct hub *h, uint64_t leaving)
{
	int64_t end = clock_mono_ns() + h->config.flush_ns, now = 0;
	struct stream *s;

	while (!list_empty(&h->dirty) && now < end &&
	       !shed_enough(h, leaving)) {
		s = list_entry(h->dirty.next, struct stream, dirty);
		list_remove(&s->dirty);
		if (!s->round.at)
			begin_round(s);
		if (flush_slice(h, s, leaving)) {
			now = clock_mono_ns();
			end_round(h, s, now);
		} else {
			now = clock_mono_ns();
			list_append(&h->dirty, &s->dirty);
		}
	}
}

/* What becomes ready meanwhile waits for the next call. */
static bool flush_outlets(struct hub *h, uint64_t leaving)
{
	int64_t end = clock_mono_ns() + h->config.flush_ns;
	struct list now;
	int left = SLICE;

	list_init(&now);
	list_splice(&now, &h->ready);
	while (!list_empty(&now)) {
		outlet_flush(list_entry(now.next, struct outlet, ready));
		if (shed_enough(h, leaving))
			break;
		if (--left)
			continue;
		if (clock_mono_ns() >= end)
			break;
		left = SLICE;
	}
	if (list_empty(&now))
		return true;
	list_splice(&now, &h->ready);
	list_splice(&h->ready, &now);
	return false;
}

bool fanout_run(struct hub *h)
{
	uint64_t leaving = h->meter.leaving;
	bool written;

	flush_streams(h, leaving);
	written = list_empty(&h->dirty);
	written = flush_outlets(h, leaving) && written;
	/* What was cut has to be kept, whatever there is already. */
	reclaim_excess(h);
	return written;
}

/* SPDX-License-Identifier: MIT */
#include "fanout.h"

/*
 * No outlet leaves a stream while this runs, see outlet.h: the list and the
 * stream stay as they are.
 */
static void flush_stream(struct hub *h, struct stream *s)
{
	list_for_each (node, &s->subscribers)
		outlet_flush_one(
			list_entry(node, struct subscription, in_stream));
	stream_trim(s, &h->config.history, h->now.mono_ms);
}

void fanout_run(struct hub *h)
{
	struct list now;
	struct stream *s;

	while (!list_empty(&h->dirty)) {
		s = list_entry(h->dirty.next, struct stream, dirty);
		list_remove(&s->dirty);
		flush_stream(h, s);
	}
	/* What becomes ready meanwhile waits for the next pass. */
	list_init(&now);
	list_splice(&now, &h->ready);
	while (!list_empty(&now))
		outlet_flush(list_entry(now.next, struct outlet, ready));
}

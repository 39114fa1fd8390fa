/* SPDX-License-Identifier: MIT */
#include "census.h"

#include <string.h>

uint64_t census_lag(const struct subscription *sub)
{
	const struct stream *s = sub->tenant->stream;

	return view_lag(&s->views[sub->outlet->view], &sub->cursor);
}

static void look_at(const struct subscription *sub, struct census *c)
{
	uint64_t lag = census_lag(sub);

	c->subscriptions++;
	c->pending += sub->tenant->stream->seq + 1 - cursor_seq(&sub->cursor);
	if (lag > c->lag)
		c->lag = lag;
}

void census_take(const struct hub *h, struct census *c)
{
	struct hub_tenant *t;

	memset(c, 0, sizeof(*c));
	c->pending = h->gaps_waiting;
	list_for_each (node, &h->live) {
		t = list_entry(node, struct hub_tenant, list);
		c->streams += t != h->all;
		list_for_each (at, &t->stream->subscribers)
			look_at(list_entry(at, struct subscription, in_stream),
				c);
	}
}

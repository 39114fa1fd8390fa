/* SPDX-License-Identifier: MIT */
#include "loadtally.h"

#include <stdlib.h>

#define SEEN_BITS 64

int loadtally_init(struct loadtally *t, uint32_t flows, uint32_t tenants,
		   uint32_t subscribers)
{
	*t = (struct loadtally){
		.flows = flows,
		.tenants = tenants,
		.subscribers = subscribers,
		.columns = (flows + tenants - 1) / tenants,
	};
	t->flow = calloc(flows, sizeof(*t->flow));
	/* One more of each, because calloc(0) may say NULL. */
	t->pair =
		calloc((size_t)subscribers * t->columns + 1, sizeof(*t->pair));
	t->gone = calloc((size_t)subscribers + 1, sizeof(*t->gone));
	if (!t->flow || !t->pair || !t->gone) {
		loadtally_release(t);
		return -1;
	}
	for (uint32_t f = 0; f < flows; f++) {
		t->flow[f].tenant = f % tenants;
		t->flow[f].column = f / tenants;
	}
	return 0;
}

void loadtally_release(struct loadtally *t)
{
	free(t->flow);
	free(t->pair);
	free(t->gone);
	*t = (struct loadtally){0};
}

static struct loadtally_pair *pair_of(const struct loadtally *t,
				      uint32_t subscriber, uint32_t flow)
{
	return t->pair + (size_t)subscriber * t->columns + t->flow[flow].column;
}

/* A seq below what came already: late or twice. */
static void receive_old(struct loadtally *t, struct loadtally_pair *p,
			uint32_t seq)
{
	uint32_t age = p->next - 1 - seq;
	bool late = p->missing > 0;

	if (age < SEEN_BITS) {
		late = !(p->seen >> age & 1);
		p->seen |= (uint64_t)1 << age;
	}
	if (!late) {
		t->duplicated++;
		return;
	}
	p->missing--;
	t->received++;
	t->reordered++;
}

/* Some were skipped; they may yet come late. */
static void receive_jump(struct loadtally_pair *p, uint32_t seq)
{
	uint32_t skipped = seq - p->next;

	p->missing += skipped;
	p->seen = skipped + 1 < SEEN_BITS ? p->seen << (skipped + 1) : 0;
	p->seen |= 1;
	p->next = seq + 1;
}

void loadtally_receive_other(struct loadtally *t, uint32_t subscriber,
			     uint32_t flow, uint32_t seq)
{
	struct loadtally_flow *f = &t->flow[flow];
	struct loadtally_pair *p = pair_of(t, subscriber, flow);
	uint32_t before = p->next;

	if (seq < before) {
		receive_old(t, p, seq);
		return;
	}
	receive_jump(p, seq);
	t->received++;
	if (f->lagging && before <= f->mark && seq >= f->mark)
		f->lagging--;
}

/* The lowest `next` of the present subscribers of a flow. */
static uint32_t slowest(const struct loadtally *t, uint32_t flow)
{
	uint32_t low = t->flow[flow].published;

	for (uint32_t s = t->flow[flow].tenant; s < t->subscribers;
	     s += t->tenants) {
		uint32_t next = pair_of(t, s, flow)->next;

		if (!t->gone[s] && next < low)
			low = next;
	}
	return low;
}

static uint32_t count_lagging(const struct loadtally *t, uint32_t flow)
{
	uint32_t lagging = 0;

	for (uint32_t s = t->flow[flow].tenant; s < t->subscribers;
	     s += t->tenants)
		lagging += !t->gone[s] &&
			   pair_of(t, s, flow)->next <= t->flow[flow].mark;
	return lagging;
}

uint32_t loadtally_room(struct loadtally *t, uint32_t flow, uint32_t window)
{
	struct loadtally_flow *f = &t->flow[flow];

	if (f->lagging)
		return 0;
	if (f->published - f->low >= window)
		f->low = slowest(t, flow);
	if (f->published - f->low < window)
		return window - (f->published - f->low);
	f->mark = f->published - window / 2 - 1;
	f->lagging = count_lagging(t, flow);
	return 0;
}

void loadtally_leave(struct loadtally *t, uint32_t subscriber)
{
	uint32_t tenant = subscriber % t->tenants;

	if (t->gone[subscriber])
		return;
	t->gone[subscriber] = true;
	for (uint32_t f = tenant; f < t->flows; f += t->tenants)
		if (t->flow[f].lagging &&
		    pair_of(t, subscriber, f)->next <= t->flow[f].mark)
			t->flow[f].lagging--;
}

uint64_t loadtally_due(const struct loadtally *t)
{
	uint64_t due = 0;

	for (uint32_t f = 0; f < t->flows; f++) {
		uint32_t tenant = t->flow[f].tenant;

		if (tenant < t->subscribers)
			due += (uint64_t)t->flow[f].published *
			       ((t->subscribers - tenant - 1) / t->tenants + 1);
	}
	return due;
}

uint64_t loadtally_lost(const struct loadtally *t)
{
	uint64_t lost = 0;

	for (uint32_t s = 0; s < t->subscribers; s++)
		for (uint32_t f = s % t->tenants; f < t->flows;
		     f += t->tenants) {
			const struct loadtally_pair *p = pair_of(t, s, f);

			lost += p->missing + (t->flow[f].published - p->next);
		}
	return lost;
}

/* SPDX-License-Identifier: MIT */
#include "wheel.h"

#define TICK WHEEL_TICK_MS

void wheel_init(struct wheel *w)
{
	for (int i = 0; i < WHEEL_SLOTS; i++)
		list_init(&w->slots[i]);
	w->now_ms = 0;
	w->tick = 0;
}

/*
 * Into the slot of its tick. What lies more than a round ahead comes into the
 * last slot, and is put in anew when that has its turn.
 */
static void insert(struct wheel *w, struct wheel_timer *t)
{
	int64_t tick = (t->due_ms + TICK - 1) / TICK;
	int64_t last = w->tick + WHEEL_SLOTS - 1;

	if (tick <= w->tick)
		tick = w->tick + 1;
	if (tick > last)
		tick = last;
	list_append(&w->slots[tick % WHEEL_SLOTS], &t->node);
}

void wheel_set(struct wheel *w, struct wheel_timer *t, int64_t delay_ms)
{
	list_remove(&t->node);
	t->due_ms = w->now_ms + delay_ms;
	insert(w, t);
}

void wheel_set_earlier(struct wheel *w, struct wheel_timer *t, int64_t delay_ms)
{
	if (!wheel_timer_is_set(t) || t->due_ms > w->now_ms + delay_ms)
		wheel_set(w, t, delay_ms);
}

/* What `fn` sets comes into later slots; so this ends. */
static void turn(struct wheel *w, wheel_fn *fn)
{
	struct list *slot = &w->slots[w->tick % WHEEL_SLOTS];
	struct wheel_timer *t;
	struct list now;

	list_init(&now);
	list_splice(&now, slot);
	while (!list_empty(&now)) {
		t = list_entry(now.next, struct wheel_timer, node);
		list_remove(&t->node);
		if (t->due_ms > w->tick * TICK)
			insert(w, t);
		else
			fn(t);
	}
}

void wheel_advance(struct wheel *w, int64_t ms, wheel_fn *fn)
{
	w->now_ms += ms;
	while ((w->tick + 1) * TICK <= w->now_ms) {
		w->tick++;
		turn(w, fn);
	}
}

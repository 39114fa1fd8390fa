/* SPDX-License-Identifier: MIT */
/*
 * wheel - many timers of which few ever fire: a hashed timing wheel (Varghese
 * and Lauck, 1987).
 *
 * Setting, moving and stopping one is O(1) and allocates nothing; a tick looks
 * only at those whose slot has come. A timer fires never before its time, and
 * at most a tick after it. Delays count from the last wheel_advance(); how much
 * time passes is what that is told, so that the owner can leave out time in
 * which the program did not run.
 */
#ifndef WHEEL_H
#define WHEEL_H

#include "list.h"

#include <stdint.h>

#define WHEEL_SLOTS 512
#define WHEEL_TICK_MS 100

struct wheel_timer {
	struct list node;
	int64_t due_ms; /* of the wheel's time; meaningful while it is set */
};

struct wheel {
	struct list slots[WHEEL_SLOTS];
	int64_t now_ms; /* time that has passed for it */
	int64_t tick;	/* the last one that was looked at */
};

typedef void wheel_fn(struct wheel_timer *timer);

void wheel_init(struct wheel *w);

/* Not set. */
static inline void wheel_timer_init(struct wheel_timer *t)
{
	list_init(&t->node);
}

static inline bool wheel_timer_is_set(const struct wheel_timer *t)
{
	return !list_empty(&t->node);
}

/* Has it fire when `delay_ms` have passed; moves it when it was set. */
void wheel_set(struct wheel *w, struct wheel_timer *t, int64_t delay_ms);

/* As wheel_set(), unless it fires earlier anyway. */
void wheel_set_earlier(struct wheel *w, struct wheel_timer *t,
		       int64_t delay_ms);

static inline void wheel_stop(struct wheel_timer *t)
{
	list_remove(&t->node);
}

/*
 * `ms` have passed: calls `fn` for each timer whose time has come, after it
 * was stopped. It may set and stop any timer, and free its own.
 */
void wheel_advance(struct wheel *w, int64_t ms, wheel_fn *fn);

#endif

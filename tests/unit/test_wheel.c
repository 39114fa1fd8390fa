/* SPDX-License-Identifier: MIT */
/* What wheel promises, one line a promise. */
#include "tap.h"
#include "wheel.h"

#include <stdlib.h>

#define TIMERS 2000

struct item {
	struct wheel_timer timer;
	struct wheel *wheel;
	int64_t fired_ms; /* wheel time; 0: not yet */
	int fires;
	int64_t again_ms; /* sets itself anew; 0: does not */
	struct wheel_timer *stops;
};

static void on_timer(struct wheel_timer *timer)
{
	struct item *i = list_entry(timer, struct item, timer);

	i->fires++;
	i->fired_ms = i->wheel->now_ms;
	if (i->again_ms)
		wheel_set(i->wheel, timer, i->again_ms);
	if (i->stops)
		wheel_stop(i->stops);
}

static void make(struct item *i, struct wheel *w)
{
	*i = (struct item){.wheel = w};
	wheel_timer_init(&i->timer);
}

static bool in_time(const struct item *i, int64_t due)
{
	return i->fires == 1 && i->fired_ms >= due &&
	       i->fired_ms < due + 2 * WHEEL_TICK_MS;
}

static void one(void)
{
	struct wheel w;
	struct item i;

	wheel_init(&w);
	make(&i, &w);
	wheel_set(&w, &i.timer, 250);
	wheel_advance(&w, 249, on_timer);
	ok(i.fires == 0, "no timer fires before its time");
	wheel_advance(&w, WHEEL_TICK_MS, on_timer);
	ok(i.fires == 1 && !wheel_timer_is_set(&i.timer),
	   "it fires at most a tick after it, once");
	wheel_advance(&w, 100 * 1000, on_timer);
	ok(i.fires == 1, "and never again by itself");
	wheel_set(&w, &i.timer, 0);
	wheel_advance(&w, WHEEL_TICK_MS, on_timer);
	ok(i.fires == 2, "no delay at all is the next tick");
}

static void moved(void)
{
	struct wheel w;
	struct item i;

	wheel_init(&w);
	make(&i, &w);
	wheel_set(&w, &i.timer, 500);
	wheel_set_earlier(&w, &i.timer, 900);
	wheel_advance(&w, 600, on_timer);
	ok(i.fires == 1, "set_earlier does not put it off");
	wheel_set(&w, &i.timer, 900);
	wheel_set_earlier(&w, &i.timer, 200);
	wheel_advance(&w, 300, on_timer);
	ok(i.fires == 2, "but brings it forward");
	wheel_set(&w, &i.timer, 200);
	wheel_set(&w, &i.timer, 900);
	wheel_advance(&w, 500, on_timer);
	ok(i.fires == 2, "set moves it both ways");
	wheel_stop(&i.timer);
	wheel_stop(&i.timer);
	wheel_advance(&w, 5000, on_timer);
	ok(i.fires == 2, "stopped it does not fire; stopping twice is fine");
}

static void from_within(void)
{
	struct item a, b, c;
	struct wheel w;

	wheel_init(&w);
	make(&a, &w);
	make(&b, &w);
	make(&c, &w);
	a.again_ms = 300;
	a.stops = &b.timer;
	wheel_set(&w, &a.timer, 150);
	wheel_set(&w, &b.timer, 150);
	wheel_set(&w, &c.timer, 150);
	wheel_advance(&w, 400, on_timer);
	ok(a.fires == 1 && b.fires == 0 && c.fires == 1,
	   "one that fires may stop another of the same tick");
	wheel_advance(&w, 300, on_timer);
	ok(a.fires == 2, "and set itself anew");
	a.again_ms = 0;
	wheel_advance(&w, 300, on_timer);
	ok(a.fires == 3 && !wheel_timer_is_set(&a.timer), "or not");
}

/* Delays from 0 to three rounds, in steps of odd sizes. */
static void many(void)
{
	static struct item items[TIMERS];
	static int64_t due[TIMERS];
	int64_t round = (int64_t)WHEEL_SLOTS * WHEEL_TICK_MS;
	bool good = true;
	struct wheel w;

	wheel_init(&w);
	wheel_advance(&w, 12345, on_timer);
	for (int i = 0; i < TIMERS; i++) {
		make(&items[i], &w);
		due[i] = w.now_ms + rand() % (3 * round);
		wheel_set(&w, &items[i].timer, due[i] - w.now_ms);
	}
	while (w.now_ms < 4 * round)
		wheel_advance(&w, 1 + rand() % WHEEL_TICK_MS, on_timer);
	for (int i = 0; i < TIMERS; i++)
		good &= in_time(&items[i], due[i]);
	ok(good, "each of many fires once, in time, also rounds ahead");
}

int main(void)
{
	srand(1);
	one();
	moved();
	from_within();
	many();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "drain.h"

#include "clock.h"

#define TICK_MS 50
#define SHARE_MIN 100
#define COME_BACK_MS 10 /* of each peer, when they come back */

void drain_init(struct drain *d, struct followers *followers, struct log *log)
{
	struct peers *peers = followers->peers;

	d->followers = followers;
	d->peers = peers;
	d->log = log;
	d->end_ms = 0;
	d->tick.data = d;
	uv_timer_init(&peers->callers->loop->uv, &d->tick);
}

void drain_close(struct drain *d)
{
	uv_close((uv_handle_t *)&d->tick, NULL);
}

/*
 * When a peer is told to come back: at once where there are few, spread over
 * the time of a drain where there are many.
 */
static uint64_t come_back_ms(const struct drain *d, uint64_t number)
{
	uint64_t spread = (d->peers_then + 1) * COME_BACK_MS;
	uint64_t hash =
		hash_bytes(&d->peers->hub->hash_key, &number, sizeof(number));

	return hash % (spread > d->ms ? d->ms : spread);
}

/* Sends up to `left` of them home; how many more it might have been. */
static size_t drain_peers(struct drain *d, size_t left)
{
	uint64_t number = 0;
	struct peer *p;

	while (left && (p = peers_above(d->peers, number))) {
		number = p->session.number;
		if (p->session.draining)
			continue;
		session_drain(&p->session, come_back_ms(d, number));
		left--;
	}
	return left;
}

static void drain_followers(struct drain *d, size_t left)
{
	uint64_t number = 0;
	struct follower *f;

	while (left && (f = followers_above(d->followers, number))) {
		number = f->follow.number;
		if (f->follow.draining)
			continue;
		follow_drain(&f->follow, come_back_ms(d, number));
		left--;
	}
}

/* Sends a share of them home; the rest have their turn later. */
static void drain_some(struct drain *d)
{
	drain_followers(d, drain_peers(d, d->share));
}

/*
 * Those who have never asked for anything are not waited for, nor those who
 * have only to hang up.
 */
static uint64_t remaining(const struct drain *d)
{
	const struct admission *a = &d->peers->callers->admission;

	return a->count - a->half_open_now - callers_idle(d->peers->callers);
}

static void on_tick(uv_timer_t *timer)
{
	struct drain *d = timer->data;

	if (remaining(d) == 0) {
		loop_stop(d->peers->callers->loop);
		return;
	}
	if (clock_mono_ms() >= d->end_ms) {
		log_event(d->log, LOG_DRAIN_TIMEOUT, NULL,
			  "%ju connections did not take their leave in time",
			  (uintmax_t)remaining(d));
		loop_stop(d->peers->callers->loop);
		return;
	}
	drain_some(d);
}

void drain_begin(struct drain *d, uint64_t ms)
{
	size_t count = d->peers->all.count + d->followers->all.count;

	log_event(d->log, LOG_DRAIN, NULL,
		  "shutting down: %zu connections to close", count);
	d->peers->hub->draining = true;
	d->ms = ms;
	d->end_ms = clock_mono_ms() + (int64_t)ms;
	d->peers_then = count;
	d->share = count / (ms / TICK_MS / 2 + 1);
	if (d->share < SHARE_MIN)
		d->share = SHARE_MIN;
	uv_timer_start(&d->tick, on_tick, 0, TICK_MS);
}

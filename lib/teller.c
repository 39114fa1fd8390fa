/* SPDX-License-Identifier: MIT */
#include "teller.h"

#include <inttypes.h>
#include <string.h>

#define TRIMS_MS 2000 /* between two looks for what was deleted too early */

#define CLAIMS_MS 15000 /* between two looks for what lies around, at most */

/* Telling */

static void on_told(void *user, size_t stream, struct entryid id)
{
	struct teller *t = user;

	t->events->told(t->user, stream, id);
}

static void on_acked(void *user)
{
	struct teller *t = user;

	t->events->acked(t->user);
}

static void on_refused(void *user, const struct redisreply *error)
{
	struct teller *t = user;

	t->events->refused(t->user, error);
}

static void on_nonsense(void *user)
{
	redis_reject(((struct teller *)user)->redis, "not an answer");
}

static const struct acker_events acker_events = {
	.told = on_told,
	.acked = on_acked,
	.refused = on_refused,
	.nonsense = on_nonsense,
};

/* Claiming */

static size_t room(void *user)
{
	struct teller *t = user;

	return t->events->room(t->user);
}

static void on_claimed(void *user, size_t stream,
		       const struct redisreply *entries, const char *from)
{
	struct teller *t = user;
	struct streamentry entry;

	diag(t->config->diag, DIAG_NOTE,
	     "claimed from consumer '%s', entries of '%s': %zu", from,
	     t->config->streams[stream], entries->count);
	for (size_t i = 0; i < entries->count; i++) {
		if (entries->items[i].type == REDISREPLY_NIL)
			t->events->again(t->user); /* to see which are gone */
		else if (streamentry_read(&entry, &entries->items[i]) == 0)
			t->events->claimed(t->user, stream, &entry);
		else
			redis_reject(t->redis, "not an entry");
	}
}

static void on_missed(void *user)
{
	struct teller *t = user;

	t->events->again(t->user);
}

static void on_gone(void *user, size_t stream, struct entryid id)
{
	struct teller *t = user;

	t->events->gone(t->user, stream, id);
}

static void on_ended(void *user, const struct redisreply *error)
{
	struct teller *t = user;

	t->events->ended(t->user);
	if (error)
		diag(t->config->diag, t->claims_refused ? DIAG_NOTE : DIAG_WARN,
		     "cannot claim from other consumers: %.*s", (int)error->len,
		     error->text);
	t->claims_refused = error;
}

static const struct claimer_events claimer_events = {
	.room = room,
	.claimed = on_claimed,
	.missed = on_missed,
	.gone = on_gone,
	.ended = on_ended,
};

static void on_claims(uv_timer_t *timer)
{
	struct teller *t = timer->data;

	if (redis_is_ready(t->redis) && room(t))
		claimer_begin(&t->claimer, t->redis);
}

/* What was deleted too early */

static void on_cut(void *user, size_t stream, uint64_t count)
{
	struct teller *t = user;

	diag(t->config->diag, DIAG_WARN,
	     "'%s' was cut before its end was read (MAXLEN, XTRIM): %" PRIu64
	     " lost",
	     t->config->streams[stream], count);
	t->events->cut(t->user, count);
}

static void on_position(void *user, size_t stream, struct entryid id)
{
	struct teller *t = user;

	t->events->position(t->user, stream, id);
}

static const struct trimwatch_events trimwatch_events = {
	.lost = on_cut,
	.position = on_position,
};

static void on_trims(uv_timer_t *timer)
{
	struct teller *t = timer->data;

	if (redis_is_ready(t->redis))
		trimwatch_begin(&t->trimwatch, t->redis);
}

/* A look at them has ended the connection; it would end the next one too. */
static void stop_looking(struct teller *t)
{
	uv_timer_stop(&t->trims);
	diag(t->config->diag, DIAG_WARN,
	     "the entries are too large for a look at what Redis deletes "
	     "(MAXLEN, XTRIM): it is not told from now on");
}

/* The connection */

static void on_ready(void *user)
{
	struct teller *t = user;

	t->trimwatch.unanswered = false;
	acker_connect(&t->acker, t->redis);
	acker_flush(&t->acker);
}

static void on_lost(void *user, const struct redis_loss *loss)
{
	struct teller *t = user;

	acker_connect(&t->acker, NULL);
	if (loss->oversize && t->trimwatch.unanswered)
		stop_looking(t);
	t->events->lost(t->user, loss);
}

static const struct redis_events redis_events = {
	.ready = on_ready,
	.lost = on_lost,
};

int teller_add(struct teller *t, size_t stream, struct entryid id)
{
	return acker_add(&t->acker, stream, id);
}

void teller_flush(struct teller *t)
{
	acker_flush(&t->acker);
}

void teller_resume(struct teller *t)
{
	acker_resume(&t->acker);
	acker_flush(&t->acker);
}

/* Beginning and end */

int teller_init(struct teller *t, const struct teller_config *config,
		const struct teller_events *events, void *user)
{
	memset(t, 0, sizeof(*t));
	t->config = config;
	t->events = events;
	t->user = user;
	t->claimer_config = (struct claimer_config){
		.streams = config->streams,
		.count = config->count,
		.group = config->group,
		.consumer = config->consumer,
		.idle_ms = config->claim_ms,
	};
	claimer_init(&t->claimer, &t->claimer_config, &claimer_events, t);
	if (acker_init(&t->acker, config->group, config->streams, config->count,
		       &acker_events, t) != 0)
		return -1;
	return trimwatch_init(&t->trimwatch, config->streams, config->count,
			      config->group, &trimwatch_events, t);
}

int teller_start(struct teller *t, uv_loop_t *uv,
		 const struct redis_config *redis, const char **why)
{
	uint64_t every = t->config->claim_ms / 4 + 1;

	t->redis = redis_new(uv, redis, &redis_events, t, why);
	if (!t->redis)
		return -1;
	uv_timer_init(uv, &t->claims);
	uv_timer_init(uv, &t->trims);
	t->claims.data = t->trims.data = t;
	t->handles = true;
	if (every > CLAIMS_MS)
		every = CLAIMS_MS;
	if (t->config->claim_ms)
		uv_timer_start(&t->claims, on_claims, every, every);
	uv_timer_start(&t->trims, on_trims, TRIMS_MS, TRIMS_MS);
	return 0;
}

void teller_release(struct teller *t)
{
	if (t->handles) {
		uv_close((uv_handle_t *)&t->claims, NULL);
		uv_close((uv_handle_t *)&t->trims, NULL);
	}
	t->handles = false;
	redis_free(t->redis);
	t->redis = NULL;
	claimer_release(&t->claimer);
	acker_release(&t->acker);
	trimwatch_release(&t->trimwatch);
}

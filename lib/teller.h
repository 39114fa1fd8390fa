/* SPDX-License-Identifier: MIT */
/*
 * teller - the second connection of those who read streams, beside the one that
 * waits for entries: it tells Redis what was dealt with (acker.h), claims what
 * other consumers leave lying (claimer.h), and looks for what was deleted too
 * early (trimwatch.h).
 */
#ifndef TELLER_H
#define TELLER_H

#include "acker.h"
#include "claimer.h"
#include "diag.h"
#include "streamentry.h"
#include "trimwatch.h"

struct teller_config {
	const char *const *streams; /* names */
	size_t count;
	const char *group;
	const char *consumer;
	uint64_t claim_ms;	 /* what nobody dealt with is claimed; 0: not */
	const struct diag *diag; /* borrowed */
};

struct teller_events {
	/* As in acker.h. */
	void (*told)(void *user, size_t stream, struct entryid id);
	void (*acked)(void *user);
	void (*refused)(void *user, const struct redisreply *error);
	/* As in claimer.h, but entry by entry; one without fields is gone. */
	size_t (*room)(void *user);
	void (*claimed)(void *user, size_t stream,
			const struct streamentry *entry);
	void (*gone)(void *user, size_t stream, struct entryid id);
	/* A round of claims is over. */
	void (*ended)(void *user);
	/* Entries may be this consumer's that nobody was given. */
	void (*again)(void *user);
	/* So many were deleted that the group was never given, as was told. */
	void (*cut)(void *user, uint64_t count);
	/* As in trimwatch.h. */
	void (*position)(void *user, size_t stream, struct entryid id);
	/* The connection; it was not told. */
	void (*lost)(void *user, const struct redis_loss *loss);
};

struct teller {
	const struct teller_config *config; /* borrowed */
	const struct teller_events *events; /* borrowed */
	void *user;
	struct redis *redis; /* owned; NULL before teller_start() */
	struct acker acker;
	struct claimer_config claimer_config;
	struct claimer claimer;
	struct trimwatch trimwatch;
	bool claims_refused; /* as was told */
	bool handles;	     /* these are open */
	uv_timer_t claims;
	uv_timer_t trims;
};

/* 0, or -1 with errno ENOMEM; teller_release() is to be called in any case. */
int teller_init(struct teller *t, const struct teller_config *config,
		const struct teller_events *events, void *user);

/* Begins to connect. 0, or -1 and `*why` as redis_new() has it. */
int teller_start(struct teller *t, uv_loop_t *uv,
		 const struct redis_config *redis, const char **why);

/* An entry was dealt with. 0, or -1 with errno ENOMEM. */
int teller_add(struct teller *t, size_t stream, struct entryid id);

/* Tells what can be told now. */
void teller_flush(struct teller *t);

/* The same, and tries again what was refused. */
void teller_resume(struct teller *t);

/* How many Redis does not know of yet. */
static inline size_t teller_waiting(const struct teller *t)
{
	return t->acker.waiting;
}

/* Whether Redis knows of all that was added, or does not want to know. */
static inline bool teller_rests(const struct teller *t)
{
	return !t->acker.waiting || t->acker.refused;
}

/* Ends and frees it. Not within an event. Harmless a second time. */
void teller_release(struct teller *t);

#endif

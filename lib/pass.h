/* SPDX-License-Identifier: MIT */
/*
 * pass - what the peer of a connection may do: the grants of the tokens that it
 * has shown.
 *
 * Most have one. A page that watches several tenants may have a token for each;
 * then any of them is enough. Each ends by itself; times are those of the wall.
 */
#ifndef PASS_H
#define PASS_H

#include "grant.h"

#define PASS_MAX 8 /* grants */

/* How long before its end a grant is told of, at most. */
#define PASS_NOTICE_MS 60000

struct pass {
	struct grant *grants; /* owned; NULL: none */
};

void pass_init(struct pass *p);
void pass_release(struct pass *p);

static inline bool pass_empty(const struct pass *p)
{
	return !p->grants;
}

/* Whether one of them allows it; `tenant` is a valid id. */
bool pass_may(const struct pass *p, enum rights_what what, const char *tenant,
	      size_t len);

/* Whether one of them allows it for some tenant. */
bool pass_may_some(const struct pass *p, enum rights_what what);

/* How many there are. */
size_t pass_count(const struct pass *p);

/* Takes a grant, which is to be told of in time. */
void pass_add(struct pass *p, struct grant *g, int64_t wall_ms);

/* Takes one in the place of all. */
void pass_replace(struct pass *p, struct grant *g, int64_t wall_ms);

/* Takes the one out that was added first, or last; owned. NULL: none. */
struct grant *pass_take_oldest(struct pass *p);
struct grant *pass_take_newest(struct pass *p);

/* Puts the first one in again, as it was; takes it. */
void pass_put_oldest(struct pass *p, struct grant *g);

/*
 * Drops those of which `holds` says that they do not any more; returns whether
 * there was one.
 */
bool pass_keep(struct pass *p,
	       bool (*holds)(const void *user, const struct grant *g),
	       const void *user);

/* Drops what has ended. Whether there was something. */
bool pass_expire(struct pass *p, int64_t wall_ms);

/*
 * A grant that ends soon, once for each: then the end of it in ms since 1970.
 * 0: there is none to tell of now.
 */
int64_t pass_notice(struct pass *p, int64_t wall_ms);

/* Whether pass_expire() or pass_notice() has something to do. */
static inline bool pass_is_due(const struct pass *p, int64_t wall_ms)
{
	for (const struct grant *g = p->grants; g; g = g->next)
		if (wall_ms >= g->due_ms)
			return true;
	return false;
}

/* In how many ms that is so, from 0; -1: never. */
int64_t pass_due(const struct pass *p, int64_t wall_ms);

/* When the last of them ends, in ms since 1970; 0: never, or there is none. */
int64_t pass_end(const struct pass *p);

#endif

/* SPDX-License-Identifier: MIT */
#include "pass.h"

#include <stddef.h>

/* Of what is left, a grant is told of in the last quarter. */
#define NOTICE_PART 4

void pass_init(struct pass *p)
{
	p->grants = NULL;
}

void pass_release(struct pass *p)
{
	struct grant *next;

	for (struct grant *g = p->grants; g; g = next) {
		next = g->next;
		grant_free(g);
	}
	p->grants = NULL;
}

bool pass_may(const struct pass *p, enum rights_what what, const char *tenant,
	      size_t len)
{
	for (const struct grant *g = p->grants; g; g = g->next)
		if (rights_may(&g->rights, what, tenant, len))
			return true;
	return false;
}

bool pass_may_some(const struct pass *p, enum rights_what what)
{
	for (const struct grant *g = p->grants; g; g = g->next)
		if (rights_may_some(&g->rights, what))
			return true;
	return false;
}

size_t pass_count(const struct pass *p)
{
	size_t count = 0;

	for (const struct grant *g = p->grants; g; g = g->next)
		count++;
	return count;
}

/* In ms since 1970; INT64_MAX: never. */
static int64_t end_of(const struct grant *g)
{
	return g->expires > INT64_MAX / 1000 ? INT64_MAX : g->expires * 1000;
}

/* When its end is told of; where it is too late for that, the end. */
static int64_t notice_of(const struct grant *g, int64_t wall_ms)
{
	int64_t end = end_of(g), before;

	if (end == INT64_MAX || end < wall_ms)
		return end;
	before = (end - wall_ms) / NOTICE_PART;
	return end - (before < PASS_NOTICE_MS ? before : PASS_NOTICE_MS);
}

/* The newest comes last. */
void pass_add(struct pass *p, struct grant *g, int64_t wall_ms)
{
	struct grant **at = &p->grants;

	while (*at)
		at = &(*at)->next;
	g->next = NULL;
	g->due_ms = notice_of(g, wall_ms);
	*at = g;
}

void pass_replace(struct pass *p, struct grant *g, int64_t wall_ms)
{
	pass_release(p);
	pass_add(p, g, wall_ms);
}

struct grant *pass_take_oldest(struct pass *p)
{
	struct grant *g = p->grants;

	if (g)
		p->grants = g->next;
	return g;
}

struct grant *pass_take_newest(struct pass *p)
{
	struct grant **at = &p->grants, *g;

	while (*at && (*at)->next)
		at = &(*at)->next;
	g = *at;
	*at = NULL;
	return g;
}

void pass_put_oldest(struct pass *p, struct grant *g)
{
	g->next = p->grants;
	p->grants = g;
}

bool pass_keep(struct pass *p,
	       bool (*holds)(const void *user, const struct grant *g),
	       const void *user)
{
	struct grant **at = &p->grants, *g;
	bool dropped = false;

	while ((g = *at)) {
		if (holds(user, g)) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		grant_free(g);
		dropped = true;
	}
	return dropped;
}

static bool lasts(const void *now_ms, const struct grant *g)
{
	return *(const int64_t *)now_ms < end_of(g);
}

bool pass_expire(struct pass *p, int64_t wall_ms)
{
	return pass_keep(p, lasts, &wall_ms);
}

int64_t pass_notice(struct pass *p, int64_t wall_ms)
{
	for (struct grant *g = p->grants; g; g = g->next) {
		int64_t end = end_of(g);

		if (wall_ms < g->due_ms || g->due_ms == end)
			continue;
		g->due_ms = end;
		return end;
	}
	return 0;
}

int64_t pass_due(const struct pass *p, int64_t wall_ms)
{
	int64_t due = INT64_MAX;

	for (const struct grant *g = p->grants; g; g = g->next)
		if (g->due_ms < due)
			due = g->due_ms;
	if (due == INT64_MAX)
		return -1;
	return due > wall_ms ? due - wall_ms : 0;
}

int64_t pass_end(const struct pass *p)
{
	int64_t last = 0;

	for (const struct grant *g = p->grants; g; g = g->next)
		if (end_of(g) > last)
			last = end_of(g);
	return last == INT64_MAX ? 0 : last;
}

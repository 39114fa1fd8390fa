/* SPDX-License-Identifier: MIT */
/* What roster promises, one line a promise. Prints TAP. */
#include "roster.h"
#include "tap.h"

#include <errno.h>

#define ITEMS 1000

/* Numbers 3, 6, 9, …; each object is its own number. */
static void fill(struct roster *r, uint64_t *items)
{
	roster_init(r);
	for (size_t i = 0; i < ITEMS; i++) {
		items[i] = 3 * (i + 1);
		roster_add(r, items[i], &items[i]);
	}
}

/* Whether what is there is told in order, and is this many. */
static bool tells(const struct roster *r, size_t want)
{
	uint64_t last = 0;
	const uint64_t *item;
	size_t n = 0;

	for (; (item = roster_above(r, last)) && *item > last; n++)
		last = *item;
	return !item && n == want && r->count == want;
}

static bool finds(void)
{
	static uint64_t items[ITEMS];
	struct roster r;
	bool pass = true;

	fill(&r, items);
	for (uint64_t at = 0; at < 3 * ITEMS; at++)
		pass = pass && roster_above(&r, at) == &items[at / 3];
	pass = pass && !roster_above(&r, 3 * ITEMS) &&
	       !roster_above(&r, UINT64_MAX);
	roster_release(&r);
	return pass && !roster_above(&r, 0);
}

static bool removes(void)
{
	static uint64_t items[ITEMS];
	struct roster r;
	bool pass;

	fill(&r, items);
	for (size_t i = 0; i < ITEMS; i += 3)
		roster_remove(&r, items[i]);
	pass = tells(&r, ITEMS - ITEMS / 3 - 1) &&
	       roster_above(&r, 2) == &items[1] &&
	       roster_above(&r, items[3] - 1) == &items[4];
	roster_release(&r);
	return pass;
}

/* However they go, it is not long for few; then it takes new ones. */
static bool has_few_holes(bool from_the_end)
{
	static uint64_t items[ITEMS], last = 10 * ITEMS;
	struct roster r;
	bool pass = true;

	fill(&r, items);
	for (size_t i = 0; i < ITEMS - 2; i++) {
		roster_remove(&r, items[from_the_end ? ITEMS - 1 - i : i]);
		pass = pass && r.used <= 2 * r.count + 1;
	}
	pass = pass && tells(&r, 2) && roster_add(&r, last, &last) == 0 &&
	       tells(&r, 3) && r.room <= 1024;
	roster_release(&r);
	return pass;
}

static bool adding_can_fail(void)
{
	static uint64_t items[ITEMS], last = 10 * ITEMS;
	struct roster r;
	bool pass;

	fill(&r, items);
	while (r.used < r.room)
		roster_add(&r, last++, &last);
	oom_after(1);
	errno = 0;
	pass = roster_add(&r, last, &last) == -1 && errno == ENOMEM;
	oom_off();
	pass = pass && r.used == r.room && r.count == r.used;
	roster_release(&r);
	return pass;
}

int main(void)
{
	ok(finds(), "finds the first one behind any number");
	ok(removes(), "does not find what was removed");
	ok(has_few_holes(false) && has_few_holes(true),
	   "half of it at most is holes, whoever leaves");
	ok(adding_can_fail(), "without memory for one nothing changes");
	return tap_end();
}

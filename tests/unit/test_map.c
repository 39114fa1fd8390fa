/* SPDX-License-Identifier: MIT */
/* What map promises, one line a promise. */
#include "map.h"
#include "tap.h"

#include <errno.h>

#define ITEMS 1000

struct item {
	unsigned id;
	struct map_node node;
};

static struct item *find(const struct map *m, unsigned id, uint64_t hash)
{
	for (struct map_node *n = map_first(m, hash); n; n = map_next(n)) {
		struct item *item = map_entry(n, struct item, node);

		if (item->id == id)
			return item;
	}
	return NULL;
}

/* Spread, but for each fourth id, all of which collide. */
static uint64_t hash_of(unsigned id)
{
	return id % 4 ? id * 0x9e3779b97f4a7c15ULL : 4;
}

static void insert_all(struct map *m, struct item *items)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		items[i].id = i;
		map_insert(m, &items[i].node, hash_of(i));
	}
}

static bool finds_all(const struct map *m, const struct item *items)
{
	for (unsigned i = 0; i < ITEMS; i++)
		if (find(m, i, hash_of(i)) != &items[i])
			return false;
	return m->count == ITEMS && !find(m, ITEMS, hash_of(ITEMS)) &&
	       !find(m, 1, hash_of(4));
}

static bool inserts_and_finds(void)
{
	struct item items[ITEMS];
	struct map m;
	bool pass;

	if (map_init(&m))
		return false;
	pass = !find(&m, 1, hash_of(1));
	insert_all(&m, items);
	pass = pass && finds_all(&m, items);
	map_release(&m);
	return pass;
}

static bool removes(void)
{
	struct item items[ITEMS];
	struct map m;
	bool pass = true;

	if (map_init(&m))
		return false;
	insert_all(&m, items);
	for (unsigned i = 0; i < ITEMS; i += 2)
		map_remove(&m, &items[i].node);
	for (unsigned i = 0; i < ITEMS; i++)
		pass = pass && !find(&m, i, hash_of(i)) == !(i % 2);
	pass = pass && m.count == ITEMS / 2;
	map_release(&m);
	return pass;
}

static bool doubles_at_load_1(void)
{
	struct item items[ITEMS];
	struct map m;
	bool pass;

	if (map_init(&m))
		return false;
	pass = m.mask == 15;
	for (unsigned i = 0; i < 17; i++) {
		pass = pass && m.mask == 15;
		map_insert(&m, &items[i].node, i);
	}
	pass = pass && m.mask == 31;
	for (unsigned i = 0; i < 17; i++)
		map_remove(&m, &items[i].node);
	pass = pass && m.mask == 31 && m.count == 0;
	map_release(&m);
	return pass;
}

static bool empties(void)
{
	struct item items[ITEMS];
	struct map_node *node;
	struct map m;
	size_t bucket = 0;
	size_t n = 0;

	if (map_init(&m))
		return false;
	insert_all(&m, items);
	while ((node = map_any(&m, &bucket))) {
		map_remove(&m, node);
		n++;
	}
	map_release(&m);
	return n == ITEMS;
}

static bool goes_through_all(void)
{
	struct item items[ITEMS];
	bool seen[ITEMS] = {false};
	struct map m;
	size_t n = 0;

	if (map_init(&m))
		return false;
	map_for_each (node, &m)
		n++;
	insert_all(&m, items);
	map_for_each (node, &m) {
		struct item *item = map_entry(node, struct item, node);

		n += !seen[item->id];
		seen[item->id] = true;
	}
	map_release(&m);
	return n == ITEMS;
}

/* Goes through it with `step()` after each node; whether all of `stay` came. */
static bool walks(struct map *m, const struct item *items, unsigned stay,
		  void (*step)(struct map *m, unsigned n))
{
	bool seen[ITEMS] = {false}, pass = true;
	unsigned n = 0;
	struct map_node *node;
	uint64_t hash = 0;

	for (node = map_lowest(m); node; node = map_above(m, hash)) {
		struct item *item = map_entry(node, struct item, node);

		pass = pass && (!n || node->hash > hash);
		hash = node->hash;
		if (item->id < ITEMS) {
			pass = pass && !seen[item->id];
			seen[item->id] = true;
		}
		if (step)
			step(m, n);
		n++;
	}
	for (unsigned i = 0; i < stay; i++)
		pass = pass && (items[i].id % 4 == 0 || seen[i]);
	return pass;
}

static struct item more[ITEMS], fewer[ITEMS];

/* Others come and go: those that come make it grow twice. */
static void churn(struct map *m, unsigned n)
{
	for (unsigned i = n * 8; i < n * 8 + 8 && i < ITEMS; i++) {
		more[i].id = ITEMS + i;
		map_insert(m, &more[i].node, hash_of(5 * ITEMS + 4 * i + 1));
	}
	if (n * 2 < ITEMS)
		map_remove(m, &fewer[n * 2].node);
}

static bool goes_on_in_order(void)
{
	struct item items[ITEMS];
	struct map m;
	bool pass;

	if (map_init(&m))
		return false;
	pass = !map_lowest(&m);
	insert_all(&m, items);
	pass = pass && walks(&m, items, ITEMS, NULL);
	for (unsigned i = 0; i < ITEMS; i++) {
		fewer[i].id = 2 * ITEMS;
		map_insert(&m, &fewer[i].node, hash_of(20 * ITEMS + 4 * i + 1));
	}
	pass = pass && walks(&m, items, ITEMS, churn) && m.mask == 4095;
	pass = pass && !map_above(&m, UINT64_MAX);
	map_release(&m);
	return pass;
}

static bool works_without_growing(void)
{
	struct item items[ITEMS];
	struct map m;
	bool pass;

	if (map_init(&m))
		return false;
	oom_after(1);
	insert_all(&m, items);
	pass = oom_off() > 0 && m.mask == 15 && finds_all(&m, items);
	map_remove(&m, &items[0].node);
	map_insert(&m, &items[0].node, hash_of(0));
	pass = pass && m.mask == 31 && finds_all(&m, items);
	map_release(&m);
	return pass;
}

static bool init_can_fail(void)
{
	struct map m;
	int rc;

	oom_after(1);
	errno = 0;
	rc = map_init(&m);
	oom_off();
	map_release(&m);
	return rc == -1 && errno == ENOMEM;
}

int main(void)
{
	ok(inserts_and_finds(), "finds what was inserted, collisions too");
	ok(removes(), "does not find what was removed");
	ok(doubles_at_load_1(), "16 buckets double at load 1, never shrink");
	ok(empties(), "map_any empties it");
	ok(goes_through_all(), "map_for_each sees each node once");
	ok(goes_on_in_order(),
	   "a walk in order meets each node once, whatever comes and goes");
	ok(works_without_growing(), "without memory to grow it still works");
	ok(init_can_fail(), "init without memory is ENOMEM, release harmless");
	return tap_end();
}

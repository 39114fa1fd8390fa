/* SPDX-License-Identifier: MIT */
/* What entryset promises, beside a naive table through many random steps. */
#include "entryset.h"
#include "tap.h"

#include <string.h>

#define STREAMS 3
#define IDS 200

static struct entryset set;
static bool naive[STREAMS][IDS];

static uint64_t random_state = 88172645463325252;

/* xorshift64 (Marsaglia): the same steps each time. */
static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

/* Few values, so that many are added and removed again. */
static struct entryid id_of(size_t i)
{
	return (struct entryid){1000 + i / 10, i % 10};
}

static bool step_agrees(void)
{
	uint32_t stream = (uint32_t)random_below(STREAMS);
	size_t i = random_below(IDS);
	bool there = naive[stream][i];

	if (random_below(2)) {
		naive[stream][i] = true;
		return entryset_add(&set, stream, id_of(i)) ==
		       (there ? ENTRYSET_THERE : ENTRYSET_ADDED);
	}
	naive[stream][i] = false;
	entryset_remove(&set, stream, id_of(i));
	return true;
}

static bool counts_agree(void)
{
	size_t n = 0;

	for (size_t i = 0; i < STREAMS; i++)
		for (size_t j = 0; j < IDS; j++)
			n += naive[i][j];
	return set.count == n;
}

static bool least_agrees(uint32_t stream)
{
	struct entryid id;
	size_t i = 0;

	while (i < IDS && !naive[stream][i])
		i++;
	if (!entryset_least(&set, stream, &id))
		return i == IDS;
	return i < IDS && entryid_compare(id, id_of(i)) == 0;
}

static void model(void)
{
	size_t same = 0;

	for (int i = 0; i < 200000; i++)
		same += step_agrees() && counts_agree() &&
			(i % 64 || least_agrees((uint32_t)i / 64 % STREAMS));
	ok(same == 200000, "200 000 steps as a naive table does them");
}

static void empty(void)
{
	struct entryid id;

	entryset_remove(&set, 0, id_of(1));
	ok(!entryset_least(&set, 0, &id), "an empty one has nothing");
	ok(entryset_add(&set, 0, (struct entryid){0, 0}) == ENTRYSET_ADDED &&
		   entryset_add(&set, 0, (struct entryid){0, 0}) ==
			   ENTRYSET_THERE,
	   "0-0 is an id like any other");
	ok(entryset_add(&set, 1, (struct entryid){0, 0}) == ENTRYSET_ADDED,
	   "the same id of another stream is another entry");
	entryset_remove(&set, 0, (struct entryid){0, 0});
	entryset_remove(&set, 1, (struct entryid){0, 0});
	ok(set.count == 0, "and both can be removed");
}

int main(void)
{
	entryset_init(&set);
	empty();
	model();
	entryset_release(&set);
	return tap_end();
}

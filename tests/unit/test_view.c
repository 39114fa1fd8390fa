/* SPDX-License-Identifier: MIT */
/* What view promises: chains without holes, cursors before whole frames. */
#include "tap.h"
#include "view.h"

#include <string.h>

static void add(struct view *v, size_t len, int fill)
{
	view_reserve(v, len, 0);
	memset(view_add(v, len, 0, 0), fill, len);
}

/* `n` frames of 100 bytes: four in the first block, then eight, … */
static void add_many(struct view *v, int n)
{
	for (int i = 0; i < n; i++)
		add(v, 100, 'a' + (int)(v->next % 26));
}

static int segments(const struct view *v)
{
	int n = 0;

	for (const struct segment *s = v->oldest; s; s = s->next)
		n++;
	return n;
}

/* What one gather of `max` pieces offers. */
static size_t offers(const struct cursor *c, int max, size_t budget, int *n)
{
	struct iovec pieces[16];
	size_t bytes, sum = 0;

	*n = cursor_gather(c, pieces, max, budget, &bytes);
	for (int i = 0; i < *n; i++)
		sum += pieces[i].iov_len;
	return sum == bytes ? bytes : SIZE_MAX;
}

static bool is_at(const struct view *v, uint64_t seq,
		  const struct segment *segment, uint32_t index)
{
	struct place at = view_locate(v, seq);

	return at.segment == segment && at.index == index;
}

static bool steps(const struct view *v, uint64_t seq)
{
	struct place at = view_locate(v, seq);

	for (; seq < v->next; seq++, place_step(&at))
		if (!is_at(v, seq, at.segment, at.index))
			return false;
	return true;
}

static void chain(void)
{
	struct view v;

	view_init(&v, 5, NULL);
	ok(view_first(&v) == 5 && v.next == 5 && !v.memory,
	   "an empty chain begins where it ends, and costs nothing");
	add_many(&v, 40);
	ok(v.next == 45 && v.end == 4000 && view_first(&v) == 5,
	   "numbers have no holes");
	ok(segments(&v) == 4 && v.oldest->size == SEGMENT_MIN &&
		   v.newest->size == 8 * SEGMENT_MIN,
	   "blocks double, so that a small tenant stays small");
	ok(is_at(&v, 5, v.oldest, 0) && is_at(&v, 8, v.oldest, 3) &&
		   is_at(&v, 9, v.oldest->next, 0),
	   "an entry is found by its number");
	ok(is_at(&v, 45, v.newest, v.newest->count),
	   "and so is the place of the next one");
	ok(steps(&v, 5), "one steps from each to the one behind");
	add(&v, 200000, 'x');
	ok(v.newest->size >= 200000 && v.newest->count == 1,
	   "a larger frame gets a block of its own size");
	add(&v, 100, 'y');
	ok(v.newest->size == SEGMENT_MAX, "and the next one is as usual");
	view_release(&v);
	ok(!v.oldest && !v.memory && v.next == 47,
	   "releasing keeps the number");
}

static void trimming(void)
{
	struct view v;
	struct cursor c;

	view_init(&v, 1, NULL);
	add_many(&v, 40);
	view_trim(&v, 4);
	ok(view_first(&v) == 1, "a block stays while one entry is wanted");
	view_trim(&v, 5);
	ok(view_first(&v) == 5, "whole blocks go from the front");
	view_enter(&v, &c, 6);
	view_trim(&v, 41);
	ok(view_first(&v) == 5, "a cursor pins its block, and all that follow");
	view_leave(&v, &c);
	view_trim(&v, 41);
	ok(!v.oldest && !v.newest && !v.memory && view_first(&v) == 41,
	   "with the last cursor all may go");
	add_many(&v, 1);
	ok(v.oldest == v.newest && v.oldest->size == SEGMENT_MIN &&
		   view_first(&v) == 41,
	   "and it begins anew, small");
	view_release(&v);
}

static void reading(void)
{
	struct view v;
	struct cursor c;
	struct view_rest rest;
	int n;

	view_init(&v, 1, NULL);
	ok(view_enter(&v, &c, 1) == 0 && cursor_at_end(&c) &&
		   offers(&c, 9, 1 << 20, &n) == 0 && n == 0,
	   "a cursor may wait in an empty chain");
	add_many(&v, 40);
	ok(!cursor_at_end(&c) && cursor_seq(&c) == 1 &&
		   view_lag(&v, &c) == 4000,
	   "it is behind what comes");
	ok(offers(&c, 9, 1 << 20, &n) == 4000 && n == 4,
	   "a piece for each block");
	ok(offers(&c, 2, 1 << 20, &n) == 1200 && n == 2, "at most `max`");
	ok(offers(&c, 9, 401, &n) == 1200 && n == 2 &&
		   offers(&c, 9, 400, &n) == 400 && n == 1,
	   "none is begun beyond the budget");
	ok(cursor_advance(&c, 0, &rest) == 0 && rest.len == 0 &&
		   cursor_seq(&c) == 1,
	   "nothing written, nothing moved");
	ok(cursor_advance(&c, 200, &rest) == 2 && rest.len == 0 &&
		   cursor_seq(&c) == 3,
	   "a write that ends on a frame has no rest");
	ok(cursor_advance(&c, 1, &rest) == 1 && rest.len == 99 &&
		   *rest.bytes == 'a' + 3 && cursor_seq(&c) == 4,
	   "a frame that was cut counts as read; its rest comes back");
	ok(view_lag(&v, &c) == 3700, "the lag is counted in whole frames");
	ok(cursor_advance(&c, 100 + 800 + 50, &rest) == 10 && rest.len == 50 &&
		   cursor_seq(&c) == 14,
	   "across blocks too");
	ok(v.oldest->cursors == 0 && c.segment->cursors == 1,
	   "blocks behind it are not pinned any more");
	ok(cursor_advance(&c, 2700, &rest) == 27 && cursor_at_end(&c) &&
		   view_lag(&v, &c) == 0,
	   "up to the end");
	view_leave(&v, &c);
	ok(v.readers == 0 && !c.segment, "leaving unpins");
	view_release(&v);
}

/* Cuts at every byte: frames are found whole or with exactly their rest. */
static bool every_cut(void)
{
	struct view v;
	struct view_rest rest;
	struct cursor c;
	bool good = true;

	view_init(&v, 1, NULL);
	add_many(&v, 13);
	for (size_t cut = 0; cut <= 1300; cut++) {
		view_enter(&v, &c, 1);
		good &= cursor_advance(&c, cut, &rest) == (cut + 99) / 100;
		good &= rest.len == (100 - cut % 100) % 100;
		good &= view_lag(&v, &c) + rest.len == 1300 - cut;
		view_leave(&v, &c);
	}
	view_release(&v);
	return good;
}

static void empties(void)
{
	struct view v;
	struct view_rest rest;
	struct cursor c;
	int n;

	view_init(&v, 1, NULL);
	add(&v, 0, 0);
	view_enter(&v, &c, 1);
	ok(!cursor_at_end(&c) && offers(&c, 9, 99, &n) == 0 && n == 0,
	   "an entry without bytes is nothing to write, but not the end");
	ok(cursor_advance(&c, 0, &rest) == 1 && cursor_at_end(&c),
	   "and passed by a write of nothing");
	add(&v, 10, 'a');
	add(&v, 0, 0);
	add(&v, 10, 'b');
	ok(cursor_advance(&c, 3, &rest) == 1 && rest.len == 7 &&
		   cursor_seq(&c) == 3,
	   "a cut before one has the rest of its frame alone");
	ok(cursor_advance(&c, 10, &rest) == 2 && cursor_at_end(&c),
	   "it is passed with the next frame");
	view_leave(&v, &c);
	view_release(&v);
}

static void prepending(void)
{
	struct view v, older;
	struct cursor c, early;
	struct view_rest rest;
	int n;

	view_init(&v, 11, NULL);
	add_many(&v, 10);
	view_enter(&v, &c, 15);
	view_init(&older, 1, NULL);
	add_many(&older, 10);
	view_prepend(&v, &older);
	ok(view_first(&v) == 1 && v.next == 21 && !older.oldest,
	   "an older chain is put in front");
	ok(cursor_seq(&c) == 15 && view_lag(&v, &c) == 600,
	   "who is there stays where he is");
	view_enter(&v, &early, 1);
	ok(view_lag(&v, &early) == 2000 &&
		   offers(&early, 9, 1 << 20, &n) == 2000 &&
		   cursor_advance(&early, 2000, &rest) == 20,
	   "and all of it can be read");
	view_leave(&v, &early);
	view_leave(&v, &c);
	view_release(&v);
	ok(!v.memory, "memory adds up");
	view_init(&v, 11, NULL);
	view_init(&older, 1, NULL);
	add_many(&older, 10);
	view_prepend(&v, &older);
	add_many(&v, 1);
	ok(view_first(&v) == 1 && v.next == 12 && segments(&v) == 2,
	   "an empty chain takes the other over");
	view_release(&v);
}

static void no_memory(void)
{
	struct view v;
	struct cursor c;

	view_init(&v, 1, NULL);
	oom_after(1);
	ok(view_reserve(&v, 10, 0) == -1 && !v.oldest && !v.memory,
	   "without memory there is no room, and nothing changed");
	ok(view_enter(&v, &c, 1) == -1 && !v.readers, "nor a reader");
	oom_off();
	add_many(&v, 4);
	oom_after(1);
	ok(view_reserve(&v, 500, 0) == -1 && v.oldest == v.newest &&
		   view_enter(&v, &c, 3) == 0,
	   "a chain that is there can be entered without");
	oom_off();
	view_leave(&v, &c);
	view_release(&v);
}

int main(void)
{
	chain();
	trimming();
	reading();
	ok(every_cut(), "every possible cut leaves frames whole");
	empties();
	prepending();
	no_memory();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What resume promises, one line a promise. */
#include "resume.h"
#include "tap.h"

#include <string.h>

static const struct proto_since head = {.kind = PROTO_SINCE_HEAD};
static const struct proto_since all = {.kind = PROTO_SINCE_ALL};
static const struct proto_since point = {
	.kind = PROTO_SINCE_SEQ, .number = 41, .epoch = "a.0"};

static enum resume_step subscribed(struct resume *r, const char *epoch,
				   uint64_t next, bool recovered)
{
	struct answer a = {.type = ANSWER_SUBSCRIBED,
			   .next = next,
			   .recovered = recovered};
	uint64_t ignored;

	strcpy(a.epoch, epoch);
	return resume_subscribed(r, &a, &ignored);
}

static enum resume_step update(struct resume *r, const char *epoch,
			       uint64_t seq, uint64_t *from)
{
	struct answer a = {.type = ANSWER_UPDATE, .seq = seq};
	uint64_t ignored;

	strcpy(a.epoch, epoch);
	return resume_update(r, &a, from ? from : &ignored);
}

static void gap(struct resume *r, const char *epoch, uint64_t from, uint64_t to)
{
	struct answer a = {.type = ANSWER_GAP, .from = from, .to = to};

	strcpy(a.epoch, epoch);
	resume_gap(r, &a);
}

static bool asks(const struct resume *r, const char *epoch, uint64_t seq)
{
	struct proto_since since;

	resume_since(r, &since);
	return since.kind == PROTO_SINCE_SEQ && since.number == seq &&
	       strcmp(since.epoch, epoch) == 0;
}

static bool asks_kind(const struct resume *r, enum proto_since_kind kind)
{
	struct proto_since since;

	resume_since(r, &since);
	return since.kind == kind;
}

static void beginning(void)
{
	struct resume r;

	resume_init(&r, &head);
	ok(asks_kind(&r, PROTO_SINCE_HEAD), "at first it asks as it was told");
	subscribed(&r, "a.0", 42, true);
	ok(asks(&r, "a.0", 41), "until the first update from next - 1");
	ok(update(&r, "a.0", 42, NULL) == RESUME_NEXT, "the update due");
	ok(asks(&r, "a.0", 42), "then from the last seq that came");
	resume_init(&r, &all);
	subscribed(&r, "a.0", 1, true);
	ok(asks(&r, "a.0", 0), "an empty stream is resumed from 0");
	resume_init(&r, &point);
	ok(asks(&r, "a.0", 41), "a point that was given is asked for");
}

static void coming_back(void)
{
	struct resume r;
	uint64_t from;

	resume_init(&r, &point);
	subscribed(&r, "a.0", 42, true);
	ok(asks(&r, "a.0", 41), "recovered: the point stays");
	ok(update(&r, "a.0", 41, NULL) == RESUME_OLD, "a replayed one is old");
	ok(update(&r, "a.0", 44, &from) == RESUME_JUMP && from == 42,
	   "a jump tells the first that is missing");
	ok(asks(&r, "a.0", 44), "and goes on behind it");
}

static void losing(void)
{
	struct resume r;
	uint64_t from;

	resume_init(&r, &point);
	subscribed(&r, "a.0", 50, false);
	ok(asks(&r, "a.0", 41), "trimmed: the point waits for the GAP");
	gap(&r, "a.0", 42, 49);
	ok(asks(&r, "a.0", 49), "GAP history moves it");
	ok(update(&r, "a.0", 50, NULL) == RESUME_NEXT, "what follows is due");
	gap(&r, "a.0", 42, 49);
	ok(asks(&r, "a.0", 50), "a GAP never moves it backwards");

	resume_init(&r, &point);
	subscribed(&r, "b.0", 7, false);
	ok(asks(&r, "a.0", 41), "restarted: the point waits for the GAP");
	gap(&r, "b.0", 0, 0);
	ok(asks(&r, "b.0", 6), "GAP restart takes over the new stream");

	resume_init(&r, &point);
	subscribed(&r, "a.0", 3, false);
	gap(&r, "a.0", 0, 0);
	ok(asks(&r, "a.0", 2), "a seq beyond the head begins anew");

	resume_init(&r, &point);
	subscribed(&r, "b.0", 7, false);
	ok(update(&r, "b.0", 7, &from) == RESUME_JUMP && from == 0,
	   "another epoch without a GAP is a jump of unknown length");
}

/* Whether something is missing from `from` on when it comes to `next`. */
static bool misses(struct resume *r, const char *epoch, uint64_t next,
		   uint64_t from)
{
	struct answer a = {.type = ANSWER_SUBSCRIBED, .next = next};
	uint64_t got;

	strcpy(a.epoch, epoch);
	return resume_subscribed(r, &a, &got) == RESUME_JUMP && got == from;
}

static void all_tenants(void)
{
	struct resume r;

	resume_init_live(&r);
	ok(subscribed(&r, "a.0", 5, true) == RESUME_NEXT &&
		   asks_kind(&r, PROTO_SINCE_HEAD),
	   "all tenants: it begins with what comes");
	ok(update(&r, "e.0", 700, NULL) == RESUME_NEXT &&
		   update(&r, "f.0", 3, NULL) == RESUME_NEXT &&
		   update(&r, "e.0", 9, NULL) == RESUME_NEXT,
	   "whatever numbers updates have in their tenants");
	ok(asks_kind(&r, PROTO_SINCE_HEAD), "and always does");
	ok(subscribed(&r, "a.0", 8, true) == RESUME_NEXT,
	   "it knows that nothing is missing");
	ok(misses(&r, "a.0", 10, 8), "or from where on");
	gap(&r, "a.0", 10, 19);
	ok(update(&r, "e.0", 10, NULL) == RESUME_NEXT &&
		   misses(&r, "a.0", 30, 21),
	   "a GAP counts as all that it names");
	ok(misses(&r, "b.0", 1, 0), "of another epoch nobody knows");
	ok(misses(&r, "c.0", 1, 0) && misses(&r, "c.0", 0, 0) == false,
	   "not even when the numbers fit");
	update(&r, "e.0", 11, NULL);
	ok(misses(&r, "c.0", 1, 0), "nor when they go back");
}

int main(void)
{
	all_tenants();
	beginning();
	coming_back();
	losing();
	return tap_end();
}

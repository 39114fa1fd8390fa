/* SPDX-License-Identifier: MIT */
/* What producers promises: names that outlive their connections. */
#include "producers.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define AGE 1000

static const struct hash_key hash_key = {1, 2};

static struct producer *claim(struct producers *p, const char *name, int64_t ms)
{
	struct producer *producer = producers_claim(p, name, strlen(name), ms);

	if (producer && !producer->owner)
		producer->owner = p; /* any */
	return producer;
}

static bool knows(const struct producers *p, size_t count)
{
	return p->map.count == count;
}

static void claiming(struct producers *p)
{
	struct producer *a = claim(p, "a", 0), *ab = claim(p, "ab", 0);

	ok(a && ab && a != ab && a->last == 0, "each name has its producer");
	a->last = 7;
	ok(claim(p, "a", 0) == a && a->owner == p && a->last == 7,
	   "a second claim finds it, with its owner");
	producers_leave(p, a, 100);
	ok(!a->owner, "it may be left");
	ok(claim(p, "a", 100 + AGE) == a && a->last == 7,
	   "and claimed again in time, with its last id");
	producers_leave(p, a, 200);
	a = claim(p, "a", 201 + AGE);
	ok(a && a->last == 0, "later it begins anew");
	producers_expire(p, 100 * AGE);
	ok(knows(p, 2), "what is owned never expires");
	producers_leave(p, ab, 100 * AGE);
	producers_leave(p, a, 100 * AGE);
	producers_expire(p, 101 * AGE);
	ok(knows(p, 2), "what is away is kept for its time");
	producers_expire(p, 101 * AGE + 1);
	ok(knows(p, 0), "and then forgotten");
}

static void bounded(struct producers *p)
{
	struct producer *a = claim(p, "a", 0), *b = claim(p, "b", 0), *c;

	claim(p, "c", 0);
	errno = 0;
	ok(!claim(p, "d", 0) && errno == ENOSPC && knows(p, 3),
	   "where all are owned, there is no room for one more");
	ok(claim(p, "a", 0) == a, "but for those who are there");
	a->last = 1;
	b->last = 2;
	producers_leave(p, b, 1);
	producers_leave(p, a, 2);
	c = claim(p, "d", 3);
	ok(c && knows(p, 3) && claim(p, "a", 3)->last == 1,
	   "the one longest away makes room");
	errno = 0;
	ok(!claim(p, "b", 3) && errno == ENOSPC, "and is forgotten");
}

static void lowered(struct producers *p)
{
	struct producer *a = claim(p, "a", 0), *b = claim(p, "b", 0);
	struct producer *c = claim(p, "c", 0);

	p->max = 1;
	producers_leave(p, b, 1);
	producers_leave(p, a, 2);
	producers_expire(p, 3);
	ok(knows(p, 1) && claim(p, "c", 3) == c,
	   "where the limit is lowered, those who are away go");
	errno = 0;
	ok(!claim(p, "d", 3) && errno == ENOSPC, "and nobody else comes");
	p->max = 2;
	ok(claim(p, "d", 3) && knows(p, 2), "until it is raised");
}

static void refusing(struct producers *p)
{
	struct producer *a = claim(p, "refusing", 0);

	ok(!producer_has(a, 1), "at first no id was taken");
	producer_refused(a, 1);
	producer_took(a, 2);
	ok(!producer_has(a, 1) && producer_has(a, 2),
	   "an id that was refused was not taken, whatever came behind it");
	producer_took(a, 1);
	ok(producer_has(a, 1) && a->last == 2,
	   "until it is taken, when it is resent");
	for (uint64_t id = 3; id < 4 + PRODUCER_REFUSED; id++)
		producer_refused(a, id);
	producer_took(a, 100);
	ok(producer_has(a, 3) && !producer_has(a, 4),
	   "only the last of them are known");
}

int main(void)
{
	struct producers p;

	ok(producers_init(&p, &hash_key, 3, AGE) == 0, "it begins empty");
	claiming(&p);
	refusing(&p);
	producers_release(&p);
	producers_init(&p, &hash_key, 3, AGE);
	bounded(&p);
	producers_release(&p);
	producers_init(&p, &hash_key, 3, AGE);
	lowered(&p);
	producers_release(&p);
	oom_after(1);
	ok(producers_init(&p, &hash_key, 3, AGE) == -1, "it needs memory");
	oom_off();
	producers_init(&p, &hash_key, 3, AGE);
	oom_after(1);
	errno = 0;
	ok(!claim(&p, "a", 0) && errno == ENOMEM && knows(&p, 0),
	   "and so does a producer");
	oom_off();
	producers_release(&p);
	return tap_end();
}

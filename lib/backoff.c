/* SPDX-License-Identifier: MIT */
#include "backoff.h"

/* Doubling stops here at the latest: 2^40 ms are 35 years. */
#define DOUBLINGS_MAX 40

static uint64_t ceiling(const struct backoff *b)
{
	unsigned n = b->failed < DOUBLINGS_MAX ? b->failed : DOUBLINGS_MAX;

	if (b->first_ms >= b->max_ms >> n)
		return b->max_ms;
	return b->first_ms << n;
}

uint64_t backoff_next(struct backoff *b, uint64_t random)
{
	uint64_t limit = ceiling(b);

	if (b->failed < DOUBLINGS_MAX)
		b->failed++;
	return limit == UINT64_MAX ? random : random % (limit + 1);
}

void backoff_reset(struct backoff *b)
{
	b->failed = 0;
}

void backoff_raise(struct backoff *b, unsigned failed)
{
	if (b->failed < failed)
		b->failed = failed;
}

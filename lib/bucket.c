/* SPDX-License-Identifier: MIT */
#include "bucket.h"

#define SECOND_MS 1000

static int64_t clamp(uint64_t n)
{
	return n < BUCKET_RATE_MAX ? (int64_t)n : BUCKET_RATE_MAX;
}

/* A token a second is a thousandth of one in a millisecond. */
static int64_t level_at(const struct bucket *b, uint64_t rate, int64_t now_ms)
{
	int64_t r = clamp(rate), full = r * SECOND_MS;
	int64_t passed = now_ms - b->at_ms;

	/* So long that any debt is paid: nothing may overflow. */
	if (passed > (full - b->level) / r)
		return full;
	return b->level + passed * r;
}

void bucket_take(struct bucket *b, uint64_t rate, uint64_t n, int64_t now_ms)
{
	b->level = level_at(b, rate, now_ms);
	b->at_ms = now_ms;
	b->level -= clamp(n) * SECOND_MS;
	if (b->level < -BUCKET_RATE_MAX * SECOND_MS)
		b->level = -BUCKET_RATE_MAX * SECOND_MS;
}

int64_t bucket_wait(const struct bucket *b, uint64_t rate, int64_t now_ms)
{
	int64_t r = clamp(rate), level = level_at(b, rate, now_ms);

	return level >= 0 ? 0 : (-level + r - 1) / r;
}

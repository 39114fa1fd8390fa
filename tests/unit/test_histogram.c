/* SPDX-License-Identifier: MIT */
/* What histogram promises, one line a promise. Prints TAP. */
#include "histogram.h"
#include "tap.h"

static struct histogram h; /* 60 KiB: too much for some stacks */

static bool buckets_are_in_order(void)
{
	size_t last = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t at = (uint64_t)1 << bit;
		size_t before = histogram_bucket(at - 1);
		size_t here = histogram_bucket(at);

		if (here < before || here > before + 1 || here < last)
			return false;
		last = here;
	}
	return histogram_bucket(UINT64_MAX) == HISTOGRAM_BUCKETS - 1;
}

/* One value below a far greater one, so that max does not cap it. */
static bool within(uint64_t value)
{
	uint64_t told;

	histogram_init(&h);
	histogram_record(&h, value, 1);
	histogram_record(&h, UINT64_MAX, 1);
	told = histogram_quantile(&h, 500000);
	return told >= value && told - value <= value / 128;
}

static bool all_within(void)
{
	for (uint64_t value = 1; value < UINT64_MAX / 3; value = value * 3 + 1)
		if (!within(value))
			return false;
	return true;
}

static void uniform(void)
{
	histogram_init(&h);
	for (uint64_t i = 1; i <= 100; i++)
		histogram_record(&h, i, 1);
}

int main(void)
{
	histogram_init(&h);
	ok(histogram_quantile(&h, 500000) == 0, "an empty one says 0");
	ok(buckets_are_in_order(), "buckets follow the order of values");
	ok(all_within(), "what it says is at most 1/128 too high, never low");
	uniform();
	ok(histogram_quantile(&h, 500000) == 50, "the median of 1..100 is 50");
	ok(histogram_quantile(&h, 990000) == 99, "p99 of 1..100 is 99");
	ok(histogram_quantile(&h, 999000) == 100, "p99.9 of 1..100 is 100");
	ok(histogram_quantile(&h, 0) == 1, "p0 is the smallest");
	histogram_record(&h, 1000003, 1);
	ok(histogram_quantile(&h, 1000000) == 1000003, "p100 is the exact max");
	return tap_end();
}

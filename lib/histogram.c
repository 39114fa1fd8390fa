/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <string.h>

#define SUB ((uint64_t)1 << HISTOGRAM_BITS)

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
}

/* The greatest value that histogram_bucket() puts into this bucket. */
static uint64_t bucket_end(size_t bucket)
{
	uint64_t shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = bucket / SUB - 1;
	/* Unsigned, so the last bucket ends at 2^64 - 1. */
	return ((bucket - shift * SUB + 1) << shift) - 1;
}

/* Rounded up; split so that no product overflows. */
static uint64_t rank_of(uint64_t total, unsigned ppm)
{
	uint64_t whole = total / 1000000 * ppm;
	uint64_t part = (total % 1000000 * ppm + 999999) / 1000000;

	return whole + part;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned ppm)
{
	uint64_t rank = rank_of(h->total, ppm);
	uint64_t seen = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen && seen >= rank)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	return h->max;
}

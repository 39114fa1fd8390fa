/* SPDX-License-Identifier: MIT */
/*
 * histogram - how often each duration occurred, log-linear: values below 128
 * exactly, above that 128 buckets for each power of two, so that what it says
 * is at most 0.8 % above what was recorded, from nanoseconds to centuries.
 *
 * It has a fixed size and allocates nothing; recording is a shift and an
 * increment, cheap enough for every one of ten million deliveries a second.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 7 /* 2^7 buckets for each power of two */
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	uint64_t max; /* exact */
};

void histogram_init(struct histogram *h);

/* The bucket of a value; buckets are in the order of their values. */
static inline size_t histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < 1 << HISTOGRAM_BITS)
		return (size_t)value;
	shift = 63 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
	return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
}

static inline void histogram_record(struct histogram *h, uint64_t value,
				    uint64_t times)
{
	h->counts[histogram_bucket(value)] += times;
	h->total += times;
	if (value > h->max)
		h->max = value;
}

/*
 * The value that `ppm` of a million recorded ones do not exceed (999000 for
 * p99.9): the greatest of its bucket, but never above the maximum. 0 when
 * nothing was recorded.
 */
uint64_t histogram_quantile(const struct histogram *h, unsigned ppm);

#endif

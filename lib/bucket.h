/* SPDX-License-Identifier: MIT */
/*
 * bucket - a rate limit: a token bucket that holds what one second gives, and
 * may go into debt.
 *
 * What has come already is taken, however much it is; who is in debt has to
 * wait until that is paid. So a batch larger than a second's worth is possible,
 * and the rate holds all the same.
 */
#ifndef BUCKET_H
#define BUCKET_H

#include <stdint.h>

/* Zeroed: full. */
struct bucket {
	int64_t level; /* tokens, in thousandths; below 0: debt */
	int64_t at_ms; /* when it was so, monotonic */
};

/* Rates above this count as this. */
#define BUCKET_RATE_MAX (INT64_C(1) << 40)

/* Takes `n` tokens at `rate` a second, above 0. */
void bucket_take(struct bucket *b, uint64_t rate, uint64_t n, int64_t now_ms);

/* How long to wait until the debt is paid, in ms; 0: there is none. */
int64_t bucket_wait(const struct bucket *b, uint64_t rate, int64_t now_ms);

#endif

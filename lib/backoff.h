/* SPDX-License-Identifier: MIT */
/*
 * backoff - how long to wait before the next attempt: exponential, with full
 * jitter, so that a thousand clients that lost the same server do not come
 * back in the same moment.
 *
 * Pure: the caller has the random number and the timer.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

struct backoff {
	uint64_t first_ms; /* the first delay is random up to this */
	uint64_t max_ms;   /* it doubles up to this */
	unsigned failed;   /* attempts since the last success */
};

/* The delay before the next attempt in ms, from 0 on; counts the attempt. */
uint64_t backoff_next(struct backoff *b, uint64_t random);

/* It succeeded: begin from the start. */
void backoff_reset(struct backoff *b);

/* The server asks for fewer attempts: go on as after `failed` of them. */
void backoff_raise(struct backoff *b, unsigned failed);

#endif

/* SPDX-License-Identifier: MIT */
/* What bucket promises, one line a promise. */
#include "bucket.h"
#include "tap.h"

#include <stdlib.h>

#define LONG_AGO 123456789

static void steady(void)
{
	struct bucket b = {0};
	int64_t now = LONG_AGO;

	for (int i = 0; i < 10; i++)
		bucket_take(&b, 10, 1, now);
	ok(bucket_wait(&b, 10, now) == 0, "a second's worth may come at once");
	bucket_take(&b, 10, 1, now);
	ok(bucket_wait(&b, 10, now) == 100, "one more must wait for its share");
	ok(bucket_wait(&b, 10, now + 99) == 1 &&
		   bucket_wait(&b, 10, now + 100) == 0,
	   "and no longer");
	bucket_take(&b, 10, 100, now + 100);
	ok(bucket_wait(&b, 10, now + 100) == 10000,
	   "a large batch is taken whole, and paid for later");
	ok(bucket_wait(&b, 10, now + LONG_AGO) == 0, "all debts end");
	bucket_take(&b, 10, 21, now + LONG_AGO);
	ok(bucket_wait(&b, 10, now + LONG_AGO) == 1100,
	   "but nobody saves up more than a second's worth");
}

/* Over a long time the rate holds, whatever the steps. */
static void over_time(uint64_t rate)
{
	struct bucket b = {0};
	int64_t begin = LONG_AGO, now = begin;
	uint64_t taken = 0, most;

	while (now < begin + 100 * 1000) {
		if (bucket_wait(&b, rate, now) == 0) {
			uint64_t n = 1 + (uint64_t)rand() % (rate / 3 + 1);

			bucket_take(&b, rate, n, now);
			taken += n;
		} else {
			now += 1 + rand() % 5;
		}
	}
	most = rate * 101 + rate / 3 + 1;
	ok(taken <= most && taken >= rate * 95, "the rate holds over time");
}

static void extremes(void)
{
	struct bucket b = {0};

	for (int i = 0; i < 5; i++)
		bucket_take(&b, UINT64_MAX, UINT64_MAX, i);
	ok(bucket_wait(&b, UINT64_MAX, 5) > 0, "the largest rate and batch");
	bucket_take(&b, 1, UINT64_MAX, 5);
	bucket_take(&b, 1, UINT64_MAX, 6);
	ok(bucket_wait(&b, 1, 7) > 0, "the largest debt");
	ok(bucket_wait(&b, 1, INT64_MAX) == 0, "at the end of time it is paid");
}

int main(void)
{
	srand(1);
	steady();
	over_time(7);
	over_time(1000);
	over_time(1000000);
	extremes();
	return tap_end();
}

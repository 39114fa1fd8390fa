/* SPDX-License-Identifier: MIT */
/* What loadmark promises, one line a promise. Prints TAP. */
#include "json.h"
#include "loadmark.h"
#include "tap.h"

#include <stdio.h>

#define RUN 0x0123abcd

static bool round_trips(struct loadmark_reader *reader, size_t size,
			const struct loadmark *want)
{
	char update[300];
	struct loadmark got;

	loadmark_make(update, size, RUN);
	loadmark_set(update, want);
	return json_check(update, size, NULL) == JSON_OK &&
	       loadmark_read(&got, reader, update, size) &&
	       got.flow == want->flow && got.seq == want->seq &&
	       got.time == want->time;
}

static bool all_round_trip(void)
{
	struct loadmark_reader reader;
	struct loadmark mark = {0};

	loadmark_reader_init(&reader, RUN);
	for (uint64_t x = 1; x; x <<= 1) {
		mark = (struct loadmark){
			.flow = (uint32_t)(x * 3),
			.seq = (uint32_t)(x >> 16 ^ 0xfedcba98),
			.time = x - 1,
		};
		if (!round_trips(&reader, LOADMARK_MIN, &mark) ||
		    !round_trips(&reader, 128, &mark))
			return false;
	}
	return true;
}

/* An update in the "data" of an envelope that ends with `end`. */
static bool found(uint32_t run, const char *end)
{
	char update[100];
	char text[300];
	struct loadmark_reader reader;
	struct loadmark mark = {.flow = 5, .seq = 9, .time = 77};
	int n;

	loadmark_make(update, sizeof(update), RUN);
	loadmark_set(update, &mark);
	n = snprintf(text, sizeof(text), "{\"type\":\"UPDATE\",\"data\":%.*s%s",
		     (int)sizeof(update), update, end);
	loadmark_reader_init(&reader, run);
	mark = (struct loadmark){0};
	return loadmark_find(&mark, &reader, text, (size_t)n, sizeof(update)) &&
	       mark.flow == 5 && mark.seq == 9 && mark.time == 77;
}

static bool reads_cut(size_t len)
{
	struct loadmark_reader reader;
	struct loadmark mark;
	char update[LOADMARK_MIN];

	loadmark_make(update, sizeof(update), RUN);
	loadmark_reader_init(&reader, RUN);
	return loadmark_read(&mark, &reader, update, len);
}

int main(void)
{
	ok(all_round_trip(), "what was set is read, and the update is JSON");
	ok(found(RUN, "}"), "an update is found at the end of an envelope");
	ok(found(RUN, ",\"more\":true}"), "and in its middle");
	ok(!found(RUN + 1, "}"), "an update of another run is not ours");
	ok(reads_cut(LOADMARK_MIN) && !reads_cut(LOADMARK_MIN - 1),
	   "an update that was cut is none");
	return tap_end();
}

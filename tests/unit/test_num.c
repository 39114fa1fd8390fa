/* SPDX-License-Identifier: MIT */
/* What num promises, one line a promise. */
#include "num.h"
#include "tap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef int parser(const char *text, size_t len, uint64_t *value);

static bool gives(parser *parse, const char *text, uint64_t want)
{
	uint64_t value = ~want;

	return parse(text, strlen(text), &value) == 0 && value == want;
}

static bool refused(parser *parse, const char *text, int error)
{
	uint64_t value = 42;

	errno = 0;
	return parse(text, strlen(text), &value) == -1 && errno == error &&
	       value == 42;
}

static bool all_refused(parser *parse, const char *const *texts, int error)
{
	for (; *texts; texts++)
		if (!refused(parse, *texts, error))
			return false;
	return true;
}

static void test_u64(void)
{
	static const char *const bad[] = {
		"",    "-1",  "+1", " 1", "1 ", "0x1",
		"1e3", "1.0", "a",  "/",  ":",	NULL,
	};
	static const char *const large[] = {"18446744073709551616",
					    "99999999999999999999", NULL};

	ok(gives(num_parse_u64, "0", 0), "0");
	ok(gives(num_parse_u64, "18446744073709551615", UINT64_MAX),
	   "the largest number");
	ok(gives(num_parse_u64, "007", 7), "leading zeros");
	ok(all_refused(num_parse_u64, bad, EINVAL), "only digits");
	ok(all_refused(num_parse_u64, large, ERANGE), "overflow is ERANGE");
}

static void test_size(void)
{
	static const char *const bad[] = {"",	 "k",  "1kb", "1 k", "1.5M",
					  "-1k", "1t", "k1",  NULL};

	ok(gives(num_parse_size, "512", 512), "plain bytes");
	ok(gives(num_parse_size, "64k", 65536) &&
		   gives(num_parse_size, "64K", 65536),
	   "k is 1024, in either case");
	ok(gives(num_parse_size, "16M", 16777216), "M");
	ok(gives(num_parse_size, "2G", 2147483648), "G");
	ok(gives(num_parse_size, "17179869183G", 17179869183ULL << 30),
	   "the largest size with G");
	ok(refused(num_parse_size, "17179869184G", ERANGE),
	   "a size that overflows is ERANGE");
	ok(all_refused(num_parse_size, bad, EINVAL), "other sizes are EINVAL");
}

static void test_duration(void)
{
	static const char *const bad[] = {"",	 "s",	".5",	 "1.",
					  "1.s", "1 s", "-1",	 "1w",
					  "1ss", "1S",	"1.2.3", NULL};
	static const char *const small[] = {"0", "0ms", "0.1ms", "0.0009",
					    NULL};

	ok(gives(num_parse_duration, "5", 5000), "no unit means seconds");
	ok(gives(num_parse_duration, "500ms", 500), "ms");
	ok(gives(num_parse_duration, "10s", 10000), "s");
	ok(gives(num_parse_duration, "10m", 600000), "m");
	ok(gives(num_parse_duration, "24h", 86400000), "h");
	ok(gives(num_parse_duration, "7d", 604800000), "d");
	ok(gives(num_parse_duration, "1.5", 1500) &&
		   gives(num_parse_duration, "0.2s", 200) &&
		   gives(num_parse_duration, "0.25h", 900000),
	   "decimal fractions");
	ok(gives(num_parse_duration, "1.9999", 1999), "rounded down to ms");
	ok(gives(num_parse_duration, "1.00099999999999999999999999999", 1000),
	   "many digits do no harm");
	ok(refused(num_parse_duration, "18446744073709552", ERANGE) &&
		   refused(num_parse_duration, "213503982335d", ERANGE),
	   "a duration that overflows is ERANGE");
	ok(all_refused(num_parse_duration, small, EDOM),
	   "a duration below 1 ms is EDOM");
	ok(all_refused(num_parse_duration, bad, EINVAL),
	   "other durations are EINVAL");
}

static bool puts_u64(uint64_t value, const char *want)
{
	char out[NUM_TEXT_MAX];
	size_t n = num_put_u64(out, value);

	return n == strlen(want) && !memcmp(out, want, n);
}

/* Around each power of ten, and some of each length. */
static bool puts_all_lengths(void)
{
	uint64_t power = 1;

	for (int digits = 1; digits <= 20; digits++, power *= 10)
		for (uint64_t i = 0; i < 1000; i++) {
			uint64_t near = power + i - 500,
				 far = power * 9 / 7 * i;
			char text[2][NUM_TEXT_MAX];

			snprintf(text[0], NUM_TEXT_MAX, "%" PRIu64, near);
			snprintf(text[1], NUM_TEXT_MAX, "%" PRIu64, far);
			if (!puts_u64(near, text[0]) || !puts_u64(far, text[1]))
				return false;
		}
	return true;
}

static bool puts_time(int64_t ms, const char *want)
{
	char out[NUM_TIME_LEN];

	num_put_time(out, ms);
	return !memcmp(out, want, NUM_TIME_LEN);
}

/* Steps of a little more than a day, through leap years of each kind. */
static bool agrees_with_libc(void)
{
	for (int64_t ms = 0; ms < 253402300800000; ms += 86399999 + 17001) {
		time_t seconds = ms / 1000;
		struct tm tm;
		char want[64];
		size_t n;

		gmtime_r(&seconds, &tm);
		n = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.", &tm);
		want[n++] = (char)('0' + ms % 1000 / 100);
		want[n++] = (char)('0' + ms % 100 / 10);
		want[n++] = (char)('0' + ms % 10);
		want[n++] = 'Z';
		if (n != NUM_TIME_LEN || !puts_time(ms, want))
			return false;
	}
	return true;
}

static void test_put(void)
{
	ok(puts_u64(0, "0") && puts_u64(10, "10") &&
		   puts_u64(UINT64_MAX, "18446744073709551615"),
	   "writes decimal digits");
	ok(puts_all_lengths(), "of numbers of all lengths");
	ok(puts_time(0, "1970-01-01T00:00:00.000Z"), "the first time");
	ok(puts_time(253402300799999, "9999-12-31T23:59:59.999Z"),
	   "the last time");
	ok(puts_time(-1, "1970-01-01T00:00:00.000Z") &&
		   puts_time(INT64_MAX, "9999-12-31T23:59:59.999Z"),
	   "times outside are shown as the nearest within");
	ok(puts_time(951782400123, "2000-02-29T00:00:00.123Z"), "a leap day");
	ok(agrees_with_libc(), "agrees with gmtime for all days to 9999");
}

static bool shows(const char *(*show)(char *, uint64_t), uint64_t value,
		  const char *want)
{
	char out[NUM_TEXT_MAX];

	return show(out, value) == out && !strcmp(out, want);
}

static void test_show(void)
{
	ok(shows(num_show_size, 0, "0 B") &&
		   shows(num_show_size, 1023, "1023 B"),
	   "bytes");
	ok(shows(num_show_size, 1536, "1.5 KiB"), "1.5 KiB");
	ok(shows(num_show_size, 16777216, "16 MiB"), "16 MiB");
	ok(shows(num_show_size, 1048575, "1023.9 KiB"), "sizes are cut");
	ok(shows(num_show_size, UINT64_MAX, "15.9 EiB"), "the largest size");
	ok(shows(num_show_duration, 0, "0 ms") &&
		   shows(num_show_duration, 250, "250 ms"),
	   "250 ms");
	ok(shows(num_show_duration, 1500, "1.5 s"), "1.5 s");
	ok(shows(num_show_duration, 600000, "10 m"), "10 m");
	ok(shows(num_show_duration, 86400000, "1 d"), "1 d");
	ok(shows(num_show_duration, UINT64_MAX, "213503982334.6 d"),
	   "the longest duration");
}

static bool exactly(const char *(*put)(char *, uint64_t), parser *parse,
		    uint64_t value, const char *want)
{
	char out[NUM_TEXT_MAX];

	return strcmp(put(out, value), want) == 0 &&
	       (value == 0 || gives(parse, out, value));
}

static bool exact_size(uint64_t bytes, const char *want)
{
	return exactly(num_exact_size, num_parse_size, bytes, want);
}

static bool exact_duration(uint64_t ms, const char *want)
{
	return exactly(num_exact_duration, num_parse_duration, ms, want);
}

static void test_exact(void)
{
	ok(exact_size(0, "0") && exact_size(1023, "1023") &&
		   exact_size(1536, "1536") && exact_size(1024, "1k") &&
		   exact_size(1536 << 10, "1536k") &&
		   exact_size(16 << 20, "16M") &&
		   exact_size(UINT64_C(5) << 40, "5120G") &&
		   exact_size(UINT64_MAX, "18446744073709551615"),
	   "an exact size is what the parser takes");
	ok(exact_duration(0, "0ms") && exact_duration(250, "250ms") &&
		   exact_duration(1500, "1500ms") &&
		   exact_duration(90000, "90s") &&
		   exact_duration(600000, "10m") &&
		   exact_duration(86400000, "1d") &&
		   exact_duration(UINT64_MAX, "18446744073709551615ms"),
	   "an exact duration is what the parser takes");
}

int main(void)
{
	test_u64();
	test_size();
	test_duration();
	test_put();
	test_show();
	test_exact();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "num.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t size;
};

static const struct unit size_units[] = {
	{"k", 1ULL << 10}, {"K", 1ULL << 10}, {"m", 1ULL << 20},
	{"M", 1ULL << 20}, {"g", 1ULL << 30}, {"G", 1ULL << 30},
	{"", 1},	   {NULL, 0},
};

static const struct unit duration_units[] = {
	{"", 1000},	{"ms", 1},	 {"s", 1000}, {"m", 60000},
	{"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

/* For people; the largest that fits is taken, so the largest come first. */
static const struct unit shown_sizes[] = {
	{"EiB", 1ULL << 60},
	{"PiB", 1ULL << 50},
	{"TiB", 1ULL << 40},
	{"GiB", 1ULL << 30},
	{"MiB", 1ULL << 20},
	{"KiB", 1ULL << 10},
	{"B", 1},
};

static const struct unit shown_durations[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

/* As num_parse_size() takes them; the largest come first. */
static const struct unit exact_sizes[] = {
	{"G", 1ULL << 30},
	{"M", 1ULL << 20},
	{"k", 1ULL << 10},
	{"", 1},
};

static int refuse(int error)
{
	errno = error;
	return -1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many digits `text` begins with. */
static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_digit(text[n]))
		n++;
	return n;
}

int num_parse_u64(const char *text, size_t len, uint64_t *value)
{
	uint64_t sum = 0;

	if (!len || digits(text, len) != len)
		return refuse(EINVAL);
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (sum > (UINT64_MAX - digit) / 10)
			return refuse(ERANGE);
		sum = sum * 10 + digit;
	}
	*value = sum;
	return 0;
}

/* The size of the unit that all of `text` names, or 0. */
static uint64_t unit_size(const struct unit *units, const char *text,
			  size_t len)
{
	for (; units->name; units++)
		if (strlen(units->name) == len &&
		    !memcmp(units->name, text, len))
			return units->size;
	return 0;
}

int num_parse_size(const char *text, size_t len, uint64_t *bytes)
{
	size_t n = digits(text, len);
	uint64_t unit = unit_size(size_units, text + n, len - n);
	uint64_t count;

	if (!unit)
		return refuse(EINVAL);
	if (num_parse_u64(text, n, &count))
		return -1;
	if (count > UINT64_MAX / unit)
		return refuse(ERANGE);
	*bytes = count * unit;
	return 0;
}

/*
 * What the `n` digits behind a point are worth, rounded down. Digits beyond
 * the ninth are below a ms even of a day.
 */
static uint64_t fraction(const char *text, size_t n, uint64_t unit)
{
	uint64_t value = 0;
	uint64_t scale = 1;

	for (size_t i = 0; i < n && i < 9; i++) {
		value = value * 10 + (uint64_t)(text[i] - '0');
		scale *= 10;
	}
	return value * unit / scale;
}

int num_parse_duration(const char *text, size_t len, uint64_t *ms)
{
	size_t n = digits(text, len);
	bool point = n < len && text[n] == '.';
	size_t behind = point ? digits(text + n + 1, len - n - 1) : 0;
	size_t end = point ? n + 1 + behind : n;
	uint64_t unit = unit_size(duration_units, text + end, len - end);
	uint64_t whole;
	uint64_t part;

	if (!unit || (point && !behind))
		return refuse(EINVAL);
	if (num_parse_u64(text, n, &whole))
		return -1;
	part = point ? fraction(text + n + 1, behind, unit) : 0;
	if (whole > (UINT64_MAX - part) / unit)
		return refuse(ERANGE);
	if (whole * unit + part == 0)
		return refuse(EDOM);
	*ms = whole * unit + part;
	return 0;
}

static size_t count_digits(uint64_t value)
{
	size_t n = 1;

	/* The largest has 20; there is no power of ten above it. */
	for (uint64_t power = 10; n < 20 && value >= power; power *= 10)
		n++;
	return n;
}

/* Two digits at a time, as each division waits for the one before. */
size_t num_put_u64(char *out, uint64_t value)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	size_t len = count_digits(value), at = len;

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(out + at, pairs + 2 * (value % 100), 2);
	}
	if (value >= 10)
		memcpy(out, pairs + 2 * value, 2);
	else
		out[0] = (char)('0' + value);
	return len;
}

struct date {
	unsigned year;
	unsigned month; /* from 1 */
	unsigned day;	/* from 1 */
};

/*
 * The Gregorian date `days` after 1970-01-01. Counts years from March, so that
 * the leap day is the last of its year. (gmtime_r() takes a lock.)
 */
static struct date date_of(uint64_t days)
{
	uint64_t z = days + 719468;	       /* since 0000-03-01 */
	unsigned day = (unsigned)(z % 146097); /* within 400 years */
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned yday = day - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * yday + 2) / 153; /* from March */
	struct date date;

	date.day = yday - (153 * month + 2) / 5 + 1;
	date.month = month < 10 ? month + 3 : month - 9;
	date.year = (unsigned)(z / 146097) * 400 + year + (date.month <= 2);
	return date;
}

/* Writes `value` in exactly `width` digits and then `after`. */
static char *put_field(char *out, unsigned value, size_t width, char after)
{
	for (size_t i = width; i--; value /= 10)
		out[i] = (char)('0' + value % 10);
	out[width] = after;
	return out + width + 1;
}

#define DAY_MS 86400000
#define YEAR_9999_END 253402300799999 /* 9999-12-31T23:59:59.999Z */

void num_put_time(char *out, int64_t wall_ms)
{
	int64_t ms = wall_ms < 0	       ? 0
		     : wall_ms > YEAR_9999_END ? YEAR_9999_END
					       : wall_ms;
	struct date date = date_of((uint64_t)(ms / DAY_MS));
	unsigned left = (unsigned)(ms % DAY_MS);

	out = put_field(out, date.year, 4, '-');
	out = put_field(out, date.month, 2, '-');
	out = put_field(out, date.day, 2, 'T');
	out = put_field(out, left / 3600000, 2, ':');
	out = put_field(out, left / 60000 % 60, 2, ':');
	out = put_field(out, left / 1000 % 60, 2, '.');
	put_field(out, left % 1000, 3, 'Z');
}

/* With one digit behind the point unless it is 0; cut, not rounded. */
static const char *show(char out[NUM_TEXT_MAX], const struct unit *unit,
			uint64_t value)
{
	unsigned tenths;

	while (unit->size > 1 && value < unit->size)
		unit++;
	tenths = (unsigned)(value % unit->size * 10 / unit->size);
	if (tenths)
		snprintf(out, NUM_TEXT_MAX, "%llu.%u %s",
			 (unsigned long long)(value / unit->size), tenths,
			 unit->name);
	else
		snprintf(out, NUM_TEXT_MAX, "%llu %s",
			 (unsigned long long)(value / unit->size), unit->name);
	return out;
}

const char *num_show_size(char out[NUM_TEXT_MAX], uint64_t bytes)
{
	return show(out, shown_sizes, bytes);
}

const char *num_show_duration(char out[NUM_TEXT_MAX], uint64_t ms)
{
	return show(out, shown_durations, ms);
}

/* In the largest unit of which it is a multiple. */
static const char *exact(char out[NUM_TEXT_MAX], const struct unit *unit,
			 uint64_t value)
{
	while (unit->size > 1 && (!value || value % unit->size))
		unit++;
	snprintf(out, NUM_TEXT_MAX, "%llu%s",
		 (unsigned long long)(value / unit->size), unit->name);
	return out;
}

const char *num_exact_size(char out[NUM_TEXT_MAX], uint64_t bytes)
{
	return exact(out, exact_sizes, bytes);
}

const char *num_exact_duration(char out[NUM_TEXT_MAX], uint64_t ms)
{
	return exact(out, shown_durations, ms);
}

/* SPDX-License-Identifier: MIT */
/*
 * What option promises of values that it has: shown, compared, copied. How
 * they are set is in test_options.c and test_configfile.c.
 */
#include "option.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

struct config {
	struct option_base base;
	bool flag;
	int tally;
	const char *text;
	struct option_texts texts;
	uint64_t number;
	uint64_t size;
	uint64_t duration;
	uint64_t rate;
	unsigned choice;
};

#define FIELD(name) .offset = offsetof(struct config, name)

static const struct option flag = {0, "flag", OPTION_FLAG, FIELD(flag)};
static const struct option tally = {0, "tally", OPTION_TALLY, FIELD(tally)};
static const struct option text = {0, "text", OPTION_TEXT, FIELD(text)};
static const struct option texts = {0, "texts", OPTION_TEXTS, FIELD(texts)};
static const struct option number = {0, "number", OPTION_NUMBER, FIELD(number),
				     .max = 100};
static const struct option size = {0, "size", OPTION_SIZE, FIELD(size),
				   .min = 10};
static const struct option duration = {0, "duration", OPTION_DURATION,
				       FIELD(duration)};
static const struct option rate = {0, "rate", OPTION_RATE, FIELD(rate)};
static const struct option choice = {0, "choice", OPTION_CHOICE, FIELD(choice),
				     .choices = "stop|skip"};

static const char *both[] = {"a", "b\"\n"};

static const struct config full = {
	.flag = true,
	.tally = 2,
	.text = "t",
	.texts = {both, 2},
	.number = 5,
	.size = 65536,
	.duration = 90000,
	.rate = 7,
	.choice = 1,
};

typedef bool put(struct buf *b, const struct option *o,
		 const struct option_base *config);

static bool put_text(struct buf *b, const struct option *o,
		     const struct option_base *config)
{
	option_put_text(b, o, config);
	return true;
}

static bool puts_as(put *put_value, const struct option *o,
		    const struct config *c, const char *want)
{
	struct buf b;
	bool pass;

	buf_init(&b);
	pass = put_value(&b, o, &c->base) && buf_len(&b) == strlen(want) &&
	       memcmp(buf_bytes(&b), want, strlen(want)) == 0;
	buf_release(&b);
	return pass;
}

static bool json(const struct option *o, const char *want)
{
	return puts_as(option_put_json, o, &full, want);
}

static bool shown(const struct option *o, const char *want)
{
	return puts_as(put_text, o, &full, want);
}

static bool json_of_bytes_fails(void)
{
	struct config c = {.text = "\xff"};
	struct buf b;
	bool valid;

	buf_init(&b);
	valid = option_put_json(&b, &text, &c.base);
	buf_release(&b);
	return !valid;
}

static const struct option *const rows[] = {
	&flag, &tally, &text, &texts, &number, &size, &duration, &rate, &choice,
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool all_set(void)
{
	for (size_t i = 0; i < ROWS; i++)
		if (option_unset(rows[i], &full.base))
			return false;
	return true;
}

static bool out_of_reach_is_unset(void)
{
	const struct config c = {.number = 101, .size = 9, .choice = 2};

	return option_unset(&text, &c.base) && option_unset(&number, &c.base) &&
	       option_unset(&size, &c.base) &&
	       option_unset(&duration, &c.base) &&
	       option_unset(&choice, &c.base) &&
	       puts_as(put_text, &duration, &c, "nothing");
}

/* Whether such a value is refused for this reason. */
static bool refuses(const struct option *o, const char *arg, const char *want)
{
	char why[OPTION_WHY_MAX] = "";

	return option_check(o, arg, why) < 0 && strcmp(why, want) == 0;
}

static bool has_limits(void)
{
	char why[OPTION_WHY_MAX];

	return option_check(&duration, "3650d", why) == 0 &&
	       refuses(&duration, "3651d", "'3651d' is above 3650 d") &&
	       refuses(&duration, "200000000000d",
		       "'200000000000d' is above 3650 d") &&
	       refuses(&duration, "999999999999d",
		       "'999999999999d' is above 3650 d") &&
	       option_check(&size, "8589934591G", why) == 0 &&
	       refuses(&size, "8589934592G",
		       "'8589934592G' is above 7.9 EiB") &&
	       refuses(&rate, "9223372036854775808",
		       "'9223372036854775808' is above 9223372036854775807/s");
}

static bool zero_is_a_value(void)
{
	const struct config c = {0};

	return !option_unset(&number, &c.base) &&
	       !option_unset(&rate, &c.base) && !option_unset(&flag, &c.base) &&
	       !option_unset(&tally, &c.base) &&
	       !option_unset(&texts, &c.base) &&
	       puts_as(option_put_json, &texts, &c, "[]");
}

static void release(struct config *c)
{
	option_clear(&texts, &c->base);
	option_base_release(&c->base);
}

static bool copies(const struct option *o)
{
	struct config c = {0};
	bool differed = !option_equal(o, &c.base, &full.base);
	bool copied = option_copy(o, &c.base, &full.base) == 0 &&
		      option_equal(o, &c.base, &full.base);

	release(&c);
	return differed && copied;
}

static bool copies_all(void)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!copies(rows[i]))
			return false;
	return true;
}

/* What was copied lives on without what it was copied from. */
static bool texts_are_its_own(void)
{
	char bytes[] = "abc";
	const char *items[] = {bytes};
	const struct config from = {.text = bytes, .texts = {items, 1}};
	struct config c = {0};
	bool pass = option_copy(&text, &c.base, &from.base) == 0 &&
		    option_copy(&texts, &c.base, &from.base) == 0;

	bytes[0] = 'x';
	pass = pass && strcmp(c.text, "abc") == 0 && c.texts.count == 1 &&
	       strcmp(c.texts.items[0], "abc") == 0;
	release(&c);
	return pass;
}

static bool a_copy_takes_the_place(void)
{
	const struct config none = {0};
	struct config c = {0};
	bool pass = option_copy(&texts, &c.base, &full.base) == 0 &&
		    option_copy(&text, &c.base, &full.base) == 0 &&
		    option_copy(&texts, &c.base, &none.base) == 0 &&
		    option_copy(&text, &c.base, &none.base) == 0;

	pass = pass && c.texts.count == 0 && !c.text;
	release(&c);
	return pass;
}

static bool survives_no_memory(void)
{
	bool pass = true;

	for (long n = 1; n <= 4; n++) {
		struct config c = {0};

		oom_after(n);
		pass &= option_copy(&texts, &c.base, &full.base) < 0;
		pass &= oom_off() > 0 && c.texts.count == 0;
		release(&c);
	}
	return pass;
}

static bool sees_lists_differ(void)
{
	const char *other[] = {"a", "c"};
	const struct config shorter = {.texts = {both, 1}};
	const struct config changed = {.texts = {other, 2}};

	return !option_equal(&texts, &shorter.base, &full.base) &&
	       !option_equal(&texts, &full.base, &shorter.base) &&
	       !option_equal(&texts, &changed.base, &full.base);
}

static bool checks_alone(void)
{
	char why[OPTION_WHY_MAX];

	return option_check(&texts, "x", why) == 0 &&
	       option_check(&size, "64k", why) == 0 &&
	       option_check(&size, "9", why) < 0 &&
	       strcmp(why, "'9' is below 10 B") == 0;
}

int main(void)
{
	ok(json(&flag, "true") && json(&tally, "2") && json(&number, "5"),
	   "flags, tallies and numbers are JSON as they are");
	ok(json(&size, "\"64k\"") && json(&duration, "\"90s\"") &&
		   json(&rate, "\"7/s\"") && json(&choice, "\"skip\""),
	   "sizes, durations, rates and choices are strings");
	ok(json(&text, "\"t\"") && json(&texts, "[\"a\", \"b\\\"\\n\"]"),
	   "texts are strings, several a list");
	ok(json_of_bytes_fails(), "bytes that are no UTF-8 are told");
	ok(shown(&size, "64k") && shown(&duration, "90s") &&
		   shown(&rate, "7/s") && shown(&choice, "skip") &&
		   shown(&texts, "[\"a\", \"b\\\"\\n\"]"),
	   "in a message words have no quotes");
	ok(all_set(), "each kind can have a value");
	ok(out_of_reach_is_unset(), "what nobody could give is not given");
	ok(has_limits(), "no duration is above ten years, nothing above 2^63");
	ok(zero_is_a_value(), "zero and an empty list are values");
	ok(copies_all(), "each kind is compared and copied");
	ok(texts_are_its_own(), "a copy keeps its texts itself");
	ok(a_copy_takes_the_place(), "a copy takes the place of what was");
	ok(survives_no_memory(), "without memory a copy changes nothing");
	ok(sees_lists_differ(), "lists differ in length or in a text");
	ok(checks_alone(), "a value can be checked without being set");
	return tap_end();
}

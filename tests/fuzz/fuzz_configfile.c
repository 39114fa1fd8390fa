/* SPDX-License-Identifier: MIT */
/*
 * The text of a configuration file. Whatever it is, what it sets is within the
 * limits, and can be shown as JSON that sets the same; what is wrong has a
 * place in the text.
 */
#include "configfile.h"
#include "script.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static const char *too_long(const char *text)
{
	return strlen(text) < 20 ? NULL : "too long";
}

static const struct option options[] = {
	{0, "quiet", OPTION_FLAG, FIELD(flag)},
	{0, "verbose", OPTION_TALLY, FIELD(tally)},
	{0, "file", OPTION_TEXT, FIELD(text)},
	{0, "origin", OPTION_TEXTS, FIELD(texts), .wrong = too_long},
	{0, "number", OPTION_NUMBER, FIELD(number), .max = 100},
	{0, "size", OPTION_SIZE, FIELD(size), .min = 10},
	{0, "duration", OPTION_DURATION, FIELD(duration)},
	{0, "rate", OPTION_RATE, FIELD(rate)},
	{0, "on-error", OPTION_CHOICE, FIELD(choice), .choices = "stop|skip"},
	{.name = NULL},
};

static const struct option others[] = {
	{.letter = 'h', .name = "help"},
	{.name = NULL},
};

static const bool none_given[sizeof(options) / sizeof(options[0])];

static void release(struct config *c)
{
	for (const struct option *o = options; o->name; o++)
		option_clear(o, &c->base);
	option_base_release(&c->base);
}

static int parse(struct config *c, const char *text, size_t len,
		 struct configfile_fault *fault)
{
	const struct configfile into = {options, others, none_given, &c->base};

	*c = (struct config){.number = 1, .size = 10, .duration = 1};
	return configfile_parse(&into, text, len, fault);
}

/* All of it as a file again. */
static void put(struct buf *b, const struct config *c)
{
	const char *before = "{";

	for (const struct option *o = options; o->name; o++) {
		if (option_unset(o, &c->base)) {
			must(o->kind == OPTION_TEXT);
			continue;
		}
		buf_printf(b, "%s\"%s\":", before, o->name);
		must(option_put_json(b, o, &c->base));
		before = ",";
	}
	buf_putc(b, '}');
}

static void check_again(const struct config *c)
{
	struct configfile_fault fault;
	struct config again;
	struct buf b;

	buf_init(&b);
	put(&b, c);
	must(parse(&again, buf_bytes(&b), buf_len(&b), &fault) == 0);
	for (const struct option *o = options; o->name; o++)
		must(option_equal(o, &c->base, &again.base));
	release(&again);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct configfile_fault fault = {0};
	struct config c;

	if (parse(&c, (const char *)data, size, &fault) == 0) {
		must(c.number <= 100 && c.size >= 10 && c.choice <= 1);
		for (size_t i = 0; i < c.texts.count; i++)
			must(!too_long(c.texts.items[i]));
		check_again(&c);
	} else {
		must(fault.line >= 1 && fault.column >= 1 && fault.why[0]);
		must(fault.line + fault.column <= size + 2);
	}
	release(&c);
	return 0;
}

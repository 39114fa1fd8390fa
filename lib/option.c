/* SPDX-License-Identifier: MIT */
#include "option.h"

#include "num.h"
#include "tokenlike.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More makes no difference. */
#define TALLY_MAX 100

#define SHOWN_MAX 300 /* bytes of a text that is wrong */

struct option_block {
	struct option_block *next;
	char bytes[];
};

char *option_keep(struct option_base *base, size_t size)
{
	struct option_block *block = malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = base->blocks;
	base->blocks = block;
	return block->bytes;
}

void option_base_release(struct option_base *base)
{
	struct option_block *block;

	while ((block = base->blocks)) {
		base->blocks = block->next;
		free(block);
	}
}

size_t option_rows(const struct option *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	return n;
}

bool option_takes_argument(const struct option *o)
{
	return o->kind != OPTION_FLAG && o->kind != OPTION_TALLY;
}

/* From text */

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, OPTION_WHY_MAX, fmt, args);
	va_end(args);
	return -1;
}

int option_refuse_kind(const struct option *o, const char *quote,
		       const char *what, char why[OPTION_WHY_MAX])
{
	static const char *const kinds[] = {
		[OPTION_FLAG] = "true or false",
		[OPTION_TALLY] = "a number",
		[OPTION_TEXT] = "a string",
		[OPTION_TEXTS] = "a string or an array of strings",
		[OPTION_NUMBER] = "a number",
		[OPTION_SIZE] = "a size (such as 64k)",
		[OPTION_DURATION] = "a duration (such as 500ms or 10m)",
		[OPTION_RATE] = "a rate (such as 100/s)",
		[OPTION_CHOICE] = "one of ",
	};

	return refuse(why, "%s%s%s is not %s%s", quote, tokenlike_hidden(what),
		      quote, kinds[o->kind],
		      o->kind == OPTION_CHOICE ? o->choices : "");
}

static int parse_rate(const char *arg, size_t len, uint64_t *rate)
{
	if (len >= 2 && memcmp(arg + len - 2, "/s", 2) == 0)
		len -= 2;
	return num_parse_u64(arg, len, rate);
}

static int parse_amount(const struct option *o, const char *arg,
			uint64_t *amount)
{
	size_t len = strlen(arg);

	if (o->kind == OPTION_SIZE)
		return num_parse_size(arg, len, amount);
	if (o->kind == OPTION_DURATION)
		return num_parse_duration(arg, len, amount);
	if (o->kind == OPTION_RATE)
		return parse_rate(arg, len, amount);
	return num_parse_u64(arg, len, amount);
}

static const char *show_amount(const struct option *o, char out[NUM_TEXT_MAX],
			       uint64_t amount)
{
	if (o->kind == OPTION_SIZE)
		return num_show_size(out, amount);
	if (o->kind == OPTION_DURATION)
		return num_show_duration(out, amount);
	snprintf(out, NUM_TEXT_MAX, "%" PRIu64 "%s", amount,
		 o->kind == OPTION_RATE ? "/s" : "");
	return out;
}

static int set_amount(const struct option *o, uint64_t *amount, const char *arg,
		      char *why)
{
	char limit[NUM_TEXT_MAX];
	uint64_t parsed = 0;

	if (parse_amount(o, arg, &parsed) < 0) {
		if (errno == EINVAL)
			return option_refuse_kind(o, "'", arg, why);
		parsed = errno == ERANGE ? UINT64_MAX : 0;
	} else if (option_fits(o, parsed)) {
		*amount = parsed;
		return 0;
	}
	if (parsed > option_max(o))
		return refuse(why, "'%s' is above %s", arg,
			      show_amount(o, limit, option_max(o)));
	return refuse(why, "'%s' is below %s", arg,
		      show_amount(o, limit, o->min ? o->min : 1));
}

static int set_flag(const struct option *o, bool *flag, const char *arg,
		    char *why)
{
	if (arg && strcmp(arg, "true") != 0 && strcmp(arg, "false") != 0)
		return option_refuse_kind(o, "'", arg, why);
	*flag = !arg || strcmp(arg, "true") == 0;
	return 0;
}

static int set_tally(const struct option *o, int *tally, const char *arg,
		     char *why)
{
	uint64_t parsed = UINT64_MAX;

	if (!arg) {
		*tally += *tally < TALLY_MAX;
		return 0;
	}
	if (num_parse_u64(arg, strlen(arg), &parsed) < 0 && errno == EINVAL)
		return option_refuse_kind(o, "'", arg, why);
	if (parsed > TALLY_MAX)
		return refuse(why, "'%s' is above %d", arg, TALLY_MAX);
	*tally = (int)parsed;
	return 0;
}

int option_add_text(struct option_texts *texts, const char *text)
{
	const char **items =
		realloc(texts->items, (texts->count + 1) * sizeof(*items));

	if (!items)
		return -1;
	texts->items = items;
	texts->items[texts->count++] = text;
	return 0;
}

/* Of a long one the beginning, so that there is room for the reason. */
static int refuse_text(const char *arg, const char *wrong, char *why)
{
	const char *shown = tokenlike_hidden(arg);

	return refuse(why, "'%.*s%s': %s", SHOWN_MAX, shown,
		      strlen(shown) > SHOWN_MAX ? "..." : "", wrong);
}

static int set_text(const struct option *o, void *text, const char *arg,
		    char *why)
{
	const char *wrong = o->wrong ? o->wrong(arg) : NULL;

	if (wrong)
		return refuse_text(arg, wrong, why);
	if (o->kind == OPTION_TEXT)
		*(const char **)text = arg;
	else if (option_add_text(text, arg) < 0)
		return refuse(why, "%s", strerror(errno));
	return 0;
}

/* The index of `word` in "one|two|three", or -1. */
static int choice_index(const char *choices, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0;; i++) {
		const char *end = strchrnul(choices, '|');

		if ((size_t)(end - choices) == len &&
		    memcmp(choices, word, len) == 0)
			return i;
		if (!*end)
			return -1;
		choices = end + 1;
	}
}

static int set_choice(const struct option *o, unsigned *choice, const char *arg,
		      char *why)
{
	int index = choice_index(o->choices, arg);

	if (index < 0)
		return option_refuse_kind(o, "'", arg, why);
	*choice = (unsigned)index;
	return 0;
}

/* `field` is of the type that its kind has. */
static int set(const struct option *o, void *field, const char *arg, char *why)
{
	switch (o->kind) {
	case OPTION_FLAG:
		return set_flag(o, field, arg, why);
	case OPTION_TALLY:
		return set_tally(o, field, arg, why);
	case OPTION_TEXT:
	case OPTION_TEXTS:
		return set_text(o, field, arg, why);
	case OPTION_CHOICE:
		return set_choice(o, field, arg, why);
	default:
		return set_amount(o, field, arg, why);
	}
}

int option_set(const struct option *o, struct option_base *config,
	       const char *arg, char why[OPTION_WHY_MAX])
{
	return set(o, option_field(o, config), arg, why);
}

int option_check(const struct option *o, const char *arg,
		 char why[OPTION_WHY_MAX])
{
	union {
		bool flag;
		int tally;
		const char *text;
		struct option_texts texts;
		uint64_t amount;
		unsigned choice;
	} field;
	int result;

	memset(&field, 0, sizeof(field));
	result = set(o, &field, arg, why);
	if (o->kind == OPTION_TEXTS)
		free(field.texts.items);
	return result;
}

void option_clear(const struct option *o, struct option_base *config)
{
	struct option_texts *texts = option_field(o, config);

	if (o->kind != OPTION_TEXTS)
		return;
	free(texts->items);
	*texts = (struct option_texts){0};
}

/* SPDX-License-Identifier: MIT */
/*
 * optionvalue - the rest of option.h: what is done with a value that an option
 * has: shown, compared, copied.
 */
#include "option.h"

#include "json.h"
#include "num.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The word of an index, and its length; NULL when there are not as many. */
static const char *choice_word(const char *choices, unsigned index, size_t *len)
{
	for (;; choices++) {
		*len = strcspn(choices, "|");
		if (index-- == 0)
			return choices;
		choices += *len;
		if (!*choices)
			return NULL;
	}
}

/* To text */

static void put_amount(struct buf *b, const struct option *o, uint64_t amount)
{
	char text[NUM_TEXT_MAX];

	if (o->kind == OPTION_SIZE)
		buf_puts(b, num_exact_size(text, amount));
	else if (o->kind == OPTION_DURATION)
		buf_puts(b, num_exact_duration(text, amount));
	else
		buf_printf(b, "%" PRIu64 "%s", amount,
			   o->kind == OPTION_RATE ? "/s" : "");
}

static void put_choice(struct buf *b, const struct option *o, unsigned choice)
{
	size_t len;
	const char *word = choice_word(o->choices, choice, &len);

	buf_append(b, word, len);
}

static bool put_texts(struct buf *b, const struct option_texts *texts)
{
	bool valid = true;

	buf_putc(b, '[');
	for (size_t i = 0; i < texts->count; i++) {
		if (i)
			buf_puts(b, ", ");
		valid &= json_put_string(b, texts->items[i],
					 strlen(texts->items[i]));
	}
	buf_putc(b, ']');
	return valid;
}

/* Whether it is a word, which is a string in JSON only. */
static bool is_word(const struct option *o)
{
	return o->kind == OPTION_SIZE || o->kind == OPTION_DURATION ||
	       o->kind == OPTION_RATE || o->kind == OPTION_CHOICE;
}

static bool put_value(struct buf *b, const struct option *o, const void *at)
{
	switch (o->kind) {
	case OPTION_FLAG:
		buf_puts(b, *(const bool *)at ? "true" : "false");
		return true;
	case OPTION_TALLY:
		buf_printf(b, "%d", *(const int *)at);
		return true;
	case OPTION_TEXT:
		return json_put_string(b, *(const char *const *)at,
				       strlen(*(const char *const *)at));
	case OPTION_TEXTS:
		return put_texts(b, at);
	case OPTION_CHOICE:
		put_choice(b, o, *(const unsigned *)at);
		return true;
	default:
		put_amount(b, o, *(const uint64_t *)at);
		return true;
	}
}

bool option_put_json(struct buf *b, const struct option *o,
		     const struct option_base *config)
{
	bool valid;

	if (!is_word(o))
		return put_value(b, o, option_value(o, config));
	buf_putc(b, '"');
	valid = put_value(b, o, option_value(o, config));
	buf_putc(b, '"');
	return valid;
}

void option_put_text(struct buf *b, const struct option *o,
		     const struct option_base *config)
{
	if (option_unset(o, config))
		buf_puts(b, "nothing");
	else
		put_value(b, o, option_value(o, config));
}

bool option_unset(const struct option *o, const struct option_base *config)
{
	const void *at = option_value(o, config);
	size_t len;

	switch (o->kind) {
	case OPTION_FLAG:
	case OPTION_TALLY:
	case OPTION_TEXTS:
		return false;
	case OPTION_TEXT:
		return !*(const char *const *)at;
	case OPTION_CHOICE:
		return !choice_word(o->choices, *(const unsigned *)at, &len);
	case OPTION_DURATION: /* there is none of 0 */
		return !*(const uint64_t *)at ||
		       !option_fits(o, *(const uint64_t *)at);
	default:
		return !option_fits(o, *(const uint64_t *)at);
	}
}

/* From one configuration to another */

/* Bytes of a value that holds no pointers. */
static size_t plain_size(const struct option *o)
{
	switch (o->kind) {
	case OPTION_FLAG:
		return sizeof(bool);
	case OPTION_TALLY:
		return sizeof(int);
	case OPTION_CHOICE:
		return sizeof(unsigned);
	default:
		return sizeof(uint64_t);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(const struct option_texts *a,
		       const struct option_texts *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (!same_text(a->items[i], b->items[i]))
			return false;
	return a->count == b->count;
}

bool option_equal(const struct option *o, const struct option_base *a,
		  const struct option_base *b)
{
	const void *x = option_value(o, a), *y = option_value(o, b);

	if (o->kind == OPTION_TEXT)
		return same_text(*(const char *const *)x,
				 *(const char *const *)y);
	if (o->kind == OPTION_TEXTS)
		return same_texts(x, y);
	return memcmp(x, y, plain_size(o)) == 0;
}

static int copy_text(struct option_base *to, const char **copy,
		     const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *bytes = text ? option_keep(to, size) : NULL;

	if (text && !bytes)
		return -1;
	*copy = text ? memcpy(bytes, text, size) : NULL;
	return 0;
}

static int copy_texts(struct option_base *to, struct option_texts *copy,
		      const struct option_texts *texts)
{
	struct option_texts fresh = {0};
	const char *text;

	for (size_t i = 0; i < texts->count; i++)
		if (copy_text(to, &text, texts->items[i]) < 0 ||
		    option_add_text(&fresh, text) < 0) {
			free(fresh.items);
			return -1;
		}
	free(copy->items);
	*copy = fresh;
	return 0;
}

int option_copy(const struct option *o, struct option_base *to,
		const struct option_base *from)
{
	const void *value = option_value(o, from);

	if (o->kind == OPTION_TEXT)
		return copy_text(to, option_field(o, to),
				 *(const char *const *)value);
	if (o->kind == OPTION_TEXTS)
		return copy_texts(to, option_field(o, to), value);
	memcpy(option_field(o, to), value, plain_size(o));
	return 0;
}

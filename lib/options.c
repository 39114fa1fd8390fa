/* SPDX-License-Identifier: MIT */
/*
 * The parser walks argv once. What it takes as an option is moved in front of
 * the operands that it has passed, so that at each step argv reads: options,
 * operands, words not seen yet. An option is looked up by its whole name.
 */
#include "options.h"

#include "diag.h"
#include "exits.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1000

enum common {
	COMMON_HELP,
	COMMON_VERSION,
	COMMON_COMPLETION,
};

const struct option options_common[] = {
	[COMMON_HELP] = {.letter = 'h',
			 .name = "help",
			 .kind = OPTION_FLAG,
			 .help = "print this and exit"},
	[COMMON_VERSION] = {.letter = 'V',
			    .name = "version",
			    .kind = OPTION_FLAG,
			    .help = "print the version and exit"},
	[COMMON_COMPLETION] = {.name = "completion",
			       .kind = OPTION_CHOICE,
			       .arg = "SHELL",
			       .choices = "bash|zsh|fish",
			       .help = "print the completion of that shell "
				       "and exit"},
	{.name = NULL},
};

struct parse {
	const struct option_program *program;
	void *config;
	char **argv;
	int argc;
	int operands; /* index of the first operand passed; at most `at` */
	int at;	      /* index of the next word to look at */
};

bool options_takes_argument(const struct option *option)
{
	return option->kind != OPTION_FLAG && option->kind != OPTION_TALLY;
}

int options_wrong(const struct option_program *program, const char *fmt, ...)
{
	struct diag d = {program->name, DIAG_ERROR};
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag(&d, DIAG_ERROR, "%s", message);
	diag(&d, DIAG_ERROR, "'%s --help' shows how it is used", program->name);
	return EXIT_USAGE;
}

static void *field(const struct option *o, void *config)
{
	return (char *)config + o->offset;
}

/* Numbers, sizes, durations and rates */

static const char *const amount_names[] = {
	[OPTION_NUMBER] = "a number",
	[OPTION_SIZE] = "a size (such as 64k)",
	[OPTION_DURATION] = "a duration (such as 500ms or 10m)",
	[OPTION_RATE] = "a rate (such as 100/s)",
};

static int parse_rate(const char *arg, size_t len, uint64_t *value)
{
	if (len >= 2 && memcmp(arg + len - 2, "/s", 2) == 0)
		len -= 2;
	return num_parse_u64(arg, len, value);
}

static int parse_amount(const struct option *o, const char *arg,
			uint64_t *value)
{
	size_t len = strlen(arg);

	if (o->kind == OPTION_SIZE)
		return num_parse_size(arg, len, value);
	if (o->kind == OPTION_DURATION)
		return num_parse_duration(arg, len, value);
	if (o->kind == OPTION_RATE)
		return parse_rate(arg, len, value);
	return num_parse_u64(arg, len, value);
}

static const char *show_amount(const struct option *o, char out[NUM_TEXT_MAX],
			       uint64_t value)
{
	if (o->kind == OPTION_SIZE)
		return num_show_size(out, value);
	if (o->kind == OPTION_DURATION)
		return num_show_duration(out, value);
	snprintf(out, NUM_TEXT_MAX, "%" PRIu64 "%s", value,
		 o->kind == OPTION_RATE ? "/s" : "");
	return out;
}

static enum options_outcome store_amount(const struct parse *p,
					 const struct option *o,
					 const char *arg)
{
	char limit[NUM_TEXT_MAX];
	uint64_t value;

	if (parse_amount(o, arg, &value) == 0) {
		if (value < o->min) {
			options_wrong(p->program, "--%s: '%s' is below %s",
				      o->name, arg,
				      show_amount(o, limit, o->min));
			return OPTIONS_WRONG;
		}
		if (o->max && value > o->max) {
			options_wrong(p->program, "--%s: '%s' is above %s",
				      o->name, arg,
				      show_amount(o, limit, o->max));
			return OPTIONS_WRONG;
		}
		*(uint64_t *)field(o, p->config) = value;
		return OPTIONS_RUN;
	}
	if (errno == ERANGE)
		options_wrong(p->program, "--%s: '%s' is too large", o->name,
			      arg);
	else if (errno == EDOM)
		options_wrong(p->program, "--%s: '%s' is below %s", o->name,
			      arg, show_amount(o, limit, o->min ? o->min : 1));
	else
		options_wrong(p->program, "--%s: '%s' is not %s", o->name, arg,
			      amount_names[o->kind]);
	return OPTIONS_WRONG;
}

/* Texts and choices */

static enum options_outcome add_text(const struct parse *p,
				     const struct option *o, const char *arg)
{
	struct option_texts *texts = field(o, p->config);
	const char **items =
		realloc(texts->items, (texts->count + 1) * sizeof(*items));

	if (!items) {
		options_wrong(p->program, "--%s: %s", o->name, strerror(errno));
		return OPTIONS_WRONG;
	}
	texts->items = items;
	texts->items[texts->count++] = arg;
	return OPTIONS_RUN;
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

static enum options_outcome store_choice(const struct parse *p,
					 const struct option *o,
					 const char *arg)
{
	int index = choice_index(o->choices, arg);

	if (index < 0) {
		options_wrong(p->program, "--%s: '%s' is not one of %s",
			      o->name, arg, o->choices);
		return OPTIONS_WRONG;
	}
	*(unsigned *)field(o, p->config) = (unsigned)index;
	return OPTIONS_RUN;
}

/* What every program has */

static enum options_outcome print_common(const struct parse *p,
					 enum common which, const char *arg)
{
	struct diag d = {p->program->name, DIAG_ERROR};

	if (which == COMMON_HELP) {
		options_help(p->program, stdout);
	} else if (which == COMMON_VERSION) {
		printf("%s %s\n", p->program->name, WSD_VERSION);
	} else if (options_completion(p->program, arg, stdout) != 0) {
		options_wrong(p->program, "--completion: '%s' is not one of %s",
			      arg, options_common[which].choices);
		return OPTIONS_WRONG;
	}
	if (fflush(stdout) != 0) {
		diag(&d, DIAG_ERROR, "cannot write: %s", strerror(errno));
		return OPTIONS_FAILED;
	}
	return OPTIONS_DONE;
}

static enum options_outcome apply(const struct parse *p, const struct option *o,
				  const char *arg)
{
	for (int i = 0; options_common[i].name; i++)
		if (o == &options_common[i])
			return print_common(p, (enum common)i, arg);
	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)field(o, p->config) = true;
		return OPTIONS_RUN;
	case OPTION_TALLY:
		++*(int *)field(o, p->config);
		return OPTIONS_RUN;
	case OPTION_TEXT:
		*(const char **)field(o, p->config) = arg;
		return OPTIONS_RUN;
	case OPTION_TEXTS:
		return add_text(p, o, arg);
	case OPTION_CHOICE:
		return store_choice(p, o, arg);
	default:
		return store_amount(p, o, arg);
	}
}

/* The words of the command line */

static bool is_named(const struct option *o, const char *name, size_t len)
{
	return strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

static const struct option *find_in(const struct option *table, char letter,
				    const char *name, size_t len)
{
	for (; table->name; table++)
		if (letter ? table->letter == letter
			   : is_named(table, name, len))
			return table;
	return NULL;
}

/* By its letter, or by its name when `letter` is 0. */
static const struct option *find(const struct parse *p, char letter,
				 const char *name, size_t len)
{
	const struct option *o =
		find_in(p->program->options, letter, name, len);

	return o ? o : find_in(options_common, letter, name, len);
}

/* The next word, which is moved in front of the operands. */
static char *take(struct parse *p)
{
	char **to = p->argv + p->operands;
	char *word = p->argv[p->at];

	memmove(to + 1, to, (size_t)(p->at - p->operands) * sizeof(*to));
	*to = word;
	p->operands++;
	p->at++;
	return word;
}

static enum options_outcome apply_next(struct parse *p, const struct option *o)
{
	if (p->at < p->argc)
		return apply(p, o, take(p));
	options_wrong(p->program, "--%s: the %s is missing", o->name,
		      o->arg ? o->arg : "argument");
	return OPTIONS_WRONG;
}

/* "--name", "--name=argument", "--name argument" */
static enum options_outcome parse_long(struct parse *p, const char *word)
{
	const char *name = word + 2;
	const char *end = strchrnul(name, '=');
	const struct option *o = find(p, 0, name, (size_t)(end - name));

	if (!o) {
		options_wrong(p->program, "unknown option '%.*s'",
			      (int)(end - word), word);
		return OPTIONS_WRONG;
	}
	if (*end && !options_takes_argument(o)) {
		options_wrong(p->program, "--%s: takes no argument", o->name);
		return OPTIONS_WRONG;
	}
	if (options_takes_argument(o) && !*end)
		return apply_next(p, o);
	return apply(p, o, *end ? end + 1 : NULL);
}

/* "-v", "-vv", "-c5", "-c 5", "-vc5" */
static enum options_outcome parse_letters(struct parse *p, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		const struct option *o = find(p, *at, NULL, 0);
		enum options_outcome outcome;

		if (!o) {
			options_wrong(p->program, "unknown option '-%c'", *at);
			return OPTIONS_WRONG;
		}
		if (options_takes_argument(o))
			return at[1] ? apply(p, o, at + 1) : apply_next(p, o);
		outcome = apply(p, o, NULL);
		if (outcome != OPTIONS_RUN)
			return outcome;
	}
	return OPTIONS_RUN;
}

static enum options_outcome parse_words(struct parse *p)
{
	enum options_outcome outcome = OPTIONS_RUN;

	while (outcome == OPTIONS_RUN && p->at < p->argc) {
		const char *word = p->argv[p->at];

		if (word[0] != '-' || word[1] == '\0') {
			p->at++;
			continue;
		}
		take(p);
		if (strcmp(word, "--") == 0)
			break;
		outcome = word[1] == '-' ? parse_long(p, word)
					 : parse_letters(p, word);
	}
	return outcome;
}

enum options_outcome options_parse(const struct option_program *program,
				   int argc, char **argv, void *config,
				   int *operands)
{
	struct parse p = {
		.program = program,
		.config = config,
		.argv = argv,
		.argc = argc,
		.operands = argc > 0,
		.at = argc > 0,
	};
	enum options_outcome outcome = parse_words(&p);

	*operands = p.operands;
	if (outcome != OPTIONS_RUN)
		options_release(program, config);
	return outcome;
}

void options_release(const struct option_program *program, void *config)
{
	for (const struct option *o = program->options; o->name; o++) {
		if (o->kind == OPTION_TEXTS) {
			struct option_texts *texts = field(o, config);

			free(texts->items);
			*texts = (struct option_texts){0};
		}
	}
}

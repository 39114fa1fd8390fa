/* SPDX-License-Identifier: MIT */
/*
 * The parser walks argv once. What it takes as an option is moved in front of
 * the operands that it has passed, so that at each step argv reads: options,
 * operands, words not seen yet. An option is looked up by its whole name.
 */
#include "options.h"

#include "configfile.h"
#include "diag.h"
#include "exits.h"
#include "tokenlike.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1000

enum common {
	COMMON_CONFIG,
	COMMON_HELP,
	COMMON_VERSION,
	COMMON_COMPLETION,
};

#define CONFIG_ROW                                                             \
	{                                                                      \
		.name = "config", .kind = OPTION_TEXT,                         \
		.offset = offsetof(struct option_base, file), .arg = "FILE",   \
		.help = "read more options from FILE, a JSON object of long "  \
			"names and values"                                     \
	}
#define HELP_ROW                                                               \
	{                                                                      \
		.letter = 'h', .name = "help", .kind = OPTION_FLAG,            \
		.help = "print this and exit"                                  \
	}
#define VERSION_ROW                                                            \
	{                                                                      \
		.letter = 'V', .name = "version", .kind = OPTION_FLAG,         \
		.help = "print the version and exit"                           \
	}

static const struct option common[] = {
	[COMMON_CONFIG] = CONFIG_ROW,
	[COMMON_HELP] = HELP_ROW,
	[COMMON_VERSION] = VERSION_ROW,
	[COMMON_COMPLETION] = {.name = "completion",
			       .kind = OPTION_CHOICE,
			       .arg = "SHELL",
			       .choices = "bash|zsh|fish",
			       .help = "print the completion of that shell "
				       "and exit"},
	{.name = NULL},
};

/* Of a command: without the completion, which is its program's. */
static const struct option common_of_command[] = {
	[COMMON_CONFIG] = CONFIG_ROW,
	[COMMON_HELP] = HELP_ROW,
	[COMMON_VERSION] = VERSION_ROW,
	{.name = NULL},
};

const char *options_word(const struct option_program *program)
{
	const char *space = strchr(program->name, ' ');

	return space ? space + 1 : program->name;
}

const struct option *options_common(const struct option_program *program)
{
	if (options_word(program) != program->name)
		return common_of_command;
	return program->commands ? common + COMMON_HELP : common;
}

struct parse {
	const struct option_program *program;
	struct option_base *config;
	bool *given; /* owned: which rows of the table the words have set */
	char **argv;
	int argc;
	int operands; /* index of the first operand passed; at most `at` */
	int at;	      /* index of the next word to look at */
};

__attribute__((format(printf, 2, 0))) static void say_list(
	const struct option_program *program, const char *fmt, va_list args)
{
	const struct diag d = {program->name, DIAG_ERROR};
	char message[MESSAGE_MAX];

	vsnprintf(message, sizeof(message), fmt, args);
	if (program->say)
		program->say(program->user, message);
	else
		diag(&d, DIAG_ERROR, "%s", message);
}

__attribute__((format(printf, 2, 3))) static void say(
	const struct option_program *program, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_list(program, fmt, args);
	va_end(args);
}

int options_wrong(const struct option_program *program, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_list(program, fmt, args);
	va_end(args);
	if (!program->say)
		say(program, "'%s --help' shows how it is used", program->name);
	return EXIT_USAGE;
}

/* What every program has */

static enum options_outcome print_common(const struct parse *p,
					 enum common which, const char *arg)
{
	if (which == COMMON_HELP) {
		options_help(p->program, stdout);
	} else if (which == COMMON_VERSION) {
		printf("%.*s %s\n", (int)strcspn(p->program->name, " "),
		       p->program->name, WSD_VERSION);
	} else if (options_completion(p->program, arg, stdout) != 0) {
		options_wrong(p->program, "--completion: '%s' is not one of %s",
			      arg, common[which].choices);
		return OPTIONS_WRONG;
	}
	if (fflush(stdout) != 0) {
		say(p->program, "cannot write: %s", strerror(errno));
		return OPTIONS_FAILED;
	}
	return OPTIONS_DONE;
}

static enum options_outcome set(const struct parse *p, const struct option *o,
				const char *arg)
{
	char why[OPTION_WHY_MAX];

	if (option_set(o, p->config, arg, why) == 0)
		return OPTIONS_RUN;
	options_wrong(p->program, "--%s: %s", o->name, why);
	return OPTIONS_WRONG;
}

static enum options_outcome set_file(const struct parse *p, const char *file)
{
	if (p->config->file) {
		options_wrong(p->program, "--config: only one FILE");
		return OPTIONS_WRONG;
	}
	p->config->file = file;
	return OPTIONS_RUN;
}

/* Which of the common rows it is, or -1. */
static int common_index(const struct option *o)
{
	for (int i = 0; common[i].name; i++)
		if (o == &common[i] ||
		    (i != COMMON_COMPLETION && o == &common_of_command[i]))
			return i;
	return -1;
}

static enum options_outcome apply(const struct parse *p, const struct option *o,
				  const char *arg)
{
	int index = common_index(o);

	if (index == COMMON_CONFIG)
		return set_file(p, arg);
	if (index >= 0)
		return print_common(p, (enum common)index, arg);
	p->given[o - p->program->options] = true;
	return set(p, o, arg);
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

	return o ? o : find_in(options_common(p->program), letter, name, len);
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
	if (*end && !option_takes_argument(o)) {
		options_wrong(p->program, "--%s: takes no argument", o->name);
		return OPTIONS_WRONG;
	}
	if (option_takes_argument(o) && !*end)
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
		if (option_takes_argument(o))
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

/* The file, for what the words have not set. */
static enum options_outcome parse_file(const struct parse *p)
{
	const struct configfile into = {
		.options = p->program->options,
		.others = options_common(p->program),
		.given = p->given,
		.config = p->config,
	};
	struct configfile_fault fault;

	if (!p->config->file ||
	    configfile_load(&into, p->config->file, &fault) == 0)
		return OPTIONS_RUN;
	if (fault.line)
		say(p->program, "'%s', line %zu, column %zu: %s",
		    p->config->file, fault.line, fault.column, fault.why);
	else
		say(p->program, "cannot read '%s': %s",
		    tokenlike_hidden(p->config->file), fault.why);
	return OPTIONS_WRONG;
}

enum options_outcome options_parse(const struct option_program *program,
				   int argc, char **argv,
				   struct option_base *config, int *operands)
{
	struct parse p = {
		.program = program,
		.config = config,
		.given =
			calloc(option_rows(program->options) + 1, sizeof(bool)),
		.argv = argv,
		.argc = argc,
		.operands = argc > 0,
		.at = argc > 0,
	};
	enum options_outcome outcome = OPTIONS_FAILED;

	if (p.given)
		outcome = parse_words(&p);
	else
		say(program, "cannot begin: %s", strerror(errno));
	if (outcome == OPTIONS_RUN)
		outcome = parse_file(&p);
	*operands = p.operands;
	free(p.given);
	if (outcome != OPTIONS_RUN)
		options_release(program, config);
	return outcome;
}

int options_status(enum options_outcome outcome)
{
	static const enum exits statuses[] = {
		[OPTIONS_RUN] = EXIT_DONE,
		[OPTIONS_DONE] = EXIT_DONE,
		[OPTIONS_WRONG] = EXIT_USAGE,
		[OPTIONS_FAILED] = EXIT_OTHER,
	};

	return (int)statuses[outcome];
}

bool options_begin(const struct option_program *program, int argc, char **argv,
		   struct option_base *config, int *operands, int *status)
{
	enum options_outcome outcome =
		options_parse(program, argc, argv, config, operands);

	*status = options_status(outcome);
	return outcome == OPTIONS_RUN;
}

void options_release(const struct option_program *program,
		     struct option_base *config)
{
	for (const struct option *o = program->options; o->name; o++)
		option_clear(o, config);
	option_base_release(config);
}

/* Commands */

static const struct option_program *find_command(
	const struct option_program *program, const char *word)
{
	for (const struct option_program *c = program->commands; c->name; c++)
		if (strcmp(options_word(c), word) == 0)
			return c;
	return NULL;
}

const struct option_program *options_command(
	const struct option_program *program, int argc, char **argv,
	enum options_outcome *outcome)
{
	const struct option_program *found = NULL;
	struct option_base none = {0};
	int operands;

	if (argc > 1 && argv[1][0] != '-') {
		found = find_command(program, argv[1]);
		*outcome = found ? OPTIONS_RUN : OPTIONS_WRONG;
		if (!found)
			options_wrong(program, "there is no command '%s'",
				      tokenlike_hidden(argv[1]));
		return found;
	}
	*outcome = options_parse(program, argc, argv, &none, &operands);
	if (*outcome == OPTIONS_RUN) {
		options_wrong(program, "which command?");
		*outcome = OPTIONS_WRONG;
	}
	return NULL;
}

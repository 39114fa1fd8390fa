/* SPDX-License-Identifier: MIT */
/*
 * options - the command line of a program, from one table.
 *
 * The table says all there is: parsing, --help and the completions of three
 * shells come from it, so they cannot differ. Options as getopt_long(3) has
 * them: "-c 5", "-c5", "--count 5", "--count=5", bundled flags, "--" ends
 * them; operands may stand between. A long name may not be abbreviated, so
 * that a new option never breaks a script.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
	OPTION_FLAG,	 /* bool: true when given */
	OPTION_TALLY,	 /* int: how often it was given */
	OPTION_TEXT,	 /* const char *, borrowed from argv */
	OPTION_TEXTS,	 /* struct option_texts: repeatable */
	OPTION_NUMBER,	 /* uint64_t */
	OPTION_SIZE,	 /* uint64_t, bytes; "64k" */
	OPTION_DURATION, /* uint64_t, ms; "10m" */
	OPTION_RATE,	 /* uint64_t, per second; "100" or "100/s" */
	OPTION_CHOICE,	 /* unsigned: which word of `choices` */
};

struct option_texts {
	const char **items; /* owned; NULL when none */
	size_t count;
};

struct option {
	char letter;	  /* or 0 */
	const char *name; /* without the dashes */
	enum option_kind kind;
	size_t offset;	     /* of the field in the configuration */
	const char *arg;     /* name of the argument in --help: "FILE" */
	const char *help;    /* one line, no full stop, with the default */
	const char *choices; /* of OPTION_CHOICE: "stop|skip" */
	uint64_t min;	     /* of numbers, sizes, durations, rates */
	uint64_t max;	     /* 0: no limit */
};

struct option_program {
	const char *name;
	const char *synopsis;	      /* operands: "[option ...] tenant ..." */
	const char *summary;	      /* one sentence */
	const struct option *options; /* ends with name NULL */
	const char *examples;	      /* lines for --help, or NULL */
};

/* What every program has besides its table: -h, -V and --completion. */
extern const struct option options_common[];

enum options_outcome {
	OPTIONS_RUN,	/* go on */
	OPTIONS_DONE,	/* --help or --version was printed: exit 0 */
	OPTIONS_WRONG,	/* said on stderr what is wrong: exit EXIT_USAGE */
	OPTIONS_FAILED, /* could not print, said so: exit EXIT_OTHER */
};

/*
 * Parses the command line into the configuration at `config`, in which the
 * caller has set the defaults. The operands are moved to the end of argv;
 * `*operands` is the index of the first. Every program has, without table
 * rows: -h --help, -V --version, and --completion bash|zsh|fish, which prints
 * the completion of that shell. A message reads
 * "wspub: --rate: '5x' is not a rate (such as 100/s)". Unless it says
 * OPTIONS_RUN, there is nothing to release.
 */
enum options_outcome options_parse(const struct option_program *program,
				   int argc, char **argv, void *config,
				   int *operands);

/* Frees the OPTION_TEXTS of `config`. */
void options_release(const struct option_program *program, void *config);

/*
 * Says "program: message" and where help is, on stderr; for what the table
 * cannot check, such as the number of operands. Returns EXIT_USAGE.
 */
int options_wrong(const struct option_program *program, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* In usage.c. */
void options_help(const struct option_program *program, FILE *out);

/* Whether it is followed by an argument. */
bool options_takes_argument(const struct option *option);

/* In completion.c. 0, or -1 when there is no such shell. */
int options_completion(const struct option_program *program, const char *shell,
		       FILE *out);

#endif

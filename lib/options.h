/* SPDX-License-Identifier: MIT */
/*
 * options - the command line of a program, from one table.
 *
 * The table says all there is: parsing, --help and the completions of three
 * shells come from it, so they cannot differ. Options as getopt_long(3) has
 * them: "-c 5", "-c5", "--count 5", "--count=5", bundled flags, "--" ends
 * them; operands may stand between. A long name may not be abbreviated, so
 * that a new option never breaks a script. --config names a file with more of
 * them (see configfile.h); what the command line says counts before it.
 *
 * A program can have commands ("wstoken make"): its first word names one, and
 * each has a table of its own. The program itself has no options then but those
 * that print something.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "option.h"

#include <stdio.h>

struct option_program {
	const char *name;     /* of a command with that of its program before */
	const char *synopsis; /* operands: "[option ...] tenant ..." */
	const char *summary;  /* one sentence */
	const struct option *options; /* ends with name NULL */
	const char *examples;	      /* lines for --help, or NULL */
	const struct option_program
		*commands; /* ends with name NULL; or NULL */
	/* Takes each message, without the name, in place of stderr; or NULL. */
	void (*say)(void *user, const char *message);
	void *user; /* for `say` */
};

/* What it has besides its table, as every program has. */
const struct option *options_common(const struct option_program *program);

/* Of "wstoken make" the word "make"; of a program its name. */
const char *options_word(const struct option_program *program);

enum options_outcome {
	OPTIONS_RUN,	/* go on */
	OPTIONS_DONE,	/* --help or --version was printed: exit 0 */
	OPTIONS_WRONG,	/* said what is wrong: exit EXIT_USAGE */
	OPTIONS_FAILED, /* could not print, said so: exit EXIT_OTHER */
};

/*
 * Parses the command line, and the file that it names by --config, into the
 * configuration at `config`, in which the caller has set the defaults. The
 * operands are moved to the end of argv; `*operands` is the index of the
 * first. Every program has, without table rows: --config FILE, -h --help,
 * -V --version, and --completion bash|zsh|fish, which prints the completion of
 * that shell; of commands the last is their program's. A message reads "wspub:
 * --rate: '5x' is not a rate (such as 100/s)". Unless it says OPTIONS_RUN,
 * there is nothing to release.
 */
enum options_outcome options_parse(const struct option_program *program,
				   int argc, char **argv,
				   struct option_base *config, int *operands);

/* The exit status of a program that ends with this outcome. */
int options_status(enum options_outcome outcome);

/*
 * options_parse() for who has nothing else to do with the outcome. False when
 * the program is to end, and `*status` is its exit status.
 */
bool options_begin(const struct option_program *program, int argc, char **argv,
		   struct option_base *config, int *operands, int *status);

/*
 * Of a program with commands: the one that argv[1] names, for which
 * options_parse() goes on with argv + 1. Else NULL: `*outcome` says whether
 * something was printed or is wrong.
 */
const struct option_program *options_command(
	const struct option_program *program, int argc, char **argv,
	enum options_outcome *outcome);

/* Frees what `config` owns: lists of texts, and what --config has read. */
void options_release(const struct option_program *program,
		     struct option_base *config);

/*
 * Says "program: message" and, on stderr, where help is; for what the table
 * cannot check, such as the number of operands. Returns EXIT_USAGE.
 */
int options_wrong(const struct option_program *program, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* In usage.c. */
void options_help(const struct option_program *program, FILE *out);

/* In completion.c. 0, or -1 when there is no such shell. */
int options_completion(const struct option_program *program, const char *shell,
		       FILE *out);

#endif

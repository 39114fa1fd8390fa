/* SPDX-License-Identifier: MIT */
/*
 * configfile - options from a file: a JSON object (RFC 8259) whose members are
 * the long options of a program.
 *
 * Numbers, sizes, durations and rates are strings or numbers as on the command
 * line ("64k", 65536), flags true or false, what adds up ("verbose") a number,
 * repeatable options a string or an array of strings, all others strings.
 * Nothing is passed over: an unknown member, one given twice, a wrong type, a
 * value out of range or a comment is a fault, and the first one is told.
 */
#ifndef CONFIGFILE_H
#define CONFIGFILE_H

#include "option.h"

/* A larger file is refused. */
#define CONFIGFILE_MAX (1 << 20)

/* Where the values go. */
struct configfile {
	const struct option *options; /* ends with name NULL */
	const struct option *others;  /* known, but not for a file; the same */
	const bool *given; /* for each of `options`: keeps its value */
	struct option_base *config;
};

struct configfile_fault {
	size_t line;   /* from 1; 0: the file could not be read */
	size_t column; /* from 1, in bytes */
	char why[OPTION_WHY_MAX + 100]; /* begins with the option, if any */
};

/*
 * Sets the options that `text` speaks of; the values of those that are `given`
 * are checked only. Texts are copied into the configuration. 0, or -1 with
 * `fault` set: some options may be set then.
 */
int configfile_parse(const struct configfile *into, const char *text,
		     size_t len, struct configfile_fault *fault);

/* The same for the file at `path`, which may be a pipe. */
int configfile_load(const struct configfile *into, const char *path,
		    struct configfile_fault *fault);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * settings - a whole configuration by its table of options: printed as the
 * file that --config takes, and taken over by one that was read anew.
 *
 * Of an option that means something on a command line alone (OPTION_TYPED)
 * nothing is said here.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "option.h"

#include <stdio.h>

/*
 * Writes it as a JSON object, a member a line, in the order of the table; what
 * has no value is left out. 0, or -1 with errno: EILSEQ when a text is not
 * UTF-8, which JSON cannot hold.
 */
int settings_print(const struct option *table, const struct option_base *config,
		   FILE *out);

/* Told of an option whose value differs, both as text. */
typedef void settings_fn(void *user, const struct option *o, const char *was,
			 const char *is);

/*
 * Compares `fresh`, read while the program runs, with the configuration that
 * it is going to replace, and calls `changed` for each option that differs.
 * One that is OPTION_FIXED then has in `fresh` the value that it had; of `old`
 * nothing is borrowed. 0, or -1 with errno ENOMEM: `fresh` is of no use then.
 */
int settings_renew(const struct option *table, struct option_base *fresh,
		   const struct option_base *old, settings_fn *changed,
		   void *user);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * tokenlike - what looks like a token or a secret that somebody gave where the
 * name of a file, a command or a pattern was meant. A message that says what is
 * wrong with it ends up in logs, so it does not show it.
 */
#ifndef TOKENLIKE_H
#define TOKENLIKE_H

#include <stdbool.h>

/*
 * Whether there is a JSON Web Token in it, or it is one long word without a
 * '/', or base64 with its padding. A file of so long a name is taken for one
 * too: give it with its directory, "./name".
 */
bool tokenlike(const char *text);

/* `text`, or what can be shown in its place. */
const char *tokenlike_hidden(const char *text);

#endif

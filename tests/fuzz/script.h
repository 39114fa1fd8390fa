/* SPDX-License-Identifier: MIT */
/*
 * script - fuzz input that is read as a script: numbers and pieces of text,
 * until it ends.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct script {
	const uint8_t *at;
	size_t left;
};

/* Ends the process where a condition does not hold, and says which. */
#define must(condition)                                                        \
	((condition) ? (void)0 : script_fail(#condition, __FILE__, __LINE__))

static inline void script_fail(const char *condition, const char *file,
			       int line)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
	abort();
}

/* The next byte; 0 at the end. */
static inline uint8_t script_byte(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->at++;
}

/* The next `len` bytes, or as many as there are. */
static inline const char *script_bytes(struct script *s, size_t *len)
{
	const char *bytes = (const char *)s->at;

	if (*len > s->left)
		*len = s->left;
	s->at += *len;
	s->left -= *len;
	return bytes;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * utf8 - UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing
 * above U+10FFFF.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length (1 to 4) of the sequence that begins the `len` bytes at `text`, or 0
 * when it is not valid or not whole. `len` is at least 1.
 */
size_t utf8_sequence(const char *text, size_t len);

/* The code point of a sequence whose length utf8_sequence() gave. */
uint32_t utf8_decode(const char *text, size_t sequence);

/* Writes a code point (no surrogate, at most U+10FFFF); returns 1 to 4. */
size_t utf8_encode(char out[4], uint32_t code_point);

/* Whether all of `text` is valid. */
bool utf8_valid(const char *text, size_t len);

/*
 * Whether a terminal acts on a code point instead of showing it: C0, DEL, C1,
 * line and paragraph separators, and what changes the direction of text.
 */
bool utf8_is_control(uint32_t code_point);

#endif

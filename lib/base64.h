/* SPDX-License-Identifier: MIT */
/*
 * base64 - the base64url of JSON Web Tokens: RFC 4648 section 5, without
 * padding (RFC 7515 section 2).
 *
 * Bytes have one text and a text has one meaning: padding, blanks, characters
 * of the other alphabet and bits that are left over are refused, so that no
 * two tokens that look different are the same.
 */
#ifndef BASE64_H
#define BASE64_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the text of `n` bytes. */
void base64_put(struct buf *out, const void *bytes, size_t n);

/*
 * Appends the bytes of a text. False, and nothing appended, when it is none;
 * out of memory is for `out` to tell.
 */
bool base64_read(struct buf *out, const char *text, size_t len);

#endif

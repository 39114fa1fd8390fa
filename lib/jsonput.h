/* SPDX-License-Identifier: MIT */
/*
 * jsonput - members of JSON objects, appended one after the other.
 *
 * The comma before a member is put where one is needed: unless the object has
 * just been opened by '{'. Names are plain and are not escaped.
 */
#ifndef JSONPUT_H
#define JSONPUT_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name and its colon; the value is to follow. */
void jsonput_name(struct buf *b, const char *name);

void jsonput_u64(struct buf *b, const char *name, uint64_t value);
void jsonput_bool(struct buf *b, const char *name, bool value);

/* Text of `len` bytes, escaped as json_put_string() does. */
void jsonput_text(struct buf *b, const char *name, const char *text,
		  size_t len);

/* What stands between two values of an array: nothing behind its '['. */
void jsonput_comma(struct buf *b);

#endif

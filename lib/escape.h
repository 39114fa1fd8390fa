/* SPDX-License-Identifier: MIT */
/*
 * escape - JSON for a terminal: what a terminal would act on instead of
 * showing it becomes a JSON escape, so that an update cannot clear a screen,
 * set a title or turn the direction of text around.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#include "buf.h"

/*
 * Appends `text` with each control character (utf8_is_control()) as \u00XX and
 * each byte that is not UTF-8 as \ufffd.
 */
void escape_controls(struct buf *out, const char *text, size_t len);

#endif

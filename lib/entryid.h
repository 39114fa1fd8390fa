/* SPDX-License-Identifier: MIT */
/*
 * entryid - the id of an entry of a Redis stream: milliseconds and a number,
 * as in "1526919030474-55". Ids of a stream rise.
 */
#ifndef ENTRYID_H
#define ENTRYID_H

#include <stddef.h>
#include <stdint.h>

struct entryid {
	uint64_t ms;
	uint64_t seq;
};

#define ENTRYID_TEXT_MAX 42 /* two numbers, a hyphen and a NUL */

/* 0, or -1 when it is none: both numbers, and nothing else. */
int entryid_parse(struct entryid *id, const char *text, size_t len);

/* Writes it with a NUL; returns its length without. */
size_t entryid_show(char text[ENTRYID_TEXT_MAX], struct entryid id);

/* The greatest one below it; of 0-0 itself. */
struct entryid entryid_before(struct entryid id);

/* Below, at or above 0, as `a` is below, at or above `b`. */
int entryid_compare(struct entryid a, struct entryid b);

#endif

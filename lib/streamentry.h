/* SPDX-License-Identifier: MIT */
/*
 * streamentry - entries of Redis streams, as replies to XREADGROUP, XREAD and
 * XCLAIM have them, and the message that one is.
 *
 * An entry is an id and a list of fields and values; a reply for several
 * streams has the entries of each beside its name. What has another shape is
 * none: nothing of what Redis sends is taken for granted.
 */
#ifndef STREAMENTRY_H
#define STREAMENTRY_H

#include "buf.h"
#include "entryid.h"
#include "redisreply.h"

/* Borrows from the reply. */
struct streamentry {
	struct entryid id;
	/* Field, value, field, value, …; NULL: it is not there any more. */
	const struct redisreply *fields;
	size_t count; /* of them both */
};

/* 0, or -1 when `reply` is no entry. */
int streamentry_read(struct streamentry *entry, const struct redisreply *reply);

/* The entries of one stream in a reply for several. */
struct streamentry_list {
	const struct redisreply *name; /* a bulk string */
	const struct redisreply *items;
	size_t count;
};

/* 0, or -1 when `reply` is none. */
int streamentry_read_list(struct streamentry_list *list,
			  const struct redisreply *reply);

/* What a reply for several streams takes. */
struct streamentry_weight {
	size_t entries;
	size_t bytes;	 /* of all texts */
	size_t elements; /* of all arrays */
};

void streamentry_weigh(const struct redisreply *reply,
		       struct streamentry_weight *weight);

enum streamentry_result {
	STREAMENTRY_OK,
	STREAMENTRY_NO_FIELD, /* the one that was asked for is not there */
	STREAMENTRY_TWICE,    /* it is there more than once */
	STREAMENTRY_BINARY,   /* one is not UTF-8, so it is no JSON */
};

/*
 * Appends the message of an entry that is there to `out`: the value of `field`;
 * or when that is NULL all fields as a JSON object of strings, in their order.
 * `out` may have failed.
 */
enum streamentry_result streamentry_message(const struct streamentry *entry,
					    const char *field, struct buf *out);

/*
 * Appends the key by which a wsd knows an entry again: "SOURCE:STREAM:ID".
 * `out` may have failed.
 */
void streamentry_key(struct entryid id, const char *source, const char *stream,
		     struct buf *out);

/*
 * For people: all that an entry has, as a JSON object; bytes that are not UTF-8
 * become U+FFFD.
 */
void streamentry_show(const struct streamentry *entry, struct buf *out);

/* A static text: "the entry does not have the field", … */
const char *streamentry_strerror(enum streamentry_result result);

#endif

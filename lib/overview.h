/* SPDX-License-Identifier: MIT */
/*
 * overview - the updates of all tenants in one stream, in the order in which
 * they are published: what a subscriber to "*" reads.
 *
 * It is written only while somebody reads it. To its readers it is a stream
 * like any other, with numbers of its own; but it has no history, so it holds
 * only what some cursor still needs. In its v1 view are the same frames as in
 * those of the tenants; of its plain view only `end` counts, by which turns to
 * be written are measured.
 */
#ifndef OVERVIEW_H
#define OVERVIEW_H

#include "stream.h"

struct overview {
	struct stream *stream; /* borrowed; NULL: nobody reads it */
	struct buf text;       /* of an envelope; has room for one */
};

/* Nobody reads it. */
void overview_init(struct overview *o);

/* `all`, of views that are empty, has its first reader. */
void overview_begin(struct overview *o, struct stream *all);

/* Its last reader has left; also at the end. */
void overview_end(struct overview *o);

/*
 * Makes sure that an update of `len` bytes, or a GAP, of any tenant can be
 * shown. 0, or -1 with ENOMEM.
 */
int overview_reserve(struct overview *o, size_t len, int64_t mono_ms);

/*
 * Shows what was just appended to `s`, for which there is room: `data` as it
 * was given to stream_append(), or NULL and 0.
 */
void overview_show(struct overview *o, const struct stream *s, const char *data,
		   size_t len, struct stream_time *now);

#endif

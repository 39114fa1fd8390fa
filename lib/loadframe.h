/* SPDX-License-Identifier: MIT */
/*
 * loadframe - walks through the bytes that a client received, frame by frame
 * by their headers, at the speed of a load generator: without copying a
 * payload.
 */
#ifndef LOADFRAME_H
#define LOADFRAME_H

#include "wsframe.h"

#include <string.h>

/* Received bytes, and the frame that the walk is at. */
struct loadframe_walk {
	const char *at; /* not yet looked at; the caller's memory */
	const char *end;
	struct wsframe frame;
	const char *payload; /* of `frame` */
	char begin[4];	     /* the first bytes of `frame` */
	bool same;	     /* a frame that begins with them is like `frame` */
};

void loadframe_begin(struct loadframe_walk *walk, const char *bytes,
		     size_t len);

/* loadframe_next() for a header that differs from the last one. */
enum wsframe_result loadframe_decode(struct loadframe_walk *walk);

/*
 * Goes to the next whole frame. WSFRAME_SHORT leaves `at` where that frame
 * begins: keep [at, end) and go on when more has come. Any other result but
 * WSFRAME_OK is final.
 *
 * A load is many frames of one size: a header that is the same, byte for byte,
 * as the one before need not be decoded again. (A header of two bytes is
 * compared with the payload behind it, which is never wrong.)
 */
static inline enum wsframe_result loadframe_next(struct loadframe_walk *walk)
{
	const struct wsframe *f = &walk->frame;
	size_t have = (size_t)(walk->end - walk->at);

	if (!walk->same || have < sizeof(walk->begin) ||
	    memcmp(walk->at, walk->begin, sizeof(walk->begin)) != 0)
		return loadframe_decode(walk);
	if (f->payload > have - f->header)
		return WSFRAME_SHORT;
	walk->payload = walk->at + f->header;
	walk->at = walk->payload + f->payload;
	return WSFRAME_OK;
}

#endif

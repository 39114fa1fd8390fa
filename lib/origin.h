/* SPDX-License-Identifier: MIT */
/*
 * origin - where a message of Redis came from, and how it began: what is kept
 * beside it until it is settled.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "buf.h"
#include "entryid.h"
#include "request.h"

/* Bytes of a message, or of the name of a channel, that people are shown. */
#define ORIGIN_EXCERPT_MAX 60

struct origin {
	struct request_text tenant;
	struct request_text channel; /* or the name of the stream */
	struct request_text message;
	struct request_text key; /* of the entry; bytes NULL: none. Not kept */
	struct entryid entry;	 /* of a stream */
	uint32_t stream;	 /* its index, for the source */
};

/* Appends it, the message whole or as much as people are shown. */
void origin_put(struct buf *out, const struct origin *o, bool whole);

/* Takes it apart again; it borrows from the `len` bytes. */
void origin_of(struct origin *o, const char *bytes, size_t len);

/* For a message to people: whole characters, no NUL, "..." where it is cut. */
void origin_excerpt(struct buf *out, struct request_text text);

#endif

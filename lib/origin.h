/* SPDX-License-Identifier: MIT */
/*
 * origin - where a message of Redis came from, and how it began: what is kept
 * beside it in the window, for when the wsd refuses it.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "buf.h"
#include "request.h"

/* Bytes of a message, or of the name of a channel, that people are shown. */
#define ORIGIN_EXCERPT_MAX 60

struct origin {
	struct request_text tenant;
	struct request_text channel;
	struct request_text message;
};

/*
 * Appends it, the message whole or as much as people are shown. The bytes of
 * the channel are to be remembered elsewhere.
 */
void origin_put(struct buf *out, const struct origin *o, bool whole);

/* Takes it apart again; it borrows from the `len` bytes. */
void origin_of(struct origin *o, const char *bytes, size_t len,
	       size_t channel_len);

/* For a message to people: whole characters, no NUL, "..." where it is cut. */
void origin_excerpt(struct buf *out, struct request_text text);

#endif

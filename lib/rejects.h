/* SPDX-License-Identifier: MIT */
/*
 * rejects - says which messages could not be published, and keeps them in a
 * file, one JSON object a line: time, channel, id of the entry of a stream,
 * reason, message.
 *
 * In the file message and channel are JSON strings; bytes that are not UTF-8
 * become U+FFFD.
 */
#ifndef REJECTS_H
#define REJECTS_H

#include "buf.h"
#include "diag.h"
#include "origin.h"

struct rejects {
	const char *path; /* borrowed; NULL: none are kept */
	int fd;		  /* -1: none are kept (any more) */
	struct buf line;
	const struct diag *diag; /* borrowed */
	int64_t second;		 /* monotonic, in which `shown` were */
	uint64_t shown;		 /* messages to people */
	uint64_t unshown;
};

/* `path` may be NULL; both are borrowed. */
void rejects_init(struct rejects *r, const char *path, const struct diag *d);

/* Opens the file, if there is to be one; lines go to its end. 0, or -1. */
int rejects_open(struct rejects *r);

/*
 * Tells people, with the beginning of the message. Of many in one second only
 * the number is told, so that who reads stderr does not hold up the program.
 */
void rejects_tell(struct rejects *r, const char *reason,
		  const struct origin *origin);

/*
 * The same, and keeps it. When the file cannot be written that is told, and no
 * more are kept.
 */
void rejects_add(struct rejects *r, const char *reason,
		 const struct origin *origin);

/* Harmless a second time. */
void rejects_release(struct rejects *r);

#endif

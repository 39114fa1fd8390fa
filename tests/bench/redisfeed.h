/* SPDX-License-Identifier: MIT */
/*
 * redisfeed - the publisher of a load that goes through Redis: pipelined
 * PUBLISH or XADD commands on one connection, never waiting for an answer
 * before the next command.
 *
 * A message is what a back end announces of a job, some 200 bytes:
 *
 *     {"tenantId":"tenant-0","wsbench":"…","jobId":"job-4711",…}
 *
 * Without its tenant it is an update as loadmark.h has it, so that subscribers
 * know which one arrived and when it was sent. It has no more than one flow.
 */
#ifndef REDISFEED_H
#define REDISFEED_H

#include "buf.h"
#include "loadmark.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDISFEED_PREFIX "tenant-" /* the tenant is this and a 0 */
#define REDISFEED_ANSWERS 65536	   /* bytes that are read at once */
#define REDISFEED_BATCH 262144	   /* bytes that are sent at once, or so */

struct redisfeed_config {
	const char *path;    /* the Unix socket of the Redis */
	const char *channel; /* of PUBLISH; NULL: … */
	const char *stream;  /* … of XADD, … */
	const char *field;   /* … whose entries have this field */
	uint64_t keep;	     /* entries that a stream keeps, or some more */
	uint32_t run;	     /* random, see loadmark.h */
};

struct redisfeed {
	int fd; /* -1: none */
	bool want_out;
	struct buf command; /* one of them, whole */
	size_t mark;	    /* where in it the update begins */
	struct buf out;	    /* not yet sent */
	uint64_t answered;
	bool inside; /* what comes is the id of an entry */
	size_t have; /* bytes of `in`: the begin of a line */
	char in[REDISFEED_ANSWERS];
};

/* Bytes of the update that is in each message. */
size_t redisfeed_size(void);

/*
 * Connects; its events come with `f` in epoll_data.ptr. 0, or -1 with errno.
 * redisfeed_release() is due in any case.
 */
int redisfeed_init(struct redisfeed *f, const struct redisfeed_config *config,
		   int epoll);
void redisfeed_release(struct redisfeed *f);

/* One more command, as update `seq`, which is due at `now`. */
void redisfeed_add(struct redisfeed *f, uint32_t seq, uint64_t now);

/* Sends what it can. 0, or -1 with errno. */
int redisfeed_flush(struct redisfeed *f, int epoll);

/*
 * Reads answers, once. 0, or -1 with the reason, for people, in `why`: the
 * connection is over, an error, or a PUBLISH that reached nobody.
 */
int redisfeed_read(struct redisfeed *f, char *why, size_t room);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * uptake - whether the other end of a socket still takes what is sent to it.
 *
 * It is looked at now and then, and compared with the time before; nothing is
 * done for each write. What counts is what its kernel has acknowledged: what
 * that one holds, and its program does not read, can't be seen from here. Only
 * when it holds as much as it can, no more is taken. Of a local socket a write
 * is taken only when all of it is.
 */
#ifndef UPTAKE_H
#define UPTAKE_H

#include <stdint.h>

/* Zeroed: nothing was seen yet. */
struct uptake {
	uint32_t acked; /* bytes since the connection began, modulo 2^32 */
	int queued;	/* bytes that our kernel has and the other end not */
};

enum uptake_news {
	UPTAKE_NONE, /* it took nothing that was queued the last time */
	UPTAKE_SOME, /* it took some of that */
	UPTAKE_ALL,  /* nothing is queued, nor was the last time */
};

/* Looks at a stream socket, TCP or local. */
enum uptake_news uptake_look(struct uptake *u, int fd);

#endif

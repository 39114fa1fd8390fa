/* SPDX-License-Identifier: MIT */
/*
 * loadpub - a publisher of a load: which update is next, whether it may go
 * now, and the frames that carry it.
 *
 * Publisher p has the flows p, p + publishers, … (see loadtally) and takes
 * them in turn. In an open loop an update is due at a fixed time whatever the
 * server does, and its latency counts from then, so that a server that stalls
 * cannot hide it (no coordinated omission). In a closed loop a window limits
 * the updates that are not settled. No I/O, no clock of its own.
 */
#ifndef LOADPUB_H
#define LOADPUB_H

#include "buf.h"
#include "histogram.h"
#include "loadtally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What settles an update. */
enum loadpub_settle {
	LOADPUB_DELIVERED, /* every subscriber of its tenant got it */
	LOADPUB_ACKED,	   /* it had an id, and an ACK came */
	LOADPUB_PONGED,	   /* a PING behind it was answered */
};

/* What all publishers of a run share; the caller's. */
struct loadpub_plan {
	uint32_t publishers;
	uint32_t tenants;
	uint32_t flows;	    /* the greater of the two above */
	const char *prefix; /* of the tenants' ids, before their numbers */
	size_t prefix_len;
	uint32_t run;	/* random, see loadmark */
	size_t size;	/* bytes of an update */
	unsigned batch; /* most lines in a frame; 1 for the plain dialect */
	bool each;	/* a send for each frame, as most clients do it */
	uint64_t rate;	/* updates a second of all; 0: closed loop */
	uint64_t start; /* when update 0 is due, ns */
	uint32_t window;
	enum loadpub_settle settle;
	uint64_t random;	   /* state for masking keys */
	struct loadtally *tally;   /* borrowed */
	struct histogram *latency; /* borrowed; of ACK and PONG */
};

struct loadpub {
	struct loadpub_plan *plan; /* borrowed */
	uint32_t number;
	uint32_t flow;	   /* of the next update */
	uint32_t share;	   /* of the window, for each of its flows */
	uint32_t room;	   /* updates that may go, as far as is known */
	uint64_t made;	   /* updates, all flows; the last one's id */
	uint64_t quota;	   /* makes no more than these */
	uint64_t settled;  /* of those made, by ACK or PONG */
	uint64_t rejected; /* ERRORs */
	uint64_t probe;	   /* id whose settling is timed; 0: none */
	uint64_t probed;   /* when it was made */
	uint64_t fence;	   /* `made` at the PING in flight; 0: none */
	char *update;	   /* owned; the template */
	struct buf lines;  /* of the frame that is being made */
};

/* 0, or -1 with errno. */
int loadpub_init(struct loadpub *p, struct loadpub_plan *plan, uint32_t number,
		 uint64_t quota);
void loadpub_release(struct loadpub *p);

/*
 * Appends to `out` the frames of all that may go now, to some 256 KiB; or one
 * frame, when each has a send of its own.
 */
void loadpub_fill(struct loadpub *p, struct buf *out, uint64_t now);

/* When the next update is due, in an open loop; UINT64_MAX at the end. */
uint64_t loadpub_due(const struct loadpub *p);

/* It makes no more. */
void loadpub_stop(struct loadpub *p);
static inline bool loadpub_done(const struct loadpub *p)
{
	return p->made >= p->quota;
}

/* An answer in text: an ACK or ERROR counts, anything else is ignored. */
void loadpub_answer(struct loadpub *p, const char *text, size_t len,
		    uint64_t now);
void loadpub_pong(struct loadpub *p, uint64_t now);

/* A masking key: see the .c for why it need not be unpredictable. */
uint32_t loadpub_mask(struct loadpub_plan *plan);

#endif

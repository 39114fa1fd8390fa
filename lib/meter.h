/* SPDX-License-Identifier: MIT */
/*
 * meter - how much memory what peers sent takes, by kind, and how much it may.
 *
 * Who holds memory that peers can make grow says so here. It counts bytes that
 * were asked of the heap, without its own overhead.
 *
 * What waits, to become whole or to be read by a peer, may take half of what
 * all may: so those who send half messages, or read no answers, keep nobody
 * else from publishing. Whoever has held such memory for longest lets go
 * first, since what is in order waits for a moment only. Memory in which
 * nothing is does not wait: it is kept only while all of that is little.
 *
 * What the end of a holder frees only a little later is leaving: it counts
 * until it is free, but nobody has to make room for it once more. How much of
 * it comes together is for whoever makes holders keep more, see fanout.h.
 */
#ifndef METER_H
#define METER_H

#include "list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum meter_kind {
	METER_SEGMENTS, /* retained updates, in all encodings */
	METER_TENANTS,	/* that have any or are watched; subscriptions */
	METER_ASSEMBLY, /* messages and bodies that are not whole yet */
	METER_BODIES,	/* that are whole, and are published in parts */
	METER_OUTPUT,	/* answers, and rests of frames, that wait */
	METER_SCRATCH,	/* empty, kept for the next message in pieces */
	METER_KINDS
};

struct meter {
	uint64_t used[METER_KINDS];
	uint64_t total;	     /* of all kinds */
	uint64_t max;	     /* 0: no limit */
	uint64_t leaving;    /* of total: of holders that were ended */
	struct list holders; /* of what waits; the first for longest */
	bool yielding;	     /* some are just being asked to let go */
};

/* Whoever holds memory that waits. */
struct meter_holder {
	struct list node; /* in meter->holders, while it holds any */
	size_t bytes;
	/* Frees it, perhaps by ending a connection; NULL: can't. */
	void (*let_go)(struct meter_holder *h);
};

void meter_init(struct meter *m);
void meter_holder_init(struct meter_holder *h,
		       void (*let_go)(struct meter_holder *h));

/* `bytes` more are held, or less where that is negative. */
static inline void meter_add(struct meter *m, enum meter_kind kind,
			     int64_t bytes)
{
	m->used[kind] += (uint64_t)bytes;
	m->total += (uint64_t)bytes;
}

/* What one holder has is `now`; `*counted` remembers it, and begins at 0. */
static inline void meter_set(struct meter *m, enum meter_kind kind,
			     size_t *counted, size_t now)
{
	meter_add(m, kind, (int64_t)now - (int64_t)*counted);
	*counted = now;
}

/* The same for memory that waits, of METER_ASSEMBLY or METER_OUTPUT. */
void meter_hold(struct meter *m, struct meter_holder *h, enum meter_kind kind,
		size_t *counted, size_t now);

/*
 * A holder was ended: of what it holds `bytes` are free soon. meter_left() says
 * that they are, before they are counted as given back.
 */
void meter_leave(struct meter *m, struct meter_holder *h, size_t bytes);

static inline void meter_left(struct meter *m, size_t bytes)
{
	m->leaving -= bytes;
}

/*
 * To be called when `self` holds more than before: as long as too much waits,
 * others let go who have held some for longer, each asked once. False when
 * `self` has to. When somebody who lets go calls this again, it is for the
 * first call to see to it.
 */
bool meter_yield(struct meter *m, struct meter_holder *self);

/* Whether `bytes` more would be too much. */
static inline bool meter_exceeds(const struct meter *m, uint64_t bytes)
{
	return m->max &&
	       (bytes > m->max || m->total - m->leaving > m->max - bytes);
}

/* Whether `bytes` more of METER_SCRATCH are little enough to be kept. */
bool meter_keeps(const struct meter *m, uint64_t bytes);

/* "segments", …: labels of the metrics. */
const char *meter_kind_name(enum meter_kind kind);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * meter - how much memory what peers sent takes, by kind, and how much it may.
 *
 * Who holds memory that peers can make grow says so here. It counts bytes that
 * were asked of the heap, without its own overhead.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum meter_kind {
	METER_SEGMENTS, /* retained updates, in all encodings */
	METER_ASSEMBLY, /* messages and bodies that are not whole yet */
	METER_OUTPUT,	/* answers, and rests of frames, that wait */
	METER_KINDS
};

struct meter {
	uint64_t used[METER_KINDS];
	uint64_t total; /* of all kinds */
	uint64_t max;	/* 0: no limit */
};

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

/* Whether `bytes` more would be too much. */
static inline bool meter_exceeds(const struct meter *m, uint64_t bytes)
{
	return m->max && (bytes > m->max || m->total > m->max - bytes);
}

/* "segments", …: labels of the metrics. */
const char *meter_kind_name(enum meter_kind kind);

#endif

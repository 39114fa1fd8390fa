/* SPDX-License-Identifier: MIT */
/*
 * metrics - what a server has counted and how it stands, as text for
 * Prometheus (exposition format 0.0.4).
 *
 * Names and labels are those of the manual, wsd(8); a test compares them. The
 * ledger of deliveries can be checked from one page of it:
 * due = delivered + dropped, all reasons, + pending.
 */
#ifndef METRICS_H
#define METRICS_H

#include "census.h"
#include "procstat.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A figure with a label: of a kind of memory, a dialect, a status. */
struct metrics_figure {
	const char *label;
	uint64_t value;
};

/* How a server stands. */
struct metrics {
	const struct counters *counters;
	struct census census;
	struct procstat process;
	uint64_t descriptors;	  /* open ones */
	uint64_t descriptors_max; /* that may be */
	int64_t uptime_ms;
	int64_t wall_ms;  /* now */
	uint64_t tenants; /* remembered ones, with a stream or without */
	bool draining;
	const struct metrics_figure *connections; /* by dialect */
	size_t connections_count;
	const struct metrics_figure *memory; /* bytes, by kind */
	size_t memory_count;
	uint64_t memory_max; /* bytes of all kinds; 0: no limit */
	const struct metrics_figure *answers; /* to HTTP requests, by status */
	size_t answers_count;
};

void metrics_put(struct buf *b, const struct metrics *m);

#endif

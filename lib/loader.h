/* SPDX-License-Identifier: MIT */
/*
 * loader - a run of wsbench: connects everybody, publishes, waits until all
 * has arrived, and tells what it saw.
 *
 * One thread, one epoll(7) loop, no WebSocket library: it must never be what
 * limits. Between the last publish and the end it waits until every update is
 * settled, at most `drain_ms` without any progress; a closed loop that stands
 * still as long ends too. What is missing then counts as lost.
 */
#ifndef LOADER_H
#define LOADER_H

#include "histogram.h"
#include "loadrig.h"
#include "procstat.h"

#include <stdbool.h>
#include <stdint.h>

enum loader_outcome {
	LOADER_DONE,
	LOADER_USAGE,	   /* the URL or the pid is wrong */
	LOADER_CONNECTION, /* cannot connect, or a publisher was cut off */
	LOADER_TIMEOUT,
	LOADER_SYSTEM, /* memory, descriptors */
};

struct loader_result {
	enum loader_outcome outcome;
	char why[256];	     /* for people; the last thing that went wrong */
	uint64_t connect_ns; /* until all were connected and subscribed */
	uint64_t run_ns;     /* first publish to last delivery */
	uint64_t updates;
	uint64_t deliveries;
	uint64_t settled; /* updates, by ACK or PONG */
	uint64_t lost;	  /* deliveries, or updates not settled */
	uint64_t reordered;
	uint64_t duplicated;
	uint64_t rejected;	  /* ERRORs */
	uint64_t foreign;	  /* updates of somebody else */
	uint32_t cut_off;	  /* connections that the server ended */
	uint32_t stalled_cut_off; /* the same of those that never read */
	uint64_t own_ns;	/* processor time of this process in the run */
	struct procstat before; /* of the server: nobody is connected */
	struct procstat ready;	/* everybody is */
	struct procstat after;	/* all was delivered */
	struct histogram latency; /* ns */
};

void loader_run(const struct loadrig_config *config,
		struct loader_result *result);

/* Whether every update arrived once, in order, and none was refused. */
bool loader_clean(const struct loader_result *result);

#endif

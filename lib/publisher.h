/* SPDX-License-Identifier: MIT */
/*
 * publisher - sends what its feed takes over its uplink, until all of it is
 * answered, a document was refused, the time is up or a signal comes; then says
 * what is missing.
 */
#ifndef PUBLISHER_H
#define PUBLISHER_H

#include "feed.h"
#include "loop.h"
#include "progress.h"
#include "uplink.h"

enum publisher_acks {
	PUBLISHER_ACKS,	       /* where the server has them */
	PUBLISHER_ACKS_NEEDED, /* EXIT_USAGE where it has not */
	PUBLISHER_NO_ACKS,
};

struct publisher_config {
	struct feed_config feed;
	const char *url;
	struct login *login; /* borrowed; see client.h */
	enum publisher_acks acks;
	bool no_retry;
	bool progress;		 /* show it, terminal or not */
	uint64_t window;	 /* updates in flight at most */
	uint64_t timeout_ms;	 /* of all; 0: none */
	const struct diag *diag; /* borrowed */
};

struct publisher {
	const struct publisher_config *config; /* borrowed */
	struct loop *loop;		       /* borrowed */
	struct uplink_config uplink_config;
	struct uplink uplink;
	struct feed feed;
	struct progress progress;
	uv_timer_t deadline;
	bool timed;   /* the handle of deadline is there */
	bool refused; /* for want of permission */
	bool done;
	bool cut;	   /* done before the input was read to its end */
	enum exits status; /* when done */
	int signal;	   /* that ended it; 0: none */
	struct progress_ack last;
	int64_t began_ms; /* monotonic */
};

/*
 * 0, or -1 with errno: EINVAL when a field of the feed is no path. Then add
 * input to publisher->feed. `config` and `loop` are borrowed.
 */
int publisher_init(struct publisher *p, const struct publisher_config *config,
		   struct loop *loop);

/* Connects. 0, or -1 after a message, with the status set. */
int publisher_start(struct publisher *p);

/*
 * Ends the connection, says what was not acknowledged, and frees all; `p`
 * itself must last until loop_release(). The figures may be had before.
 */
void publisher_release(struct publisher *p);

void publisher_figures(const struct publisher *p,
		       struct progress_figures *figures);

#endif

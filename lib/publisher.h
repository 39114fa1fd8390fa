/* SPDX-License-Identifier: MIT */
/*
 * publisher - sends what its feed takes to a wsd, and knows what became of it.
 *
 * What was not acknowledged stays in the window and is sent again after a
 * reconnect, in order and with the ids that it had, by the same producer: so
 * within one run of wsd nothing is published twice and nothing is lost. As
 * many updates go in a frame as are there when the connection can send.
 */
#ifndef PUBLISHER_H
#define PUBLISHER_H

#include "client.h"
#include "feed.h"
#include "progress.h"
#include "sender.h"

enum publisher_acks {
	PUBLISHER_ACKS,	       /* where the server has them */
	PUBLISHER_ACKS_NEEDED, /* EXIT_USAGE where it has not */
	PUBLISHER_NO_ACKS,
};

struct publisher_config {
	struct feed_config feed;
	const char *url;
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
	struct client_config client_config;
	struct client *client; /* owned */
	struct window window;
	struct sender sender;
	struct feed feed;
	struct progress progress;
	uv_timer_t deadline;
	bool timed;		       /* the handle of deadline is there */
	char run[PROTO_EPOCH_MAX + 1]; /* of the server, from its epochs */

	/* Of this connection: */
	bool ready;
	bool plain;	 /* no wsd.v1: sticks, from the first time on */
	bool draining;	 /* the server takes no more */
	bool ponged;	 /* and everything before it has arrived */
	uint64_t resent; /* messages that an old connection had sent */
	uint64_t fresh;	 /* the first id that none had sent */
	int64_t lost_ms; /* when there was none, monotonic */

	/* Of all: */
	bool acked;   /* acknowledgements are asked for */
	bool refused; /* for want of permission */
	bool done;
	bool cut;	   /* done before the input was read to its end */
	enum exits status; /* when done */
	int signal;	   /* that ended it; 0: none */
	uint64_t acknowledged;
	uint64_t duplicates; /* keys that had been published; at least */
	uint64_t reconnects;
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

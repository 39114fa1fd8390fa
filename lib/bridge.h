/* SPDX-License-Identifier: MIT */
/*
 * bridge - carries messages from a source (source.h) in a Redis to a sink
 * (sink.h), finding the tenant of each.
 *
 * It starts the sink, and when that is ready the source. A message that cannot
 * be routed, or that the sink refuses for good, is rejected by itself, told and
 * perhaps kept. While the sink wants no more the source is held back. What was
 * lost is counted, and the sink tells the tenants.
 *
 * received = published + rejected + lost + held, at any time.
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "delivery.h"
#include "diag.h"
#include "loop.h"
#include "printer.h"
#include "pubsub.h"
#include "rejects.h"
#include "routing.h"
#include "streams.h"

struct bridge_figures {
	uint64_t received;   /* messages that came from Redis */
	uint64_t published;  /* and that the sink has done with */
	uint64_t rejected;   /* by the bridge or by the sink, one by one */
	uint64_t lost;	     /* found no room, or the sink was not done */
	uint64_t held;	     /* on their way */
	uint64_t gaps;	     /* GAPs that the wsd has acknowledged */
	uint64_t breaks;     /* of the connection to Redis */
	uint64_t reconnects; /* to the wsd */
};

struct bridge_config {
	struct pubsub_config pubsub;   /* unless there are */
	struct streams_config streams; /* those */
	struct routing_config routing;
	struct delivery_config delivery;
	bool print;		 /* to stdout, in place of that */
	bool dry_run;		 /* the same, and nothing is changed anywhere */
	const char *rejects;	 /* file; NULL: none */
	uint64_t count;		 /* end after so many; 0: go on */
	uint64_t timeout_ms;	 /* of all; 0: none */
	int ready_fd;		 /* -1: none; is closed */
	const struct diag *diag; /* borrowed */
	/* SIGUSR1 came. */
	void (*report)(void *user, const struct bridge_figures *figures);
	void *user;
};

struct bridge {
	const struct bridge_config *config; /* borrowed */
	struct loop *loop;		    /* borrowed */
	struct pubsub pubsub;		    /* one of these two */
	struct streams streams;
	struct delivery delivery;
	struct printer printer;
	struct source source;
	struct sink sink;
	struct routing routing;
	struct rejects rejects;
	struct bridge_figures figures;

	bool started; /* the source is */
	bool ready;   /* it was, once */
	bool held;    /* the sink is, until Redis was told */
	bool handles; /* these are open */
	uv_prepare_t prepare;
	uv_timer_t deadline;
	uv_timer_t draining;
	uv_signal_t usr1;

	bool stopping;	   /* nothing is taken any more */
	bool done;	   /* nothing is waited for any more */
	enum exits status; /* when stopping */
	int signal;	   /* that ended it; 0: none */
};

/*
 * 0, or -1 with errno: EINVAL when the path or the template is none. `config`
 * and `loop` are borrowed. bridge_release() is to be called in any case.
 */
int bridge_init(struct bridge *b, const struct bridge_config *config,
		struct loop *loop);

/*
 * Opens the file of rejects and begins to connect. 0, or -1 after a message,
 * with the status set.
 */
int bridge_start(struct bridge *b);

/*
 * Ends both connections, says what was not acknowledged, and frees all; `b`
 * itself must last until loop_release(). The figures are final then.
 */
void bridge_release(struct bridge *b);

void bridge_figures(const struct bridge *b, struct bridge_figures *figures);

#endif

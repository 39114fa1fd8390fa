/* SPDX-License-Identifier: MIT */
/*
 * bridge - carries what is published in Redis to the tenants of a wsd.
 *
 * It connects to the wsd, then to the Redis, subscribes, finds the tenant of
 * each message, and puts the rest of it into its uplink. Redis keeps nothing
 * for who is not there, so this is at most once; but what may be missing is
 * told to the tenants by a GAP: after each break on the side of Redis to all
 * that were seen (see seen.h), and to those of messages that found no room
 * while the wsd was away. A GAP stands before the next message of its tenant.
 *
 * While the wsd is there and only slow, the bridge does not read on, so that
 * what waits waits in Redis, which cuts it off if that becomes too much.
 *
 * received = published + rejected + lost + held, at any time.
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "channel.h"
#include "diag.h"
#include "document.h"
#include "loop.h"
#include "pubsub.h"
#include "rejects.h"
#include "seen.h"
#include "uplink.h"

/* Tenants that are remembered, to be told of a loss. */
#define BRIDGE_TENANTS_MAX 100000

struct bridge_figures {
	uint64_t received;   /* messages that came from Redis */
	uint64_t published;  /* and that the wsd has acknowledged */
	uint64_t rejected;   /* by the bridge or by the wsd, one by one */
	uint64_t lost;	     /* found no room, or were not acknowledged */
	uint64_t held;	     /* on their way */
	uint64_t gaps;	     /* GAPs that the wsd has acknowledged */
	uint64_t breaks;     /* of the connection to Redis */
	uint64_t reconnects; /* to the wsd */
};

struct bridge_config {
	const char *url; /* of the wsd */
	struct pubsub_config source;
	const char *tenant_field;   /* a path; NULL: */
	const char *tenant_channel; /* a template, see channel.h */
	const char *rejects;	    /* file; NULL: none */
	uint64_t max_buffer;	    /* bytes that are held at most */
	uint64_t max_messages;	    /* and messages */
	uint64_t count;		    /* end after so many; 0: go on */
	uint64_t timeout_ms;	    /* of all; 0: none */
	int ready_fd;		    /* -1: none; is closed */
	const struct diag *diag;    /* borrowed */
	/* SIGUSR1 came. */
	void (*report)(void *user, const struct bridge_figures *figures);
	void *user;
};

struct bridge {
	const struct bridge_config *config; /* borrowed */
	struct loop *loop;		    /* borrowed */
	struct uplink_config uplink_config;
	struct uplink uplink;
	struct pubsub pubsub;
	struct document_rules rules;
	struct channel_template template;
	struct seen seen;
	struct rejects rejects;
	struct buf text;    /* the message at hand */
	struct buf scratch; /* for document_read() */
	struct bridge_figures figures;

	bool ready;	  /* it was subscribed, once */
	bool dropping;	  /* messages find no room */
	uint64_t dropped; /* since it began */

	uint64_t again_ms; /* until refused GAPs are tried again */
	bool handles;	   /* these are open */
	uv_prepare_t prepare;
	uv_timer_t deadline;
	uv_timer_t draining;
	uv_timer_t again; /* to try refused GAPs; until then they wait */
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

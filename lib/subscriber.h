/* SPDX-License-Identifier: MIT */
/*
 * subscriber - writes the updates of some tenants to stdout, one a line, and
 * knows where it stands in each: after a reconnect it goes on there, and
 * across runs by a state file.
 *
 * What the state file says is never ahead of what was written to stdout.
 */
#ifndef SUBSCRIBER_H
#define SUBSCRIBER_H

#include "client.h"
#include "loop.h"
#include "losses.h"
#include "output.h"
#include "subscriptions.h"

struct subscriber_config {
	const char *url;
	struct login *login; /* borrowed; see client.h */
	/* Valid ids, sorted here, repeats left out; or TENANT_ALL alone. */
	const char **tenants;
	size_t tenants_count;
	struct proto_since since;
	bool since_given;
	const char *state;   /* file; or NULL */
	uint64_t count;	     /* updates to be written; 0: all */
	uint64_t timeout_ms; /* of all; 0: none */
	uint64_t idle_ms;    /* silence that ends it; 0: none */
	bool envelope;	     /* whole UPDATE and GAP messages; for TENANT_ALL */
	bool strict;	     /* a gap ends it */
	bool no_reconnect;
	int ready_fd;		 /* gets a line when all is confirmed; or -1 */
	const struct diag *diag; /* borrowed */
};

struct subscriber {
	const struct subscriber_config *config; /* borrowed */
	struct loop *loop;			/* borrowed */
	struct client_config client_config;
	struct client *client; /* owned */
	struct subscriptions all;
	struct output output;
	struct state state;
	bool has_state;
	bool unsaved; /* the state cannot be written, which ends it */
	uv_timer_t deadline;
	uv_timer_t idle;
	uv_timer_t save;
	bool timers;
	struct buf frame; /* requests that are to be sent */

	/* Of this connection: */
	bool plain;
	size_t frame_max;   /* bytes that the server takes */
	size_t asked;	    /* subscriptions that were sent */
	size_t unconfirmed; /* subscriptions */

	/* Of all: */
	bool was_ready;	      /* all was confirmed once */
	bool was_plain;	      /* and the warning was given */
	uint64_t last_update; /* ms, uv_now() */
	uint64_t updates;     /* put out */
	struct losses losses;
	uint64_t reconnects;
	bool done;
	enum exits status; /* when done */
	int signal;	   /* that ended it; 0: none */
};

/*
 * Opens the state file and stdout, and begins to connect. `config` and `loop`
 * are borrowed. 0, or -1 after a message, with the status set; release it in
 * both cases.
 */
int subscriber_init(struct subscriber *s,
		    const struct subscriber_config *config, struct loop *loop);

/*
 * After loop_run(): saves the state, closes and frees. Its handles close in
 * loop_release(), until which it must last.
 */
void subscriber_release(struct subscriber *s);

#endif

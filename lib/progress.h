/* SPDX-License-Identifier: MIT */
/*
 * progress - what a publisher has done, for people and for machines: a line
 * on stderr that is renewed while it works, and a summary at the end.
 *
 * On a terminal the line is written over and over; elsewhere each is a line
 * of its own. Nothing is shown of what takes less than a second, unless at the
 * end when it was asked for.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "buf.h"
#include "proto.h"
#include "tenant.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* What the last ACK said. */
struct progress_ack {
	char tenant[TENANT_MAX + 1]; /* "": there was none */
	char epoch[PROTO_EPOCH_MAX + 1];
	uint64_t seq;
	uint64_t subscribers;
	bool duplicate;
};

struct progress_figures {
	uint64_t read;		 /* updates, those that are rejected too */
	uint64_t bytes;		 /* of input */
	uint64_t total;		 /* bytes of all input; 0: unknown */
	uint64_t acknowledged;	 /* updates */
	uint64_t duplicates;	 /* of those, known to be so; at least */
	uint64_t rejected;	 /* updates */
	uint64_t unacknowledged; /* updates */
	uint64_t reconnects;
	bool unasked; /* acknowledgements are not to be had or not wanted */
	uint64_t ms;  /* since the beginning */
	struct progress_ack last;
};

/* Fills in the figures of now. */
typedef void progress_fn(void *user, struct progress_figures *figures);

struct progress {
	const char *program; /* borrowed */
	progress_fn *look;
	void *user;
	uv_timer_t timer;
	bool started;
	bool terminal; /* stderr is one */
	bool asked;    /* for a line at the end, however short it was */
	bool shown;    /* a line stands there */
};

/* Begins to show a line now and then. */
void progress_start(struct progress *p, uv_loop_t *loop, const char *program,
		    bool asked, progress_fn *look, void *user);

/* Makes room on the terminal for a message; the line comes again later. */
void progress_clear(struct progress *p);

/* Shows the last line and stops. Harmless without progress_start(). */
void progress_stop(struct progress *p);

/* These append the summary: a sentence, and a JSON object. */
void progress_put_text(struct buf *b, const struct progress_figures *figures);
void progress_put_json(struct buf *b, const struct progress_figures *figures);

#endif

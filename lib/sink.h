/* SPDX-License-Identifier: MIT */
/*
 * sink - where the messages of a bridge go: to a wsd (delivery.h), or to stdout
 * (printer.h).
 */
#ifndef SINK_H
#define SINK_H

#include "document.h"
#include "exits.h"
#include "loop.h"
#include "origin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of a message. */
enum sink_fate {
	SINK_DONE,    /* acknowledged, or written */
	SINK_REFUSED, /* for good */
	SINK_LOST,    /* refused for now, and it was not to be kept */
};

struct sink_events {
	/*
	 * Messages may be put, for the first time or again, of at most `max`
	 * bytes; 0: any.
	 */
	void (*ready)(void *user, uint64_t max);
	/*
	 * One that was put, or is being put. `why` is for people; NULL when it
	 * is done, and then `origin` may lack the message.
	 */
	void (*settled)(void *user, const struct origin *origin,
			enum sink_fate fate, const char *why);
	/* There may be room, or drained() may be true. */
	void (*changed)(void *user);
	/*
	 * It does not go on, as was told. `signum`: of that, nothing was told,
	 * it is as if that signal had come; 0: none.
	 */
	void (*ended)(void *user, enum exits status, int signum);
};

struct sink_figures {
	uint64_t gaps;	     /* that were acknowledged */
	uint64_t reconnects; /* to the wsd */
};

struct sink_ops {
	const char *done; /* what a message is then: "acknowledged" */
	/*
	 * Begins; no event comes before the loop runs. EXIT_DONE, or another
	 * status after a message.
	 */
	enum exits (*start)(void *self, struct loop *loop);
	/* Takes a message; it borrows nothing. False: it found no room. */
	bool (*put)(void *self, const struct document *doc,
		    const struct origin *origin);
	/*
	 * All tenants that were seen are to be told that they miss something,
	 * `count` messages of all; 0: nobody knows. `again`: for the same
	 * reason as the last time.
	 */
	void (*missed)(void *self, uint64_t count, bool again);
	/* How many more it wants now; SIZE_MAX: all that there are. */
	size_t (*room)(const void *self);
	/*
	 * From within ready() on nothing leaves while it is `held`, and what is
	 * put waits. Or NULL.
	 */
	void (*hold)(void *self, bool held);
	/* The loop is about to wait: what was put leaves. */
	void (*flush)(void *self);
	/* For who puts no more: whether nothing is under way. */
	bool (*drained)(void *self);
	/* Why nothing can be put since `ms`; NULL: it can. */
	const char *(*why_not)(const void *self, uint64_t ms);
	void (*figures)(const void *self, struct sink_figures *figures);
	/* No event comes after this. From anywhere. */
	void (*stop)(void *self);
	/* Ends what it has opened, running the loop for that. */
	void (*close)(void *self);
	/* Frees it. Harmless a second time. */
	void (*release)(void *self);
};

struct sink {
	const struct sink_ops *ops;
	void *self;
};

#endif

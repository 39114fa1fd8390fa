/* SPDX-License-Identifier: MIT */
/*
 * streams - a source (see source.h): entries of Redis streams, read as one
 * consumer of a group (see streamreader.h).
 *
 * Redis keeps what it has given until it is told that it was dealt with, and
 * that is told only when it is settled. So nothing is lost, whoever is killed:
 * what this consumer was given before is read again, and what other consumers
 * of the group leave lying is claimed. What comes twice has the same key both
 * times, "<source>:<stream>:<id>", by which a wsd publishes it once; and what
 * is on its way in this very program is known, from when it is given until
 * Redis knows that it was dealt with, so that it is not given again.
 *
 * Two connections: one waits for entries, the other does all else (teller.h).
 */
#ifndef STREAMS_H
#define STREAMS_H

#include "diag.h"
#include "entryset.h"
#include "redis.h"
#include "source.h"
#include "streamreader.h"
#include "teller.h"

struct streams_config {
	const char *url;
	const char *user;     /* in place of that in the URL; NULL */
	const char *password; /* the same */
	const char *name;     /* for CLIENT SETNAME */
	struct streamreader_config read;
	const char *source;	 /* the beginning of keys */
	const char *field;	 /* that has the message; NULL: all together */
	uint64_t claim_ms;	 /* what nobody dealt with is claimed; 0: not */
	const struct diag *diag; /* borrowed */
};

/* An entry that Redis knows of, but which may come once more. */
struct streams_late {
	uint32_t stream;
	struct entryid id;
};

struct streams {
	const struct streams_config *config; /* borrowed */
	const struct source_events *events;  /* borrowed */
	void *user;
	struct streamreader streamreader;
	struct teller_config teller_config;
	struct teller teller; /* not to look only */
	struct redis *reader; /* owned; waits for entries */
	uv_timer_t again;     /* after a refusal that passes */
	bool handles;	      /* this is open */

	bool ready; /* it was, once */
	bool stopped;
	bool failed; /* and nothing is waited for */
	bool acked;  /* XACK has worked, once */
	struct entryset underway;
	struct buf late;   /* struct streams_late; see on_told() */
	uint64_t moved_ms; /* when something was settled, uv_now() */
	uint64_t again_ms; /* until the next try after a refusal */

	bool refused;	     /* Redis does, as was told */
	bool claims_refused; /* the same */

	/* Entries in a row that were deleted, and of which nobody was told. */
	uint64_t gone;
	size_t gone_stream; /* of the first of them */
	struct entryid gone_id;

	struct buf message; /* of the entry at hand */
	struct buf key;
};

extern const struct source_ops streams_ops;

/* 0, or -1 with errno ENOMEM; release() is to be called in any case. */
int streams_init(struct streams *s, const struct streams_config *config,
		 const struct source_events *events, void *user);

#endif

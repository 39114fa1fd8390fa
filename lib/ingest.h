/* SPDX-License-Identifier: MIT */
/*
 * ingest - the body of a publishing request: checked whole, then published.
 *
 * Lines are checked as they come, so that no body takes long at its end. Only
 * when all of it was found right is any of it published: one JSON text as one
 * update, or NDJSON as one a line, without the blank ones. A large body goes
 * out in slices, between which the loop turns and subscribers are written to;
 * and nothing is published while much of its tenant waits to be written. So
 * those who read can follow, and nobody waits for it. What has begun ends, also
 * when nobody waits for the answer any more.
 *
 * A key stands for the request. The first update's number is kept with it, and
 * a checksum of the body: who comes again with the same is answered as before,
 * and who comes with another body is told that. A body that could not be
 * published to its end leaves no key.
 */
#ifndef INGEST_H
#define INGEST_H

#include "hub.h"
#include "json.h"
#include "reply.h"

/*
 * A body up to here goes out at once, and of a larger one as much at a time;
 * less than a socket takes, so that a subscriber who reads can follow. Four
 * times as much where nobody subscribes.
 */
#define INGEST_SLICE ((size_t)64 * 1024)

enum ingest_result {
	INGEST_MORE,	/* ingest_step() is to be called again */
	INGEST_DONE,	/* ingest_put() tells what was done */
	INGEST_REFUSED, /* the reply tells why */
};

struct ingest {
	struct hub *hub;
	bool lines;    /* NDJSON */
	bool keyed;    /* hash, check */
	bool repeated; /* the key was known: nothing is published */
	struct hash128 hash;
	bool begun;	 /* it was let in */
	bool whole;	 /* all of the body is there */
	struct buf body; /* what came in more than one piece */
	uint64_t length; /* that the body is said to have; 0: not said */
	size_t metered;	 /* bytes of body that hub->meter knows */
	struct meter_holder holder; /* of them, until all is there */
	const char *text;     /* what is published: the body, or borrowed */
	size_t len;	      /* bytes of text */
	size_t checked;	      /* bytes of the body that are whole lines */
	size_t searched;      /* bytes of it that were searched for newlines */
	uint64_t line;	      /* lines in what was checked, blank ones too */
	uint64_t count;	      /* updates in it */
	size_t at;	      /* bytes of text that were published */
	uint64_t done;	      /* updates that were */
	uint64_t first;	      /* seq of the first; 0: none, or not known */
	uint64_t last;	      /* the same of the last */
	uint64_t subscribers; /* when the last one was published */
	struct hub_tenant *tenant; /* pinned while it publishes; or NULL */
	uint8_t id_len;
	char id[TENANT_MAX];
};

/*
 * `tenant` is valid; `key` NULL: none. By in->holder.let_go, which is the
 * owner's to set, it is asked to end where others need the memory.
 */
void ingest_init(struct ingest *in, struct hub *hub, const char *tenant,
		 size_t tenant_len, const char *key, size_t key_len);

/* Frees the body; what was not published yet is not. */
void ingest_release(struct ingest *in);

/*
 * Where the next piece of the body may be put, so that it need not be copied,
 * and how much fits there; NULL with little memory. Its length is known, and
 * not all of it is there.
 */
char *ingest_room(struct ingest *in, size_t *len);

/* Takes a piece of the body that is not its last. 0, or -1 when refused. */
int ingest_take(struct ingest *in, const char *bytes, size_t len,
		struct reply *refusal);

/*
 * Takes the last piece, perhaps empty, and begins to publish. hub_set_time()
 * was called. The piece is borrowed until the next call; with INGEST_MORE it
 * was copied.
 */
enum ingest_result ingest_end(struct ingest *in, const char *bytes, size_t len,
			      struct reply *refusal);

/* Publishes the next slice, or nothing as subscribers cannot follow. */
enum ingest_result ingest_step(struct ingest *in, struct reply *refusal);

/* Appends what was done as JSON and a newline. */
void ingest_put(const struct ingest *in, struct buf *content);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * feed - from the input of a publisher to its uplink: reads lines and
 * documents, checks them, and puts each into the uplink's window.
 *
 * It reads while the window has room and the rate allows. A document that is
 * refused, here or later by the server, is told with its place in the input,
 * kept in the file for rejects, and ends the input unless they are skipped.
 */
#ifndef FEED_H
#define FEED_H

#include "document.h"
#include "exits.h"
#include "lineio.h"
#include "uplink.h"

#include <stdio.h>

struct feed_config {
	const char *tenant;	  /* of all documents; or NULL */
	const char *tenant_field; /* path of it in each document; or NULL */
	const char *key_field;	  /* or NULL */
	const char *rejects;	  /* file; or NULL */
	bool raw;		  /* lines of text, sent as JSON strings */
	bool whole;		  /* each source is one document */
	bool skip;		  /* go on after one that was refused */
	uint64_t count;		  /* documents to be taken; 0: all */
	uint64_t rate;		  /* a second; 0: no limit */
};

struct feed_events {
	/* Something is to be sent, or feed->ended has become true. */
	void (*changed)(void *user);
	/* Why a document is refused, with its place: for people. */
	void (*refused)(void *user, const char *text);
};

struct feed {
	const struct feed_config *config; /* borrowed */
	const struct feed_events *events; /* borrowed */
	void *user;
	struct uplink *uplink; /* borrowed */
	struct lineio lines;
	struct document_rules rules;
	struct buf scratch;
	FILE *rejects; /* owned; NULL: none */
	uv_timer_t pacer;
	bool pacing;	   /* the rate has it wait */
	int64_t due_ns;	   /* when the next document may be taken */
	bool started;	   /* handles are there */
	bool ended;	   /* no more will be taken */
	enum exits status; /* why it ended: EXIT_DONE, EXIT_OTHER */
	uint64_t read;	   /* documents, whatever became of them */
	uint64_t taken;	   /* documents put into the window */
	uint64_t refused;
	uint64_t bytes; /* of input that was read */
	struct {
		size_t source;
		uint64_t number; /* of the line; 0: nothing was read */
	} at;			 /* the last that was read */
};

/*
 * 0, or -1 with errno EINVAL when a field is no path. `config`, `events` and
 * `uplink` are borrowed.
 */
int feed_init(struct feed *feed, const struct feed_config *config,
	      const struct feed_events *events, void *user,
	      struct uplink *uplink);

/* These add input, as lineio does; arguments before files. */
int feed_add_file(struct feed *feed, const char *name);
int feed_add_argument(struct feed *feed, const char *text);

/*
 * Opens the file for rejects, emptying it. 0, or -1 with errno; EEXIST when it
 * is one of the files to be read.
 */
int feed_open_rejects(struct feed *feed);

/*
 * Begins to read. Updates are limited to `max` bytes, 0 for none. 0, or -1 with
 * errno.
 */
int feed_start(struct feed *feed, struct loop *loop, uint64_t max);

/* Another limit, for what comes from now on. */
void feed_limit(struct feed *feed, uint64_t max);

/* There may be room in the window again. */
void feed_resume(struct feed *feed);

/* Refuses a line of the window, which the uplink settles then. */
void feed_refuse(struct feed *feed, const struct window_line *line,
		 const char *why);

/* Counts a refusal that nobody can say the line of. */
void feed_count_refused(struct feed *feed);

/* Nothing more is taken. */
void feed_stop(struct feed *feed);

#define FEED_PLACE_MAX 400

/* "data.jsonl: line 17"; `out` has FEED_PLACE_MAX bytes. Returns out. */
const char *feed_place(const struct feed *feed, char *out, size_t source,
		       uint64_t line);

/*
 * Frees all, except that `feed` itself must last until the loop has closed its
 * handles. 0, or -1 with errno when rejects could not be written.
 */
int feed_release(struct feed *feed);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lineio - reads lines from files, pipes, terminals and texts, one source
 * after the other, on the loop.
 *
 * At most one line and one chunk are in memory, however long the input. What
 * can be waited for is waited for; regular files are read a chunk in each turn
 * of the loop. Inherited descriptors are shared with other programs, so their
 * flags are never changed (uv_poll_init() would set O_NONBLOCK; an epoll
 * instance of our own stands between).
 *
 * A line ends at LF or CR LF, the last one also at the end of its source.
 * Blank lines (nothing but spaces, tabs and CR) are counted and skipped.
 */
#ifndef LINEIO_H
#define LINEIO_H

#include "buf.h"
#include "loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lineio_line {
	char *text;	 /* may be changed; gone when the event returns */
	size_t len;	 /* without its end */
	uint64_t number; /* from 1 in each source */
	size_t source;
};

struct lineio_events {
	/* One line, or a source as a whole. It may call lineio_pause(). */
	void (*line)(void *user, const struct lineio_line *line);
	/* A line (or whole source) above the limit; no text comes of it. */
	void (*too_long)(void *user, const struct lineio_line *line);
	/* What was at hand was given out; a good time to send it. */
	void (*idle)(void *user);
	/* No source is left. */
	void (*end)(void *user);
	/* A source can't be read (errno value); it goes on with the next. */
	void (*failed)(void *user, size_t source, int error);
};

struct lineio_source;

struct lineio {
	const struct lineio_events *events; /* borrowed */
	void *user;
	struct lineio_source *sources; /* owned */
	size_t count;
	size_t current;	 /* index of the source that is read; count: ended */
	uint64_t number; /* lines of the current one so far */
	size_t limit;	 /* bytes of a line */
	bool whole;	 /* each source is one line */
	bool started;
	bool paused;
	bool skipping;	/* the rest of a line that was too long */
	bool drained;	/* the current source has no more bytes */
	bool pollable;	/* the current source can be waited for */
	bool begun;	/* the current source is open for reading */
	struct buf in;	/* bytes not given out */
	size_t scanned; /* of those: without a line end */
	int epoll;	/* holds the current source; -1 before start */
	uv_poll_t poll; /* of `epoll` */
	uv_idle_t idle; /* active while something is to be done now */
	bool handles;	/* poll and idle are there */
};

/* `limit` is the longest line in bytes; `whole` makes a source one line. */
void lineio_init(struct lineio *io, const struct lineio_events *events,
		 void *user, size_t limit, bool whole);

/*
 * These add a source; `name` and `text` are borrowed. A text is one line,
 * whatever is in it. A file is opened at once, "-" is stdin. 0, or -1 with
 * errno.
 */
int lineio_add_file(struct lineio *io, const char *name);
int lineio_add_text(struct lineio *io, const char *name, const char *text);

/* The name that a source was added with. */
const char *lineio_name(const struct lineio *io, size_t source);

/* Begins to read; events come from the loop only. 0, or -1 with errno. */
int lineio_start(struct lineio *io, struct loop *loop);

/* Limit for the lines to come. */
void lineio_set_limit(struct lineio *io, size_t limit);

/* Back-pressure: no events while paused. */
void lineio_pause(struct lineio *io, bool paused);

/* Whether one of the sources is the file that `fd` is open on. */
bool lineio_reads(const struct lineio *io, int fd);

/* Bytes that all sources have together; 0 when one is not a regular file. */
uint64_t lineio_size(const struct lineio *io);

/*
 * Stops for good, frees and closes everything but the two handles, which the
 * loop closes in its next turn: `io` must last until then (loop_release() has
 * such turns). Harmless after lineio_init() alone, or a second time.
 */
void lineio_close(struct lineio *io);

#endif

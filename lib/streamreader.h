/* SPDX-License-Identifier: MIT */
/*
 * streamreader - reads entries of Redis streams through one connection, as one
 * consumer of a group (XREADGROUP); or to look only (`peek`), without (XREAD).
 *
 * On each connection it makes the groups that are not there, and reads first
 * what this consumer was given before and Redis was not told to be dealt with,
 * from the oldest on, page by page, and then what is new. What of the former is
 * on its way still comes again; that is the owner's to know.
 *
 * An entry that is larger than a reply may be ends the connection. Then entries
 * are read one by one, until it is known which it is.
 *
 * A group that has gone is made again, from the oldest entry on that is on its
 * way, or else behind the last that was read. One read is under way at a time;
 * the next goes out before the entries of the last are handed over, so that
 * Redis and this program work side by side.
 */
#ifndef STREAMREADER_H
#define STREAMREADER_H

#include "redis.h"
#include "streamentry.h"

#include <stdbool.h>
#include <stddef.h>

struct streamreader_config {
	const char *const *streams; /* names */
	size_t count;
	const char *group;
	const char *consumer;
	const char *begin; /* of a group that is made: "0", "$", an id */
	bool peek;
};

struct streamreader_events {
	/* Of the stream with this index. Borrowed. */
	void (*entry)(void *user, size_t stream,
		      const struct streamentry *entry);
	/* One that is too large to be read. */
	void (*too_large)(void *user, size_t stream, struct entryid id);
	/* All entries of a reply were handed over. */
	void (*given)(void *user);
	/* The groups are there, on this connection. */
	void (*ready)(void *user);
	/* The oldest entry of a stream that is on its way; false: none is. */
	bool (*oldest)(void *user, size_t stream, struct entryid *id);
	/* The group has gone, and is made again. */
	void (*gone)(void *user);
	/* Redis refuses; it holds, see streamreader_hold(). */
	void (*refused)(void *user, const struct redisreply *error);
	/* What came is no entry: the connection must end. */
	void (*nonsense)(void *user);
	void (*out_of_memory)(void *user);
};

/* One stream. */
struct streamreader_place {
	struct entryid last;  /* that was read as a new one */
	bool any;	      /* one was */
	struct entryid given; /* the group was, by whomever, as Redis says */
	bool known;	      /* it does */
	struct entryid again; /* up to here old ones were read again */
	bool caught_up;	      /* all of them were */
	bool fresh;	      /* the read under way is for new ones */
};

struct streamreader {
	const struct streamreader_config *config; /* borrowed */
	const struct streamreader_events *events; /* borrowed */
	void *user;
	struct redis *redis;		   /* borrowed; NULL at first */
	struct streamreader_place *places; /* owned; one for each stream */
	const char **words;		   /* owned; for one command */
	char (*ids)[ENTRYID_TEXT_MAX];	   /* owned; the same */
	size_t allowed;			   /* entries that are wanted */
	size_t batch;			   /* entries to be read at once */
	size_t making; /* groups that were asked for and not answered */
	size_t made;   /* of those that were answered, are there */
	bool reading;  /* a read is under way */
	bool old;      /* what was given before is among that */
	bool giving;   /* entries are handed over */
	bool reread;   /* what was given before is to be read, from its start */
	bool useful;   /* the groups that were made last could be read */
	bool worked;   /* some could, ever */
	/*
	 * Reads to go one by one, of one stream at a time, `turn`. When `stuck`
	 * the next entry of that seems to be too large: it is the `suspect`,
	 * which is asked for alone (`proving`) and, if that is too large as
	 * well, is `guilty`.
	 */
	size_t careful;
	size_t turn;
	bool stuck;
	bool proving;
	bool guilty;
	struct entryid suspect;
	bool on_hold; /* until streamreader_resume() */
	bool stopped;
};

/* 0, or -1 with errno ENOMEM; streamreader_release() is harmless then. */
int streamreader_init(struct streamreader *r,
		      const struct streamreader_config *config,
		      const struct streamreader_events *events, void *user);
void streamreader_release(struct streamreader *r);

/* There is a new connection, which is ready. */
void streamreader_connect(struct streamreader *r, struct redis *redis);

/* The connection has ended as a reply was too large. */
void streamreader_too_large(struct streamreader *r);

/* Whether entries that were given before are on their way from Redis. */
bool streamreader_rereads(const struct streamreader *r);

/* So many entries are wanted from now on. */
void streamreader_allow(struct streamreader *r, size_t entries);

/* What was given before is read once more. */
void streamreader_again(struct streamreader *r);

/* The group was given all up to `id`, whoever read it. */
void streamreader_know(struct streamreader *r, size_t stream,
		       struct entryid id);

/* Entries are read few at a time again: they may be large. */
void streamreader_begin_small(struct streamreader *r);

/* Whether it has read what was given before. */
bool streamreader_caught_up(const struct streamreader *r);

/* Nothing is done before streamreader_resume(), as after a refusal. */
void streamreader_hold(struct streamreader *r);

void streamreader_resume(struct streamreader *r);

/* No event comes after this. */
void streamreader_stop(struct streamreader *r);

#endif

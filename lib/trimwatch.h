/* SPDX-License-Identifier: MIT */
/*
 * trimwatch - whether Redis deletes entries of a stream (MAXLEN, XTRIM) that
 * its group was not given yet.
 *
 * Deleted entries leave no trace but in counters, which Redis has from version
 * 7 on (XINFO): how many were ever added, how many there are, and how many the
 * group has read. When the oldest entry that is there lies behind the last one
 * that the group was given, those between the two are lost. With an older Redis
 * nobody can tell, and nothing is told.
 *
 * A round asks for each stream, one after the other. What a stream says of
 * itself has its first and its last entry in it, whole, so that is asked only
 * when the group is behind.
 */
#ifndef TRIMWATCH_H
#define TRIMWATCH_H

#include "entryid.h"
#include "redis.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trimwatch_events {
	/* So many entries of this stream are gone. */
	void (*lost)(void *user, size_t stream, uint64_t count);
	/* The group was given all up to here, by Redis of any version. */
	void (*position)(void *user, size_t stream, struct entryid id);
};

/* One stream. */
struct trimwatch_place {
	/*
	 * What the counter of read entries lacks: that of Redis 7.0 does not
	 * count what was lost. Known whenever all was read.
	 */
	uint64_t unread;
	struct entryid told_at; /* the last one that was given, then */
	uint64_t told;		/* so many were lost behind it */
};

/* What a stream says of itself. */
struct trimwatch_stream {
	uint64_t added;	      /* entries, ever */
	uint64_t gone;	      /* of them */
	struct entryid last;  /* that was added */
	struct entryid first; /* that is there; 0-0: none */
};

struct trimwatch {
	const char *const *streams; /* borrowed: `count` names */
	size_t count;
	const char *group;
	const struct trimwatch_events *events; /* borrowed */
	void *user;
	struct trimwatch_place *places; /* owned; one for each stream */
	struct redis *redis;		/* borrowed, during a round */
	bool busy;			/* a round goes on */
	size_t stream;			/* its index */
	struct trimwatch_stream now;	/* the same */
	bool asked;			/* `now` is known */
	bool unanswered;		/* the connection was lost meanwhile */
};

/* 0, or -1 with errno ENOMEM; trimwatch_release() is harmless then. */
int trimwatch_init(struct trimwatch *t, const char *const *streams,
		   size_t count, const char *group,
		   const struct trimwatch_events *events, void *user);
void trimwatch_release(struct trimwatch *t);

/* Begins a round, unless one goes on, on a connection that is ready. */
void trimwatch_begin(struct trimwatch *t, struct redis *redis);

#endif

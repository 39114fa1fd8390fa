/* SPDX-License-Identifier: MIT */
/*
 * acker - tells Redis which entries of its streams were dealt with (XACK).
 *
 * What was to be told stays here until Redis has answered: when the connection
 * is lost before, it is told again on the next one, which harms nothing. Of
 * each stream one command is under way at a time, so that the next has all that
 * came meanwhile.
 */
#ifndef ACKER_H
#define ACKER_H

#include "buf.h"
#include "entryid.h"
#include "redis.h"

#include <stdbool.h>
#include <stddef.h>

/* Entries in one command. */
#define ACKER_BATCH 1000

struct acker_events {
	/* Redis knows of this one. */
	void (*told)(void *user, size_t stream, struct entryid id);
	/* It has answered, and all told() were called. */
	void (*acked)(void *user);
	/*
	 * It refuses. What it refused stays, but nothing is told before
	 * acker_resume(). `error` is borrowed.
	 */
	void (*refused)(void *user, const struct redisreply *error);
	/* What came is no answer. */
	void (*nonsense)(void *user);
};

struct acker_stream {
	struct acker *acker;
	const char *name;
	struct buf ids;	  /* of struct entryid, not answered yet */
	size_t under_way; /* of them; 0: no command is */
};

struct acker {
	const struct acker_events *events; /* borrowed */
	void *user;
	const char *group;	      /* borrowed */
	struct acker_stream *streams; /* owned; `count` of them */
	size_t count;
	size_t waiting;	     /* ids, of all streams, not answered yet */
	struct redis *redis; /* borrowed; NULL: there is no connection */
	bool refused;
	/* For one command: */
	const char *words[3 + ACKER_BATCH];
	char texts[ACKER_BATCH][ENTRYID_TEXT_MAX];
};

/* 0, or -1 with errno ENOMEM; acker_release() is harmless then. */
int acker_init(struct acker *a, const char *group, const char *const *names,
	       size_t count, const struct acker_events *events, void *user);
void acker_release(struct acker *a);

/* `stream` is the index of its name. 0, or -1 with errno ENOMEM. */
int acker_add(struct acker *a, size_t stream, struct entryid id);

/* There is a connection, which is ready; or none any more (NULL). */
void acker_connect(struct acker *a, struct redis *redis);

/* Tries again what was refused, with the next acker_flush(). */
void acker_resume(struct acker *a);

/* Tells what can be told now. */
void acker_flush(struct acker *a);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * producers - the last id of each publisher that names itself, across its
 * reconnects, so that resending publishes nothing twice.
 *
 * A producer is kept while a connection owns it, and for a time after. When
 * there are too many, the one that has been away the longest goes; one that
 * is owned never does.
 */
#ifndef PRODUCERS_H
#define PRODUCERS_H

#include "hash.h"
#include "list.h"
#include "map.h"

#include <stdbool.h>

/*
 * So many refused ids of a producer are known: resent, they are no
 * duplicates.
 */
#define PRODUCER_REFUSED 16

struct producer {
	struct map_node node;
	struct list away; /* in producers->away while it has no owner */
	void *owner;	  /* whoever claimed it; NULL: away */
	uint64_t last;	  /* the last id that was taken; 0: none */
	uint64_t refused[PRODUCER_REFUSED]; /* a ring; 0: none */
	uint32_t refused_next;		    /* entry to write next */
	int64_t gone_ms; /* since when it is away, monotonic */
	uint8_t name_len;
	char name[];
};

struct producers {
	struct hash_key hash_key;
	struct map map;
	struct list away; /* the longest away first */
	size_t max;	  /* may change at any time */
	int64_t age_ms;	  /* kept so long when away */
};

/* 0, or -1 with errno ENOMEM. */
int producers_init(struct producers *p, const struct hash_key *hash_key,
		   size_t max, int64_t age_ms);
void producers_release(struct producers *p);

/*
 * The producer of this name (1 to 255 bytes), made when new, with its owner as
 * it was: the caller ends that one and sets itself. NULL with errno ENOMEM, or
 * ENOSPC when `max` are owned.
 */
struct producer *producers_claim(struct producers *p, const char *name,
				 size_t len, int64_t mono_ms);

/* Its owner goes; it is kept for a while. */
void producers_leave(struct producers *p, struct producer *producer,
		     int64_t mono_ms);

/* Its publish of this id was taken, or refused. */
void producer_took(struct producer *producer, uint64_t id);
void producer_refused(struct producer *producer, uint64_t id);

/* Whether this id was taken before. */
bool producer_has(const struct producer *producer, uint64_t id);

/* Forgets those that have been away for too long, or are too many. */
void producers_expire(struct producers *p, int64_t mono_ms);

#endif

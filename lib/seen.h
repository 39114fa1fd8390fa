/* SPDX-License-Identifier: MIT */
/*
 * seen - the tenants that a source has spoken of, and which of them are to be
 * told that it lost something.
 *
 * It holds at most `max`; for one more, the one that was not spoken of for the
 * longest goes, but none that is still owed a GAP.
 */
#ifndef SEEN_H
#define SEEN_H

#include "hash.h"
#include "list.h"
#include "map.h"
#include "request.h"

#include <stdbool.h>
#include <stddef.h>

struct seen {
	struct hash_key key;
	struct map map;
	struct list fine; /* the one that was spoken of last at the end */
	struct list owed; /* the one that has waited for longest first */
	size_t max;
};

struct seen_tenant {
	struct map_node node;
	struct list list; /* in fine or owed */
	bool owed;
	bool told; /* and not spoken of since: the GAP stands last */
	size_t len;
	char id[]; /* no NUL */
};

/* 0, or -1 with errno; seen_release() is harmless then. */
int seen_init(struct seen *s, size_t max);
void seen_release(struct seen *s);

/*
 * It was spoken of: it is there from now on. NULL when out of memory, or when
 * all that there are are owed something.
 */
struct seen_tenant *seen_touch(struct seen *s, struct request_text tenant);

void seen_owe(struct seen *s, struct seen_tenant *t);

/* All but those whose last word is a GAP already. */
void seen_owe_all(struct seen *s);

/* It was told. */
void seen_settle(struct seen *s, struct seen_tenant *t);

/* Who has waited for longest; NULL: none is owed anything. */
struct seen_tenant *seen_first_owed(const struct seen *s);

#endif

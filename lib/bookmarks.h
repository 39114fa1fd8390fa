/* SPDX-License-Identifier: MIT */
/*
 * bookmarks - how far somebody has read: for each URL and tenant an epoch and
 * a seq; as a table, and as the JSON of a state file.
 *
 * The table is sorted by URL and tenant. Pure: files are state.c's business.
 */
#ifndef BOOKMARKS_H
#define BOOKMARKS_H

#include "buf.h"
#include "proto.h"

#include <stdint.h>

struct bookmark {
	char *url;    /* owned, NUL-ended */
	char *tenant; /* owned, NUL-ended */
	char epoch[PROTO_EPOCH_MAX + 1];
	uint64_t seq;
};

struct bookmarks {
	struct bookmark *items; /* owned */
	size_t count;
};

void bookmarks_init(struct bookmarks *b);
void bookmarks_release(struct bookmarks *b);

/* The one of this URL and tenant, or NULL. Valid until bookmarks_put(). */
const struct bookmark *bookmarks_find(const struct bookmarks *b,
				      const char *url, const char *tenant);

/*
 * Sets one. 1, or 0 when it says that already, or -1 with errno: out of memory.
 */
int bookmarks_put(struct bookmarks *b, const char *url, const char *tenant,
		  const char *epoch, uint64_t seq);

/*
 * Reads what bookmarks_write() wrote into an empty table. 0, or -1 and a
 * static text in `*why`; the table may then hold a part.
 */
int bookmarks_parse(struct bookmarks *b, const char *text, size_t len,
		    const char **why);

/* Appends them as JSON: {"version":1,"urls":{URL:{TENANT:{epoch,seq}}}} */
void bookmarks_write(const struct bookmarks *b, struct buf *out);

#endif

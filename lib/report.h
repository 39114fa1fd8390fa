/* SPDX-License-Identifier: MIT */
/*
 * report - what a server has, page by page, as JSON: its tenants, and its
 * connections.
 *
 *   {"tenants":[{...},...],"next":"tenant-100"}
 *
 * `next` is there when there may be more, and is what to begin behind then. A
 * page costs what its length costs, however many there are in all.
 */
#ifndef REPORT_H
#define REPORT_H

#include "outlet.h"

/* Entries of a page at most. */
#define REPORT_PAGE_MAX 1000

/* Subscriptions of a connection that are told one by one. */
#define REPORT_SUBSCRIPTIONS 10

/*
 * The first `limit` (from 1) tenants behind `after`, which need not be there;
 * `after` NULL: from the first. They are in the order of their hashes, which
 * is another one in each run. Of two with the same hash, of which there are any
 * among 100 000 once in a thousand million runs, one is told.
 */
void report_tenants(struct buf *b, const struct hub *h, const char *after,
		    size_t after_len, size_t limit);

/* One of them alone, and a newline. -1 when the hub has it not. */
int report_tenant(struct buf *b, const struct hub *h, const char *tenant,
		  size_t len);

/* A connection, as its adapter knows it. */
struct report_connection {
	uint64_t number;     /* as WELCOME tells it */
	const char *address; /* NULL: not known */
	const char *dialect; /* static: "plain", "wsd.v1" */
	int64_t age_ms;
	const struct outlet *outlet;
};

/* A page of connections is put together one by one, in any order. */
void report_begin(struct buf *b);
void report_connection(struct buf *b, const struct report_connection *c);

/* `next`: the number of the last one, when there are more; else 0. */
void report_end(struct buf *b, uint64_t next);

#endif

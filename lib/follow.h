/* SPDX-License-Identifier: MIT */
/*
 * follow - one who follows a tenant by an HTTP request that does not end,
 * server side: what is sent is a view of the stream, as events or lines, and
 * nothing is ever said by the peer.
 *
 * It begins with a head of HTTP and ends with the connection. The token of the
 * request is all that it ever has. Bare lines show no GAP: where one would be
 * due it ends instead. It acts on the connection through struct outlet_ops
 * alone.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "httpreq.h"
#include "outlet.h"
#include "pass.h"

struct follow {
	struct outlet outlet;
	struct pass pass; /* what its peer may do, where that is asked */
	uint64_t number;  /* names the connection */
	bool draining;	  /* ends when all is written */
};

void follow_init(struct follow *f, struct hub *hub, enum stream_view view,
		 uint64_t number, const struct outlet_ops *ops, void *conn);
void follow_release(struct follow *f);

/*
 * Subscribes to what a request asks for, and tells what comes first, behind
 * this head of an answer. 0, or -1 and `refusal` is the answer, while nothing
 * was told yet. hub_set_time() was called.
 */
int follow_begin(struct follow *f, const struct httpreq *r,
		 const struct buf *head, struct reply *refusal);

/* By this grant it is here; takes it. */
void follow_admit(struct follow *f, struct grant *grant);

/*
 * Tells of a grant that ends soon, and ends where it has ended. Returns in how
 * many ms that may be so again; -1: never. hub_set_time() was called.
 */
int64_t follow_watch(struct follow *f);

/* Ends if its grant does not hold any more. */
void follow_revise(struct follow *f,
		   bool (*holds)(const void *user, const struct grant *g),
		   const void *user);

/* The server shuts down: says when to come back, and ends when all is written.
 */
void follow_drain(struct follow *f, uint64_t reconnect_after_ms);

#endif

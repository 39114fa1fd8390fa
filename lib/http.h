/* SPDX-License-Identifier: MIT */
/*
 * http - the HTTP side of a server: requests that do not become a WebSocket,
 * and the answers to those that may not.
 *
 * Every answer says `Connection: close` and the connection ends with it, since
 * a second request behind the first one would make libwebsockets spin. An
 * answer leaves in one write, past libwebsockets. When the body of a refused
 * request is still to come, only the sending side is closed, and the body is
 * thrown away for a while: closing with unread bytes would reset the connection
 * and the answer with it (RFC 9112 section 9.6).
 *
 * A struct exchange is a request that could not be answered in the callback in
 * which it came. A publish that has begun goes on when its peer has left.
 */
#ifndef HTTP_H
#define HTTP_H

#include "gate.h"
#include "httpreq.h"
#include "metrics.h"
#include "peer.h"

struct exchange;

struct http {
	struct peers *peers;	/* borrowed, and through it hub and callers */
	struct gate *gate;	/* borrowed */
	uint64_t body_max;	/* bytes of a body */
	struct list publishing; /* exchanges, a slice each in turn */
	struct buf spare;	/* memory for the next body */
	unsigned farewells;	/* answers that are slow to leave */
	int64_t started_ms;	/* monotonic */
	struct metrics_figure answers[REPLY_STATUSES]; /* how many */
};

void http_init(struct http *h, struct peers *peers, struct gate *gate,
	       uint64_t body_max);

/* Ends what goes on without a connection; lws is gone. */
void http_release(struct http *h);

/*
 * Callbacks of lws; what they return is for lws. hub_set_time() was called. A
 * request to upgrade returns 0 where it may.
 */
int http_upgrade(struct http *h, struct caller *c);
int http_request(struct http *h, struct caller *c);
int http_body(struct caller *c, const char *bytes, size_t len);
int http_body_end(struct caller *c);

/* Its connection is gone. */
void exchange_free(struct exchange *e);

/* Its time has come: it ends. */
void exchange_due(struct exchange *e);

/*
 * Publishes the next slice of a large body; once in each turn of the loop, so
 * that subscribers are written to in between.
 */
void http_go_on(struct http *h);

/* Whether http_go_on() has something to do, sooner or later. */
static inline bool http_busy(const struct http *h)
{
	return !list_empty(&h->publishing);
}

/* In httpget.c: what a request that only reads is answered. */
void http_get(struct http *h, const struct httpreq *r, struct reply *reply,
	      struct buf *content);

#endif

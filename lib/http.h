/* SPDX-License-Identifier: MIT */
/*
 * http - the HTTP side of a server: what requests are answered, and which
 * become a WebSocket.
 *
 * Every answer says `Connection: close`, and the connection ends with it; how
 * that happens is the exchange's business. A struct publication is a request to
 * publish whose body has been asked for; one that has begun goes on when its
 * peer has left.
 */
#ifndef HTTP_H
#define HTTP_H

#include "exchange.h"
#include "gate.h"
#include "httpreq.h"
#include "ingest.h"
#include "metrics.h"
#include "peer.h"

struct http {
	struct peers *peers; /* borrowed, and through it hub and callers */
	struct gate *gate;   /* borrowed */
	uint64_t body_max;   /* bytes of a body */
	struct exchanges exchanges;
	struct list publishing;	  /* publications, a slice each in turn */
	struct buf spare;	  /* memory for the next body */
	char bytes[INGEST_SLICE]; /* of a small one */
	int64_t started_ms;	  /* monotonic */
	struct metrics_figure answers[REPLY_STATUSES]; /* how many */
};

/* 0, or -1 with errno. */
int http_init(struct http *h, struct peers *peers, struct gate *gate,
	      uint64_t body_max);

/* Ends all; the loop must run once more. */
void http_close(struct http *h);

/* A connection was let in; takes the descriptor. hub_set_time() was called. */
void http_accept(struct http *h, struct caller *c, int fd);

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

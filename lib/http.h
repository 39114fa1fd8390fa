/* SPDX-License-Identifier: MIT */
/*
 * http - the HTTP side of a server: what requests are answered, and which
 * become a WebSocket.
 *
 * Every answer says `Connection: close`, and the connection ends with it, or
 * the answer with the connection; how that happens is the exchange's business.
 * A struct publication is a request to publish whose body has been asked for;
 * one that has begun goes on when its peer has left.
 */
#ifndef HTTP_H
#define HTTP_H

#include "exchange.h"
#include "follower.h"
#include "gate.h"
#include "httpreq.h"
#include "ingest.h"
#include "metrics.h"
#include "peer.h"

/* When one that is refused for now may come again. */
#define HTTP_RETRY_MS 1000

struct http {
	struct peers *peers; /* borrowed, and through it hub and callers */
	struct followers *followers; /* borrowed */
	struct gate *gate;	     /* borrowed */
	uint64_t body_max;	     /* bytes of a body */
	struct exchanges exchanges;
	struct list publishing;	  /* publications, a slice each in turn */
	struct buf spare;	  /* memory for the next body */
	char bytes[INGEST_SLICE]; /* of a small one */
	int64_t started_ms;	  /* monotonic */
	struct metrics_figure answers[REPLY_STATUSES]; /* how many */
};

/* 0, or -1 with errno. */
int http_init(struct http *h, struct followers *followers, struct gate *gate,
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

/* The halves: what follows is for them alone. */

static inline struct http *http_of(const struct exchange *e)
{
	return e->all->user;
}

struct http_response {
	struct reply *reply;
	const char *origin;	   /* of a page that may read it; NULL: none */
	const struct buf *content; /* NULL: none, or that of an error */
	bool to_head;		   /* no content is sent */
	bool more;		   /* of the request is still to come */
};

void http_answer(struct exchange *e, const struct http_response *a);

/* A request is refused by its head. */
void http_refuse(struct exchange *e, const struct gate_request *q,
		 struct reply *refusal);

/* The same for want of memory, which is counted. */
void http_refuse_memory(struct exchange *e, const struct gate_request *q);
void http_little_memory(struct http *h, struct reply *refusal);

/* The origin of a page that may read the answer; NULL: none. */
const char *http_origin(const struct gate_request *q);

/* In httpget.c: what a request that only reads is answered. */
void http_get(struct http *h, const struct httpreq *r, struct reply *reply,
	      struct buf *content);

/* In httpfollow.c: a request to follow; takes `grant`, which may be NULL. */
void http_follow(struct exchange *e, const struct gate_request *q,
		 const struct httpreq *r, struct grant *grant);

/* In httppost.c: a request to publish, whose body is to come. */
void http_post(struct exchange *e, const struct gate_request *q,
	       const struct httpreq *r);

/* The ops of its exchange. */
char *http_post_room(struct exchange *e, size_t *len);
void http_post_body(struct exchange *e, const char *bytes, size_t len);
void http_post_late(struct exchange *e);
void http_post_gone(struct exchange *e);

/* Ends all publications; none has a peer any more. */
void http_posts_end(struct http *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The publishing half of the HTTP side: a publication from the head of its
 * request on, until all of its body is published and answered.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

/* What is kept of memory for bodies. */
#define SPARE_MAX ((size_t)256 * 1024)

struct publication {
	struct http *http;
	struct exchange *exchange; /* NULL: its peer is gone */
	struct list list;	   /* node, in http->publishing */
	uint64_t length;	   /* bytes of the body */
	uint64_t received;	   /* of these */
	bool more;		   /* something came behind them */
	struct ingest ingest;
	char origin[]; /* of a page that may read the answer; "": none */
};

/* Publications */

/* Memory for a body is used again: to map it for each takes longest. */
static void keep_spare(struct publication *p)
{
	struct buf *body = &p->ingest.body, *spare = &p->http->spare;

	if (body->cap > SPARE_MAX || spare->cap)
		return;
	buf_clear(body, SIZE_MAX);
	*spare = *body;
	buf_init(body);
}

static void release(struct publication *p)
{
	if (p->exchange)
		p->exchange->user = NULL;
	list_remove(&p->list);
	keep_spare(p);
	ingest_release(&p->ingest);
	free(p);
}

void http_post_gone(struct exchange *e)
{
	struct publication *p = e->user;

	p->exchange = NULL;
	if (list_empty(&p->list))
		release(p);
}

/* Ends the publication, whose peer is there: so it went. */
static void tell(struct publication *p, enum ingest_result result,
		 struct reply *reply, bool more)
{
	struct exchange *e = p->exchange;
	char origin[HEADER_MAX];
	struct buf content;
	struct http_response a = {
		.reply = reply,
		.origin = *p->origin ? strcpy(origin, p->origin) : NULL,
		.more = more,
	};

	buf_init(&content);
	if (result == INGEST_DONE) {
		ingest_put(&p->ingest, &content);
		a.content = &content;
	}
	release(p);
	http_answer(e, &a);
	buf_release(&content);
}

/* Others need the memory of a body that is not all there. */
static void let_go(struct meter_holder *holder)
{
	struct publication *p =
		list_entry(holder, struct publication, ingest.holder);
	struct reply refusal;

	http_little_memory(p->http, &refusal);
	tell(p, INGEST_REFUSED, &refusal, true);
}

/* All of the body is there. */
static void publish(struct publication *p, const char *bytes, size_t len,
		    bool more)
{
	struct reply reply;
	enum ingest_result result;

	result = ingest_end(&p->ingest, bytes, len, &reply);
	if (result == INGEST_DONE)
		reply_content(&reply, 200, REPLY_JSON);
	if (result != INGEST_MORE) {
		tell(p, result, &reply, more);
		return;
	}
	p->more = more;
	/* It says nothing more that is heard. */
	exchange_busy(p->exchange);
	list_append(&p->http->publishing, &p->list);
}

void http_post_body(struct exchange *e, const char *bytes, size_t len)
{
	struct publication *p = e->user;
	uint64_t left = p->length - p->received;
	bool more = len > left; /* nobody asked for that */
	struct reply refusal;

	if (more)
		len = (size_t)left;
	p->received += len;
	p->http->peers->hub->counters.bytes_in += len;
	if (p->received == p->length)
		publish(p, bytes, len, more);
	else if (ingest_take(&p->ingest, bytes, len, &refusal) < 0)
		tell(p, INGEST_REFUSED, &refusal, true);
}

/* A small body needs no memory of its own. */
char *http_post_room(struct exchange *e, size_t *len)
{
	struct publication *p = e->user;
	struct http *h = p->http;
	char *room = NULL;

	if (p->length > sizeof(h->bytes))
		room = ingest_room(&p->ingest, len);
	if (room)
		return room;
	*len = sizeof(h->bytes);
	return h->bytes;
}

static struct publication *publication_new(struct exchange *e,
					   const struct gate_request *q,
					   const struct httpreq *r)
{
	struct http *h = http_of(e);
	const char *origin = q->origin.present ? q->origin.text : "";
	struct publication *p = calloc(1, sizeof(*p) + strlen(origin) + 1);

	if (!p)
		return NULL;
	strcpy(p->origin, origin);
	p->http = h;
	p->exchange = e;
	p->length = r->length;
	list_init(&p->list);
	ingest_init(&p->ingest, h->peers->hub, r->tenant, r->tenant_len, r->key,
		    r->key_len);
	p->ingest.holder.let_go = let_go;
	p->ingest.lines = r->lines;
	p->ingest.length = r->length;
	if (r->length > INGEST_SLICE) {
		p->ingest.body = h->spare;
		buf_init(&h->spare);
	}
	e->user = p;
	return p;
}

/* The body is to come. */
void http_post(struct exchange *e, const struct gate_request *q,
	       const struct httpreq *r)
{
	struct http *h = http_of(e);
	struct publication *p;
	struct reply refusal;

	if (h->peers->hub->draining && !r->key) {
		h->peers->hub->counters.refused[REFUSED_DRAINING]++;
		reply_fault(&refusal, 503, PROTO_DRAINING,
			    "the server shuts down");
		reply_retry(&refusal, HTTP_RETRY_MS);
		http_refuse(e, q, &refusal);
		return;
	}
	p = publication_new(e, q, r);
	if (!p) {
		http_refuse_memory(e, q);
		return;
	}
	exchange_time(e, e->all->callers->times.message);
	if (r->waits && !exchange_say(e, REPLY_CONTINUE))
		return;
	if (r->length)
		exchange_body(e);
	else
		publish(p, "", 0, false);
}

/* False when its subscribers have to be written to first. */
static bool go_on(struct publication *p)
{
	struct reply reply;
	size_t at = p->ingest.at;
	enum ingest_result result = ingest_step(&p->ingest, &reply);

	if (result == INGEST_DONE)
		reply_content(&reply, 200, REPLY_JSON);
	list_remove(&p->list);
	if (result == INGEST_MORE) {
		list_append(&p->http->publishing, &p->list);
		return p->ingest.at > at;
	}
	if (p->exchange)
		tell(p, result, &reply, p->more);
	else
		release(p);
	return true;
}

/* A slice of one of them; those that had their turn go to the end. */
void http_go_on(struct http *h)
{
	bool published = false;
	struct list now;

	list_init(&now);
	list_splice(&now, &h->publishing);
	while (!published && !list_empty(&now))
		published =
			go_on(list_entry(now.next, struct publication, list));
	list_splice(&now, &h->publishing);
	list_splice(&h->publishing, &now);
}

void http_post_late(struct exchange *e)
{
	struct reply refusal;

	http_of(e)->peers->hub->counters.refused[REFUSED_MESSAGE_TIME]++;
	reply_error(&refusal, 408, "REQUEST_TIMEOUT",
		    "the body did not come in time");
	tell(e->user, INGEST_REFUSED, &refusal, true);
}

void http_posts_end(struct http *h)
{
	while (!list_empty(&h->publishing))
		release(list_entry(h->publishing.next, struct publication,
				   list));
}

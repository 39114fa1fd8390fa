/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <stdlib.h>
#include <string.h>

/* What is kept of memory for bodies. */
#define SPARE_MAX ((size_t)256 * 1024)

#define DRAINING_MS 1000

struct publication {
	struct http *http;
	struct exchange *exchange; /* NULL: its peer is gone */
	struct list list;	   /* node, in http->publishing */
	uint64_t length;	   /* bytes of the body */
	uint64_t received;	   /* of these */
	bool more;		   /* something came behind them */
	struct ingest ingest;
};

/* What is read of a request. */
struct request_head {
	struct header path, query, authority;
	struct header length, type, coding, transfer, expect, key;
};

static struct http *http_of(const struct exchange *e)
{
	return e->all->user;
}

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

static void on_gone(struct exchange *e)
{
	struct publication *p = e->user;

	p->exchange = NULL;
	if (list_empty(&p->list))
		release(p);
}

/* Answering */

static void log_error(const struct http *h, const struct caller *c,
		      const struct reply *r)
{
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = {0};

	if (!r->code || r->logged || !log_shows(h->gate->log, LOG_HTTP_ERROR))
		return;
	subject.address = netaddr_show_host(&c->address, address);
	log_event(h->gate->log, LOG_HTTP_ERROR, &subject,
		  "a request was answered by %u, %s", r->status, r->code);
}

struct response {
	const struct reply *reply;
	const struct buf *content; /* NULL: none, or that of an error */
	bool to_head;		   /* no content is sent */
	bool more;		   /* of the request is still to come */
};

static void answer(struct exchange *e, const struct response *a)
{
	struct http *h = http_of(e);
	struct buf out;

	h->answers[reply_index(a->reply->status)].value++;
	log_error(h, e->caller, a->reply);
	buf_init(&out);
	reply_put(&out, a->reply, a->content, a->to_head,
		  h->peers->hub->now.wall_ms);
	exchange_answer(e, &out, a->more);
}

static bool is_method(const struct httphead *head, const char *name)
{
	return strlen(name) == head->method.len &&
	       memcmp(head->method.at, name, head->method.len) == 0;
}

/* Whether something follows the head: what, is for nobody to trust. */
static bool body_follows(const struct httphead *head)
{
	struct header length;

	header_read(&length, head, "content-length");
	return head->fault || header_count(head, "transfer-encoding") ||
	       (length.present && strcmp(length.text, "0") != 0);
}

/* A request is refused by its head. */
static void refuse(struct exchange *e, const struct httphead *head,
		   const struct reply *refusal)
{
	struct response a = {
		.reply = refusal,
		.to_head = !head->fault && is_method(head, "HEAD"),
		.more = body_follows(head),
	};

	answer(e, &a);
}

static void little_memory(struct http *h, struct reply *refusal)
{
	h->peers->hub->counters.refused[REFUSED_MEMORY]++;
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
		    "the server has too little memory");
	reply_retry(refusal, DRAINING_MS);
}

static void refuse_memory(struct exchange *e, const struct httphead *head)
{
	struct reply refusal;

	little_memory(http_of(e), &refusal);
	refuse(e, head, &refusal);
}

/* Ends the publication, whose peer is there: so it went. */
static void tell(struct publication *p, enum ingest_result result,
		 const struct reply *reply, bool more)
{
	struct exchange *e = p->exchange;
	struct buf content;
	struct response a = {.reply = reply, .more = more};

	buf_init(&content);
	if (result == INGEST_DONE) {
		ingest_put(&p->ingest, &content);
		a.content = &content;
	}
	release(p);
	answer(e, &a);
	buf_release(&content);
}

/* Others need the memory of a body that is not all there. */
static void let_go(struct meter_holder *holder)
{
	struct publication *p =
		list_entry(holder, struct publication, ingest.holder);
	struct reply refusal;

	little_memory(p->http, &refusal);
	tell(p, INGEST_REFUSED, &refusal, true);
}

/* Reading the head */

static const char *present(const struct header *h)
{
	return h->present ? h->text : NULL;
}

static enum httpreq_method method_of(const struct httphead *head)
{
	if (is_method(head, "GET"))
		return HTTPREQ_GET;
	if (is_method(head, "HEAD"))
		return HTTPREQ_HEAD;
	if (is_method(head, "POST"))
		return HTTPREQ_POST;
	return HTTPREQ_OTHER;
}

static int read_target(const struct httphead *from, struct request_head *in,
		       struct httpreq_head *head)
{
	if (httphead_target(from, &in->path, &in->query, &in->authority) < 0)
		return -1;
	head->method = method_of(from);
	head->http10 = from->http10;
	head->path = in->path.text;
	head->query = present(&in->query);
	head->target_too_long = in->path.too_long || in->query.too_long;
	return 0;
}

static void read_headers(const struct httphead *from, struct request_head *in,
			 struct httpreq_head *head)
{
	header_read(&in->length, from, "content-length");
	header_read(&in->type, from, "content-type");
	header_read(&in->coding, from, "content-encoding");
	header_read(&in->transfer, from, "transfer-encoding");
	header_read(&in->expect, from, "expect");
	header_read(&in->key, from, "idempotency-key");
	head->header_too_long = in->length.too_long || in->type.too_long ||
				in->coding.too_long || in->transfer.too_long ||
				in->expect.too_long;
	head->length = present(&in->length);
	head->type = present(&in->type);
	head->coding = present(&in->coding);
	head->transfer = present(&in->transfer);
	head->expect = present(&in->expect);
	head->key = present(&in->key);
	head->key_len = in->key.too_long ? SIZE_MAX : strlen(in->key.text);
}

/* Publishing */

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

static void on_body(struct exchange *e, const char *bytes, size_t len)
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
static char *on_room(struct exchange *e, size_t *len)
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
					   const struct httpreq *r)
{
	struct http *h = http_of(e);
	struct publication *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
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
static void begin_publish(struct exchange *e, const struct httphead *head,
			  const struct httpreq *r)
{
	struct http *h = http_of(e);
	struct publication *p;
	struct reply refusal;

	if (h->peers->hub->draining && !r->key) {
		h->peers->hub->counters.refused[REFUSED_DRAINING]++;
		reply_fault(&refusal, 503, PROTO_DRAINING,
			    "the server shuts down");
		reply_retry(&refusal, DRAINING_MS);
		refuse(e, head, &refusal);
		return;
	}
	p = publication_new(e, r);
	if (!p) {
		refuse_memory(e, head);
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

static void on_late(struct exchange *e)
{
	struct reply refusal;

	http_of(e)->peers->hub->counters.refused[REFUSED_MESSAGE_TIME]++;
	reply_error(&refusal, 408, "REQUEST_TIMEOUT",
		    "the body did not come in time");
	tell(e->user, INGEST_REFUSED, &refusal, true);
}

/* Requests */

static void get(struct exchange *e, const struct httphead *head,
		const struct httpreq *r)
{
	struct reply reply;
	struct buf content;
	struct response a = {
		.reply = &reply,
		.to_head = r->to_head,
		.more = body_follows(head),
	};

	buf_init(&content);
	http_get(http_of(e), r, &reply, &content);
	a.content = reply.code ? NULL : &content;
	if (content.failed)
		refuse_memory(e, head);
	else
		answer(e, &a);
	buf_release(&content);
}

static int read_request(struct http *h, const struct httphead *head,
			struct request_head *in, struct httpreq *r,
			struct reply *refusal)
{
	struct httpreq_limits limits = {h->body_max,
					h->peers->hub->config.message_max};
	struct httpreq_head out = {0};

	if (read_target(head, in, &out) < 0) {
		reply_fault(refusal, 400, PROTO_BAD_REQUEST,
			    "the target of the request is no path");
		return -1;
	}
	read_headers(head, in, &out);
	if (httpreq_parse(r, &out, &limits, refusal) == 0)
		return 0;
	if (refusal->status == 413)
		h->peers->hub->counters.refused[REFUSED_TOO_LARGE]++;
	return -1;
}

static struct guard_subject who_is(const struct exchange *e)
{
	const struct hub *hub = http_of(e)->peers->hub;

	return (struct guard_subject){
		.from = &e->caller->address,
		.mono_ms = hub->now.mono_ms,
		.wall_ms = hub->now.wall_ms,
	};
}

static void request(struct exchange *e, const struct httphead *head)
{
	struct guard_subject who = who_is(e);
	struct http *h = http_of(e);
	struct request_head in;
	struct reply refusal;
	struct httpreq r;

	if (gate_judge(h->gate, head, &e->caller->address, &refusal) < 0 ||
	    read_request(h, head, &in, &r, &refusal) < 0 ||
	    gate_permit(h->gate, head, &who, &r, &refusal) < 0)
		refuse(e, head, &refusal);
	else if (r.endpoint == HTTPREQ_PUBLISH)
		begin_publish(e, head, &r);
	else
		get(e, head, &r);
}

static void upgrade(struct exchange *e, const struct httphead *head)
{
	struct guard_subject who = who_is(e);
	struct gate *gate = http_of(e)->gate;
	struct grant *grant = NULL;
	struct reply refusal;
	struct buf handshake;

	buf_init(&handshake);
	if (gate_upgrade(gate, head, who.from, &handshake, &refusal) < 0 ||
	    gate_identify(gate, head, &who, &grant, &refusal) < 0) {
		refuse(e, head, &refusal);
	} else if (handshake.failed) {
		grant_free(grant);
		refuse_memory(e, head);
	} else {
		exchange_upgrade(e, &handshake, grant);
	}
	buf_release(&handshake);
}

/* Not HTTP, or not in a form that is taken. */
static void refuse_form(struct exchange *e, const struct httphead *head)
{
	struct reply refusal;

	reply_error(&refusal, head->status,
		    head->status == 431	  ? "HEADER_TOO_LARGE"
		    : head->status == 505 ? "VERSION_NOT_SUPPORTED"
					  : "BAD_REQUEST",
		    "%s", head->fault);
	refuse(e, head, &refusal);
}

/* A token stays in no memory that is not needed for it. */
static void forget_head(struct exchanges *all, bool secret)
{
	if (secret)
		explicit_bzero(all->head, sizeof(all->head));
}

static void on_head(struct exchange *e, const struct httphead *head)
{
	struct exchanges *all = e->all;
	bool secret = http_of(e)->gate->guard->tokens != NULL;

	if (head->fault) {
		refuse_form(e, head);
	} else if (gate_wanted(head)) {
		upgrade(e, head);
	} else {
		request(e, head);
	}
	forget_head(all, secret);
}

static const struct exchange_ops ops = {on_head, on_room, on_body, on_late,
					on_gone};

int http_init(struct http *h, struct peers *peers, struct gate *gate,
	      uint64_t body_max)
{
	memset(h, 0, sizeof(*h));
	h->peers = peers;
	h->gate = gate;
	h->body_max = body_max;
	h->started_ms = peers->hub->now.mono_ms;
	list_init(&h->publishing);
	for (size_t i = 0; i < REPLY_STATUSES; i++)
		h->answers[i].label = reply_digits(i);
	return exchanges_init(&h->exchanges, peers->callers, &ops, h);
}

void http_close(struct http *h)
{
	exchanges_close(&h->exchanges);
	while (!list_empty(&h->publishing))
		release(list_entry(h->publishing.next, struct publication,
				   list));
	buf_release(&h->spare);
}

void http_accept(struct http *h, struct caller *c, int fd)
{
	exchange_begin(&h->exchanges, c, fd);
}

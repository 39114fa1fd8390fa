/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <string.h>

/* What is read of a request. */
struct request_head {
	struct header path, query, authority;
	struct header length, type, coding, transfer, expect, key, match;
	struct header accept, last_id;
};

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

void http_answer(struct exchange *e, const struct http_response *a)
{
	struct http *h = http_of(e);
	struct buf out;

	a->reply->cors.origin = a->origin;
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

/* Of a page that may read the answer. */
const char *http_origin(const struct gate_request *q)
{
	return q->origin.present ? q->origin.text : NULL;
}

void http_refuse(struct exchange *e, const struct gate_request *q,
		 struct reply *refusal)
{
	const struct httphead *head = q->head;
	struct http_response a = {
		.reply = refusal,
		.origin = http_origin(q),
		.to_head = !head->fault && is_method(head, "HEAD"),
		.more = body_follows(head),
	};

	http_answer(e, &a);
}

void http_little_memory(struct http *h, struct reply *refusal)
{
	h->peers->hub->counters.refused[REFUSED_MEMORY]++;
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
		    "the server has too little memory");
	reply_retry(refusal, HTTP_RETRY_MS);
}

void http_refuse_memory(struct exchange *e, const struct gate_request *q)
{
	struct reply refusal;

	http_little_memory(http_of(e), &refusal);
	http_refuse(e, q, &refusal);
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
	if (is_method(head, "OPTIONS"))
		return HTTPREQ_OPTIONS;
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
	header_read(&in->accept, from, "accept");
	header_read(&in->last_id, from, "last-event-id");
	header_read(&in->key, from, "idempotency-key");
	header_read(&in->match, from, "if-none-match");
	head->header_too_long = in->length.too_long || in->type.too_long ||
				in->coding.too_long || in->transfer.too_long ||
				in->expect.too_long;
	head->follow_too_long = in->accept.too_long || in->last_id.too_long;
	head->length = present(&in->length);
	head->type = present(&in->type);
	head->coding = present(&in->coding);
	head->transfer = present(&in->transfer);
	head->expect = present(&in->expect);
	head->accept = present(&in->accept);
	head->last_id = present(&in->last_id);
	head->match = present(&in->match);
	head->key = present(&in->key);
	head->key_len = in->key.too_long ? SIZE_MAX : strlen(in->key.text);
}

/* Requests */

/* What may be done: to people, and to browsers that ask for a page. */
static void options(struct exchange *e, const struct gate_request *q,
		    const struct httpreq *r)
{
	struct header method, headers, network;
	struct reply reply;
	struct http_response a = {
		.reply = &reply,
		.origin = http_origin(q),
		.more = body_follows(q->head),
	};

	reply_empty(&reply, 204);
	reply.allow = r->options;
	header_read(&method, q->head, "access-control-request-method");
	header_read(&headers, q->head, "access-control-request-headers");
	header_read(&network, q->head,
		    "access-control-request-private-network");
	if (method.present)
		cors_preflight(&reply.cors, r->options, headers.text,
			       network.text);
	http_answer(e, &a);
}

static void get(struct exchange *e, const struct gate_request *q,
		const struct httpreq *r)
{
	struct reply reply;
	struct buf content;
	struct http_response a = {
		.reply = &reply,
		.origin = http_origin(q),
		.to_head = r->to_head,
		.more = body_follows(q->head),
	};

	buf_init(&content);
	http_get(http_of(e), r, &reply, &content);
	a.content = reply.code ? NULL : &content;
	if (content.failed)
		http_refuse_memory(e, q);
	else
		http_answer(e, &a);
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

/* It may have what it asks for, by this grant, which this takes. */
static void serve(struct exchange *e, const struct gate_request *q,
		  const struct httpreq *r, struct grant *grant)
{
	if (r->endpoint == HTTPREQ_FOLLOW) {
		http_follow(e, q, r, grant);
		return;
	}
	grant_free(grant);
	if (r->endpoint == HTTPREQ_PUBLISH)
		http_post(e, q, r);
	else
		get(e, q, r);
}

static void request(struct exchange *e, struct gate_request *q)
{
	struct http *h = http_of(e);
	struct request_head in;
	struct grant *grant;
	struct reply refusal;
	struct httpreq r;

	if (gate_judge(h->gate, q, &refusal) < 0 ||
	    read_request(h, q->head, &in, &r, &refusal) < 0)
		http_refuse(e, q, &refusal);
	else if (r.options)
		options(e, q, &r);
	else if (gate_permit(h->gate, q, &r, &grant, &refusal) < 0)
		http_refuse(e, q, &refusal);
	else
		serve(e, q, &r, grant);
}

static void upgrade(struct exchange *e, struct gate_request *q)
{
	struct gate *gate = http_of(e)->gate;
	struct grant *grant = NULL;
	struct reply refusal;
	struct buf handshake;

	buf_init(&handshake);
	if (gate_upgrade(gate, q, &handshake, &refusal) < 0 ||
	    gate_identify(gate, q, &grant, &refusal) < 0) {
		http_refuse(e, q, &refusal);
	} else if (handshake.failed) {
		grant_free(grant);
		http_refuse_memory(e, q);
	} else {
		exchange_upgrade(e, &handshake, grant);
	}
	buf_release(&handshake);
}

/* Not HTTP, or not in a form that is taken. */
static void refuse_form(struct exchange *e, const struct gate_request *q)
{
	const struct httphead *head = q->head;
	struct reply refusal;

	reply_error(&refusal, head->status,
		    head->status == 431	  ? "HEADER_TOO_LARGE"
		    : head->status == 505 ? "VERSION_NOT_SUPPORTED"
					  : "BAD_REQUEST",
		    "%s", head->fault);
	http_refuse(e, q, &refusal);
}

/* A token stays in no memory that is not needed for it. */
static void forget_head(struct exchanges *all, bool secret)
{
	if (secret)
		explicit_bzero(all->head, sizeof(all->head));
}

/* On whose behalf it came, which a proxy says. False: it was answered. */
static bool locate(struct exchange *e, struct gate_request *q)
{
	const struct forwarded_proxies *proxies = &e->all->callers->proxies;
	struct gate *gate = http_of(e)->gate;
	struct reply refusal, judged;
	struct netaddr client;

	if (!forwarded_is_proxy(proxies, q->who.from))
		return true;
	if (gate_locate(gate, q, proxies, &client, &refusal) < 0)
		http_refuse(e, q, &refusal);
	else if (caller_locate(e->caller, &client, &refusal) == 0)
		return true;
	else if (gate_judge(gate, q, &judged) < 0) /* what a page may read */
		http_refuse(e, q, &judged);
	else
		http_refuse(e, q, &refusal);
	return false;
}

static void take(struct exchange *e, const struct httphead *head)
{
	const struct hub *hub = http_of(e)->peers->hub;
	struct gate_request q;

	q.head = head;
	q.who = (struct guard_subject){
		.from = &e->caller->address,
		.mono_ms = hub->now.mono_ms,
		.wall_ms = hub->now.wall_ms,
	};
	q.https = e->wire.tls != NULL;
	q.origin.present = false;
	if (head->fault)
		refuse_form(e, &q);
	else if (!locate(e, &q))
		return;
	else if (gate_wanted(head))
		upgrade(e, &q);
	else
		request(e, &q);
}

static void on_head(struct exchange *e, const struct httphead *head)
{
	struct exchanges *all = e->all;
	bool secret = http_of(e)->gate->guard->tokens != NULL;

	take(e, head);
	forget_head(all, secret);
}

static const struct exchange_ops ops = {
	.head = on_head,
	.room = http_post_room,
	.body = http_post_body,
	.late = http_post_late,
	.gone = http_post_gone,
	.writable = follower_writable,
	.due = follower_due,
	.left = follower_left,
};

int http_init(struct http *h, struct followers *followers, struct gate *gate,
	      uint64_t body_max)
{
	struct peers *peers = followers->peers;

	memset(h, 0, sizeof(*h));
	h->peers = peers;
	h->followers = followers;
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
	http_posts_end(h);
	buf_release(&h->spare);
}

void http_accept(struct http *h, struct caller *c, int fd)
{
	exchange_begin(&h->exchanges, c, fd);
}

/* SPDX-License-Identifier: MIT */
#include "http.h"

#include "farewell.h"
#include "header.h"
#include "ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How long the body of a refused request is thrown away. */
#define LINGER_MS 2000

/* So many at a time; each has a descriptor of those that are spared. */
#define FAREWELLS_MAX 16

/* What is kept of memory for bodies. */
#define SPARE_MAX ((size_t)256 * 1024)

#define DRAINING_MS 1000

struct exchange {
	struct http *http;
	struct caller *caller;	   /* NULL: gone */
	struct list list;	   /* node, in http->publishing */
	struct farewell *farewell; /* writes the rest of an answer, or NULL */
	size_t metered;		   /* bytes of it that hub->meter knows */
	bool answered;		   /* what still comes is thrown away */
	uint64_t length;	   /* bytes of the body */
	uint64_t received;	   /* of these */
	struct ingest ingest;
};

/* What is read of a request. */
struct request_head {
	struct header path, query, length, type, coding, transfer, expect, key;
	struct header version;
};

static const enum lws_token_indexes path_tokens[] = {
	WSI_TOKEN_GET_URI,     WSI_TOKEN_HEAD_URI,  WSI_TOKEN_POST_URI,
	WSI_TOKEN_PUT_URI,     WSI_TOKEN_PATCH_URI, WSI_TOKEN_DELETE_URI,
	WSI_TOKEN_OPTIONS_URI,
};

void http_init(struct http *h, struct peers *peers, struct gate *gate,
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
}

/* Exchanges */

static struct exchange *exchange_new(struct http *h, struct caller *c)
{
	struct exchange *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->http = h;
	e->caller = c;
	list_init(&e->list);
	c->exchange = e;
	return e;
}

/* What of an answer waits to be taken. */
static void count_rest(struct exchange *e, size_t bytes)
{
	meter_set(&e->http->peers->hub->meter, METER_OUTPUT, &e->metered,
		  bytes);
}

/* Memory for a body is used again: to map it for each takes longest. */
static void keep_spare(struct exchange *e)
{
	struct buf *body = &e->ingest.body, *spare = &e->http->spare;

	if (body->cap > SPARE_MAX || spare->cap)
		return;
	buf_clear(body, SIZE_MAX);
	*spare = *body;
	buf_init(body);
}

static void release(struct exchange *e)
{
	list_remove(&e->list);
	keep_spare(e);
	ingest_release(&e->ingest);
	free(e);
}

void exchange_free(struct exchange *e)
{
	if (e->farewell) {
		farewell_end(e->farewell);
		e->http->farewells--;
		count_rest(e, 0);
	}
	e->farewell = NULL;
	e->caller->exchange = NULL;
	e->caller = NULL;
	if (list_empty(&e->list))
		release(e);
}

void http_release(struct http *h)
{
	while (!list_empty(&h->publishing))
		release(list_entry(h->publishing.next, struct exchange, list));
	buf_release(&h->spare);
}

/* The one timer of a caller; it does not keep an earlier time. */
static void set_time(struct caller *c, uint64_t ms)
{
	wheel_set(&c->all->wheel, &c->timer, (int64_t)ms);
}

/* Answering */

static bool is_head(struct lws *wsi)
{
	return lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
}

/*
 * Takes off what left at once; `flags` beside those that are needed anyway. 0,
 * or -1: the connection is dead.
 */
static int send_some(int fd, struct buf *out, int flags)
{
	ssize_t n;

	do
		n = send(fd, buf_bytes(out), buf_len(out),
			 MSG_NOSIGNAL | MSG_DONTWAIT | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	buf_consume(out, (size_t)n);
	return 0;
}

static void on_said(void *user)
{
	struct exchange *e = user;

	caller_end(e->caller);
}

/* The rest leaves as the peer takes it; see farewell.h. 0, or -1: it ends. */
static int say_rest(struct http *h, struct caller *c, struct buf *rest)
{
	struct exchange *e = c->exchange ? c->exchange : exchange_new(h, c);
	size_t waits = rest->cap;

	if (!e || h->farewells == FAREWELLS_MAX)
		return -1;
	e->farewell = farewell_begin(
		&c->all->loop->uv, lws_get_socket_fd(c->wsi), rest, on_said, e);
	if (!e->farewell)
		return -1;
	h->farewells++;
	count_rest(e, waits);
	e->answered = true;
	lws_rx_flow_control(c->wsi, 0);
	set_time(c, c->all->times.message);
	return 0;
}

/*
 * Whether lws goes on to read a body if it is let: it believes that methods
 * that can have one do, and reads a length as atoll() does.
 */
static bool body_follows(struct lws *wsi)
{
	struct header length;

	header_read(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, &length);
	if (length.present)
		return !length.too_long && atoll(length.text) != 0;
	return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ||
	       lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0 ||
	       lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0;
}

/* The answer has left; the body is still to come. 0, or -1: it ends. */
static int linger(struct http *h, struct caller *c)
{
	struct exchange *e = c->exchange ? c->exchange : exchange_new(h, c);

	if (!e)
		return -1;
	e->answered = true;
	ingest_release(&e->ingest);
	shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
	set_time(c, LINGER_MS);
	return 0;
}

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

/*
 * Answers. Returns what the callback of lws is to return: -1 ends the
 * connection, 0 when something is still to be done before.
 */
static int answer(struct http *h, struct caller *c, const struct reply *r,
		  const struct buf *content, bool body_to_come)
{
	bool to_head = is_head(c->wsi);
	struct buf out;
	int result = -1;

	h->answers[reply_index(r->status)].value++;
	log_error(h, c, r);
	caller_established(c);
	buf_init(&out);
	reply_put(&out, r, content, to_head, h->peers->hub->now.wall_ms);
	/* More follows: the end, which so leaves in the same segment. */
	if (!out.failed &&
	    send_some(lws_get_socket_fd(c->wsi), &out, MSG_MORE) == 0) {
		if (buf_len(&out))
			result = say_rest(h, c, &out);
		else if (body_to_come)
			result = linger(h, c);
	}
	buf_release(&out);
	return result;
}

/* A request is refused by its head. */
static int refuse(struct http *h, struct caller *c, const struct reply *refusal)
{
	return answer(h, c, refusal, NULL, body_follows(c->wsi));
}

static void little_memory(struct http *h, struct reply *refusal)
{
	h->peers->hub->counters.refused[REFUSED_MEMORY]++;
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
		    "the server has too little memory");
	reply_retry(refusal, DRAINING_MS);
}

static int refuse_memory(struct http *h, struct caller *c)
{
	struct reply refusal;

	little_memory(h, &refusal);
	return refuse(h, c, &refusal);
}

/*
 * Others need the memory of a body that is not all there. It may be somebody
 * else's callback: the connection ends by its timer.
 */
static void let_go(struct meter_holder *holder)
{
	struct exchange *e = list_entry(holder, struct exchange, ingest.holder);
	struct reply refusal;

	little_memory(e->http, &refusal);
	if (answer(e->http, e->caller, &refusal, NULL, true) < 0)
		set_time(e->caller, 0);
	e->answered = true;
	ingest_release(&e->ingest);
}

/* Reading the head */

static const char *present(const struct header *h)
{
	return h->present ? h->text : NULL;
}

static enum httpreq_method method_of(enum lws_token_indexes token)
{
	switch (token) {
	case WSI_TOKEN_GET_URI:
		return HTTPREQ_GET;
	case WSI_TOKEN_HEAD_URI:
		return HTTPREQ_HEAD;
	case WSI_TOKEN_POST_URI:
		return HTTPREQ_POST;
	default:
		return HTTPREQ_OTHER;
	}
}

static void read_target(struct lws *wsi, struct request_head *in,
			struct httpreq_head *head)
{
	enum lws_token_indexes token = WSI_TOKEN_GET_URI;

	for (size_t i = 0; i < sizeof(path_tokens) / sizeof(*path_tokens); i++)
		if (lws_hdr_total_length(wsi, path_tokens[i]) > 0)
			token = path_tokens[i];
	header_read(wsi, token, &in->path);
	header_read_query(wsi, &in->query);
	head->method = method_of(token);
	head->path = in->path.text;
	head->query = present(&in->query);
	head->target_too_long = in->path.too_long || in->query.too_long;
}

static void read_headers(struct lws *wsi, struct request_head *in,
			 struct httpreq_head *head)
{
	header_read(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, &in->length);
	header_read(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, &in->type);
	header_read(wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING, &in->coding);
	header_read(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, &in->transfer);
	header_read(wsi, WSI_TOKEN_HTTP_EXPECT, &in->expect);
	header_read_other(wsi, "idempotency-key:", &in->key);
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

static void read_head(struct lws *wsi, struct request_head *in,
		      struct httpreq_head *head)
{
	memset(head, 0, sizeof(*head));
	read_target(wsi, in, head);
	read_headers(wsi, in, head);
	header_read(wsi, WSI_TOKEN_HTTP, &in->version);
	head->http10 = !in->version.present ||
		       strcmp(in->version.text, "HTTP/1.0") == 0;
}

/* Publishing */

static int send_continue(struct caller *c)
{
	struct buf out;
	int result;

	buf_init(&out);
	buf_puts(&out, REPLY_CONTINUE);
	result = send_some(lws_get_socket_fd(c->wsi), &out, 0);
	if (buf_len(&out))
		result = -1;
	buf_release(&out);
	return result;
}

/* The body is to come. */
static int begin_publish(struct http *h, struct caller *c,
			 const struct httpreq *r)
{
	struct exchange *e;
	struct reply refusal;

	if (h->peers->hub->draining && !r->key) {
		h->peers->hub->counters.refused[REFUSED_DRAINING]++;
		reply_fault(&refusal, 503, PROTO_DRAINING,
			    "the server shuts down");
		reply_retry(&refusal, DRAINING_MS);
		return refuse(h, c, &refusal);
	}
	e = exchange_new(h, c);
	if (!e)
		return refuse_memory(h, c);
	e->length = r->length;
	ingest_init(&e->ingest, h->peers->hub, r->tenant, r->tenant_len, r->key,
		    r->key_len);
	e->ingest.holder.let_go = let_go;
	e->ingest.lines = r->lines;
	e->ingest.length = r->length;
	if (r->length > INGEST_SLICE) {
		e->ingest.body = h->spare;
		buf_init(&h->spare);
	}
	caller_established(c);
	set_time(c, c->all->times.message);
	return r->waits ? send_continue(c) : 0;
}

static int tell(struct exchange *e, enum ingest_result result,
		struct reply *reply, bool body_to_come)
{
	struct buf content;
	int status;

	buf_init(&content);
	if (result == INGEST_DONE) {
		reply_content(reply, 200, REPLY_JSON);
		ingest_put(&e->ingest, &content);
	}
	status = answer(e->http, e->caller, reply,
			result == INGEST_DONE ? &content : NULL, body_to_come);
	buf_release(&content);
	return status;
}

/* All of the body is there. */
static int publish(struct exchange *e, const char *bytes, size_t len)
{
	struct reply reply;
	enum ingest_result result;

	e->answered = true;
	result = ingest_end(&e->ingest, bytes, len, &reply);
	if (result != INGEST_MORE)
		return tell(e, result, &reply, false);
	/* It says nothing more that is heard; see farewell.h. */
	lws_rx_flow_control(e->caller->wsi, 0);
	set_time(e->caller, e->caller->all->times.message);
	list_append(&e->http->publishing, &e->list);
	return 0;
}

int http_body(struct caller *c, const char *bytes, size_t len)
{
	struct exchange *e = c->exchange;
	struct reply refusal;

	if (!e || e->answered)
		return 0;
	/* lws 4.5 hands over what comes behind the body, too. */
	if (len > e->length - e->received)
		len = (size_t)(e->length - e->received);
	e->received += len;
	e->http->peers->hub->counters.bytes_in += len;
	if (e->received == e->length)
		return publish(e, bytes, len);
	if (ingest_take(&e->ingest, bytes, len, &refusal) == 0)
		return 0;
	return tell(e, INGEST_REFUSED, &refusal, true);
}

/*
 * lws says so again for whatever comes behind the body, as long as it is not
 * told to end.
 */
int http_body_end(struct caller *c)
{
	const struct exchange *e = c->exchange;

	return e && (e->farewell || !list_empty(&e->list)) ? 0 : -1;
}

/* False when its subscribers have to be written to first. */
static bool go_on(struct exchange *e)
{
	struct reply reply;
	size_t at = e->ingest.at;
	enum ingest_result result = ingest_step(&e->ingest, &reply);

	list_remove(&e->list);
	if (result == INGEST_MORE) {
		list_append(&e->http->publishing, &e->list);
		return e->ingest.at > at;
	}
	if (!e->caller)
		release(e);
	else if (tell(e, result, &reply, false) < 0)
		caller_end(e->caller);
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
		published = go_on(list_entry(now.next, struct exchange, list));
	list_splice(&now, &h->publishing);
	list_splice(&h->publishing, &now);
}

/* Its body did not come in time, or the peer does not read. */
void exchange_due(struct exchange *e)
{
	struct reply refusal;

	if (e->answered) {
		caller_end(e->caller);
		return;
	}
	e->http->peers->hub->counters.refused[REFUSED_MESSAGE_TIME]++;
	reply_error(&refusal, 408, "REQUEST_TIMEOUT",
		    "the body did not come in time");
	if (tell(e, INGEST_REFUSED, &refusal, true) < 0)
		caller_end(e->caller);
}

/* Requests */

static int get(struct http *h, struct caller *c, const struct httpreq *r)
{
	struct reply reply;
	struct buf content;
	int result;

	buf_init(&content);
	http_get(h, r, &reply, &content);
	result = content.failed
			 ? refuse_memory(h, c)
			 : answer(h, c, &reply, reply.code ? NULL : &content,
				  body_follows(c->wsi));
	buf_release(&content);
	return result;
}

int http_request(struct http *h, struct caller *c)
{
	struct httpreq_limits limits = {h->body_max,
					h->peers->hub->config.message_max};
	struct httpreq_head head;
	struct request_head in;
	struct reply refusal;
	struct httpreq r;

	if (gate_judge(h->gate, c->wsi, &refusal) < 0)
		return refuse(h, c, &refusal);
	read_head(c->wsi, &in, &head);
	if (httpreq_parse(&r, &head, &limits, &refusal) < 0) {
		if (refusal.status == 413)
			h->peers->hub->counters.refused[REFUSED_TOO_LARGE]++;
		return refuse(h, c, &refusal);
	}
	return r.endpoint == HTTPREQ_PUBLISH ? begin_publish(h, c, &r)
					     : get(h, c, &r);
}

int http_upgrade(struct http *h, struct caller *c)
{
	struct reply refusal;

	if (gate_upgrade(h->gate, c->wsi, &refusal) == 0)
		return 0;
	answer(h, c, &refusal, NULL, false);
	return -1;
}

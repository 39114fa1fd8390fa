/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "num.h"
#include "request.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Answers that wait, in bytes: above, input stops until they have left. */
#define ANSWERS_HIGH (64 * 1024)

/* The same for updates that SUBSCRIBE has replayed: others want their turn. */
#define REPLAY_HIGH (256 * 1024)

/* "The server has too …" */
#define LITTLE_MEMORY "little memory"

/* Room for the request around an update in a plain message. */
#define PLAIN_EXTRA 4096

/* Has `*slot` keep a tenant, or none, in place of the one that it kept. */
static void hold(struct session *s, struct hub_tenant **slot,
		 struct hub_tenant *t)
{
	if (t)
		hub_pin(t);
	if (*slot)
		hub_unpin(s->hub, *slot);
	*slot = t;
}

static struct session *of_outlet(struct outlet *o)
{
	return list_entry(o, struct session, outlet);
}

/* Every answer is put together here and framed by the outlet. */
static void say(struct session *s, struct buf *text)
{
	outlet_put(&s->outlet, text);
	buf_release(text);
}

static struct answer_stream name_of(const struct session *s,
				    const struct hub_tenant *t,
				    char epoch[PROTO_EPOCH_MAX + 1])
{
	hub_epoch(s->hub, t, epoch);
	return (struct answer_stream){t->id, t->id_len, epoch};
}

static void say_ack(struct session *s, const struct json_value *id,
		    const struct hub_tenant *t, const struct answer_ack *ack)
{
	char epoch[PROTO_EPOCH_MAX + 1];
	struct answer_stream name = name_of(s, t, epoch);
	struct buf text;

	buf_init(&text);
	answer_put_ack(&text, id, &name, ack);
	say(s, &text);
}

static void collect(struct outlet *o)
{
	struct session *s = of_outlet(o);
	char digits[20];
	struct json_value id = {.text = digits, .type = JSON_NUMBER};

	if (!s->ack_id)
		return;
	id.len = num_put_u64(digits, s->ack_id);
	s->ack_id = 0;
	say_ack(s, &id, s->acked, &s->ack);
}

static void answered(struct outlet *o)
{
	struct session *s = of_outlet(o);

	s->replayed = 0;
	if (s->intake.stopped) {
		intake_resume(&s->intake);
		if (!s->intake.stopped && !o->closing)
			o->ops->pause(o->conn, false);
	}
	/* What was resumed may have left something to say first. */
	if (s->draining && !s->intake.stopped && outlet_idle(o))
		outlet_close(o,
			     s->dialect == SESSION_V1 ? PROTO_CLOSE_DRAINING
						      : PROTO_CLOSE_GOING_AWAY,
			     "shutting down");
}

static void on_text(struct intake *in, const char *text, size_t len);

static const struct outlet_owner owner = {collect, answered};

static void welcome(struct session *s)
{
	const struct hub_config *config = &s->hub->config;
	struct answer_limits limits = {
		.message = config->message_max,
		.frame = config->frame_max,
		.subscriptions = config->subscriptions_max,
	};
	struct buf text;

	buf_init(&text);
	answer_put_welcome(&text, s->number, &limits);
	say(s, &text);
}

void session_init(struct session *s, struct hub *hub,
		  enum session_dialect dialect, uint64_t number,
		  const struct outlet_ops *ops, void *conn)
{
	memset(s, 0, sizeof(*s));
	s->hub = hub;
	s->dialect = dialect;
	s->number = number;
	intake_init(&s->intake, dialect == SESSION_V1,
		    dialect == SESSION_V1
			    ? hub->config.frame_max
			    : hub->config.message_max + PLAIN_EXTRA,
		    on_text);
	outlet_init(&s->outlet, hub,
		    dialect == SESSION_V1 ? STREAM_V1 : STREAM_PLAIN, ops, conn,
		    &owner);
	if (dialect == SESSION_V1)
		welcome(s);
}

void session_release(struct session *s)
{
	outlet_release(&s->outlet);
	hold(s, &s->published, NULL);
	hold(s, &s->acked, NULL);
	if (s->producer)
		producers_leave(&s->hub->producers, s->producer,
				s->hub->now.mono_ms);
	s->producer = NULL;
	intake_release(&s->intake);
}

/* Tells the peer what is wrong with a request, by its id or its place. */
static void say_error(struct session *s, const struct json_value *id,
		      enum proto_code code, const char *message)
{
	struct buf text;

	buf_init(&text);
	answer_put_error(&text, id, s->intake.message, s->intake.line, code,
			 message);
	say(s, &text);
}

static void over_capacity(struct session *s, const struct request *r,
			  const char *of_what)
{
	char message[64];

	snprintf(message, sizeof(message), "the server has too %s", of_what);
	say_error(s, &r->id, PROTO_OVER_CAPACITY, message);
}

/* In plain, only a request with an id gets an answer. */
static bool wants_answer(const struct session *s, const struct request *r)
{
	return s->dialect == SESSION_V1 || r->id.text;
}

static void say_subscribed(struct session *s, const struct request *r,
			   const struct stream *stream,
			   const struct stream_start *start)
{
	struct answer_stream name = stream_name(stream);
	struct buf text;

	if (wants_answer(s, r)) {
		buf_init(&text);
		answer_put_subscribed(&text, &r->id, &name, start->next,
				      stream->seq + 1 - start->next,
				      start->recovered);
		say(s, &text);
	}
	if (start->reason) {
		buf_init(&text);
		answer_put_gap(&text, &name, start->from, start->to,
			       start->reason);
		say(s, &text);
	}
}

/* A tenant that one has already: nothing moves. */
static void subscribe_again(struct session *s, const struct request *r,
			    const struct subscription *sub)
{
	const struct stream *stream = sub->tenant->stream;
	struct answer_stream name = stream_name(stream);
	struct buf text;

	if (!wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_subscribed(&text, &r->id, &name, cursor_seq(&sub->cursor), 0,
			      true);
	say(s, &text);
}

static void subscribe_new(struct session *s, const struct request *r,
			  struct hub_tenant *t)
{
	struct stream *stream = hub_stream(s->hub, t);
	struct stream_start start;

	if (!stream) {
		over_capacity(s, r, LITTLE_MEMORY);
		return;
	}
	stream_trim(stream, &s->hub->config.history, s->hub->now.mono_ms);
	stream_start(stream, &r->since, s->hub->now.mono_ms, &start);
	if (start.reason && s->dialect == SESSION_PLAIN) {
		outlet_close(&s->outlet, PROTO_CLOSE_BAD_REQUEST,
			     "updates since then are not all there");
		return;
	}
	if (outlet_subscribe(&s->outlet, t, start.next) < 0) {
		over_capacity(s, r, LITTLE_MEMORY);
		return;
	}
	s->replayed += outlet_behind(&s->outlet, t);
	say_subscribed(s, r, stream, &start);
}

/* The tenant of a request, made when new; NULL after an answer. */
static struct hub_tenant *need_tenant(struct session *s,
				      const struct request *r)
{
	struct hub_tenant *t =
		hub_tenant(s->hub, r->tenant.bytes, r->tenant.len);

	if (!t)
		over_capacity(s, r,
			      errno == ENOSPC ? "many tenants" : LITTLE_MEMORY);
	return t;
}

/* A request that is refused makes no tenant, and so displaces none. */
static void on_subscribe(struct session *s, const struct request *r)
{
	struct hub_tenant *t = hub_find(s->hub, r->tenant.bytes, r->tenant.len);
	struct subscription *sub = t ? outlet_find(&s->outlet, t) : NULL;

	if (sub) {
		subscribe_again(s, r, sub);
	} else if (s->outlet.count >= s->hub->config.subscriptions_max) {
		say_error(s, &r->id, PROTO_TOO_MANY_SUBSCRIPTIONS,
			  "this connection has as many as are allowed");
	} else {
		t = need_tenant(s, r);
		if (t)
			subscribe_new(s, r, t);
	}
}

static void on_unsubscribe(struct session *s, const struct request *r)
{
	struct hub_tenant *t = hub_find(s->hub, r->tenant.bytes, r->tenant.len);
	struct subscription *sub = t ? outlet_find(&s->outlet, t) : NULL;
	struct buf text;

	if (sub)
		outlet_unsubscribe(&s->outlet, sub);
	if (!wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_unsubscribed(&text, &r->id, r->tenant.bytes, r->tenant.len);
	say(s, &text);
}

/* The tenant to publish to: most often the same as before. */
static struct hub_tenant *publish_tenant(struct session *s,
					 const struct request *r)
{
	struct hub_tenant *t = s->published;

	if (t && t->id_len == r->tenant.len &&
	    memcmp(t->id, r->tenant.bytes, r->tenant.len) == 0)
		return t;
	t = need_tenant(s, r);
	if (t)
		hold(s, &s->published, t);
	return t;
}

/* In wsd.v1 ACKs are put off, so that one settles many. */
static void acknowledge(struct session *s, const struct request *r,
			struct hub_tenant *t, const struct answer_ack *ack)
{
	if (!r->id.text)
		return;
	if (s->dialect == SESSION_PLAIN) {
		say_ack(s, &r->id, t, ack);
		return;
	}
	hold(s, &s->acked, t);
	s->ack = *ack;
	s->ack_id = r->number;
	outlet_ready(&s->outlet);
}

/* Whether an id may come now; a producer's old one was taken before. */
static bool id_in_order(struct session *s, const struct request *r)
{
	if (s->dialect == SESSION_PLAIN || !r->id.text)
		return true;
	if (!r->numbered || r->number == 0) {
		say_error(s, &r->id, PROTO_BAD_REQUEST,
			  "'id' of a publish is not an integer from 1");
		return false;
	}
	if (r->number <= s->last_id) {
		say_error(s, &r->id, PROTO_BAD_REQUEST,
			  "'id' of a publish is not above the one before");
		return false;
	}
	s->last_id = r->number;
	return true;
}

static bool may_publish(struct session *s, const struct request *r)
{
	if (s->hub->draining) {
		say_error(s, &r->id, PROTO_DRAINING, "shutting down");
		return false;
	}
	if (r->data.len > s->hub->config.message_max) {
		say_error(s, &r->id, PROTO_TOO_LARGE,
			  "'data' is larger than the server takes");
		return false;
	}
	return true;
}

static void acknowledge_duplicate(struct session *s, const struct request *r)
{
	struct hub_tenant *t = publish_tenant(s, r);

	s->hub->counters.duplicates++;
	if (t)
		acknowledge(s, r, t, &(struct answer_ack){.duplicate = true});
}

/* False when it was refused. */
static bool publish(struct session *s, const struct request *r)
{
	struct hub_update update = {r->data.text, r->data.len, NULL};
	struct hub_tenant *t = publish_tenant(s, r);
	struct answer_ack ack = {0};
	struct hub_receipt receipt;
	struct hash128 key;

	if (!t)
		return false;
	if (r->key.bytes) {
		key = keys_hash(&s->hub->keys, t->id, t->id_len, r->key.bytes,
				r->key.len);
		update.key = &key;
	}
	switch (hub_publish(s->hub, t, &update, &receipt)) {
	case HUB_NO_MEMORY:
		over_capacity(s, r, LITTLE_MEMORY);
		return false;
	case HUB_DUPLICATE:
		ack.duplicate = true;
		break;
	case HUB_PUBLISHED:
		break;
	}
	ack.seq = receipt.seq;
	ack.subscribers = receipt.subscribers;
	acknowledge(s, r, t, &ack);
	return true;
}

/*
 * PUBLISH, and GAP, which is one without data. What a producer resends is
 * acknowledged whatever else would stand against it now.
 */
static void on_publish(struct session *s, const struct request *r)
{
	bool named = s->producer && r->numbered;

	if (!id_in_order(s, r))
		return;
	if (named && producer_has(s->producer, r->number))
		acknowledge_duplicate(s, r);
	else if (!may_publish(s, r) || !publish(s, r)) {
		if (named)
			producer_refused(s->producer, r->number);
	} else if (named) {
		producer_took(s->producer, r->number);
	}
}

static void on_gap(struct session *s, const struct request *r)
{
	if (r->reason.bytes &&
	    (r->reason.len != 6 || memcmp(r->reason.bytes, "source", 6) != 0))
		say_error(s, &r->id, PROTO_BAD_REQUEST,
			  "'reason' of a GAP is not \"source\"");
	else
		on_publish(s, r);
}

/* A new connection of a producer ends its older one. */
static void on_producer(struct session *s, const struct request *r)
{
	struct producers *all = &s->hub->producers;
	struct producer *producer;
	struct session *older;

	if (s->dialect == SESSION_PLAIN || s->producer) {
		say_error(s, &r->id, PROTO_BAD_REQUEST,
			  s->producer ? "PRODUCER came before"
				      : "PRODUCER needs wsd.v1");
		return;
	}
	producer = producers_claim(all, r->producer.bytes, r->producer.len,
				   s->hub->now.mono_ms);
	if (!producer) {
		over_capacity(s, r,
			      errno == ENOSPC ? "many producers"
					      : LITTLE_MEMORY);
		return;
	}
	older = producer->owner;
	if (older) {
		older->producer = NULL;
		outlet_close(&older->outlet, PROTO_CLOSE_BAD_REQUEST,
			     "this producer has a newer connection");
	}
	producer->owner = s;
	s->producer = producer;
}

static void on_ping(struct session *s, const struct request *r)
{
	struct buf text;

	if (!wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_pong(&text, &r->id);
	say(s, &text);
}

/* Nothing is protected yet, so every token will do. */
static void on_auth(struct session *s, const struct request *r)
{
	struct buf text;

	if (!wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_authenticated(&text, &r->id, 0);
	say(s, &text);
}

static void dispatch(struct session *s, const struct request *r)
{
	switch (r->type) {
	case REQUEST_PUBLISH:
		on_publish(s, r);
		break;
	case REQUEST_SUBSCRIBE:
		on_subscribe(s, r);
		break;
	case REQUEST_UNSUBSCRIBE:
		on_unsubscribe(s, r);
		break;
	case REQUEST_GAP:
		on_gap(s, r);
		break;
	case REQUEST_PRODUCER:
		on_producer(s, r);
		break;
	case REQUEST_PING:
		on_ping(s, r);
		break;
	case REQUEST_AUTH:
		on_auth(s, r);
		break;
	}
}

/* Where in the text, and why. */
static void say_bad_json(struct session *s, const char *text,
			 const struct request_fault *fault)
{
	size_t line, column;
	char message[96];

	json_position(text, fault->offset, &line, &column);
	if (s->dialect == SESSION_PLAIN)
		s->intake.line = line;
	snprintf(message, sizeof(message), "column %zu: %s", column,
		 fault->message);
	say_error(s, NULL, PROTO_BAD_JSON, message);
}

/*
 * One message of the protocol. Text that is not UTF-8 fails the connection
 * (RFC 6455 section 8.1); any other fault concerns this message alone.
 */
static void treat(struct session *s, const char *text, size_t len)
{
	struct request_fault fault;
	struct request request;

	if (request_parse(&request, text, len, &fault) == 0)
		dispatch(s, &request);
	else if (fault.code != PROTO_BAD_JSON)
		say_error(s, &request.id, fault.code, fault.message);
	else if (!utf8_valid(text, len))
		outlet_close(&s->outlet, PROTO_CLOSE_BAD_TEXT,
			     "text is not UTF-8");
	else
		say_bad_json(s, text, &fault);
}

static bool blank(const char *line, size_t len)
{
	for (; len; line++, len--)
		if (*line != ' ' && *line != '\t' && *line != '\r')
			return false;
	return true;
}

static void on_text(struct intake *in, const char *text, size_t len)
{
	struct session *s = list_entry(in, struct session, intake);

	if (s->dialect == SESSION_V1 && blank(text, len))
		return;
	treat(s, text, len);
	in->ended = s->outlet.closing;
	if (buf_len(&s->outlet.control) > ANSWERS_HIGH ||
	    s->replayed > REPLAY_HIGH)
		in->stopped = true;
}

void session_receive(struct session *s, const struct intake_piece *piece)
{
	bool stopped = s->intake.stopped;

	if (s->outlet.closing)
		return;
	switch (intake_take(&s->intake, piece)) {
	case INTAKE_OK:
		break;
	case INTAKE_BINARY:
		outlet_close(&s->outlet, PROTO_CLOSE_UNACCEPTABLE,
			     "only text messages are taken");
		return;
	case INTAKE_TOO_BIG:
		outlet_close(&s->outlet, PROTO_CLOSE_TOO_BIG,
			     "message is too big");
		return;
	case INTAKE_NO_MEMORY:
		outlet_close(&s->outlet, PROTO_CLOSE_OVER_CAPACITY,
			     "out of memory");
		return;
	}
	if (s->intake.stopped != stopped && !s->outlet.closing)
		s->outlet.ops->pause(s->outlet.conn, s->intake.stopped);
}

void session_drain(struct session *s, uint64_t reconnect_after_ms)
{
	struct buf text;

	if (s->dialect == SESSION_V1) {
		buf_init(&text);
		answer_put_drain(&text, reconnect_after_ms);
		say(s, &text);
	}
	s->draining = true;
	outlet_ready(&s->outlet);
}

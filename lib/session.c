/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "num.h"
#include "reclaim.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers that wait, in bytes: above, input stops until they have left. */
#define ANSWERS_HIGH (64 * 1024)

/* The same for updates that SUBSCRIBE has replayed: others want their turn. */
#define REPLAY_HIGH (256 * 1024)

/*
 * The same for updates of one tenant that subscribers have not had their turn
 * to get: a publisher must not outrun those who read. Below the kernel's buffer
 * for a connection (--sndbuf), which takes no more at once.
 */
#define UNWRITTEN_HIGH (128 * 1024)

/* Bytes that a frame takes which has no payload: 2, and 4 of mask. */
#define EMPTY_FRAME 6

/* Room for the request around an update in a plain message. */
#define PLAIN_EXTRA 4096

/* Bytes of a message before a token was shown: room for that. */
#define UNKNOWN_MAX (32 * 1024)

void session_hold(struct session *s, struct hub_tenant **slot,
		  struct hub_tenant *t)
{
	if (t == *slot)
		return;
	if (t)
		hub_pin(t);
	if (*slot)
		hub_unpin(s->outlet.hub, *slot);
	*slot = t;
}

static struct session *of_outlet(struct outlet *o)
{
	return list_entry(o, struct session, outlet);
}

void session_say(struct session *s, struct buf *text)
{
	outlet_put(&s->outlet, text);
	buf_release(text);
}

static struct answer_stream name_of(const struct session *s,
				    const struct hub_tenant *t,
				    char epoch[PROTO_EPOCH_MAX + 1])
{
	hub_epoch(s->outlet.hub, t, epoch);
	return (struct answer_stream){t->id, t->id_len, epoch};
}

void session_ack(struct session *s, const struct json_value *id,
		 const struct hub_tenant *t, const struct answer_ack *ack)
{
	char epoch[PROTO_EPOCH_MAX + 1];
	struct answer_stream name = name_of(s, t, epoch);
	struct buf text;

	buf_init(&text);
	answer_put_ack(&text, id, &name, ack);
	session_say(s, &text);
}

static void collect(struct outlet *o)
{
	struct session *s = of_outlet(o);
	char digits[20];
	struct json_value id = {.text = digits, .type = JSON_NUMBER};

	if (!s->pub || !s->pub->ack_id)
		return;
	id.len = num_put_u64(digits, s->pub->ack_id);
	s->pub->ack_id = 0;
	session_ack(s, &id, s->pub->acked, &s->pub->ack);
}

/*
 * The memory of the intake is held while the beginning of a text `waits` in it:
 * so who keeps some, but has sent all, has held nothing for long.
 */
static void count_rest(struct session *s, bool waits)
{
	struct meter *m = &s->outlet.hub->meter;
	size_t none = 0, cap = s->intake.rest.cap;

	meter_hold(m, &s->outlet.holder, METER_ASSEMBLY,
		   s->waits ? &s->metered : &none, waits ? cap : 0);
	none = 0;
	meter_set(m, METER_SCRATCH, s->waits ? &none : &s->metered,
		  waits ? 0 : cap);
	s->metered = cap;
	s->waits = waits;
}

/* Not while it is looked at. Most often it is as it was. */
static void count_assembly(struct session *s)
{
	const struct meter *m = &s->outlet.hub->meter;
	struct buf *rest = &s->intake.rest;
	bool waits = buf_len(rest) > 0;

	if (!waits && !s->waits && s->metered == rest->cap && meter_keeps(m, 0))
		return;
	if (!waits && rest->cap &&
	    !meter_keeps(m, rest->cap - (s->waits ? 0 : s->metered)))
		buf_release(rest);
	count_rest(s, waits);
}

/* Not while it is looked at. */
static void drop_input(struct session *s)
{
	intake_release(&s->intake);
	count_assembly(s);
}

/* No ACK either: it would settle what ERRORs among the answers refused. */
static void end_for_memory(struct session *s)
{
	if (s->pub)
		s->pub->ack_id = 0;
	drop_input(s);
	outlet_shed(&s->outlet, PROTO_CLOSE_OVER_CAPACITY,
		    "the server has too little memory");
}

static void let_go(struct meter_holder *holder)
{
	struct session *s = list_entry(holder, struct session, outlet.holder);

	if (s->outlet.writing)
		return; /* what it holds is on its way out */
	s->outlet.hub->counters.refused[REFUSED_MEMORY]++;
	end_for_memory(s);
}

/* Whether what it publishes waits to be written already. */
static inline bool outruns(const struct session *s)
{
	const struct hub_tenant *t = s->pub ? s->pub->published : NULL;

	return t && hub_outrun(s->outlet.hub, t->stream, UNWRITTEN_HIGH);
}

/* What has ended gives no right any more, however late the timer is. */
static void end_tokens(struct session *s)
{
	const struct hub *h = s->outlet.hub;

	if (h->guarded && pass_is_due(&s->pass, h->now.wall_ms))
		session_watch(s);
}

/* Goes on with the input that was stopped, if nothing is in its way now. */
static void resume(struct session *s)
{
	struct outlet *o = &s->outlet;

	if (s->throttled)
		return;
	if (outruns(s)) {
		outlet_ready(o);
		return;
	}
	end_tokens(s);
	if (o->closing)
		return;
	intake_resume(&s->intake);
	count_assembly(s);
	if (!s->intake.stopped && !o->closing)
		o->ops->pause(o->conn, false);
}

static void answered(struct outlet *o)
{
	struct session *s = of_outlet(o);

	s->replayed = 0;
	if (s->intake.stopped)
		resume(s);
	/* What was resumed may have left something to say first. */
	if (s->draining && !s->intake.stopped && outlet_idle(o))
		outlet_close(o,
			     s->dialect == SESSION_V1 ? PROTO_CLOSE_DRAINING
						      : PROTO_CLOSE_GOING_AWAY,
			     "shutting down");
}

static void on_text(struct intake *in, const char *text, size_t len);

static const struct outlet_owner owner = {collect, answered, let_go};

static void welcome(struct session *s)
{
	const struct hub_config *config = &s->outlet.hub->config;
	struct answer_limits limits = {
		.message = config->message_max,
		.frame = config->frame_max,
		.subscriptions = config->subscriptions_max,
	};
	struct buf text;

	buf_init(&text);
	answer_put_welcome(&text, s->number, &limits);
	session_say(s, &text);
}

/* Of who has not shown who he is, a token is all that is expected. */
static uint64_t input_max(const struct session *s)
{
	const struct hub_config *config = &s->outlet.hub->config;
	uint64_t max = s->dialect == SESSION_V1
			       ? config->frame_max
			       : config->message_max + PLAIN_EXTRA;

	return session_unknown(s) && max > UNKNOWN_MAX ? UNKNOWN_MAX : max;
}

void session_unlimit(struct session *s)
{
	s->intake.max = (uint32_t)input_max(s);
}

void session_init(struct session *s, struct hub *hub,
		  enum session_dialect dialect, uint64_t number,
		  const struct outlet_ops *ops, void *conn)
{
	memset(s, 0, sizeof(*s));
	s->dialect = (uint8_t)dialect;
	s->number = number;
	outlet_init(&s->outlet, hub,
		    dialect == SESSION_V1 ? STREAM_V1 : STREAM_PLAIN, ops, conn,
		    &owner);
	intake_init(&s->intake, dialect == SESSION_V1, input_max(s), on_text);
	if (dialect == SESSION_V1)
		welcome(s);
}

void session_release(struct session *s)
{
	outlet_release(&s->outlet);
	session_unpublish(s);
	intake_release(&s->intake);
	count_assembly(s);
	pass_release(&s->pass);
	free(s->rate);
	s->rate = NULL;
}

void session_error(struct session *s, const struct json_value *id,
		   enum proto_code code, const char *message)
{
	struct buf text;

	buf_init(&text);
	s->outlet.hub->counters.errors[code]++;
	answer_put_error(&text, id, s->intake.message, s->intake.line, code,
			 message);
	session_say(s, &text);
}

void session_over_capacity(struct session *s, const struct request *r,
			   const char *of_what)
{
	char message[64];

	snprintf(message, sizeof(message), "the server has too %s", of_what);
	session_error(s, &r->id, PROTO_OVER_CAPACITY, message);
}

struct hub_tenant *session_tenant(struct session *s, const struct request *r)
{
	struct hub_tenant *t =
		hub_tenant(s->outlet.hub, r->tenant.bytes, r->tenant.len);

	if (t)
		return t;
	if (errno == ENOSPC)
		s->outlet.hub->counters.refused[REFUSED_TENANTS]++;
	session_over_capacity(
		s, r, errno == ENOSPC ? "many tenants" : SESSION_LITTLE_MEMORY);
	return NULL;
}

static void on_ping(struct session *s, const struct request *r)
{
	struct buf text;

	if (!session_wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_pong(&text, &r->id);
	session_say(s, &text);
}

static void dispatch(struct session *s, const struct request *r)
{
	switch (r->type) {
	case REQUEST_PUBLISH:
		session_publish(s, r);
		break;
	case REQUEST_SUBSCRIBE:
		session_subscribe(s, r);
		break;
	case REQUEST_UNSUBSCRIBE:
		session_unsubscribe(s, r);
		break;
	case REQUEST_GAP:
		session_gap(s, r);
		break;
	case REQUEST_PRODUCER:
		session_producer(s, r);
		break;
	case REQUEST_PING:
		on_ping(s, r);
		break;
	case REQUEST_AUTH:
		session_auth(s, r);
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
	session_error(s, NULL, PROTO_BAD_JSON, message);
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
		session_error(s, &request.id, fault.code, fault.message);
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

/* Has the input wait for `ms`, unless it has to for longer; 0: no wait. */
static void wait_for(struct session *s, int64_t ms,
		     enum counters_refusal reason)
{
	int64_t until = s->outlet.hub->now.mono_ms + ms;

	if (ms <= 0)
		return;
	s->intake.stopped = true;
	if (s->throttled && until <= s->rate->until_ms)
		return;
	s->outlet.hub->counters.refused[reason]++;
	s->throttled = true;
	s->rate->until_ms = until;
	s->outlet.ops->wake(s->outlet.conn, ms);
}

/* False: out of memory, and it is closed. */
static bool have_rate(struct session *s)
{
	if (!s->rate)
		s->rate = calloc(1, sizeof(*s->rate));
	if (!s->rate)
		outlet_close(&s->outlet, PROTO_CLOSE_OVER_CAPACITY,
			     "out of memory");
	return s->rate;
}

/*
 * Counts against the rate of the connection. Who is above it is not read from
 * for a while: nothing is lost, and a publisher slows down.
 */
static void count_request(struct session *s)
{
	uint64_t rate = s->outlet.hub->config.message_rate;
	int64_t now = s->outlet.hub->now.mono_ms;

	if (!rate || !have_rate(s))
		return;
	bucket_take(&s->rate->requests, rate, 1, now);
	wait_for(s, bucket_wait(&s->rate->requests, rate, now),
		 REFUSED_MESSAGE_RATE);
}

/* Whose debt of bytes is not paid waits. */
static void await_bytes(struct session *s)
{
	uint64_t rate = s->outlet.hub->config.byte_rate;
	int64_t now = s->outlet.hub->now.mono_ms;

	if (rate && s->rate)
		wait_for(s, bucket_wait(&s->rate->bytes, rate, now),
			 REFUSED_BYTE_RATE);
}

/*
 * Counts what came, whatever it means. An empty frame counts as a request where
 * no text comes of it that does.
 */
static void count_piece(struct session *s, const struct intake_piece *piece)
{
	uint64_t rate = s->outlet.hub->config.byte_rate;

	if (rate && have_rate(s))
		bucket_take(&s->rate->bytes, rate,
			    piece->len ? piece->len : EMPTY_FRAME,
			    s->outlet.hub->now.mono_ms);
	if (!piece->len && (s->intake.lines || !piece->final))
		count_request(s);
}

void session_wake(struct session *s)
{
	if (!s->throttled)
		return;
	s->throttled = false;
	outlet_ready(&s->outlet);
}

static void on_text(struct intake *in, const char *text, size_t len)
{
	struct session *s = list_entry(in, struct session, intake);

	/* It is whole: what waits from now on is another one. */
	if (s->waits)
		count_rest(s, false);
	if (s->dialect != SESSION_V1 || !blank(text, len))
		treat(s, text, len);
	count_request(s);
	await_bytes(s);
	in->ended = s->outlet.closing;
	if (buf_len(&s->outlet.control) > ANSWERS_HIGH ||
	    s->replayed > REPLAY_HIGH)
		in->stopped = true;
	if (outruns(s)) {
		in->stopped = true;
		outlet_ready(&s->outlet);
	}
}

/*
 * What waits of a message counts, and of answers; `held` were before. When
 * there is no room for more, it is given up.
 */
static void watch_memory(struct session *s, size_t held)
{
	size_t input = s->metered;

	count_assembly(s);
	if (s->outlet.holder.bytes > held &&
	    !meter_yield(&s->outlet.hub->meter, &s->outlet.holder))
		let_go(&s->outlet.holder);
	else if (s->metered > input && !reclaim_room(s->outlet.hub, 0))
		end_for_memory(s);
}

static void take(struct session *s, const struct intake_piece *piece)
{
	switch (intake_take(&s->intake, piece)) {
	case INTAKE_OK:
		break;
	case INTAKE_BINARY:
		outlet_close(&s->outlet, PROTO_CLOSE_UNACCEPTABLE,
			     "only text messages are taken");
		break;
	case INTAKE_TOO_BIG:
		s->outlet.hub->counters.refused[REFUSED_TOO_LARGE]++;
		outlet_close(&s->outlet, PROTO_CLOSE_TOO_BIG,
			     "message is too big");
		break;
	case INTAKE_NO_MEMORY:
		outlet_close(&s->outlet, PROTO_CLOSE_OVER_CAPACITY,
			     "out of memory");
	}
}

void session_receive(struct session *s, const struct intake_piece *piece)
{
	size_t held = s->outlet.holder.bytes;
	bool stopped = s->intake.stopped;

	end_tokens(s);
	if (s->outlet.closing)
		return;
	count_piece(s, piece);
	if (!s->outlet.closing)
		take(s, piece);
	if (!s->outlet.closing)
		await_bytes(s);
	if (s->outlet.closing)
		drop_input(s);
	else
		watch_memory(s, held);
	if (s->intake.stopped != stopped && !s->outlet.closing)
		s->outlet.ops->pause(s->outlet.conn, s->intake.stopped);
}

void session_drain(struct session *s, uint64_t reconnect_after_ms)
{
	struct buf text;

	if (s->dialect == SESSION_V1) {
		buf_init(&text);
		answer_put_drain(&text, reconnect_after_ms);
		session_say(s, &text);
	}
	s->draining = true;
	outlet_ready(&s->outlet);
}

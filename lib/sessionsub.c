/* SPDX-License-Identifier: MIT */
/*
 * The subscribing half of a session.
 */
#include "reclaim.h"
#include "session.h"

/*
 * A connection with so many subscriptions leaves half of what there is to those
 * who have fewer: so that nobody can take all with a few connections.
 */
#define MANY 8

static void say_subscribed(struct session *s, const struct request *r,
			   const struct stream *stream,
			   const struct stream_start *start)
{
	struct answer_stream name = stream_name(stream);
	struct buf text;

	if (session_wants_answer(s, r)) {
		buf_init(&text);
		answer_put_subscribed(&text, &r->id, &name, start->next,
				      stream->seq + 1 - start->next,
				      start->recovered);
		session_say(s, &text);
	}
	if (start->reason)
		outlet_begin_gap(&s->outlet, stream, start);
}

/* A tenant that one has already: nothing moves; a GAP may be what is next. */
static void subscribe_again(struct session *s, const struct request *r,
			    const struct subscription *sub)
{
	const struct stream *stream = sub->tenant->stream;
	struct answer_stream name = stream_name(stream);
	uint64_t next =
		sub->gap_from ? sub->gap_from : cursor_seq(&sub->cursor);
	struct buf text;

	if (!session_wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_subscribed(&text, &r->id, &name, next, 0, true);
	session_say(s, &text);
}

/* Bytes that its history may take a second time, in the other encoding. */
static size_t view_to_make(const struct session *s, const struct hub_tenant *t)
{
	if (s->dialect == SESSION_PLAIN || !t->stream)
		return 0;
	return t->stream->views[STREAM_PLAIN].memory;
}

static void note_replay(struct session *s, uint64_t bytes)
{
	uint64_t all = s->replayed + bytes;

	s->replayed = all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

static void subscribe_new(struct session *s, const struct request *r,
			  struct hub_tenant *t)
{
	struct stream_start start;
	struct stream *stream = NULL;

	if (reclaim_room(s->outlet.hub, view_to_make(s, t)))
		stream = hub_stream(s->outlet.hub, t);
	if (!stream) {
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
		return;
	}
	stream_trim(stream, &s->outlet.hub->config.history,
		    s->outlet.hub->now.mono_ms);
	stream_start(stream, &r->since, s->outlet.hub->now.mono_ms, &start);
	if (start.reason && s->dialect == SESSION_PLAIN) {
		outlet_close(&s->outlet, PROTO_CLOSE_BAD_REQUEST,
			     "updates since then are not all there");
		return;
	}
	if (outlet_subscribe(&s->outlet, t, start.next) < 0) {
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
		return;
	}
	note_replay(s, outlet_behind(&s->outlet, t));
	say_subscribed(s, r, stream, &start);
}

/* Whether there may be one more subscription. False after an answer. */
static bool has_room(struct session *s, const struct request *r)
{
	struct hub *h = s->outlet.hub;
	bool has_many = s->outlet.count >= MANY;

	if (s->outlet.count >= h->config.subscriptions_max) {
		h->counters.refused[REFUSED_SUBSCRIPTIONS]++;
		session_error(s, &r->id, PROTO_TOO_MANY_SUBSCRIPTIONS,
			      "this connection has as many as are allowed");
		return false;
	}
	if (has_many && h->watched >= h->config.tenants_max / 2) {
		h->counters.refused[REFUSED_TENANTS]++;
		session_over_capacity(s, r, "many tenants");
		return false;
	}
	if (reclaim_watch(h, has_many))
		return true;
	session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
	return false;
}

/* Whether it can be told of all tenants. False after an answer. */
static bool can_have_all(struct session *s, const struct request *r)
{
	if (s->dialect == SESSION_V1)
		return true;
	session_error(s, &r->id, PROTO_BAD_REQUEST,
		      "SUBSCRIBE to \"*\" needs wsd.v1");
	outlet_close(&s->outlet, PROTO_CLOSE_BAD_REQUEST,
		     "updates of all tenants need wsd.v1");
	return false;
}

/* What a request asks for; NULL after an answer. */
static struct hub_tenant *wanted(struct session *s, const struct request *r)
{
	struct hub_tenant *all;

	if (!r->all)
		return session_tenant(s, r);
	all = hub_all(s->outlet.hub);
	if (!all)
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
	return all;
}

/* The subscription to that, or NULL. */
static struct subscription *find(const struct session *s,
				 const struct request *r)
{
	const struct hub *h = s->outlet.hub;
	const struct hub_tenant *t =
		r->all ? h->all : hub_find(h, r->tenant.bytes, r->tenant.len);

	return t ? outlet_find(&s->outlet, t) : NULL;
}

/* A request that is refused makes no tenant, and so displaces none. */
void session_subscribe(struct session *s, const struct request *r)
{
	struct subscription *sub;
	struct hub_tenant *t;

	if (!session_may_subscribe(s, r) || (r->all && !can_have_all(s, r)))
		return;
	sub = find(s, r);
	if (sub) {
		subscribe_again(s, r, sub);
	} else if (has_room(s, r)) {
		t = wanted(s, r);
		if (t)
			subscribe_new(s, r, t);
	}
}

void session_unsubscribe(struct session *s, const struct request *r)
{
	struct subscription *sub = find(s, r);
	struct buf text;

	if (sub)
		outlet_unsubscribe(&s->outlet, sub);
	if (!session_wants_answer(s, r))
		return;
	buf_init(&text);
	answer_put_unsubscribed(&text, &r->id, r->tenant.bytes, r->tenant.len);
	session_say(s, &text);
}

/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include "reclaim.h"

#include <errno.h>

/*
 * When who lost the connection comes back, so that not all of them do at once:
 * from RETRY_MS on, within as long again. Never sooner, also where one is told
 * to come back now: an EventSource knows no back-off, and goes by what it was
 * told last for as long as there is no server.
 */
#define RETRY_MS 1000

/* When one that is refused for now may come again. */
#define REFUSED_RETRY_MS 1000

static struct follow *of_outlet(struct outlet *o)
{
	return list_entry(o, struct follow, outlet);
}

static int64_t now_of(const struct follow *f)
{
	return f->outlet.hub->now.wall_ms;
}

static void collect(struct outlet *o)
{
	(void)o;
}

static void answered(struct outlet *o)
{
	if (of_outlet(o)->draining && outlet_idle(o))
		outlet_close(o, PROTO_CLOSE_DRAINING, "shutting down");
}

static void let_go(struct meter_holder *holder)
{
	struct follow *f = list_entry(holder, struct follow, outlet.holder);

	f->outlet.hub->counters.refused[REFUSED_MEMORY]++;
	outlet_shed(&f->outlet, PROTO_CLOSE_OVER_CAPACITY,
		    "the server has too little memory");
}

static const struct outlet_owner owner = {collect, answered, let_go};

void follow_init(struct follow *f, struct hub *hub, enum stream_view view,
		 uint64_t number, const struct outlet_ops *ops, void *conn)
{
	outlet_init(&f->outlet, hub, view, ops, conn, &owner);
	pass_init(&f->pass);
	f->number = number;
	f->draining = false;
}

void follow_release(struct follow *f)
{
	outlet_release(&f->outlet);
	pass_release(&f->pass);
}

/* Beginning */

static int over_capacity(struct follow *f, enum counters_refusal reason,
			 struct reply *refusal)
{
	f->outlet.hub->counters.refused[reason]++;
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY, "the server has too %s",
		    reason == REFUSED_TENANTS ? "many tenants"
					      : "little memory");
	reply_retry(refusal, REFUSED_RETRY_MS);
	return -1;
}

static int refuse_draining(struct reply *refusal)
{
	reply_fault(refusal, 503, PROTO_DRAINING, "the server shuts down");
	reply_retry(refusal, REFUSED_RETRY_MS);
	return -1;
}

/* The stream, made when new; NULL: refused. */
static struct stream *find_stream(struct follow *f, const struct httpreq *r,
				  struct hub_tenant **t, struct reply *refusal)
{
	struct hub *h = f->outlet.hub;
	struct stream *s = NULL;
	size_t history;

	if (!reclaim_watch(h, false)) {
		over_capacity(f, REFUSED_MEMORY, refusal);
		return NULL;
	}
	*t = hub_tenant(h, r->tenant, r->tenant_len);
	if (!*t) {
		over_capacity(
			f, errno == ENOSPC ? REFUSED_TENANTS : REFUSED_MEMORY,
			refusal);
		return NULL;
	}
	/* It may be encoded once more. */
	history = (*t)->stream ? (*t)->stream->views[STREAM_PLAIN].memory : 0;
	if (reclaim_room(h, history))
		s = hub_stream(h, *t);
	if (!s)
		over_capacity(f, REFUSED_MEMORY, refusal);
	return s;
}

/* Events begin with the point that they come behind: one that gets none, and
 * comes back, misses nothing. */
static void greet_events(struct follow *f, const struct stream *s,
			 const struct stream_start *start)
{
	struct answer_stream name = stream_name(s);
	struct encoding_message m = {
		.retry_ms = RETRY_MS + f->number * 61 % RETRY_MS,
	};

	if (!start->reason) {
		m.stream = &name;
		m.seq = start->next - 1;
	}
	outlet_tell(&f->outlet, &m);
}

static void greet_envelopes(struct follow *f, const struct stream *s,
			    const struct stream_start *start)
{
	const struct json_value no_id = {.text = NULL};
	struct answer_stream name = stream_name(s);
	struct buf text;

	buf_init(&text);
	answer_put_subscribed(&text, &no_id, &name, start->next,
			      s->seq + 1 - start->next, start->recovered);
	outlet_put(&f->outlet, &text);
	buf_release(&text);
}

static void greet(struct follow *f, const struct stream *s,
		  const struct stream_start *start)
{
	if (f->outlet.view == STREAM_EVENTS)
		greet_events(f, s, start);
	else if (f->outlet.view == STREAM_ENVELOPES)
		greet_envelopes(f, s, start);
	if (start->reason)
		outlet_begin_gap(&f->outlet, s, start);
}

int follow_begin(struct follow *f, const struct httpreq *r,
		 const struct buf *head, struct reply *refusal)
{
	struct outlet *o = &f->outlet;
	struct stream_start start;
	struct hub_tenant *t;
	struct stream *s;

	if (o->hub->draining)
		return refuse_draining(refusal);
	s = find_stream(f, r, &t, refusal);
	if (!s)
		return -1;
	stream_trim(s, &o->hub->config.history, o->hub->now.mono_ms);
	stream_start(s, &r->since, o->hub->now.mono_ms, &start);
	if (start.reason && !encoding_shows_gaps(o->view)) {
		reply_error(refusal, 410, "GONE",
			    "updates since then are not all there");
		return -1;
	}
	if (head->failed || outlet_subscribe(o, t, start.next) < 0)
		return over_capacity(f, REFUSED_MEMORY, refusal);
	outlet_put_head(o, head);
	greet(f, s, &start);
	return 0;
}

/* Tokens */

void follow_admit(struct follow *f, struct grant *grant)
{
	pass_add(&f->pass, grant, now_of(f));
}

static void lost(struct follow *f, enum proto_close code, const char *reason)
{
	f->outlet.hub->counters.refused[REFUSED_EXPIRED]++;
	outlet_close(&f->outlet, code, reason);
}

static void say_expiring(struct follow *f, int64_t end_ms)
{
	struct buf text;
	struct encoding_message m = {.text = &text, .event = "expiring"};

	buf_init(&text);
	answer_put_expiring(&text, end_ms, end_ms - now_of(f));
	outlet_tell(&f->outlet, &m);
	buf_release(&text);
}

int64_t follow_watch(struct follow *f)
{
	int64_t end_ms;

	if (f->outlet.closing)
		return -1;
	if (pass_expire(&f->pass, now_of(f))) {
		lost(f, PROTO_CLOSE_TOKEN_EXPIRED, "the token has expired");
		return -1;
	}
	while ((end_ms = pass_notice(&f->pass, now_of(f))))
		say_expiring(f, end_ms);
	return pass_due(&f->pass, now_of(f));
}

void follow_revise(struct follow *f,
		   bool (*holds)(const void *user, const struct grant *g),
		   const void *user)
{
	if (!f->outlet.closing && pass_keep(&f->pass, holds, user))
		lost(f, PROTO_CLOSE_AUTH_FAILED, "the token was taken back");
}

void follow_drain(struct follow *f, uint64_t reconnect_after_ms)
{
	struct buf text;
	struct encoding_message m = {
		.text = &text,
		.event = "drain",
		.retry_ms = RETRY_MS + reconnect_after_ms,
	};

	buf_init(&text);
	answer_put_drain(&text, reconnect_after_ms);
	outlet_tell(&f->outlet, &m);
	buf_release(&text);
	f->draining = true;
	outlet_ready(&f->outlet);
}

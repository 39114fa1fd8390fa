/* SPDX-License-Identifier: MIT */
/*
 * The publishing half of a session: ids, producers, keys, acknowledgements.
 */
#include "reclaim.h"
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Has s->pub made where it was not; false when it was told that it can't. */
static bool become_publisher(struct session *s, const struct request *r)
{
	if (!s->pub)
		s->pub = calloc(1, sizeof(*s->pub));
	if (!s->pub)
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
	return s->pub;
}

void session_unpublish(struct session *s)
{
	if (!s->pub)
		return;
	session_hold(s, &s->pub->published, NULL);
	session_hold(s, &s->pub->acked, NULL);
	if (s->pub->producer)
		producers_leave(&s->outlet.hub->producers, s->pub->producer,
				s->outlet.hub->now.mono_ms);
	free(s->pub);
	s->pub = NULL;
}

/* Whether it goes to the tenant of the one before, as most do. */
static bool is_last(const struct session *s, const struct request *r)
{
	const struct hub_tenant *t = s->pub->published;

	return t && t->id_len == r->tenant.len &&
	       memcmp(t->id, r->tenant.bytes, r->tenant.len) == 0;
}

/* The tenant to publish to; NULL after an answer. */
static struct hub_tenant *publish_tenant(struct session *s,
					 const struct request *r, bool last)
{
	struct hub_tenant *t;

	if (last)
		return s->pub->published;
	t = session_tenant(s, r);
	if (t)
		session_hold(s, &s->pub->published, t);
	return t;
}

/* In wsd.v1 ACKs are put off, so that one settles many. */
static void acknowledge(struct session *s, const struct request *r,
			struct hub_tenant *t, const struct answer_ack *ack)
{
	if (!r->id.text)
		return;
	if (s->dialect == SESSION_PLAIN) {
		session_ack(s, &r->id, t, ack);
		return;
	}
	session_hold(s, &s->pub->acked, t);
	s->pub->ack = *ack;
	s->pub->ack_id = r->number;
	outlet_ready(&s->outlet);
}

/* Whether an id may come now; a producer's old one was taken before. */
static bool id_in_order(struct session *s, const struct request *r)
{
	if (s->dialect == SESSION_PLAIN || !r->id.text)
		return true;
	if (!r->numbered || r->number == 0) {
		session_error(s, &r->id, PROTO_BAD_REQUEST,
			      "'id' of a publish is not an integer from 1");
		return false;
	}
	if (r->number <= s->pub->last_id) {
		session_error(s, &r->id, PROTO_BAD_REQUEST,
			      "'id' of a publish is not above the one before");
		return false;
	}
	s->pub->last_id = r->number;
	return true;
}

static bool may_publish(struct session *s, const struct request *r)
{
	if (s->outlet.hub->draining) {
		s->outlet.hub->counters.refused[REFUSED_DRAINING]++;
		session_error(s, &r->id, PROTO_DRAINING, "shutting down");
		return false;
	}
	if (r->data.len > s->outlet.hub->config.message_max) {
		s->outlet.hub->counters.refused[REFUSED_TOO_LARGE]++;
		session_error(s, &r->id, PROTO_TOO_LARGE,
			      "'data' is larger than the server takes");
		return false;
	}
	if (!reclaim_room(s->outlet.hub, r->data.len)) {
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
		return false;
	}
	return true;
}

static void say_rate_limited(struct session *s, const struct request *r,
			     int64_t wait_ms)
{
	char message[96];

	snprintf(message, sizeof(message),
		 "the tenant has more updates than are allowed; there is room "
		 "in %" PRId64 " ms",
		 wait_ms);
	session_error(s, &r->id, PROTO_RATE_LIMITED, message);
}

static void acknowledge_duplicate(struct session *s, const struct request *r,
				  bool last)
{
	struct hub_tenant *t = publish_tenant(s, r, last);

	s->outlet.hub->counters.duplicates++;
	if (t)
		acknowledge(s, r, t, &(struct answer_ack){.duplicate = true});
}

/* False when it was refused. */
static bool publish(struct session *s, const struct request *r, bool last)
{
	struct hub_update update = {r->data.text, r->data.len, NULL, false};
	struct hub_tenant *t = publish_tenant(s, r, last);
	struct answer_ack ack = {0};
	struct hub_receipt receipt;
	struct hash128 key;

	if (!t)
		return false;
	if (r->key.bytes) {
		key = keys_hash(&s->outlet.hub->keys, t->id, t->id_len,
				r->key.bytes, r->key.len);
		update.key = &key;
	}
	switch (hub_publish(s->outlet.hub, t, &update, &receipt)) {
	case HUB_NO_MEMORY:
		session_over_capacity(s, r, SESSION_LITTLE_MEMORY);
		return false;
	case HUB_RATE_LIMITED:
		say_rate_limited(s, r, receipt.wait_ms);
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
 * acknowledged whatever else would stand against it now, but for its rights;
 * and if these are gone, it still counts as published.
 */
void session_publish(struct session *s, const struct request *r)
{
	struct producer *producer;
	bool last, allowed, named, resent;

	if (!become_publisher(s, r) || !id_in_order(s, r))
		return;
	last = is_last(s, r);
	/* To that it may, as long as its grants are the same. */
	allowed = last || session_may(s, r, RIGHTS_PUBLISH);
	producer = s->pub->producer;
	named = producer && r->numbered;
	resent = named && producer_has(producer, r->number);
	if (resent) {
		if (allowed)
			acknowledge_duplicate(s, r, last);
	} else if (!allowed || !may_publish(s, r) || !publish(s, r, last)) {
		if (named)
			producer_refused(producer, r->number);
	} else if (named) {
		producer_took(producer, r->number);
	}
}

void session_gap(struct session *s, const struct request *r)
{
	if (r->reason.bytes &&
	    (r->reason.len != 6 || memcmp(r->reason.bytes, "source", 6) != 0))
		session_error(s, &r->id, PROTO_BAD_REQUEST,
			      "'reason' of a GAP is not \"source\"");
	else
		session_publish(s, r);
}

static void refuse_producer(struct session *s, const struct request *r,
			    bool too_many)
{
	s->outlet.hub->counters
		.refused[too_many ? REFUSED_PRODUCERS : REFUSED_MEMORY]++;
	session_over_capacity(
		s, r, too_many ? "many producers" : SESSION_LITTLE_MEMORY);
}

/* A new connection of a producer ends its older one. */
void session_producer(struct session *s, const struct request *r)
{
	struct producers *all = &s->outlet.hub->producers;
	struct producer *producer;
	struct session *older;

	if (!session_may_publish(s, r) || !become_publisher(s, r))
		return;
	if (s->dialect == SESSION_PLAIN || s->pub->producer) {
		session_error(s, &r->id, PROTO_BAD_REQUEST,
			      s->pub->producer ? "PRODUCER came before"
					       : "PRODUCER needs wsd.v1");
		return;
	}
	producer = producers_claim(all, r->producer.bytes, r->producer.len,
				   s->outlet.hub->now.mono_ms);
	if (!producer) {
		refuse_producer(s, r, errno == ENOSPC);
		return;
	}
	older = producer->owner;
	if (older) {
		older->pub->producer = NULL;
		outlet_close(&older->outlet, PROTO_CLOSE_BAD_REQUEST,
			     "this producer has a newer connection");
	}
	producer->owner = s;
	s->pub->producer = producer;
}

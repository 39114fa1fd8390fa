/* SPDX-License-Identifier: MIT */
#include "outlet.h"

#include "wsframe.h"

#include <stdlib.h>
#include <string.h>

/*
 * One write takes so much at most. A socket rarely takes more at once, and
 * other subscriptions want their turn.
 */
#define BATCH (256 * 1024)
#define PIECES 16

/* Memory that an idle outlet may keep for control messages. */
#define CONTROL_KEEP 0

#define CLOSE_REASON_MAX 123
#define PING_PAYLOAD "wsd"

void outlet_init(struct outlet *o, struct hub *hub, enum stream_view view,
		 const struct outlet_ops *ops, void *conn,
		 const struct outlet_owner *owner)
{
	memset(o, 0, sizeof(*o));
	o->ops = ops;
	o->owner = owner;
	o->conn = conn;
	o->hub = hub;
	o->view = view;
	buf_init(&o->control);
	meter_holder_init(&o->holder, owner->let_go);
	list_init(&o->subscriptions);
	list_init(&o->behind);
	list_init(&o->ready);
}

/* Why what is still due on it will not arrive. */
static enum counters_drop drop_reason(const struct outlet *o)
{
	if (!o->close_code)
		return DROP_LEFT;
	return o->close_code == PROTO_CLOSE_TOO_SLOW ? DROP_SLOW : DROP_CLOSED;
}

static void unsubscribe(struct outlet *o, struct subscription *sub,
			enum counters_drop reason);

void outlet_leave(struct outlet *o)
{
	list_for_each_safe (node, &o->subscriptions)
		unsubscribe(o, list_entry(node, struct subscription, in_outlet),
			    drop_reason(o));
}

/* The GAPs of it were written, or are lost. */
static void settle_gaps(struct outlet *o, uint64_t *where)
{
	*where += o->gaps;
	o->hub->gaps_waiting -= o->gaps;
	o->gaps = 0;
}

static void count_output(struct outlet *o)
{
	meter_hold(&o->hub->meter, &o->holder, METER_OUTPUT, &o->metered,
		   o->control.cap);
}

static void count_kept(struct outlet *o, size_t bytes)
{
	meter_hold(&o->hub->meter, &o->holder, METER_OUTPUT, &o->kept, bytes);
}

/* The adapter has it no more. */
static void rest_is_gone(struct outlet *o)
{
	if (o->dead)
		meter_left(&o->hub->meter, o->kept);
	count_kept(o, 0);
}

/* The peer will not get the rest of the update that was cut. */
static void take_back_cut(struct outlet *o)
{
	struct counters *c = &o->hub->counters;

	c->delivered -= o->cut;
	c->dropped[drop_reason(o)] += o->cut;
	o->cut = 0;
}

void outlet_release(struct outlet *o)
{
	outlet_leave(o);
	take_back_cut(o);
	settle_gaps(o, &o->hub->counters.dropped[drop_reason(o)]);
	list_remove(&o->ready);
	buf_release(&o->control);
	count_output(o);
	rest_is_gone(o);
}

void outlet_ready(struct outlet *o)
{
	if (list_empty(&o->ready))
		list_append(&o->hub->ready, &o->ready);
}

/* The connection is of no use any more; the adapter ends it. */
static void give_up(struct outlet *o)
{
	o->dead = true;
	o->closing = true;
	take_back_cut(o);
	settle_gaps(o, &o->hub->counters.dropped[drop_reason(o)]);
	buf_release(&o->control);
	count_output(o);
	meter_leave(&o->hub->meter, &o->holder, o->kept);
	outlet_ready(o);
	o->ops->closing(o->conn);
}

static void put_frame(struct outlet *o, enum wsframe_opcode opcode,
		      const void *payload, size_t len)
{
	uint8_t header[WSFRAME_HEADER_MAX];
	size_t header_len = wsframe_encode(header, opcode, len);

	buf_append(&o->control, header, header_len);
	buf_append(&o->control, payload, len);
	count_output(o);
	if (o->control.failed)
		give_up(o);
	else
		outlet_ready(o);
}

void outlet_put_gap(struct outlet *o, const struct buf *text)
{
	if (o->closing)
		return;
	o->gaps++;
	o->hub->gaps_waiting++;
	o->hub->counters.due++;
	o->hub->counters.gaps++;
	outlet_put(o, text);
}

void outlet_put(struct outlet *o, const struct buf *text)
{
	if (o->closing)
		return;
	if (text->failed)
		give_up(o);
	else
		put_frame(o, WSFRAME_TEXT, buf_bytes(text), buf_len(text));
}

/* With a payload: of an answer without one libwebsockets 4.1 does not tell. */
void outlet_ping(struct outlet *o)
{
	if (!o->closing)
		put_frame(o, WSFRAME_PING, PING_PAYLOAD, strlen(PING_PAYLOAD));
}

/* Both are where they are for as long as the subscription lasts. */
static uint64_t hash_of(const struct outlet *o, const struct hub_tenant *t)
{
	const void *pair[] = {o, t};

	return hash_bytes(&o->hub->hash_key, pair, sizeof(pair));
}

/* Not by going through them: a connection may have many, and ask often. */
struct subscription *outlet_find(const struct outlet *o,
				 const struct hub_tenant *t)
{
	struct map_node *node =
		map_first(&o->hub->subscriptions, hash_of(o, t));
	struct subscription *sub;

	for (; node; node = map_next(node)) {
		sub = map_entry(node, struct subscription, node);
		if (sub->tenant == t && sub->outlet == o)
			return sub;
	}
	return NULL;
}

uint64_t outlet_behind(const struct outlet *o, const struct hub_tenant *t)
{
	return view_lag(&t->stream->views[o->view], &outlet_find(o, t)->cursor);
}

static void mark_behind(struct subscription *sub)
{
	if (list_empty(&sub->behind))
		list_append(&sub->outlet->behind, &sub->behind);
}

int outlet_subscribe(struct outlet *o, struct hub_tenant *t, uint64_t seq)
{
	struct subscription *sub = malloc(sizeof(*sub));
	struct stream *stream = t->stream;

	if (!sub)
		return -1;
	if (stream_join(stream, o->view, &sub->cursor, seq) < 0) {
		free(sub);
		return -1;
	}
	sub->tenant = t;
	sub->outlet = o;
	sub->gap_from = 0;
	list_init(&sub->in_stream);
	list_init(&sub->in_outlet);
	list_init(&sub->behind);
	map_insert(&o->hub->subscriptions, &sub->node, hash_of(o, t));
	list_append(&stream->subscribers, &sub->in_stream);
	hub_joined(o->hub, t);
	list_append(&o->subscriptions, &sub->in_outlet);
	o->count++;
	meter_add(&o->hub->meter, METER_TENANTS, sizeof(*sub));
	o->hub->counters.due += stream->seq + 1 - seq;
	if (seq <= stream->seq) {
		mark_behind(sub);
		outlet_ready(o);
	}
	return 0;
}

static void unsubscribe(struct outlet *o, struct subscription *sub,
			enum counters_drop reason)
{
	struct stream *stream = sub->tenant->stream;
	struct hub_tenant *tenant = sub->tenant;

	if (stream->round.at == &sub->in_stream)
		stream->round.at = sub->in_stream.next;
	o->hub->counters.dropped[reason] +=
		stream->seq + 1 - cursor_seq(&sub->cursor);
	stream_leave(stream, o->view, &sub->cursor);
	map_remove(&o->hub->subscriptions, &sub->node);
	list_remove(&sub->in_stream);
	list_remove(&sub->in_outlet);
	list_remove(&sub->behind);
	free(sub);
	meter_add(&o->hub->meter, METER_TENANTS, -(int64_t)sizeof(*sub));
	o->count--;
	hub_left(o->hub, tenant);
}

void outlet_unsubscribe(struct outlet *o, struct subscription *sub)
{
	unsubscribe(o, sub, DROP_UNSUBSCRIBED);
}

static void block(struct outlet *o)
{
	o->blocked = true;
	o->ops->want_write(o->conn);
}

/*
 * Has the adapter keep the rest of a frame that a write cut, of an update or
 * not.
 */
static void keep(struct outlet *o, const char *bytes, size_t len, bool update)
{
	if (!len)
		return;
	o->cut = update;
	if (o->ops->keep(o->conn, bytes, len) < 0) {
		give_up(o);
		return;
	}
	count_kept(o, len);
	if (!meter_yield(&o->hub->meter, &o->holder))
		o->owner->let_go(&o->holder);
}

/* How far the frame reaches in which byte `at` of the control messages is. */
static size_t frame_end(const struct buf *control, size_t at)
{
	const uint8_t *bytes = (const uint8_t *)buf_bytes(control);
	struct wsframe frame;
	size_t end = 0;

	while (end < at) {
		wsframe_decode(&frame, bytes + end, buf_len(control) - end);
		end += frame.header + (size_t)frame.payload;
	}
	return end;
}

/* Accounts for `sent` bytes of control messages, perhaps cut in a frame. */
static void control_sent(struct outlet *o, size_t sent)
{
	size_t end = sent;

	if (sent < buf_len(&o->control))
		end = frame_end(&o->control, sent);
	keep(o, buf_bytes(&o->control) + sent, end - sent, false);
	if (o->dead)
		return;
	buf_consume(&o->control, end);
	if (buf_len(&o->control))
		return;
	buf_clear(&o->control, CONTROL_KEEP);
	count_output(o);
	if (!o->kept)
		settle_gaps(o, &o->hub->counters.delivered);
}

/* Accounts for `sent` bytes of a stream. */
static void stream_sent(struct subscription *sub, size_t sent)
{
	struct view_rest rest;
	uint64_t passed = cursor_advance(&sub->cursor, sent, &rest);

	sub->outlet->hub->counters.delivered += passed;
	keep(sub->outlet, rest.bytes, rest.len, true);
}

/* What the adapter has to keep then may ask for room; see `writing`. */
static long send_pieces(struct outlet *o, const struct iovec *pieces, int count)
{
	long sent;

	o->writing = true;
	sent = o->ops->send(o->conn, pieces, count);
	o->writing = false;
	count_output(o); /* it may have been asked in vain, once */
	return sent;
}

/*
 * One write: control messages, then a batch of `sub`, unless NULL. Blocks the
 * outlet when the connection did not take all of it.
 */
static void write_batch(struct outlet *o, struct subscription *sub)
{
	struct iovec pieces[PIECES + 1];
	size_t control = buf_len(&o->control), batch = 0;
	int n = 0;
	long sent = 0;

	if (control) {
		pieces[n].iov_base = buf_bytes(&o->control);
		pieces[n++].iov_len = control;
	}
	if (sub)
		n += cursor_gather(&sub->cursor, pieces + n, PIECES, BATCH,
				   &batch);
	if (n) {
		sent = send_pieces(o, pieces, n);
		if (sent < 0) {
			give_up(o);
			return;
		}
	}
	if (control)
		control_sent(o,
			     (size_t)sent < control ? (size_t)sent : control);
	if (sub && (size_t)sent >= control && !o->dead)
		stream_sent(sub, (size_t)sent - control);
	if ((size_t)sent < control + batch && !o->dead)
		block(o);
}

/* What was skipped, now that it can be told. */
static void tell_gap(struct subscription *sub)
{
	struct answer_stream name = stream_name(sub->tenant->stream);
	struct buf text;

	buf_init(&text);
	answer_put_gap(&text, &name, sub->gap_from,
		       cursor_seq(&sub->cursor) - 1, "slow");
	sub->gap_from = 0;
	outlet_put_gap(sub->outlet, &text);
	buf_release(&text);
}

/* The subscriptions that are behind, a batch each, until none is. */
static void flush_behind(struct outlet *o)
{
	struct subscription *sub;

	while (!o->blocked && !o->closing && !list_empty(&o->behind)) {
		sub = list_entry(o->behind.next, struct subscription, behind);
		list_remove(&sub->behind);
		if (sub->gap_from)
			tell_gap(sub);
		if (o->dead)
			return;
		write_batch(o, sub);
		if (!cursor_at_end(&sub->cursor))
			mark_behind(sub);
	}
}

void outlet_flush(struct outlet *o)
{
	list_remove(&o->ready);
	if (o->closing)
		outlet_leave(o);
	if (o->dead || o->blocked)
		return;
	if (!o->closing)
		o->owner->collect(o);
	flush_behind(o);
	if (!o->blocked && !o->dead && buf_len(&o->control))
		write_batch(o, NULL);
	if (!o->closing && buf_len(&o->control) == 0)
		o->owner->answered(o);
}

/*
 * Goes on at the head; the GAP that says so is told when it can be, before
 * anything else of it.
 */
static void skip(struct subscription *sub)
{
	struct stream *s = sub->tenant->stream;
	uint64_t seq = cursor_seq(&sub->cursor);

	if (!sub->gap_from)
		sub->gap_from = seq;
	sub->outlet->hub->counters.dropped[DROP_SLOW] += s->seq + 1 - seq;
	view_skip(&s->views[sub->outlet->view], &sub->cursor);
	mark_behind(sub);
}

void outlet_too_slow(struct subscription *sub)
{
	struct outlet *o = sub->outlet;

	o->hub->counters.refused[REFUSED_SLOW]++;
	if (o->view == STREAM_V1 && o->hub->config.slow_skip)
		skip(sub);
	else
		outlet_close(o, PROTO_CLOSE_TOO_SLOW, "reads too slowly");
}

void outlet_flush_one(struct subscription *sub)
{
	struct outlet *o = sub->outlet;
	struct view *view = &sub->tenant->stream->views[o->view];

	if (o->closing || cursor_at_end(&sub->cursor))
		return;
	if (o->blocked || !list_empty(&sub->behind)) {
		mark_behind(sub);
		if (view_lag(view, &sub->cursor) > o->hub->config.max_lag)
			outlet_too_slow(sub);
		return;
	}
	o->owner->collect(o);
	if (o->dead)
		return;
	write_batch(o, sub);
	if (!cursor_at_end(&sub->cursor)) {
		mark_behind(sub);
		outlet_ready(o);
	}
}

void outlet_writable(struct outlet *o)
{
	o->blocked = false;
	rest_is_gone(o);
	o->cut = 0;
	if (buf_len(&o->control) == 0)
		settle_gaps(o, &o->hub->counters.delivered);
	outlet_ready(o);
}

void outlet_close(struct outlet *o, enum proto_close code, const char *reason)
{
	uint8_t payload[2 + CLOSE_REASON_MAX];
	size_t len = strlen(reason);

	if (o->closing)
		return;
	o->close_code = (uint16_t)code;
	o->close_reason = reason;
	if (len > CLOSE_REASON_MAX)
		len = CLOSE_REASON_MAX;
	payload[0] = (uint8_t)(code >> 8);
	payload[1] = (uint8_t)code;
	memcpy(payload + 2, reason, len);
	o->owner->collect(o);
	if (!o->dead)
		put_frame(o, WSFRAME_CLOSE, payload, 2 + len);
	if (o->dead)
		return;
	o->closing = true;
	o->ops->pause(o->conn, false);
	o->ops->closing(o->conn);
}

/* Only a close frame is left to be written. */
static bool says_goodbye(const struct outlet *o)
{
	return o->closing && !o->kept &&
	       buf_len(&o->control) <= 2 + 2 + CLOSE_REASON_MAX;
}

void outlet_shed(struct outlet *o, enum proto_close code, const char *reason)
{
	if (o->dead || says_goodbye(o))
		return;
	if (o->kept || o->closing) {
		if (!o->close_code) {
			o->close_code = (uint16_t)code;
			o->close_reason = reason;
		}
		give_up(o);
		return;
	}
	settle_gaps(o, &o->hub->counters.dropped[DROP_CLOSED]);
	buf_release(&o->control);
	count_output(o);
	outlet_close(o, code, reason);
}

/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "census.h"
#include "jsonput.h"
#include "num.h"

#include <string.h>

/* An id as text; borrowed. */
struct name {
	const char *bytes;
	size_t len;
};

/*
 * The smallest ids that were seen so far, as a heap with the greatest of them
 * on top, which is the one to go when a smaller one comes.
 */
struct selection {
	const struct hub_tenant *heap[REPORT_PAGE_MAX];
	size_t count;
	size_t limit;
	bool more; /* one was left out */
};

static int compare(struct name a, struct name b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.bytes, b.bytes, shorter);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct name name_of(const struct hub_tenant *t)
{
	return (struct name){t->id, t->id_len};
}

static bool above(const struct hub_tenant *a, const struct hub_tenant *b)
{
	return compare(name_of(a), name_of(b)) > 0;
}

static void swap(struct selection *s, size_t a, size_t b)
{
	const struct hub_tenant *kept = s->heap[a];

	s->heap[a] = s->heap[b];
	s->heap[b] = kept;
}

static void sift_up(struct selection *s, size_t at)
{
	while (at && above(s->heap[at], s->heap[(at - 1) / 2])) {
		swap(s, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

/* Of the first `count` in the heap. */
static void sift_down(struct selection *s, size_t at, size_t count)
{
	size_t child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count &&
		    above(s->heap[child + 1], s->heap[child]))
			child++;
		if (!above(s->heap[child], s->heap[at]))
			return;
		swap(s, at, child);
		at = child;
	}
}

static void consider(struct selection *s, const struct hub_tenant *t)
{
	if (s->count < s->limit) {
		s->heap[s->count] = t;
		sift_up(s, s->count++);
		return;
	}
	s->more = true;
	if (!above(s->heap[0], t))
		return;
	s->heap[0] = t;
	sift_down(s, 0, s->count);
}

/* The greatest goes to the end, again and again. */
static void sort(struct selection *s)
{
	for (size_t left = s->count; left > 1; left--) {
		swap(s, 0, left - 1);
		sift_down(s, 0, left - 1);
	}
}

static void select_page(struct selection *s, const struct hub *h,
			struct name after, size_t limit)
{
	s->count = 0;
	s->limit = limit;
	s->more = false;
	map_for_each (node, &h->tenants) {
		struct hub_tenant *t = map_entry(node, struct hub_tenant, node);

		if (!after.bytes || compare(name_of(t), after) > 0)
			consider(s, t);
	}
	sort(s);
}

static void put_tenant(struct buf *b, const struct hub *h,
		       const struct hub_tenant *t)
{
	const struct stream *s = t->stream;
	uint64_t seq = s ? s->seq : t->seq, first = s ? s->first : seq + 1;
	char epoch[PROTO_EPOCH_MAX + 1];

	hub_epoch(h, t, epoch);
	jsonput_comma(b);
	buf_putc(b, '{');
	jsonput_text(b, "tenantId", t->id, t->id_len);
	jsonput_text(b, "epoch", epoch, strlen(epoch));
	jsonput_u64(b, "seq", seq);
	jsonput_u64(b, "first", first);
	jsonput_u64(b, "retained", seq + 1 - first);
	jsonput_u64(b, "bytes", s ? stream_memory(s) : 0);
	jsonput_u64(b, "subscribers", s ? stream_readers(s) : 0);
	buf_putc(b, '}');
}

void report_tenants(struct buf *b, const struct hub *h, const char *after,
		    size_t after_len, size_t limit)
{
	struct selection s;
	const struct hub_tenant *last;

	select_page(&s, h, (struct name){after, after_len}, limit);
	buf_puts(b, "{\"tenants\":[");
	for (size_t i = 0; i < s.count; i++)
		put_tenant(b, h, s.heap[i]);
	buf_putc(b, ']');
	if (s.more) {
		last = s.heap[s.count - 1];
		jsonput_text(b, "next", last->id, last->id_len);
	}
	buf_puts(b, "}\n");
}

void report_begin(struct buf *b)
{
	buf_puts(b, "{\"connections\":[");
}

static void put_subscription(struct buf *b, const struct subscription *sub)
{
	jsonput_comma(b);
	buf_putc(b, '{');
	jsonput_text(b, "tenantId", sub->tenant->id, sub->tenant->id_len);
	jsonput_u64(b, "lag",
		    sub->tenant->stream->seq + 1 - cursor_seq(&sub->cursor));
	jsonput_u64(b, "lagBytes", census_lag(sub));
	buf_putc(b, '}');
}

static void put_subscriptions(struct buf *b, const struct outlet *o)
{
	int told = 0;

	jsonput_u64(b, "subscriptionCount", o->count);
	jsonput_name(b, "subscriptions");
	buf_putc(b, '[');
	list_for_each (node, &o->subscriptions) {
		if (told++ == REPORT_SUBSCRIPTIONS)
			break;
		put_subscription(
			b, list_entry(node, struct subscription, in_outlet));
	}
	buf_putc(b, ']');
}

/* Connections are named by their numbers, as text. */
static void put_number(struct buf *b, const char *name, uint64_t number)
{
	char digits[NUM_TEXT_MAX];

	jsonput_text(b, name, digits, num_put_u64(digits, number));
}

void report_connection(struct buf *b, const struct report_connection *c)
{
	jsonput_comma(b);
	buf_putc(b, '{');
	put_number(b, "connection", c->number);
	if (c->address)
		jsonput_text(b, "address", c->address, strlen(c->address));
	jsonput_text(b, "dialect", c->dialect, strlen(c->dialect));
	jsonput_u64(b, "ageMs", (uint64_t)c->age_ms);
	put_subscriptions(b, c->outlet);
	buf_putc(b, '}');
}

void report_end(struct buf *b, uint64_t next)
{
	buf_putc(b, ']');
	if (next)
		put_number(b, "next", next);
	buf_puts(b, "}\n");
}

/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "census.h"
#include "jsonput.h"
#include "num.h"

#include <string.h>

static void put_tenant(struct buf *b, const struct hub *h,
		       const struct hub_tenant *t)
{
	const struct stream *s = t->stream;
	uint64_t seq = s ? s->seq : t->seq, first = s ? s->first : seq + 1;
	char epoch[PROTO_EPOCH_MAX + 1];

	hub_epoch(h, t, epoch);
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

int report_tenant(struct buf *b, const struct hub *h, const char *tenant,
		  size_t len)
{
	const struct hub_tenant *t = hub_find(h, tenant, len);

	if (!t)
		return -1;
	put_tenant(b, h, t);
	buf_putc(b, '\n');
	return 0;
}

static struct map_node *behind(const struct hub *h, const char *after,
			       size_t after_len)
{
	if (!after)
		return map_lowest(&h->tenants);
	return map_above(&h->tenants, hub_hash(h, after, after_len));
}

void report_tenants(struct buf *b, const struct hub *h, const char *after,
		    size_t after_len, size_t limit)
{
	struct map_node *node = behind(h, after, after_len);
	const struct hub_tenant *t = NULL;

	buf_puts(b, "{\"tenants\":[");
	for (; node && limit; node = map_above(&h->tenants, node->hash)) {
		t = map_entry(node, struct hub_tenant, node);
		jsonput_comma(b);
		put_tenant(b, h, t);
		limit--;
	}
	buf_putc(b, ']');
	if (node)
		jsonput_text(b, "next", t->id, t->id_len);
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

/* SPDX-License-Identifier: MIT */
#include "routing.h"

#include <stdio.h>
#include <string.h>

/* What is kept of the memory for a message from one to the next. */
#define TEXT_KEPT (256 * 1024)

int routing_init(struct routing *r, const struct routing_config *config)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->text);
	buf_init(&r->scratch);
	r->by_channel = config->tenant_channel;
	if (r->by_channel &&
	    channel_init(&r->template, config->tenant_channel) != 0)
		return -1;
	return route_init(&r->rules.route, config->tenant_field, NULL);
}

void routing_release(struct routing *r)
{
	buf_release(&r->text);
	buf_release(&r->scratch);
}

void routing_limit(struct routing *r, uint64_t max)
{
	r->rules.max = max;
}

/* The tenant that the channel names. */
static enum routing_result ask_channel(struct routing *r,
				       const struct origin *origin, char *why)
{
	enum channel_result result;

	if (!r->by_channel)
		return ROUTING_OK;
	result = channel_tenant(&r->template, origin->channel.bytes,
				origin->channel.len, &r->rules.tenant);
	if (result == CHANNEL_OK)
		return ROUTING_OK;
	snprintf(why, ROUTING_WHY_MAX, "the channel %s",
		 channel_strerror(result));
	return ROUTING_BAD;
}

static void say(char *why, const struct document_fault *fault)
{
	if (fault->offset)
		snprintf(why, ROUTING_WHY_MAX, "column %zu: %s",
			 fault->offset + 1, fault->why);
	else
		snprintf(why, ROUTING_WHY_MAX, "%s", fault->why);
}

enum routing_result routing_read(struct routing *r, struct origin *origin,
				 struct document *doc,
				 char why[ROUTING_WHY_MAX])
{
	struct document_fault fault;

	if (ask_channel(r, origin, why) != ROUTING_OK)
		return ROUTING_BAD;
	/* A copy, as the document is made in place. */
	buf_clear(&r->text, TEXT_KEPT);
	buf_append(&r->text, origin->message.bytes, origin->message.len);
	buf_putc(&r->text, '\0');
	if (r->text.failed)
		return ROUTING_NO_MEMORY;
	if (document_read(doc, &r->rules, buf_bytes(&r->text),
			  origin->message.len, &r->scratch, &fault) != 0) {
		say(why, &fault);
		return ROUTING_BAD;
	}
	doc->key = origin->key;
	origin->tenant = doc->tenant;
	return ROUTING_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * It is this head, and then the bytes of the tenant, the channel, and the
 * message.
 */
#include "origin.h"

#include <string.h>

struct head {
	struct entryid entry;
	uint32_t stream;
	uint32_t channel_len;
	uint8_t tenant_len;
};

void origin_put(struct buf *out, const struct origin *o, bool whole)
{
	const struct head head = {
		.entry = o->entry,
		.stream = o->stream,
		.channel_len = (uint32_t)o->channel.len,
		.tenant_len = (uint8_t)o->tenant.len,
	};
	size_t len = o->message.len;

	/* One more, so that it is seen to be cut. */
	if (!whole && len > ORIGIN_EXCERPT_MAX + 1)
		len = ORIGIN_EXCERPT_MAX + 1;
	buf_append(out, (const char *)&head, sizeof(head));
	buf_append(out, o->tenant.bytes, o->tenant.len);
	buf_append(out, o->channel.bytes, o->channel.len);
	buf_append(out, o->message.bytes, len);
}

void origin_of(struct origin *o, const char *bytes, size_t len)
{
	struct head head;

	memcpy(&head, bytes, sizeof(head));
	*o = (struct origin){
		.tenant = {bytes + sizeof(head), head.tenant_len},
		.entry = head.entry,
		.stream = head.stream,
	};
	o->channel.bytes = o->tenant.bytes + o->tenant.len;
	o->channel.len = head.channel_len;
	o->message.bytes = o->channel.bytes + o->channel.len;
	o->message.len = len - sizeof(head) - o->tenant.len - o->channel.len;
}

void origin_excerpt(struct buf *out, struct request_text text)
{
	size_t len =
		text.len < ORIGIN_EXCERPT_MAX ? text.len : ORIGIN_EXCERPT_MAX;

	while (len && len < text.len && (text.bytes[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++)
		if (text.bytes[i])
			buf_putc(out, text.bytes[i]);
		else
			buf_puts(out, "\\x00");
	if (len < text.len)
		buf_puts(out, "...");
}

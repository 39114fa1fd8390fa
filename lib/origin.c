/* SPDX-License-Identifier: MIT */
/*
 * It is the number of bytes of the tenant, which fits in one byte, the tenant,
 * the channel, and the message.
 */
#include "origin.h"

void origin_put(struct buf *out, const struct origin *o, bool whole)
{
	size_t len = o->message.len;

	/* One more, so that it is seen to be cut. */
	if (!whole && len > ORIGIN_EXCERPT_MAX + 1)
		len = ORIGIN_EXCERPT_MAX + 1;
	buf_putc(out, (char)o->tenant.len);
	buf_append(out, o->tenant.bytes, o->tenant.len);
	buf_append(out, o->channel.bytes, o->channel.len);
	buf_append(out, o->message.bytes, len);
}

void origin_of(struct origin *o, const char *bytes, size_t len,
	       size_t channel_len)
{
	o->tenant.bytes = bytes + 1;
	o->tenant.len = (unsigned char)bytes[0];
	o->channel.bytes = o->tenant.bytes + o->tenant.len;
	o->channel.len = channel_len;
	o->message.bytes = o->channel.bytes + channel_len;
	o->message.len = len - 1 - o->tenant.len - channel_len;
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

/* SPDX-License-Identifier: MIT */
#include "jsonput.h"

#include "json.h"

static char last_of(const struct buf *b)
{
	return buf_len(b) ? buf_bytes(b)[buf_len(b) - 1] : '\0';
}

void jsonput_comma(struct buf *b)
{
	char last = last_of(b);

	if (last != '{' && last != '[')
		buf_putc(b, ',');
}

void jsonput_name(struct buf *b, const char *name)
{
	jsonput_comma(b);
	buf_putc(b, '"');
	buf_puts(b, name);
	buf_puts(b, "\":");
}

void jsonput_u64(struct buf *b, const char *name, uint64_t value)
{
	jsonput_name(b, name);
	buf_put_u64(b, value);
}

void jsonput_bool(struct buf *b, const char *name, bool value)
{
	jsonput_name(b, name);
	buf_puts(b, value ? "true" : "false");
}

void jsonput_text(struct buf *b, const char *name, const char *text, size_t len)
{
	jsonput_name(b, name);
	json_put_string(b, text, len);
}

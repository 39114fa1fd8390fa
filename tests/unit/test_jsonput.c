/* SPDX-License-Identifier: MIT */
/* What jsonput promises: commas where they belong, and only there. */
#include "jsonput.h"
#include "tap.h"

#include <string.h>

int main(void)
{
	struct buf b;

	buf_init(&b);
	buf_putc(&b, '{');
	jsonput_u64(&b, "n", UINT64_MAX);
	jsonput_bool(&b, "yes", true);
	jsonput_bool(&b, "no", false);
	jsonput_text(&b, "t", "\"{", 2);
	jsonput_name(&b, "a");
	buf_putc(&b, '[');
	for (char c = '1'; c < '4'; c++) {
		jsonput_comma(&b);
		buf_putc(&b, c);
	}
	buf_putc(&b, ']');
	jsonput_name(&b, "o");
	buf_putc(&b, '{');
	jsonput_u64(&b, "x", 0);
	buf_puts(&b, "}}");
	buf_putc(&b, '\0');
	ok(strcmp(buf_bytes(&b),
		  "{\"n\":18446744073709551615,\"yes\":true,\"no\":false,"
		  "\"t\":\"\\\"{\",\"a\":[1,2,3],\"o\":{\"x\":0}}") == 0,
	   "members and values, with commas between them");
	buf_release(&b);
	return tap_end();
}

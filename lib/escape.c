/* SPDX-License-Identifier: MIT */
#include "escape.h"

#include "utf8.h"

void escape_controls(struct buf *out, const char *text, size_t len)
{
	size_t shown = 0; /* bytes before it are in `out` */

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t code_point = 0xfffd;

		n = utf8_sequence(text + i, len - i);
		if (n) {
			code_point = utf8_decode(text + i, n);
			if (!utf8_is_control(code_point))
				continue;
		} else {
			n = 1;
		}
		buf_append(out, text + shown, i - shown);
		buf_printf(out, "\\u%04x", (unsigned)code_point);
		shown = i + n;
	}
	buf_append(out, text + shown, len - shown);
}

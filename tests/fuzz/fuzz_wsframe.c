/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a frame header: what is decoded fits into what was there, says
 * the same when encoded again, and no shorter prefix says anything else.
 */
#include "script.h"
#include "wsframe.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The shortest form is the only one: encoding gives the same bytes. */
static void encode_again(const struct wsframe *f, const uint8_t *data)
{
	uint8_t out[WSFRAME_HEADER_MAX];
	size_t n = wsframe_encode(out, f->opcode, f->payload);

	must(n + (f->masked ? sizeof(f->mask) : 0) == f->header);
	must((data[0] | 0xf0) == (out[0] | 0xf0));
	must((data[1] & 0x7f) == out[1]);
	must(memcmp(data + 2, out + 2, n - 2) == 0);
	must(!f->masked || memcmp(data + n, f->mask, sizeof(f->mask)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wsframe frame, shorter;
	enum wsframe_result result = wsframe_decode(&frame, data, size);

	must(*wsframe_strerror(result));
	if (result == WSFRAME_OK) {
		must(frame.header >= 2 && frame.header <= size &&
		     frame.header <= WSFRAME_HEADER_MAX);
		must(frame.payload <= INT64_MAX);
		must(frame.opcode < WSFRAME_CLOSE ||
		     (frame.fin && frame.payload <= 125));
		encode_again(&frame, data);
		for (size_t n = 0; n < frame.header; n++)
			must(wsframe_decode(&shorter, data, n) ==
			     WSFRAME_SHORT);
	}
	must(result != WSFRAME_SHORT || size < WSFRAME_HEADER_MAX);
	return 0;
}

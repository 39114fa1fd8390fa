/* SPDX-License-Identifier: MIT */
#include "wsframe.h"

#include <string.h>

#define FIN 0x80
#define RSV 0x70
#define MASKED 0x80
#define LEN16 126
#define LEN64 127

static void put_be(uint8_t *out, uint64_t value, size_t width)
{
	while (width--) {
		out[width] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get_be(const uint8_t *in, size_t width)
{
	uint64_t value = 0;

	for (size_t i = 0; i < width; i++)
		value = value << 8 | in[i];
	return value;
}

size_t wsframe_encode(uint8_t *out, enum wsframe_opcode opcode,
		      uint64_t payload)
{
	out[0] = (uint8_t)(FIN | opcode);
	if (payload < LEN16) {
		out[1] = (uint8_t)payload;
		return 2;
	}
	if (payload <= UINT16_MAX) {
		out[1] = LEN16;
		put_be(out + 2, payload, 2);
		return 4;
	}
	out[1] = LEN64;
	put_be(out + 2, payload, 8);
	return 10;
}

static bool opcode_known(uint8_t opcode)
{
	return opcode <= WSFRAME_BINARY ||
	       (opcode >= WSFRAME_CLOSE && opcode <= WSFRAME_PONG);
}

/* Bytes of extended length that a 7-bit length announces. */
static size_t extended_width(uint8_t len7)
{
	return len7 == LEN64 ? 8 : len7 == LEN16 ? 2 : 0;
}

/* Section 5.2: "the minimal number of bytes MUST be used to encode the length"
 */
static bool length_valid(uint64_t payload, size_t width)
{
	if (width == 8)
		return payload > UINT16_MAX && payload <= INT64_MAX;
	return width == 0 || payload >= LEN16;
}

enum wsframe_result wsframe_decode(struct wsframe *frame, const uint8_t *in,
				   size_t len)
{
	size_t width;

	if (len < 2)
		return WSFRAME_SHORT;
	if (!opcode_known(in[0] & 0x0f))
		return WSFRAME_BAD_OPCODE;
	frame->opcode = in[0] & 0x0f;
	frame->fin = in[0] & FIN;
	frame->rsv = in[0] & RSV;
	frame->masked = in[1] & MASKED;
	width = extended_width(in[1] & 0x7f);
	if (frame->opcode >= WSFRAME_CLOSE && (width || !frame->fin))
		return WSFRAME_BAD_CONTROL;
	frame->header = 2 + width + (frame->masked ? sizeof(frame->mask) : 0);
	if (len < frame->header)
		return WSFRAME_SHORT;
	frame->payload = width ? get_be(in + 2, width) : in[1] & 0x7f;
	if (!length_valid(frame->payload, width))
		return WSFRAME_BAD_LENGTH;
	if (frame->masked)
		memcpy(frame->mask, in + 2 + width, sizeof(frame->mask));
	return WSFRAME_OK;
}

const char *wsframe_strerror(enum wsframe_result result)
{
	switch (result) {
	case WSFRAME_OK:
		return "no error";
	case WSFRAME_SHORT:
		return "incomplete frame header";
	case WSFRAME_BAD_OPCODE:
		return "reserved opcode";
	case WSFRAME_BAD_CONTROL:
		return "control frame is fragmented or too long";
	case WSFRAME_BAD_LENGTH:
		return "payload length is not in its shortest form";
	}
	return "unknown error";
}

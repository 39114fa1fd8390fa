/* SPDX-License-Identifier: MIT */
/*
 * wsframe - WebSocket frame headers, RFC 6455 section 5.2.
 *
 * Encodes the header of an unmasked server frame and decodes the header of any
 * frame. Works on bytes that the caller has; never reads past them, does no
 * I/O, allocates nothing. Payloads are the caller's business.
 */
#ifndef WSFRAME_H
#define WSFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wsframe_opcode {
	WSFRAME_CONTINUATION = 0x0,
	WSFRAME_TEXT = 0x1,
	WSFRAME_BINARY = 0x2,
	WSFRAME_CLOSE = 0x8,
	WSFRAME_PING = 0x9,
	WSFRAME_PONG = 0xa,
};

enum wsframe_result {
	WSFRAME_OK,
	WSFRAME_SHORT,	     /* need more bytes */
	WSFRAME_BAD_OPCODE,  /* reserved opcode */
	WSFRAME_BAD_CONTROL, /* control frame fragmented or above 125 bytes */
	WSFRAME_BAD_LENGTH,  /* not the shortest form, or above 2^63 - 1 */
};

/* Longest header: 2 bytes, 8 of extended length, 4 of mask. */
#define WSFRAME_HEADER_MAX 14

struct wsframe {
	enum wsframe_opcode opcode;
	bool fin;    /* last fragment of its message */
	uint8_t rsv; /* reserved bits in place, 0x70 */
	bool masked;
	uint8_t mask[4];  /* meaningful when masked */
	size_t header;	  /* bytes of header, 2 to WSFRAME_HEADER_MAX */
	uint64_t payload; /* bytes of payload that follow it */
};

/* Bytes of the header of an unmasked frame of `payload` bytes. */
static inline size_t wsframe_header_size(uint64_t payload)
{
	return payload < 126 ? 2 : payload <= UINT16_MAX ? 4 : 10;
}

/*
 * Writes the header of an unmasked, final frame of `payload` bytes to `out`,
 * which has room for it. Returns the bytes written, wsframe_header_size().
 */
size_t wsframe_encode(uint8_t *out, enum wsframe_opcode opcode,
		      uint64_t payload);

/*
 * Decodes the header at the start of the `len` bytes at `in`. On WSFRAME_OK all
 * of `frame` is set; on any other result none of it may be used.
 */
enum wsframe_result wsframe_decode(struct wsframe *frame, const uint8_t *in,
				   size_t len);

/* A static string that says what a result means, for messages. */
const char *wsframe_strerror(enum wsframe_result result);

#endif

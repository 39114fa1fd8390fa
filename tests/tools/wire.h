/* SPDX-License-Identifier: MIT */
/*
 * wire - how a raw WebSocket client of a test begins: a socket, the request of
 * the handshake, masked frames. It checks nothing that comes.
 */
#ifndef WIRE_H
#define WIRE_H

#include "wsframe.h"

/* Room for a request of wire_request(). */
#define WIRE_REQUEST_MAX 512

/*
 * Connects to ws://127.0.0.1:PORT/ws or ws+unix:PATH:/ws, or, where it is built
 * with WIRE_TLS, to wss://127.0.0.1:PORT/ws; with a receive buffer of so many
 * bytes unless that is 0. Returns a blocking descriptor, or -1 with
 * errno, EINVAL for another URL.
 */
int wire_dial(const char *url, int receive_buffer);

/*
 * Writes the request that opens a WebSocket; `protocol` is a subprotocol or
 * "". Returns its length.
 */
size_t wire_request(char out[WIRE_REQUEST_MAX], const char *protocol);

/*
 * Writes the header of a frame as a client sends it; `first` is its first byte
 * (FIN, reserved bits, opcode). The mask is 0, so that payload can follow as it
 * is. Returns its length.
 */
size_t wire_header(uint8_t out[WSFRAME_HEADER_MAX], uint8_t first,
		   uint64_t payload);

#endif

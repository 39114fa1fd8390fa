/* SPDX-License-Identifier: MIT */
/*
 * fakeclient - a client that connects to nobody: the functions of client.h for
 * a test of what stands on them. The test says what the server does; what was
 * sent can be read.
 */
#ifndef FAKECLIENT_H
#define FAKECLIENT_H

#include "client.h"

/* client_new() fails with this URL. */
#define FAKECLIENT_BAD_URL "bad:"

/* What client_new() returns. */
struct client {
	const struct client_events *events;
	void *user;
	bool connected;
	bool busy;	 /* a frame is leaving */
	uint32_t frames; /* of this connection */
	uint64_t delay_ms;
	struct buf sent; /* frames that were not read yet, see below */
};

/* The server accepts wsd.v1 with these limits; 0: it does not tell. */
void fakeclient_welcome(struct client *c, uint64_t max_message,
			uint64_t max_frame);

/* The server speaks plain. */
void fakeclient_plain(struct client *c);

/* The server sends this, with ' for ". */
void fakeclient_says(struct client *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The client has sent a frame by itself: an AUTH. */
void fakeclient_auth(struct client *c);

/* What was sent has left. */
void fakeclient_written(struct client *c);

/* The connection is lost; for good with a status other than EXIT_DONE. */
void fakeclient_lose(struct client *c, enum exits final);

/*
 * What was sent since the last call, in short, as the server's parser
 * understands it: "producer 1 2 gap3 |ping |", a '|' behind each frame, "0"
 * for an update without id, "?" for what is no request. `out` has `room` bytes;
 * returns out.
 */
const char *fakeclient_sent(struct client *c, char *out, size_t room);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sender - puts the messages of a window into frames for a connection.
 *
 * In wsd.v1 a frame holds as many as fit and the first one of a connection
 * begins with the name of the producer, so that what is sent again is known
 * again; in plain each message is a frame. It sends when the connection can,
 * and remembers which message was which line of which frame.
 */
#ifndef SENDER_H
#define SENDER_H

#include "answer.h"
#include "client.h"
#include "window.h"

struct sender {
	struct client *client; /* borrowed */
	struct window *window; /* borrowed */
	struct buf frame;      /* the one that is put together */
	char producer[33];     /* 128 random bits as hex */
	bool plain;
	bool named;	     /* the producer's name is to be sent */
	uint32_t introduced; /* in line 1 of this frame, from 1; 0: not yet */
	bool pinged;	     /* everything was sent, and a PING behind it */
	bool any;	     /* something was sent on this connection */
	size_t frame_max;    /* bytes; 0: no limit known */
};

/* 0, or -1 with errno when there are no random bytes. */
int sender_init(struct sender *s, struct window *window);
void sender_release(struct sender *s);

/* A new connection; `frame_max` is the server's limit, 0 for none. */
void sender_begin(struct sender *s, struct client *client, bool plain,
		  bool named, uint64_t frame_max);

/* Whether the next message is more than the server takes in a frame. */
bool sender_stuck(const struct sender *s, struct window_line *line);

/* Sends a frame if that can be done now. 0, or -1 with errno ENOMEM. */
int sender_flush(struct sender *s);

/* Sends a PING once if that can be done now. 0, or -1 with errno ENOMEM. */
int sender_ping(struct sender *s);

/* The id that an ERROR is about; 0 when that is nothing in the window. */
uint64_t sender_subject(const struct sender *s, const struct answer *error);

#endif

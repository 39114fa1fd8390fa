/* SPDX-License-Identifier: MIT */
#include "sender.h"

#include "hash.h"
#include "request.h"

#include <errno.h>
#include <string.h>

/* Frames larger than this cost memory and gain nothing. */
#define FRAME_SIZE (64 << 10)

/*
 * Of the first one of a connection: who does not know us yet may take no more,
 * and close for it before we hear that.
 */
#define FIRST_SIZE (16 << 10)

/* What is kept of the memory of a larger one. */
#define FRAME_KEPT (4 * FRAME_SIZE)

static int name_producer(struct sender *s)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[16];

	if (hash_random(bytes, sizeof(bytes)) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		s->producer[2 * i] = digits[bytes[i] >> 4];
		s->producer[2 * i + 1] = digits[bytes[i] & 15];
	}
	return 0;
}

int sender_init(struct sender *s, struct window *window)
{
	memset(s, 0, sizeof(*s));
	buf_init(&s->frame);
	s->window = window;
	return name_producer(s);
}

void sender_release(struct sender *s)
{
	buf_release(&s->frame);
}

void sender_begin(struct sender *s, struct client *client, bool plain,
		  bool named, uint64_t frame_max)
{
	s->client = client;
	s->plain = plain;
	s->named = named;
	s->introduced = 0;
	s->pinged = s->any = false;
	s->frame_max = frame_max < SIZE_MAX ? (size_t)frame_max : 0;
}

bool sender_stuck(const struct sender *s, struct window_line *line)
{
	return s->frame_max && window_next(s->window, line) &&
	       line->len > s->frame_max;
}

/* Its number, as the server counts. */
static uint32_t this_frame(const struct sender *s)
{
	return client_sent(s->client) + 1;
}

/* A newline belongs between lines; a plain server gets a bare message. */
static int send_frame(struct sender *s)
{
	if (s->frame.failed) {
		errno = ENOMEM;
		return -1;
	}
	if (s->plain)
		buf_truncate(&s->frame, buf_len(&s->frame) - 1);
	s->any = true;
	/* When it fails the connection is lost, and its user hears of that. */
	client_send(s->client, &s->frame);
	return 0;
}

/* Names us; true when that has to go by itself, for want of room. */
static bool introduce(struct sender *s, size_t next_len, size_t *room)
{
	request_put_producer(&s->frame, s->producer);
	buf_putc(&s->frame, '\n');
	s->introduced = this_frame(s);
	if (next_len + buf_len(&s->frame) > *room)
		return true;
	*room -= buf_len(&s->frame);
	return false;
}

int sender_flush(struct sender *s)
{
	struct window_line next;
	size_t room = s->any ? FRAME_SIZE : FIRST_SIZE;
	size_t lines = s->plain ? 1 : SIZE_MAX;
	bool alone = false;

	if (!client_can_send(s->client) || !window_next(s->window, &next))
		return 0;
	if (s->frame_max && s->frame_max < room)
		room = s->frame_max;
	buf_clear(&s->frame, FRAME_KEPT);
	if (s->named && !s->introduced)
		alone = introduce(s, next.len, &room);
	if (!alone)
		window_take(s->window, &s->frame, room, lines, this_frame(s));
	return send_frame(s);
}

int sender_ping(struct sender *s)
{
	if (s->pinged || !client_can_send(s->client))
		return 0;
	s->pinged = true;
	buf_clear(&s->frame, FRAME_KEPT);
	request_put_ping(&s->frame, 1);
	buf_putc(&s->frame, '\n');
	return send_frame(s);
}

uint64_t sender_subject(const struct sender *s, const struct answer *error)
{
	uint64_t nth;

	if (error->id || !error->line)
		return error->id;
	nth = error->line - 1;
	if (s->introduced && error->frame == s->introduced) {
		if (!nth)
			return 0;
		nth--;
	}
	return window_in_frame(s->window, (uint32_t)error->frame, nth);
}

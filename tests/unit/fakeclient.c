/* SPDX-License-Identifier: MIT */
#include "fakeclient.h"

#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_END '|' /* in `sent` no test has it elsewhere */

struct client *client_new(struct loop *loop, const struct client_config *config,
			  const struct client_events *events, void *user,
			  const char **why)
{
	struct client *c;

	(void)loop;
	*why = "no URL";
	if (strcmp(config->url, FAKECLIENT_BAD_URL) == 0)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->events = events;
	c->user = user;
	buf_init(&c->sent);
	return c;
}

bool client_can_send(const struct client *c)
{
	return c->connected && !c->busy;
}

int client_send(struct client *c, struct buf *message)
{
	if (!client_can_send(c))
		return -1;
	c->busy = true;
	c->frames++;
	buf_append(&c->sent, buf_bytes(message), buf_len(message));
	buf_putc(&c->sent, FRAME_END);
	buf_clear(message, SIZE_MAX);
	return 0;
}

uint32_t client_sent(const struct client *c)
{
	return c->frames;
}

/* It knows of no token. */
bool client_answer(struct client *c, const struct answer *answer)
{
	(void)c;
	return answer->type == ANSWER_EXPIRING;
}

void client_deny(struct client *c, enum proto_code code, const char *text)
{
	struct client_loss loss = {
		.text = text,
		.status = EXIT_REFUSED,
		.connected = true,
		.final = code != PROTO_TOKEN_EXPIRED,
	};

	c->connected = c->busy = false;
	c->events->lost(c->user, &loss);
}

void client_renew(struct client *c)
{
	(void)c;
}

void fakeclient_auth(struct client *c)
{
	c->frames++;
}

void client_delay(struct client *c, uint64_t ms)
{
	c->delay_ms = ms;
}

const char *client_why_not(struct client *c, uint64_t ms)
{
	(void)ms;
	return c->connected ? NULL : "not connected";
}

void client_free(struct client *c)
{
	if (!c)
		return;
	buf_release(&c->sent);
	free(c);
}

static void connect_it(struct client *c)
{
	c->connected = true;
	c->busy = false;
	c->frames = 0;
}

void fakeclient_welcome(struct client *c, uint64_t max_message,
			uint64_t max_frame)
{
	struct answer welcome = {.type = ANSWER_WELCOME};

	welcome.limits.message = max_message;
	welcome.limits.frame = max_frame;
	connect_it(c);
	c->events->ready(c->user, CLIENT_V1, &welcome);
}

void fakeclient_plain(struct client *c)
{
	connect_it(c);
	c->events->ready(c->user, CLIENT_PLAIN, NULL);
}

void fakeclient_says(struct client *c, const char *fmt, ...)
{
	char text[500];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *at = text; (at = strchr(at, '\'')); at++)
		*at = '"';
	c->events->message(c->user, text, (size_t)len);
}

void fakeclient_written(struct client *c)
{
	c->busy = false;
	c->events->writable(c->user);
}

void fakeclient_lose(struct client *c, enum exits final)
{
	struct client_loss loss = {
		.text = "lost it",
		.status = final,
		.connected = c->connected,
		.final = final != EXIT_DONE,
		.retry_ms = 1000,
	};

	c->connected = c->busy = false;
	c->events->lost(c->user, &loss);
}

static void put_request(struct buf *b, const char *line, size_t len)
{
	struct request request;
	struct request_fault fault;

	if (request_parse(&request, line, len, &fault) != 0)
		buf_puts(b, "?");
	else if (request.type == REQUEST_PRODUCER)
		buf_puts(b, "producer");
	else if (request.type == REQUEST_PING)
		buf_puts(b, "ping");
	else
		buf_printf(b, "%s%d", request.type == REQUEST_GAP ? "gap" : "",
			   request.numbered ? (int)request.number : 0);
	buf_putc(b, ' ');
}

const char *fakeclient_sent(struct client *c, char *out, size_t room)
{
	const char *at = buf_bytes(&c->sent);
	const char *end;
	struct buf b;

	buf_init(&b);
	end = at ? at + buf_len(&c->sent) : NULL;
	while (at < end) {
		size_t len = 0;

		while (at[len] != '\n' && at[len] != FRAME_END)
			len++;
		if (len)
			put_request(&b, at, len);
		if (at[len] == FRAME_END)
			buf_putc(&b, FRAME_END);
		at += len + 1;
	}
	snprintf(out, room, "%.*s", (int)buf_len(&b),
		 buf_len(&b) ? buf_bytes(&b) : "");
	buf_release(&b);
	buf_clear(&c->sent, SIZE_MAX);
	return out;
}

/* SPDX-License-Identifier: MIT */
#include "postconn.h"

#include "clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int postconn_begin(struct postconn *c, int epoll, const struct loadtarget *t)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = c,
	};
	int on = 1;

	c->fd = socket(t->address.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	c->sent = c->have = 0;
	c->status = 0;
	c->content = NULL;
	c->answered = false;
	c->error = 0;
	c->begun = (uint64_t)clock_mono_ns();
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(c->fd, (const struct sockaddr *)&t->address,
		    t->address_len) != 0 &&
	    errno != EINPROGRESS)
		return -1;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

void postconn_end(struct postconn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* 0, or -1: it takes no more. */
static int send_request(struct postconn *c, const struct buf *request)
{
	while (c->sent < buf_len(request)) {
		ssize_t n = send(c->fd, buf_bytes(request) + c->sent,
				 buf_len(request) - c->sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->sent += (size_t)n;
	}
	return 0;
}

/* The value of a header, or NULL. */
static const char *header(const struct postconn *c, const char *name)
{
	const char *at = strcasestr(c->answer, name);

	return at && at < c->content ? at + strlen(name) : NULL;
}

/* Whether the answer is whole. */
static bool read_answer(struct postconn *c, bool ended)
{
	const char *length, *closes;

	c->answer[c->have] = '\0';
	c->content = strstr(c->answer, "\r\n\r\n");
	if (!c->content)
		return false;
	c->content += 4;
	if (sscanf(c->answer, "HTTP/1.%*1[01] %3u", &c->status) != 1 ||
	    c->status > POSTCONN_STATUS_MAX)
		c->status = 0;
	length = header(c, "\r\ncontent-length: ");
	closes = header(c, "\r\nconnection: ");
	c->closes = closes && strncasecmp(closes, "close", 5) == 0;
	if (!length)
		return ended;
	return (size_t)(c->answer + c->have - c->content) >=
	       strtoul(length, NULL, 10);
}

/* Reads once; what comes behind the answer is not looked at. */
static ssize_t read_once(struct postconn *c)
{
	char rest[256];
	ssize_t n;

	if (c->answered)
		return recv(c->fd, rest, sizeof(rest), 0);
	n = recv(c->fd, c->answer + c->have, POSTCONN_ANSWER_MAX - c->have, 0);
	if (n > 0)
		c->have += (size_t)n;
	return n;
}

/* Whether the connection is over. */
static bool receive(struct postconn *c)
{
	ssize_t n;

	do {
		n = read_once(c);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0)
			c->error = errno;
		if (!c->answered)
			c->answered = read_answer(c, n == 0);
		if (c->answered && !c->closes)
			return true;
	} while (n > 0 && (c->answered || c->have < POSTCONN_ANSWER_MAX));
	return true;
}

bool postconn_event(struct postconn *c, const struct buf *request,
		    uint32_t events)
{
	/* Refused before its end? The answer says why. */
	if (events & EPOLLOUT && send_request(c, request) != 0)
		events |= EPOLLIN;
	return events & ~(uint32_t)EPOLLOUT && receive(c);
}

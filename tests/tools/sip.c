/* SPDX-License-Identifier: MIT */
/*
 * sip - a subscriber of the plain dialect that reads slowly, or not at all, and
 * says nothing: it answers no ping.
 *
 *   sip URL BYTES MS TOTAL [REQUESTS]
 *
 * Subscribes to the tenant t with a small receive buffer, then sends so many
 * requests whose answers it does not wait for, prints "ready" and reads up to
 * BYTES every MS ms. Exits 0 when it has read TOTAL bytes, and 1, after saying
 * how many there were, when the connection ends before. Where BYTES is 0 it
 * reads nothing, and waits until the connection ends.
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEXT_FRAME 0x81
#define RECEIVE_BUFFER 4096
#define SIP_MAX 65536

static void fail(const char *what)
{
	fprintf(stderr, "sip: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put(int fd, const void *bytes, size_t len)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		fail("cannot send");
}

static void say(int fd, const char *text)
{
	uint8_t header[WSFRAME_HEADER_MAX];

	put(fd, header, wire_header(header, TEXT_FRAME, strlen(text)));
	put(fd, text, strlen(text));
}

/* Byte by byte: what comes behind is to stay where it is. */
static void pass_over(int fd, const char *text)
{
	size_t n = 0;
	char c;

	while (text[n]) {
		if (recv(fd, &c, 1, 0) != 1)
			fail("nothing came");
		n = c == text[n] ? n + 1 : c == text[0];
	}
}

static int subscribe(const char *url)
{
	char request[WIRE_REQUEST_MAX];
	int fd = wire_dial(url, RECEIVE_BUFFER);

	if (fd < 0)
		fail("cannot connect");
	put(fd, request, wire_request(request, ""));
	pass_over(fd, "\r\n\r\n");
	say(fd, "{\"type\":\"SUBSCRIBE\",\"id\":\"sip\",\"tenantId\":\"t\"}");
	pass_over(fd, "}");
	return fd;
}

static void wait_for_end(int fd)
{
	struct pollfd end = {.fd = fd, .events = POLLRDHUP};

	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
}

/* Returns how many bytes there were. */
static size_t drink(int fd, size_t sip, long ms, size_t total)
{
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	static char bytes[SIP_MAX];
	size_t got = 0;
	ssize_t n;

	while (got < total) {
		n = recv(fd, bytes, sip < SIP_MAX ? sip : SIP_MAX, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
		nanosleep(&pause, NULL);
	}
	return got;
}

int main(int argc, char **argv)
{
	size_t sip, total, got = 0;
	int fd;

	if (argc < 5) {
		fputs("usage: sip URL BYTES MS TOTAL [REQUESTS]\n", stderr);
		return 2;
	}
	sip = (size_t)atol(argv[2]);
	total = (size_t)atol(argv[4]);
	fd = subscribe(argv[1]);
	for (long n = argc > 5 ? atol(argv[5]) : 0; n > 0; n--)
		say(fd, "{\"type\":\"PING\",\"id\":\"................\"}");
	puts("ready");
	fflush(stdout);
	if (sip)
		got = drink(fd, sip, atol(argv[3]), total);
	else
		wait_for_end(fd);
	close(fd);
	if (got >= total)
		return 0;
	fprintf(stderr, "sip: the connection ended after %zu bytes\n", got);
	return 1;
}

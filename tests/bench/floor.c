/* SPDX-License-Identifier: MIT */
/*
 * floor - what wsd is measured against: a bare epoll loop that appends
 * ready-made frames to one buffer and send()s each subscriber what lies
 * between its cursor and the head, and does nothing else.
 *
 * It checks no JSON, keeps no history and knows one tenant. When a subscriber
 * falls so far behind that the buffer is full, it stops reading from the
 * publishers. It speaks just enough of the plain dialect for wsbench, which
 * is also why it may believe what it gets: never let it listen for others.
 */
#include "wsframe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512
#define READ_MAX ((size_t)64 * 1024)  /* bytes of one read */
#define REST_MAX ((size_t)256 * 1024) /* longest frame */
#define ANSWERS ((size_t)64 * 1024)   /* bytes of answers for one send */
#define RING ((size_t)64 << 20)	      /* bytes that subscribers may lag */

struct conn {
	int fd;
	bool open;	 /* the handshake is done */
	bool subscribed; /* has a cursor, and is in floor.subscribers */
	bool want_out;
	size_t cursor; /* in floor.bytes */
	char *rest;    /* owned; the begin of a frame */
	size_t rest_len;
};

struct floor {
	int epoll;
	int listener;
	char *bytes; /* owned; RING bytes of frames */
	size_t head;
	size_t flushed;		   /* head at the last flush */
	struct conn **subscribers; /* owned array */
	size_t count;
	size_t room;
	unsigned long long seq;
	size_t answered; /* bytes in `answers`, for who is read from */
	char answers[ANSWERS];
	char in[REST_MAX + READ_MAX];
};

/* SHA-1 (RFC 3174) of at most two blocks, for the handshake alone. */

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t sha1_mix(const uint32_t h[5], unsigned i)
{
	if (i < 20)
		return ((h[1] & h[2]) | (~h[1] & h[3])) + 0x5a827999;
	if (i < 40)
		return (h[1] ^ h[2] ^ h[3]) + 0x6ed9eba1;
	if (i < 60)
		return ((h[1] & h[2]) | (h[1] & h[3]) | (h[2] & h[3])) +
		       0x8f1bbcdc;
	return (h[1] ^ h[2] ^ h[3]) + 0xca62c1d6;
}

static void sha1_block(uint32_t sum[5], const uint8_t *block)
{
	uint32_t h[5];
	uint32_t w[80];

	memcpy(h, sum, sizeof(h));
	for (unsigned i = 0; i < 16; i++) {
		memcpy(&w[i], block + 4 * i, 4);
		w[i] = ntohl(w[i]);
	}
	for (unsigned i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (unsigned i = 0; i < 80; i++) {
		uint32_t next = rotate(h[0], 5) + sha1_mix(h, i) + h[4] + w[i];

		memmove(h + 1, h, 4 * sizeof(*h));
		h[2] = rotate(h[2], 30);
		h[0] = next;
	}
	for (unsigned i = 0; i < 5; i++)
		sum[i] += h[i];
}

static void sha1(uint8_t out[20], const char *text, size_t len)
{
	uint32_t sum[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
			   0xc3d2e1f0};
	uint8_t blocks[128] = {0};
	size_t n = len + 9 > 64 ? 128 : 64;

	memcpy(blocks, text, len);
	blocks[len] = 0x80;
	blocks[n - 2] = (uint8_t)(len * 8 >> 8);
	blocks[n - 1] = (uint8_t)(len * 8);
	for (size_t i = 0; i < n; i += 64)
		sha1_block(sum, blocks + i);
	for (unsigned i = 0; i < 5; i++) {
		sum[i] = htonl(sum[i]);
		memcpy(out + 4 * i, &sum[i], 4);
	}
}

/* 20 bytes as 28 characters. */
static void base64(char out[29], const uint8_t in[20])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t padded[21] = {0};

	memcpy(padded, in, 20);
	for (unsigned i = 0; i < 7; i++) {
		uint32_t x = (uint32_t)padded[3 * i] << 16 |
			     (uint32_t)padded[3 * i + 1] << 8 |
			     padded[3 * i + 2];

		for (unsigned j = 0; j < 4; j++)
			out[4 * i + j] = digits[x >> (18 - 6 * j) & 63];
	}
	out[27] = '=';
	out[28] = '\0';
}

static void conn_free(struct floor *f, struct conn *c)
{
	for (size_t i = 0; c->subscribed && i < f->count; i++)
		if (f->subscribers[i] == c) {
			f->subscribers[i] = f->subscribers[--f->count];
			break;
		}
	close(c->fd);
	free(c->rest);
	free(c);
}

static int watch(struct floor *f, struct conn *c, int how, bool out)
{
	struct epoll_event event = {
		.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = c,
	};

	c->want_out = out;
	return epoll_ctl(f->epoll, how, c->fd, &event);
}

/*
 * One send for the answers to all that was read at once. Not to lose any, it
 * waits when the connection has no room: wsbench reads whatever comes.
 */
static int send_answers(struct floor *f, struct conn *c)
{
	size_t sent = 0;

	while (sent < f->answered) {
		ssize_t n = send(c->fd, f->answers + sent, f->answered - sent,
				 MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return -1;
		sent += n > 0 ? (size_t)n : 0;
	}
	f->answered = 0;
	return 0;
}

static int reply(struct floor *f, struct conn *c, const char *bytes, size_t len)
{
	if (f->answered + len > ANSWERS && send_answers(f, c))
		return -1;
	memcpy(f->answers + f->answered, bytes, len);
	f->answered += len;
	return 0;
}

static int reply_frame(struct floor *f, struct conn *c,
		       enum wsframe_opcode opcode, const char *payload,
		       size_t len)
{
	char frame[256];
	size_t n = wsframe_encode((uint8_t *)frame, opcode, len);

	memcpy(frame + n, payload, len);
	return reply(f, c, frame, n + len);
}

/* The key of the request, and the answer that it asks for. */
static int handshake(struct floor *f, struct conn *c, char *request, size_t len)
{
	static const char name[] = "Sec-WebSocket-Key: ";
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char *key = memmem(request, len, name, sizeof(name) - 1);
	char text[24 + sizeof(guid)];
	char answer[160];
	char accept[29];
	uint8_t sum[20];

	if (!key || key + sizeof(name) - 1 + 24 > request + len)
		return -1;
	memcpy(text, key + sizeof(name) - 1, 24);
	memcpy(text + 24, guid, sizeof(guid));
	sha1(sum, text, strlen(text));
	base64(accept, sum);
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		 accept);
	c->open = true;
	return reply(f, c, answer, strlen(answer));
}

static int subscribe(struct floor *f, struct conn *c)
{
	if (c->subscribed)
		return 0;
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct conn **more =
			realloc(f->subscribers, room * sizeof(struct conn *));

		if (!more)
			return -1;
		f->subscribers = more;
		f->room = room;
	}
	c->subscribed = true;
	c->cursor = f->head;
	f->subscribers[f->count++] = c;
	return 0;
}

static int acknowledge(struct floor *f, struct conn *c, const char *id)
{
	char text[128];
	int n = snprintf(text, sizeof(text),
			 "{\"type\":\"ACK\",\"id\":%lu,\"seq\":%llu}",
			 strtoul(id, NULL, 10), f->seq);

	return reply_frame(f, c, WSFRAME_TEXT, text, (size_t)n);
}

/* What stands between `"data":` and the last brace, as a frame. */
static int publish(struct floor *f, struct conn *c, char *text, size_t len)
{
	char *data = memmem(text, len, "\"data\":", 7);
	char *id;
	size_t n;

	if (!data)
		return -1;
	id = memmem(text, (size_t)(data - text), "\"id\":", 5);
	n = (size_t)(text + len - 1 - (data + 7));
	f->head +=
		wsframe_encode((uint8_t *)f->bytes + f->head, WSFRAME_TEXT, n);
	memcpy(f->bytes + f->head, data + 7, n);
	f->head += n;
	f->seq++;
	return id ? acknowledge(f, c, id + 5) : 0;
}

static void unmask(char *at, size_t len, const uint8_t mask[4])
{
	uint64_t key;
	uint64_t word;
	size_t i = 0;

	memcpy(&key, mask, 4);
	memcpy((char *)&key + 4, mask, 4);
	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		word ^= key;
		memcpy(at + i, &word, sizeof(word));
	}
	for (; i < len; i++)
		at[i] = (char)(at[i] ^ mask[i & 3]);
}

static int take_frame(struct floor *f, struct conn *c,
		      const struct wsframe *frame, char *payload)
{
	static const char begin[] = "{\"type\":\"";
	size_t len = (size_t)frame->payload;

	unmask(payload, len, frame->mask);
	if (frame->opcode == WSFRAME_PING) /* at most 125 bytes */
		return reply_frame(f, c, WSFRAME_PONG, payload, len);
	if (frame->opcode != WSFRAME_TEXT || len < sizeof(begin))
		return -1;
	if (payload[sizeof(begin) - 1] == 'S')
		return subscribe(f, c);
	return publish(f, c, payload, len);
}

/* Returns the bytes that were used, or -1. */
static ssize_t take_bytes(struct floor *f, struct conn *c, size_t len)
{
	size_t at = 0;

	if (!c->open) {
		if (!memmem(f->in, len, "\r\n\r\n", 4))
			return 0;
		return handshake(f, c, f->in, len) ? -1 : (ssize_t)len;
	}
	while (at < len) {
		struct wsframe frame;
		enum wsframe_result result =
			wsframe_decode(&frame, (uint8_t *)f->in + at, len - at);

		if (result == WSFRAME_SHORT)
			break;
		if (result != WSFRAME_OK || !frame.masked)
			return -1;
		if (frame.payload > len - at - frame.header)
			break;
		if (take_frame(f, c, &frame, f->in + at + frame.header))
			return -1;
		at += frame.header + (size_t)frame.payload;
	}
	return (ssize_t)at;
}

static int keep_rest(struct floor *f, struct conn *c, size_t at, size_t len)
{
	c->rest_len = len - at;
	if (c->rest_len == 0)
		return 0;
	if (c->rest_len > REST_MAX)
		return -1;
	free(c->rest);
	c->rest = malloc(c->rest_len);
	if (!c->rest)
		return -1;
	memcpy(c->rest, f->in + at, c->rest_len);
	return 0;
}

static int receive(struct floor *f, struct conn *c)
{
	ssize_t used;
	ssize_t n;
	size_t len;

	if (f->head > RING - REST_MAX)
		return 0; /* full: somebody has to catch up first */
	n = recv(c->fd, f->in + c->rest_len, READ_MAX, 0);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	memcpy(f->in, c->rest ? c->rest : "", c->rest_len);
	len = c->rest_len + (size_t)n;
	used = take_bytes(f, c, len);
	if (send_answers(f, c))
		return -1;
	return used < 0 ? -1 : keep_rest(f, c, (size_t)used, len);
}

static int flush_one(struct floor *f, struct conn *c)
{
	ssize_t n = send(c->fd, f->bytes + c->cursor, f->head - c->cursor,
			 MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return shutdown(c->fd, SHUT_RDWR); /* its EOF ends it */
	if (n > 0)
		c->cursor += (size_t)n;
	if (c->want_out != (c->cursor < f->head))
		return watch(f, c, EPOLL_CTL_MOD, c->cursor < f->head);
	return 0;
}

/* Begins anew at the start of the buffer when nobody needs what is there. */
static void rewind_ring(struct floor *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->subscribers[i]->cursor < f->head)
			return;
	for (size_t i = 0; i < f->count; i++)
		f->subscribers[i]->cursor = 0;
	f->head = 0;
}

static void flush_all(struct floor *f)
{
	if (f->head != f->flushed)
		for (size_t i = 0; i < f->count; i++)
			if (!f->subscribers[i]->want_out)
				flush_one(f, f->subscribers[i]);
	rewind_ring(f);
	f->flushed = f->head;
}

static void accept_some(struct floor *f)
{
	int on = 1;
	int fd;

	for (int i = 0; i < 64; i++) {
		struct conn *c;

		fd = accept4(f->listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c = calloc(1, sizeof(*c));
		if (!c) {
			close(fd);
			return;
		}
		c->fd = fd;
		watch(f, c, EPOLL_CTL_ADD, false);
	}
}

static void turn(struct floor *f)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(f->epoll, events, EVENTS, -1);

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;

		if (!c) {
			accept_some(f);
			continue;
		}
		if (events[i].events & EPOLLOUT)
			flush_one(f, c);
		if (events[i].events & ~(uint32_t)EPOLLOUT && receive(f, c))
			conn_free(f, c);
	}
	flush_all(f);
}

static int start(struct floor *f, unsigned short *port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	socklen_t len = sizeof(in);

	f->bytes = malloc(RING);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (!f->bytes || f->epoll < 0 || f->listener < 0 ||
	    bind(f->listener, (struct sockaddr *)&in, len) ||
	    listen(f->listener, 4096) ||
	    getsockname(f->listener, (struct sockaddr *)&in, &len))
		return -1;
	*port = ntohs(in.sin_port);
	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->listener, &event);
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static struct floor f;
	unsigned short port;
	int ready = STDOUT_FILENO;

	if (argc == 3 && strcmp(argv[1], "--ready-fd") == 0) {
		ready = atoi(argv[2]);
	} else if (argc != 1) {
		fprintf(stderr, "usage: floor [--ready-fd N]\n");
		return 2;
	}
	raise_descriptors();
	if (start(&f, &port)) {
		perror("floor");
		return 1;
	}
	dprintf(ready, "ws://127.0.0.1:%u/ws\n", port);
	for (;;)
		turn(&f);
}

/* SPDX-License-Identifier: MIT */
#include "redisfeed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OUT_KEEP 1048576 /* bytes of memory that an empty `out` holds on to */

static const char head[] = "{\"tenantId\":\"" REDISFEED_PREFIX "0\",";

/* What follows the mark, in place of its padding. */
static const char tail[] =
	"\",\"jobId\":\"job-4711\",\"status\":\"running\",\"progress\":42,"
	"\"step\":\"resize\",\"worker\":\"worker-7\","
	"\"at\":\"2026-01-01T12:00:00Z\"}";

#define HEAD (sizeof(head) - 1)
#define TAIL (sizeof(tail) - 1)

size_t redisfeed_size(void)
{
	return LOADMARK_PAD + TAIL;
}

static int watch(struct redisfeed *f, int epoll, int how, bool out)
{
	struct epoll_event event = {
		.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = f,
	};

	f->want_out = out;
	return epoll_ctl(epoll, how, f->fd, &event);
}

static int open_socket(struct redisfeed *f, const char *path, int epoll)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || connect(f->fd, (const struct sockaddr *)&address,
				 sizeof(address)) != 0)
		return -1;
	return watch(f, epoll, EPOLL_CTL_ADD, false);
}

static void put_word(struct buf *b, const char *word)
{
	buf_printf(b, "$%zu\r\n%s\r\n", strlen(word), word);
}

/* The words before the message. */
static void put_words(struct buf *b, const struct redisfeed_config *c)
{
	char keep[24];

	if (c->channel) {
		buf_puts(b, "*3\r\n");
		put_word(b, "PUBLISH");
		put_word(b, c->channel);
		return;
	}
	snprintf(keep, sizeof(keep), "%llu", (unsigned long long)c->keep);
	buf_puts(b, "*8\r\n");
	put_word(b, "XADD");
	put_word(b, c->stream);
	put_word(b, "MAXLEN");
	put_word(b, "~");
	put_word(b, keep);
	put_word(b, "*");
	put_word(b, c->field);
}

static int make_command(struct redisfeed *f, const struct redisfeed_config *c)
{
	size_t size = redisfeed_size();
	char update[LOADMARK_PAD + sizeof(tail)];

	loadmark_make(update, size, c->run);
	memcpy(update + LOADMARK_PAD, tail, TAIL);
	put_words(&f->command, c);
	buf_printf(&f->command, "$%zu\r\n%s", HEAD + size - 1, head);
	/* The brace that the update begins with is the message's. */
	f->mark = buf_len(&f->command) - 1;
	buf_append(&f->command, update + 1, size - 1);
	buf_puts(&f->command, "\r\n");
	if (!f->command.failed)
		return 0;
	errno = ENOMEM;
	return -1;
}

int redisfeed_init(struct redisfeed *f, const struct redisfeed_config *config,
		   int epoll)
{
	f->fd = -1;
	f->answered = 0;
	f->inside = false;
	f->have = 0;
	buf_init(&f->command);
	buf_init(&f->out);
	if (make_command(f, config) != 0)
		return -1;
	return open_socket(f, config->path, epoll);
}

void redisfeed_release(struct redisfeed *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_release(&f->command);
	buf_release(&f->out);
}

void redisfeed_add(struct redisfeed *f, uint32_t seq, uint64_t now)
{
	struct loadmark mark = {.seq = seq, .time = now};
	size_t len = buf_len(&f->command);
	char *at = buf_reserve(&f->out, len);

	if (!at)
		return;
	memcpy(at, buf_bytes(&f->command), len);
	loadmark_set(at + f->mark, &mark);
	buf_added(&f->out, len);
}

int redisfeed_flush(struct redisfeed *f, int epoll)
{
	bool out;
	ssize_t n = 0;

	if (f->out.failed) {
		errno = ENOMEM;
		return -1;
	}
	while (n >= 0 && buf_len(&f->out)) {
		n = send(f->fd, buf_bytes(&f->out), buf_len(&f->out),
			 MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return -1;
		buf_consume(&f->out, n > 0 ? (size_t)n : 0);
	}
	out = buf_len(&f->out) > 0;
	if (!out)
		buf_clear(&f->out, OUT_KEEP);
	if (out == f->want_out)
		return 0;
	return watch(f, epoll, EPOLL_CTL_MOD, out);
}

/*
 * An answer is ":RECEIVERS" to PUBLISH; to XADD it is a "$LENGTH" and a line
 * with the id.
 */
static int take_line(struct redisfeed *f, const char *line, size_t len,
		     char *why, size_t room)
{
	if (f->inside || (line[0] == ':' && line[1] != '0')) {
		f->inside = false;
		f->answered++;
		return 0;
	}
	if (line[0] == '$' && line[1] != '-') {
		f->inside = true;
		return 0;
	}
	if (line[0] == ':')
		snprintf(why, room, "nobody is subscribed to the channel");
	else
		snprintf(why, room, "the Redis answered '%.*s'", (int)len,
			 line);
	return -1;
}

static int take_lines(struct redisfeed *f, char *why, size_t room)
{
	const char *at = f->in, *end = f->in + f->have;
	const char *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		size_t len = (size_t)(newline - at);

		if (take_line(f, at, len > 0 ? len - 1 : 0, why, room) != 0)
			return -1;
		at = newline + 1;
	}
	f->have = (size_t)(end - at);
	memmove(f->in, at, f->have);
	return 0;
}

int redisfeed_read(struct redisfeed *f, char *why, size_t room)
{
	ssize_t n = recv(f->fd, f->in + f->have, sizeof(f->in) - f->have, 0);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		snprintf(why, room, "the Redis: %s",
			 n < 0 ? strerror(errno) : "it ended the connection");
		return -1;
	}
	f->have += (size_t)n;
	return take_lines(f, why, room);
}

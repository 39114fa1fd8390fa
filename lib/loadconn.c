/* SPDX-License-Identifier: MIT */
#include "loadconn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define REST_KEEP 4096	  /* bytes of `rest` that an empty one holds on to */
#define OUT_KEEP 1048576  /* the same for `out` */
#define RCVBUF_SMALL 4096 /* of a small one; the kernel doubles it */

void loadconn_init(struct loadconn *c, const char *subprotocol)
{
	*c = (struct loadconn){.fd = -1, .subprotocol = subprotocol};
	buf_init(&c->out);
	buf_init(&c->rest);
}

void loadconn_release(struct loadconn *c)
{
	secure_free(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	buf_release(&c->out);
	buf_release(&c->rest);
	c->fd = -1;
	c->state = LOADCONN_NONE;
}

/*
 * One source address has some 28 000 ports; more connections need more of
 * them. The port is left to connect(), which may reuse one for another peer.
 */
static int bind_source(int fd, unsigned sources, unsigned number)
{
	unsigned n = number % sources;
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000101 + (n / 250 << 8) + n % 250),
	};
	int on = 1;

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&in, sizeof(in));
}

static int watch(const struct loadconn *c, const struct loadconn_env *env,
		 int how, void *data)
{
	struct epoll_event event = {
		.events = (uint32_t)(c->deaf ? EPOLLRDHUP : EPOLLIN) |
			  (c->want_out ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = data,
	};

	return epoll_ctl(env->epoll, how, c->fd, &event);
}

/* Before it connects, or the peer is told of a large window first. */
static void shrink_receiving(int fd)
{
	int bytes = RCVBUF_SMALL;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int loadconn_open(struct loadconn *c, const struct loadconn_env *env,
		  unsigned number, void *data)
{
	const struct loadtarget *t = env->target;
	int on = 1;

	c->fd = socket(t->address.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	if (t->address.ss_family == AF_INET && env->sources &&
	    bind_source(c->fd, env->sources, number) != 0)
		return -1;
	if (t->address.ss_family != AF_UNIX)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (c->small)
		shrink_receiving(c->fd);
	if (connect(c->fd, (const struct sockaddr *)&t->address,
		    t->address_len) != 0 &&
	    errno != EINPROGRESS)
		return -1;
	c->state = LOADCONN_CONNECTING;
	c->want_out = true;
	return watch(c, env, EPOLL_CTL_ADD, data);
}

static int ask(struct loadconn *c, const struct loadconn_env *env)
{
	char *request = buf_reserve(&c->out, LOADTARGET_REQUEST_MAX);

	if (!request)
		return -1;
	c->state = LOADCONN_UPGRADING;
	buf_added(
		&c->out,
		c->follows
			? loadtarget_follow(env->target, c->follows, c->tenant,
					    request, LOADTARGET_REQUEST_MAX)
			: loadtarget_request(env->target, c->subprotocol,
					     request, LOADTARGET_REQUEST_MAX));
	return 0;
}

int loadconn_connected(struct loadconn *c, const struct loadconn_env *env)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return -1;
	if (error) {
		errno = error;
		return -1;
	}
	if (!env->target->url.tls)
		return ask(c, env);
	c->state = LOADCONN_SHAKING;
	c->tls = secure_connect(&env->secures, env->trust.tls, c->fd);
	errno = ENOMEM;
	return c->tls ? 0 : -1;
}

int loadconn_shake(struct loadconn *c, struct loadconn_env *env, char *why,
		   size_t room)
{
	trust_begin(&env->trust);
	switch (secure_shake(c->tls)) {
	case SECURE_WAIT:
		return 0;
	case SECURE_DONE:
		if (ask(c, env) == 0)
			return 0;
		snprintf(why, room, "%s", strerror(ENOMEM));
		return -1;
	case SECURE_FAILED:
		break;
	}
	snprintf(why, room, "%s", trust_why(&env->trust, true));
	return -1;
}

/* As send(2), and 0 when it must wait. */
static ssize_t send_out(struct loadconn *c)
{
	ssize_t n;

	if (c->tls)
		return secure_send(c->tls, buf_bytes(&c->out), buf_len(&c->out),
				   false);
	n = send(c->fd, buf_bytes(&c->out), buf_len(&c->out), MSG_NOSIGNAL);
	return n < 0 && errno == EAGAIN ? 0 : n;
}

int loadconn_flush(struct loadconn *c, const struct loadconn_env *env,
		   void *data)
{
	bool out;
	ssize_t n;

	if (c->out.failed) {
		errno = ENOMEM;
		return -1;
	}
	if (c->tls && secure_flush(c->tls) < 0)
		return -1;
	while (buf_len(&c->out)) {
		n = send_out(c);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	out = buf_len(&c->out) > 0 || (c->tls && secure_waits(c->tls));
	if (!buf_len(&c->out))
		buf_clear(&c->out, OUT_KEEP);
	if (out == c->want_out)
		return 0;
	c->want_out = out;
	return watch(c, env, EPOLL_CTL_MOD, data);
}

int loadconn_deafen(struct loadconn *c, const struct loadconn_env *env,
		    void *data)
{
	c->deaf = true;
	return watch(c, env, EPOLL_CTL_MOD, data);
}

static ssize_t receive(struct loadconn *c, char *bytes, size_t room)
{
	if (!c->tls)
		return recv(c->fd, bytes, room, 0);
	if (secure_turn(c->tls) < 0)
		return -1;
	return secure_recv(c->tls, bytes, room);
}

int loadconn_read(struct loadconn *c, const struct loadconn_env *env,
		  struct loadframe_walk *walk)
{
	size_t have = buf_len(&c->rest);
	ssize_t n;

	n = receive(c, env->scratch + have, env->scratch_size - have);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		errno = 0;
		return -1;
	}
	if (have) {
		memcpy(env->scratch, buf_bytes(&c->rest), have);
		buf_clear(&c->rest, REST_KEEP);
	}
	loadframe_begin(walk, env->scratch, have + (size_t)n);
	return 1;
}

int loadconn_keep(struct loadconn *c, const struct loadconn_env *env,
		  const struct loadframe_walk *walk)
{
	size_t left = (size_t)(walk->end - walk->at);

	if (left == 0)
		return 0;
	if (left == env->scratch_size) {
		errno = EMSGSIZE;
		return -1;
	}
	buf_append(&c->rest, walk->at, left);
	return c->rest.failed ? -1 : 0;
}

/* The status line of the answer, without what would end a message. */
static int refused(const char *answer, size_t len, const char *path, char *why,
		   size_t room)
{
	const char *end = memchr(answer, '\r', len);

	snprintf(why, room, "the server answered '%.*s' to %s",
		 (int)(end ? end - answer : 0), answer, path);
	return -1;
}

int loadconn_upgrade(struct loadconn *c, const struct loadconn_env *env,
		     struct loadframe_walk *walk, char *why, size_t room)
{
	size_t have = (size_t)(walk->end - walk->at);
	const char *end = memmem(walk->at, have, "\r\n\r\n", 4);
	const char *status = walk->at;
	const char *good = c->follows ? "HTTP/1.1 200 " : "HTTP/1.1 101 ";
	size_t len;

	if (!end)
		return 0;
	len = (size_t)(end + 4 - status);
	if (len < 13 || memcmp(status, good, 13) != 0)
		return refused(status, len, env->target->url.path, why, room);
	/* Only one was asked for, so the server either took it or has none. */
	if (c->subprotocol &&
	    !memmem(status, len, c->subprotocol, strlen(c->subprotocol))) {
		snprintf(why, room, "the server does not speak '%s'",
			 c->subprotocol);
		return -1;
	}
	walk->at = end + 4;
	c->state = LOADCONN_OPEN;
	return 1;
}

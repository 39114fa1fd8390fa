/* SPDX-License-Identifier: MIT */
#include "wiretls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What it holds each way, in itself; and in the kernel, for the client. */
#define HELD 4096

/* What came from one side and has not gone to the other. */
struct way {
	char bytes[HELD];
	int at, end;
	bool ended; /* nothing more comes */
};

struct relay {
	SSL *ssl;
	int server, client;
	struct way up, down; /* to the server; to the client */
};

static bool is_empty(const struct way *w)
{
	return w->at == w->end;
}

/* Of what OpenSSL could not do: false when it never can. */
static bool later(SSL *ssl, int n)
{
	int error = SSL_get_error(ssl, n);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void from_client(struct relay *r)
{
	ssize_t n;

	if (!is_empty(&r->up) || r->up.ended)
		return;
	n = recv(r->client, r->up.bytes, HELD, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	r->up.ended = n <= 0;
	r->up.at = 0;
	r->up.end = n < 0 ? 0 : (int)n;
}

/* False: the connection has broken. */
static bool to_server(struct relay *r)
{
	struct way *w = &r->up;
	int n;

	if (is_empty(w))
		return true;
	n = SSL_write(r->ssl, w->bytes + w->at, w->end - w->at);
	if (n <= 0)
		return later(r->ssl, n);
	w->at += n;
	return true;
}

static void from_server(struct relay *r)
{
	int n;

	if (!is_empty(&r->down) || r->down.ended)
		return;
	n = SSL_read(r->ssl, r->down.bytes, HELD);
	if (n <= 0 && later(r->ssl, n))
		return;
	r->down.ended = n <= 0;
	r->down.at = 0;
	r->down.end = n < 0 ? 0 : n;
}

static bool to_client(struct relay *r)
{
	struct way *w = &r->down;
	ssize_t n;

	if (is_empty(w))
		return true;
	n = send(r->client, w->bytes + w->at, (size_t)(w->end - w->at),
		 MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN;
	w->at += (int)n;
	return true;
}

/* Waits for whatever would let it go on. */
static void wait_for_both(const struct relay *r)
{
	short client = (short)(is_empty(&r->up) && !r->up.ended ? POLLIN : 0);
	short server = (short)(is_empty(&r->down) ? POLLIN : 0);
	struct pollfd polls[] = {
		{.fd = r->client,
		 .events =
			 (short)(client | (is_empty(&r->down) ? 0 : POLLOUT))},
		{.fd = r->server,
		 .events = (short)(server | (is_empty(&r->up) ? 0 : POLLOUT))},
	};

	if (!polls[0].events)
		polls[0].fd = -1; /* its hang-up is known */
	if (!(SSL_pending(r->ssl) && is_empty(&r->down)))
		poll(polls, 2, -1);
}

static void carry(struct relay *r)
{
	bool told = false;

	while (!(r->down.ended && is_empty(&r->down))) {
		from_client(r);
		from_server(r);
		if (!to_server(r) || !to_client(r))
			return;
		if (r->up.ended && is_empty(&r->up) && !told) {
			SSL_shutdown(r->ssl);
			shutdown(r->server, SHUT_WR);
			told = true;
		}
		if (!(r->down.ended && is_empty(&r->down)))
			wait_for_both(r);
	}
}

/* It ends with the process that it is for. */
static void serve(int fd, int client)
{
	SSL_CTX *cx = SSL_CTX_new(TLS_client_method());
	struct relay r = {
		.ssl = cx ? SSL_new(cx) : NULL,
		.server = fd,
		.client = client,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (r.ssl && SSL_set_fd(r.ssl, fd) == 1 && SSL_connect(r.ssl) == 1) {
		SSL_set_mode(r.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		carry(&r);
	}
	_exit(0);
}

int wiretls_begin(int fd)
{
	int pair[2], held = HELD;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &held, sizeof(held));
	signal(SIGCHLD, SIG_IGN);
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		close(pair[0]);
		serve(fd, pair[1]);
	}
	close(pair[1]);
	close(fd);
	return pair[0];
}

/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include "access.h"
#include "buf.h"
#include "num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that one wake-up accepts, so that others have their turn. */
#define ACCEPT_TURN 64

/* Out of descriptors: nothing is accepted for so long. */
#define PAUSE_MS 100

#define BACKLOG 4096
#define DEFAULT_PORT 3000

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

struct listener {
	struct list list;
	struct listeners *all;
	uv_poll_t poll;
	uv_timer_t pause; /* accepts again when it fires */
	int fd;
	int open_handles; /* libuv handles not closed yet */
	char url[160];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* or "" */
};

void listeners_init(struct listeners *ls, uv_loop_t *loop,
		    const struct diag *diag, listener_fn *accepted, void *user)
{
	memset(ls, 0, sizeof(*ls));
	ls->loop = loop;
	ls->diag = diag;
	ls->accepted = accepted;
	ls->user = user;
	list_init(&ls->all);
}

static bool out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
	struct listener *l = timer->data;

	uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void pause_accepting(struct listener *l, int error)
{
	diag(l->all->diag, DIAG_WARN,
	     "cannot accept connections on %s for the moment: %s", l->url,
	     strerror(error));
	uv_poll_stop(&l->poll);
	uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
}

static void read_address(const union address *a, struct netaddr *from)
{
	memset(from, 0, sizeof(*from));
	if (a->any.sa_family == AF_INET)
		netaddr_from_v4(from, &a->v4);
	else if (a->any.sa_family == AF_INET6)
		netaddr_from_v6(from, &a->v6);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	struct netaddr from;
	union address a;
	int fd;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		socklen_t len = sizeof(a);

		fd = accept4(l->fd, &a.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (out_of_resources(errno))
				pause_accepting(l, errno);
			return;
		}
		read_address(&a, &from);
		l->all->accepted(l->all->user, fd, &from);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;

	if (--l->open_handles == 0)
		free(l);
}

static void close_listener(struct listener *l)
{
	list_remove(&l->list);
	if (l->path[0])
		unlink(l->path);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->pause, on_closed);
	close(l->fd);
}

void listeners_close(struct listeners *ls)
{
	list_for_each_safe (node, &ls->all)
		close_listener(list_entry(node, struct listener, list));
}

static int refuse(const struct listeners *ls, const char *address,
		  const char *why)
{
	diag(ls->diag, DIAG_ERROR, "cannot listen on '%s': %s", address, why);
	return -1;
}

/* As refuse(), for one of several that `address` stands for. */
static int refuse_one(const struct listeners *ls, const char *address,
		      const char *one, const char *why)
{
	diag(ls->diag, DIAG_ERROR, "cannot listen on '%s': %s: %s", address,
	     one, why);
	return -1;
}

/*
 * A Unix socket that nobody listens on any more is in the way. Connecting to a
 * file of any other kind is refused too, and that one is not ours to remove.
 */
static void remove_stale(const union address *a, socklen_t len)
{
	struct stat file;
	int fd;

	if (lstat(a->local.sun_path, &file) < 0 || !S_ISSOCK(file.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, &a->any, len) < 0 && errno == ECONNREFUSED)
		unlink(a->local.sun_path);
	close(fd);
}

static int open_socket(const struct listeners *ls, const union address *a,
		       socklen_t len)
{
	int fd = socket(a->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, sndbuf = (int)ls->sndbuf;

	if (fd < 0)
		return -1;
	if (a->any.sa_family == AF_UNIX) {
		remove_stale(a, len);
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		/* What is accepted inherits it, as it does the buffer. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (sndbuf)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	if (bind(fd, &a->any, len) < 0 || listen(fd, BACKLOG) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The URL by which clients reach it, with the port that it really has. */
static void make_url(struct listener *l)
{
	union address a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN];

	memset(&a, 0, sizeof(a));
	getsockname(l->fd, &a.any, &len);
	if (a.any.sa_family == AF_INET)
		snprintf(l->url, sizeof(l->url), "ws://%s:%u/ws",
			 inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text)),
			 ntohs(a.v4.sin_port));
	else if (a.any.sa_family == AF_INET6)
		snprintf(l->url, sizeof(l->url), "ws://[%s]:%u/ws",
			 inet_ntop(AF_INET6, &a.v6.sin6_addr, text,
				   sizeof(text)),
			 ntohs(a.v6.sin6_port));
	else
		snprintf(l->url, sizeof(l->url), "ws+unix:%s:/ws", l->path);
}

/* Starts to watch an open socket; takes it. */
static struct listener *start(struct listeners *ls, int fd, const char *path)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		close(fd);
		return NULL;
	}
	l->all = ls;
	l->fd = fd;
	strncpy(l->path, path, sizeof(l->path) - 1);
	make_url(l);
	l->poll.data = l;
	l->pause.data = l;
	l->open_handles = 2;
	uv_poll_init(ls->loop, &l->poll, fd);
	uv_timer_init(ls->loop, &l->pause);
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	list_append(&ls->all, &l->list);
	return l;
}

static int add_unix(struct listeners *ls, const char *address)
{
	const char *path = address + strlen("unix:");
	union address a = {.local = {.sun_family = AF_UNIX}};
	int fd;

	if (!*path)
		return refuse(ls, address, "no path");
	if (strlen(path) >= sizeof(a.local.sun_path))
		return refuse(ls, address, "the path is too long");
	strcpy(a.local.sun_path, path);
	fd = open_socket(ls, &a, sizeof(a.local));
	if (fd < 0)
		return refuse(ls, address, strerror(errno));
	return start(ls, fd, path) ? 0 : refuse(ls, address, strerror(ENOMEM));
}

/* Parses a numeric address; returns its size, 0 when it is none. */
static socklen_t parse_ip(const char *host, uint16_t port, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		return sizeof(a->v6);
	}
	return 0;
}

/*
 * Returns the port, or -1 after a message. 0 when an `optional` one, of the two
 * of localhost, is missing on this machine.
 */
static int add_ip(struct listeners *ls, const char *address, const char *host,
		  uint16_t port, bool optional)
{
	union address a;
	socklen_t len = parse_ip(host, port, &a);
	int fd;

	if (!len)
		return refuse(ls, address,
			      "not ADDRESS:PORT with a numeric address, "
			      "localhost:PORT or unix:PATH");
	if (!ls->any_address && !access_is_loopback(host, strlen(host)))
		return refuse(ls, address,
			      "not a loopback address, and there is no access "
			      "control: --no-access-control allows it");
	fd = open_socket(ls, &a, len);
	if (fd < 0 && optional &&
	    (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
		diag(ls->diag, DIAG_NOTE, "no %s on this machine", host);
		return 0;
	}
	if (fd < 0 && optional)
		return refuse_one(ls, address, host, strerror(errno));
	if (fd < 0)
		return refuse(ls, address, strerror(errno));
	if (!start(ls, fd, ""))
		return refuse(ls, address, strerror(ENOMEM));
	len = sizeof(a);
	getsockname(fd, &a.any, &len);
	return ntohs(a.v4.sin_port);
}

/* Both loopback addresses, since localhost may mean either. */
static int add_localhost(struct listeners *ls, const char *address,
			 uint16_t port)
{
	int chosen = add_ip(ls, address, "127.0.0.1", port, true);

	if (chosen > 0)
		port = (uint16_t)chosen;
	if (chosen < 0 || add_ip(ls, address, "::1", port, true) < 0)
		return -1;
	return list_empty(&ls->all) ? refuse(ls, address, "no loopback address")
				    : 0;
}

int listeners_add(struct listeners *ls, const char *address)
{
	const char *name = address, *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	char host[64];
	uint64_t port;

	if (strncmp(address, "unix:", 5) == 0)
		return add_unix(ls, address);
	if (!colon)
		return refuse(ls, address,
			      ":PORT is missing (as in 127.0.0.1:3000)");
	if (num_parse_u64(colon + 1, strlen(colon + 1), &port) < 0 ||
	    port > UINT16_MAX)
		return refuse(ls, address,
			      "no port from 0 to 65535 (as in "
			      "127.0.0.1:3000)");
	if (len > 2 && *name == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return refuse(ls, address, "not a numeric address");
	memcpy(host, name, len);
	host[len] = '\0';
	if (strcmp(host, "localhost") == 0)
		return add_localhost(ls, address, (uint16_t)port);
	return add_ip(ls, address, host, (uint16_t)port, false) < 0 ? -1 : 0;
}

int listeners_add_default(struct listeners *ls)
{
	return add_localhost(ls, "localhost:3000", DEFAULT_PORT);
}

int listeners_report(const struct listeners *ls, int fd)
{
	struct buf text;
	ssize_t n = 0;

	buf_init(&text);
	list_for_each (node, &ls->all)
		buf_printf(&text, "%s\n",
			   list_entry(node, struct listener, list)->url);
	while (buf_len(&text) &&
	       (n = write(fd, buf_bytes(&text), buf_len(&text))) > 0)
		buf_consume(&text, (size_t)n);
	buf_release(&text);
	return n < 0 ? -1 : 0;
}

void listeners_tell(const struct listeners *ls)
{
	list_for_each (node, &ls->all)
		diag(ls->diag, DIAG_NOTE, "listening on %s",
		     list_entry(node, struct listener, list)->url);
}

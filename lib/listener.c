/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include "access.h"
#include "address.h"
#include "buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#define ACCEPT_TURN 16

/* Out of descriptors: nothing is accepted for so long. */
#define PAUSE_MS 100

#define BACKLOG 4096

union sockaddress {
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
	bool told;	  /* that it cannot accept, since it last could */
	char url[160];
	bool tcp;
	/* To be removed when it is closed; or "" */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

void listeners_init(struct listeners *ls, uv_loop_t *loop, struct log *log,
		    listener_fn *accepted, void *user)
{
	memset(ls, 0, sizeof(*ls));
	ls->loop = loop;
	ls->log = log;
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
	if (!l->told)
		log_event(l->all->log, LOG_CANNOT_ACCEPT, NULL,
			  "cannot accept connections on %s for the moment: %s",
			  l->url, strerror(error));
	l->told = true;
	uv_poll_stop(&l->poll);
	uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
}

static void read_address(const union sockaddress *a, struct netaddr *from)
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
	union sockaddress a;
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
		l->told = false;
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
	log_event(ls->log, LOG_FAILED, NULL, "cannot listen on '%s': %s",
		  address, why);
	return -1;
}

/* As refuse(), for one of several that `address` stands for. */
static int refuse_one(const struct listeners *ls, const char *address,
		      const char *one, const char *why)
{
	log_event(ls->log, LOG_FAILED, NULL, "cannot listen on '%s': %s: %s",
		  address, one, why);
	return -1;
}

/*
 * A Unix socket that nobody listens on any more is in the way. Connecting to a
 * file of any other kind is refused too, and that one is not ours to remove.
 */
static void remove_stale(const union sockaddress *a, socklen_t len)
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

static int open_socket(const struct listeners *ls, const union sockaddress *a,
		       socklen_t len)
{
	int fd = socket(a->any.sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, sndbuf = (int)ls->sndbuf;

	if (fd < 0)
		return -1;
	if (a->any.sa_family == AF_UNIX)
		remove_stale(a, len);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
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

/* One without a name has no path, one that begins with NUL is abstract. */
static void put_unix_url(struct listener *l, const struct sockaddr_un *a,
			 socklen_t len)
{
	size_t before = offsetof(struct sockaddr_un, sun_path);
	size_t n = len > before ? len - before : 0;
	bool abstract = n && !a->sun_path[0];

	if (!abstract)
		n = strnlen(a->sun_path, n);
	snprintf(l->url, sizeof(l->url), "ws+unix:%s%.*s:/ws",
		 abstract ? "@" : "", (int)(n - abstract),
		 a->sun_path + abstract);
}

/* The URL by which clients reach it, with the port that it really has. */
static void make_url(struct listener *l)
{
	union sockaddress a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN];
	const char *scheme = l->all->tls ? "wss" : "ws";

	memset(&a, 0, sizeof(a));
	getsockname(l->fd, &a.any, &len);
	l->tcp = a.any.sa_family != AF_UNIX;
	if (a.any.sa_family == AF_INET)
		snprintf(l->url, sizeof(l->url), "%s://%s:%u/ws", scheme,
			 inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text)),
			 ntohs(a.v4.sin_port));
	else if (a.any.sa_family == AF_INET6)
		snprintf(l->url, sizeof(l->url), "%s://[%s]:%u/ws", scheme,
			 inet_ntop(AF_INET6, &a.v6.sin6_addr, text,
				   sizeof(text)),
			 ntohs(a.v6.sin6_port));
	else
		put_unix_url(l, &a.local, len);
}

/* Starts to watch an open socket; takes it. */
static struct listener *start(struct listeners *ls, int fd, const char *path)
{
	struct listener *l = calloc(1, sizeof(*l));
	int one = 1;

	if (!l) {
		close(fd);
		return NULL;
	}
	l->all = ls;
	l->fd = fd;
	strncpy(l->path, path, sizeof(l->path) - 1);
	make_url(l);
	/* What is accepted inherits it, as it does the size of the buffer. */
	if (l->tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->poll.data = l;
	l->pause.data = l;
	l->open_handles = 2;
	uv_poll_init(ls->loop, &l->poll, fd);
	uv_timer_init(ls->loop, &l->pause);
	uv_poll_start(&l->poll, UV_READABLE, on_readable);
	list_append(&ls->all, &l->list);
	return l;
}

static int add_unix(struct listeners *ls, const char *address, const char *path)
{
	union sockaddress a = {.local = {.sun_family = AF_UNIX}};
	int fd;

	strcpy(a.local.sun_path, path);
	fd = open_socket(ls, &a, sizeof(a.local));
	if (fd < 0)
		return refuse(ls, address, strerror(errno));
	return start(ls, fd, path) ? 0 : refuse(ls, address, strerror(ENOMEM));
}

/* Fills in a numeric address; returns its size. */
static socklen_t set_ip(union sockaddress *a, const char *host, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	inet_pton(AF_INET6, host, &a->v6.sin6_addr);
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	return sizeof(a->v6);
}

/*
 * Returns the port, or -1 after a message. 0 when an `optional` one, of the two
 * of localhost, is missing on this machine.
 */
static int add_ip(struct listeners *ls, const char *address, const char *host,
		  uint16_t port, bool optional)
{
	union sockaddress a;
	socklen_t len = set_ip(&a, host, port);
	int fd = open_socket(ls, &a, len);

	if (fd < 0 && optional &&
	    (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
		log_event(ls->log, LOG_START, NULL, "no %s on this machine",
			  host);
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

int listeners_add(struct listeners *ls, const char *text)
{
	struct address a;
	const char *why = address_parse(&a, text, ls->any_address);

	if (why)
		return refuse(ls, text, why);
	switch (a.kind) {
	case ADDRESS_UNIX:
		return add_unix(ls, text, a.path);
	case ADDRESS_LOCALHOST:
		return add_localhost(ls, text, a.port);
	case ADDRESS_IP:
		break;
	}
	return add_ip(ls, text, a.host, a.port, false) < 0 ? -1 : 0;
}

/* NULL, or why nobody can be accepted on it. */
static const char *check_socket(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) < 0)
		return strerror(errno);
	if (value != AF_INET && value != AF_INET6 && value != AF_UNIX)
		return "neither a TCP nor a Unix socket";
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len);
	if (value != SOCK_STREAM)
		return "not a stream socket";
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len);
	return value ? NULL : "it does not listen (is Accept=no set?)";
}

/* Whether only this machine can reach it. */
static bool is_inside(int fd)
{
	union sockaddress a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "";

	memset(&a, 0, sizeof(a));
	getsockname(fd, &a.any, &len);
	if (a.any.sa_family == AF_UNIX)
		return true;
	if (a.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof(text));
	return access_is_loopback(text, strlen(text));
}

int listeners_adopt(struct listeners *ls, int fd)
{
	const char *why = check_socket(fd);
	int sndbuf = (int)ls->sndbuf;
	char name[32];

	snprintf(name, sizeof(name), "descriptor %d", fd);
	if (!why && !ls->any_address && !is_inside(fd))
		why = address_off_loopback;
	if (why) {
		close(fd);
		return refuse(ls, name, why);
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (sndbuf)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	return start(ls, fd, "") ? 0 : refuse(ls, name, strerror(ENOMEM));
}

void listeners_describe(const struct listeners *ls, char *out, size_t size)
{
	const char *between = "listening on ";
	size_t used = 0;

	list_for_each (node, &ls->all) {
		const struct listener *l =
			list_entry(node, struct listener, list);

		if (used < size)
			used += (size_t)snprintf(out + used, size - used,
						 "%s%s", between, l->url);
		between = ", ";
	}
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
		log_event(ls->log, LOG_START, NULL, "listening on %s",
			  list_entry(node, struct listener, list)->url);
}

void listeners_warn(const struct listeners *ls)
{
	list_for_each (node, &ls->all) {
		const struct listener *l =
			list_entry(node, struct listener, list);

		if (!is_inside(l->fd))
			log_event(ls->log, LOG_UNENCRYPTED, NULL,
				  "tokens and updates go unencrypted over %s; "
				  "use --tls-cert, or where a proxy in front "
				  "ends TLS --behind-proxy, with its address; "
				  "for one on this machine listen on loopback",
				  l->url);
	}
}

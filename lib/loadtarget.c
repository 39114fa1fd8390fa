/* SPDX-License-Identifier: MIT */
#include "loadtarget.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* Whether somebody listens there; errno tells why not. */
static int try_address(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	if (connect(fd, address, len) == 0) {
		close(fd);
		return 0;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int find_local(struct loadtarget *t, char *why, size_t room)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (strlen(t->url.host) >= sizeof(un.sun_path)) {
		snprintf(why, room, "socket path '%s' is too long",
			 t->url.host);
		return -1;
	}
	strcpy(un.sun_path, t->url.host);
	memcpy(&t->address, &un, sizeof(un));
	t->address_len = sizeof(un);
	if (try_address((struct sockaddr *)&t->address, sizeof(un)) == 0)
		return 0;
	snprintf(why, room, "cannot connect to socket '%s': %s", un.sun_path,
		 strerror(errno));
	return -1;
}

static int try_all(struct loadtarget *t, const struct addrinfo *list)
{
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (try_address(a->ai_addr, a->ai_addrlen) != 0)
			continue;
		memcpy(&t->address, a->ai_addr, a->ai_addrlen);
		t->address_len = a->ai_addrlen;
		return 0;
	}
	return -1;
}

static int find_inet(struct loadtarget *t, char *why, size_t room)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", (unsigned)t->url.port);
	rc = getaddrinfo(t->url.host, port, &hints, &list);
	if (rc != 0) {
		snprintf(why, room, "cannot find the address of '%s': %s",
			 t->url.host, gai_strerror(rc));
		return -1;
	}
	rc = try_all(t, list);
	if (rc != 0)
		snprintf(why, room, "cannot connect to '%s' port %s: %s",
			 t->url.host, port, strerror(errno));
	freeaddrinfo(list);
	return rc;
}

int loadtarget_find(struct loadtarget *target, const char *text, bool *usage,
		    char *why, size_t room)
{
	const char *wrong = NULL;

	memset(target, 0, sizeof(*target));
	*usage = true;
	if (url_parse(&target->url, text, &wrong) != 0) {
		snprintf(why, room, "'%s': %s", text, wrong);
		return -1;
	}
	*usage = false;
	return target->url.local ? find_local(target, why, room)
				 : find_inet(target, why, room);
}

/* Host has brackets around an IPv6 address; a Unix socket has no name. */
static void put_host(const struct url *url, char *out, size_t room)
{
	if (url->local)
		snprintf(out, room, "localhost");
	else if (strchr(url->host, ':'))
		snprintf(out, room, "[%s]:%u", url->host, (unsigned)url->port);
	else
		snprintf(out, room, "%s:%u", url->host, (unsigned)url->port);
}

/*
 * The key is the example of the RFC: it has to be random to keep caches from
 * answering, and there is none between a load and its server.
 */
size_t loadtarget_request(const struct loadtarget *target,
			  const char *subprotocol, char *out, size_t room)
{
	char host[URL_PART_MAX + 16];
	int n;

	put_host(&target->url, host, sizeof(host));
	n = snprintf(out, room,
		     "GET %s HTTP/1.1\r\nHost: %s\r\n"
		     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		     "Sec-WebSocket-Version: 13\r\n%s%s%s%s%s%s\r\n",
		     target->url.path, host,
		     subprotocol ? "Sec-WebSocket-Protocol: " : "",
		     subprotocol ? subprotocol : "", subprotocol ? "\r\n" : "",
		     target->token ? "Authorization: Bearer " : "",
		     target->token ? target->token : "",
		     target->token ? "\r\n" : "");
	return n < 0 || (size_t)n >= room ? 0 : (size_t)n;
}

size_t loadtarget_follow(const struct loadtarget *target, const char *prefix,
			 unsigned number, char *out, size_t room)
{
	char host[URL_PART_MAX + 16];
	int n;

	put_host(&target->url, host, sizeof(host));
	n = snprintf(out, room,
		     "GET /v1/tenants/%s%u/updates HTTP/1.1\r\nHost: %s\r\n"
		     "Accept: text/event-stream\r\n%s%s%s\r\n",
		     prefix, number, host,
		     target->token ? "Authorization: Bearer " : "",
		     target->token ? target->token : "",
		     target->token ? "\r\n" : "");
	return n < 0 || (size_t)n >= room ? 0 : (size_t)n;
}

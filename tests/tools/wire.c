/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef WIRE_TLS
#include "wiretls.h"
#endif

#define MASKED 0x80
#define MASK_LEN 4

union address {
	struct sockaddr any;
	struct sockaddr_in ip;
	struct sockaddr_un local;
};

static bool is_tls(const char *url)
{
#ifdef WIRE_TLS
	return strncmp(url, "wss:", 4) == 0;
#else
	(void)url;
	return false;
#endif
}

/* Returns the length of the address, 0 when the URL is another one. */
static socklen_t parse(const char *url, union address *a)
{
	unsigned port;

	memset(a, 0, sizeof(*a));
	if (sscanf(url, "ws://127.0.0.1:%u/ws", &port) == 1 ||
	    (is_tls(url) && sscanf(url, "wss://127.0.0.1:%u/ws", &port) == 1)) {
		a->ip.sin_family = AF_INET;
		a->ip.sin_port = htons((uint16_t)port);
		a->ip.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->ip);
	}
	a->local.sun_family = AF_UNIX;
	if (sscanf(url, "ws+unix:%99[^:]:/ws", a->local.sun_path) == 1)
		return sizeof(a->local);
	return 0;
}

static int begin_tls(int fd)
{
#ifdef WIRE_TLS
	return wiretls_begin(fd);
#else
	return fd;
#endif
}

int wire_dial(const char *url, int receive_buffer)
{
	union address address;
	socklen_t len = parse(url, &address);
	int fd, one = 1, error;

	if (!len) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
			   sizeof(receive_buffer));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &address.any, len) == 0)
		return is_tls(url) ? begin_tls(fd) : fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

size_t wire_request(char out[WIRE_REQUEST_MAX], const char *protocol)
{
	return (size_t)snprintf(
		out, WIRE_REQUEST_MAX,
		"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
		*protocol ? "Sec-WebSocket-Protocol: " : "", protocol,
		*protocol ? "\r\n" : "");
}

size_t wire_header(uint8_t out[WSFRAME_HEADER_MAX], uint8_t first,
		   uint64_t payload)
{
	size_t n = wsframe_encode(out, WSFRAME_TEXT, payload);

	out[0] = first;
	out[1] |= MASKED;
	memset(out + n, 0, MASK_LEN);
	return n + MASK_LEN;
}

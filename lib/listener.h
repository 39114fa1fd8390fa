/* SPDX-License-Identifier: MIT */
/*
 * listener - listening sockets of our own: TCP addresses and Unix sockets.
 *
 * We bind and accept ourselves, so that the address is certain and running
 * out of descriptors is a refusal, not a spin. Connections are handed on; the
 * listener never touches them again.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "list.h"
#include "log.h"
#include "netaddr.h"

#include <uv.h>

/* Takes over a connected, non-blocking descriptor, of a peer at `from`. */
typedef void listener_fn(void *user, int fd, const struct netaddr *from);

struct listeners {
	uv_loop_t *loop;
	struct log *log; /* borrowed */
	listener_fn *accepted;
	void *user;
	struct list all;
	bool any_address; /* addresses off loopback are allowed */
	uint64_t sndbuf;  /* SO_SNDBUF in bytes; 0: the kernel's */
};

void listeners_init(struct listeners *ls, uv_loop_t *loop, struct log *log,
		    listener_fn *accepted, void *user);

/*
 * Binds and listens: "127.0.0.1:3000", "[::1]:0", "localhost:3000" (both of
 * these), "unix:/run/wsd.sock". 0, or -1 after a message that says why.
 */
int listeners_add(struct listeners *ls, const char *address);

/*
 * What listens by default: port 3000 of both loopback addresses, of which one
 * may be missing on this machine. 0, or -1 after a message.
 */
int listeners_add_default(struct listeners *ls);

/* Writes the URL of each, a line each, to a descriptor. 0 or -1 with errno. */
int listeners_report(const struct listeners *ls, int fd);

/* Logs each URL. */
void listeners_tell(const struct listeners *ls);

/* Closes all; the loop must run once more before it is closed. */
void listeners_close(struct listeners *ls);

#endif

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
	bool tls;	  /* what is accepted over TCP speaks TLS */
	uint64_t sndbuf;  /* SO_SNDBUF in bytes; 0: the kernel's */
};

void listeners_init(struct listeners *ls, uv_loop_t *loop, struct log *log,
		    listener_fn *accepted, void *user);

/* Where to listen when nobody says where. */
#define LISTENERS_DEFAULT "localhost:3000"

/*
 * Binds and listens, where address.h says. Of the two addresses of localhost
 * one may be missing on this machine. 0, or -1 after a message that says why.
 */
int listeners_add(struct listeners *ls, const char *address);

/*
 * Listens on a socket that another program has made: a TCP or Unix stream
 * socket that listens already. Takes it and makes it non-blocking; removes
 * nothing that it leaves in the file system. 0, or -1 after a message that
 * says why.
 */
int listeners_adopt(struct listeners *ls, int fd);

/* Describes for people, in a line, where it listens; cut at `size`. */
void listeners_describe(const struct listeners *ls, char *out, size_t size);

/* Writes the URL of each, a line each, to a descriptor. 0 or -1 with errno. */
int listeners_report(const struct listeners *ls, int fd);

/* Logs each URL. */
void listeners_tell(const struct listeners *ls);

/* Warns of each that others can be reached by than those on this machine. */
void listeners_warn(const struct listeners *ls);

/* Closes all; the loop must run once more before it is closed. */
void listeners_close(struct listeners *ls);

#endif

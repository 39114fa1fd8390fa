/* SPDX-License-Identifier: MIT */
/*
 * loadconn - one WebSocket connection of a load: connect, handshake, bytes out
 * and frames in, on an epoll(7) that the caller runs.
 *
 * Connections share one large read buffer; each keeps only what is left of a
 * frame that is not yet whole. What the frames say is the caller's business.
 * Never blocks.
 */
#ifndef LOADCONN_H
#define LOADCONN_H

#include "buf.h"
#include "loadframe.h"
#include "loadtarget.h"
#include "secure.h"
#include "trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the connections of one load share. */
struct loadconn_env {
	const struct loadtarget *target; /* borrowed */
	struct secures secures;		 /* with a wss URL alone */
	struct trust trust;
	int epoll;
	unsigned sources; /* source addresses from 127.0.1.1; 0: as it comes */
	char *scratch;	  /* what a read gives; the caller's */
	size_t scratch_size;
};

enum loadconn_state {
	LOADCONN_NONE, /* not opened, or closed */
	LOADCONN_CONNECTING,
	LOADCONN_SHAKING,   /* hands, for TLS */
	LOADCONN_UPGRADING, /* the request is on its way */
	LOADCONN_OPEN,
};

struct loadconn {
	enum loadconn_state state;
	int fd;
	struct secure *tls;	 /* owned; NULL: plain */
	bool want_out;		 /* epoll tells when it takes more */
	bool small;		 /* the kernel is to receive little for it */
	bool deaf;		 /* nothing is read any more */
	const char *subprotocol; /* borrowed; NULL: none */
	const char *follows;	 /* borrowed; it is no WebSocket, but events of
				    the tenant of this name and number; NULL */
	uint32_t tenant;
	struct buf out;	 /* accepted, not yet sent */
	struct buf rest; /* received: the begin of a frame */
};

void loadconn_init(struct loadconn *c, const char *subprotocol);

/* Closes it without a word, and frees. */
void loadconn_release(struct loadconn *c);

/*
 * Begins to connect; events come with `data` in epoll_data.ptr. `number`
 * chooses the source address. 0, or -1 with errno.
 */
int loadconn_open(struct loadconn *c, const struct loadconn_env *env,
		  unsigned number, void *data);

/* The first EPOLLOUT: 0 and TLS or the request begins, or -1 with errno. */
int loadconn_connected(struct loadconn *c, const struct loadconn_env *env);

/*
 * Goes on with the handshake of TLS, behind which the request is sent. 0, or -1
 * with the reason, for people, in `why`.
 */
int loadconn_shake(struct loadconn *c, struct loadconn_env *env, char *why,
		   size_t room);

/* Sends what it can of `out`. 0, or -1 with errno when it is broken. */
int loadconn_flush(struct loadconn *c, const struct loadconn_env *env,
		   void *data);

/*
 * From now on events tell only that the connection is over, not that there is
 * something to read. 0, or -1 with errno.
 */
int loadconn_deafen(struct loadconn *c, const struct loadconn_env *env,
		    void *data);

/*
 * Reads once. 1 when `walk` has bytes, 0 when there are none now, -1 with
 * errno (0 at the end of the stream) when it is over.
 */
int loadconn_read(struct loadconn *c, const struct loadconn_env *env,
		  struct loadframe_walk *walk);

/* Keeps what `walk` has left for the next read. 0, or -1: EMSGSIZE, ENOMEM. */
int loadconn_keep(struct loadconn *c, const struct loadconn_env *env,
		  const struct loadframe_walk *walk);

/*
 * Takes the answer to the request off the front of `walk`. 1 when open, 0 when
 * it is not whole yet, -1 with the reason, for people, in `why`.
 */
int loadconn_upgrade(struct loadconn *c, const struct loadconn_env *env,
		     struct loadframe_walk *walk, char *why, size_t room);

#endif

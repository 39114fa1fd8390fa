/* SPDX-License-Identifier: MIT */
/*
 * tunnel - a WebSocket over TLS: what the peer sends is decrypted and handed to
 * libwebsockets through a pair of sockets, and what wsd sends is encrypted
 * straight from where it lies.
 *
 *	peer's socket ── TLS ──┬──── inner socket ── libwebsockets (frames,
 *pongs) └──── tunnel_send()   (updates, answers)
 *
 * libwebsockets would have to shake hands itself to speak TLS, and it cannot
 * take over what has. So it has one end of the pair, and believes that this is
 * the connection; little goes through it the other way. What is sent stands
 * between frames: as long as the rest of one waits, nothing of anybody else is
 * sent. When libwebsockets does not read, the inner socket fills, and then the
 * outer one is not read from.
 *
 * An end of one side becomes an end of the other, behind all that was on its
 * way. So a tunnel stays for a while when libwebsockets is done with it.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "list.h"
#include "meter.h"
#include "waitset.h"
#include "wire.h"

/* What the owner hears; `user` is what tunnel_new() was given. */
struct tunnel_ops {
	/* The inner socket has something for lws, or its end. */
	void (*arrived)(void *user);
	/* What tunnel_want() asked for: more can be sent. */
	void (*writable)(void *user);
	/* It held more than may wait, and was cut. */
	void (*let_go)(void *user);
	/* After tunnel_leave(): nothing is left to do, it is to be freed. */
	void (*over)(void *user);
};

/* All of a server. */
struct tunnels {
	struct meter *meter;		/* borrowed */
	const struct tunnel_ops *ops;	/* static */
	struct waitset outside, inside; /* the two sockets of each */
	struct list left;		/* those that lws has left */
	struct list ended;		/* to be freed */
	int64_t until_ns; /* a turn decrypts; monotonic; 0: has not begun */
	size_t idle; /* of those that lws has left: only their end is awaited */
	bool closed; /* tunnels_close() */
	char bytes[SECURE_RECORD];
};

/* Memory of just that size. */
struct tunnel_bytes {
	char *base; /* owned; NULL: none */
	size_t at;  /* the first one that still has to go */
	size_t end;
};

struct tunnel {
	struct tunnels *all;
	void *user;
	struct list list; /* node, in all->left or all->ended */
	struct wire wire; /* of the peer; without a descriptor: ended */
	int inner;	  /* owned; our end of the pair */
	struct waiter outside, inside;
	struct tunnel_bytes rest;   /* of a frame that was cut, for the peer */
	struct tunnel_bytes input;  /* for lws, which does not read */
	struct meter_holder holder; /* of all that; `rest` once lws has left */
	size_t out_metered, in_metered;
	bool wants;	 /* tunnel_want() */
	bool full;	 /* lws does not read for the moment */
	bool deaf;	 /* nor will it ever again */
	bool peer_ended; /* and that was handed on */
	bool lws_ended;	 /* lws says nothing more */
	bool said_end;	 /* the peer was told that */
	bool left;	 /* tunnel_leave() */
	bool idle;	 /* counts in all->idle */
	bool cut;	 /* tunnel_cut() */
	bool leaving;	 /* the meter knows that it will be freed */
};

/* 0, or -1 with errno. */
int tunnels_init(struct tunnels *all, uv_loop_t *loop, struct meter *meter,
		 const struct tunnel_ops *ops);

/*
 * Those that lws has left are over; the others are, when it does. The loop must
 * run once more.
 */
void tunnels_close(struct tunnels *all);

/* Frees those that have ended; before each turn of the loop. */
void tunnels_reap(struct tunnels *all);

/*
 * Takes the wire, which has shaken hands; `*inner` is for lws. NULL with errno:
 * the wire is as it was.
 */
struct tunnel *tunnel_new(struct tunnels *all, struct wire *wire, void *user,
			  int *inner);

/* lws has taken it: from now on it carries. */
void tunnel_begin(struct tunnel *t);

/* Closes it at once; tunnels_reap() frees it. */
void tunnel_free(struct tunnel *t);

/* As those of struct outlet_ops; sent are whole frames, or their beginnings. */
long tunnel_send(struct tunnel *t, const struct iovec *pieces, int count);
int tunnel_keep(struct tunnel *t, const char *bytes, size_t len);
void tunnel_want(struct tunnel *t);

/* Cuts it; what waits goes too. lws learns of it as of an end of the peer. */
void tunnel_cut(struct tunnel *t);

/*
 * lws is done with its end. True: something is still to be sent, or the peer's
 * end to be waited for; `over` is called then, which the owner need not wait
 * for. False: it is over.
 */
bool tunnel_leave(struct tunnel *t);

#endif

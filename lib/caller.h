/* SPDX-License-Identifier: MIT */
/*
 * caller - one accepted connection of the server, from accept to its end, and
 * all of them.
 *
 * It begins as an HTTP request (see exchange.h), which is answered or becomes a
 * WebSocket: then libwebsockets takes it over and knows it by its opaque user
 * data, in every callback (see peer.h); over TLS through a tunnel (tunnel.h),
 * which may outlive that. It has one timer, on a wheel that all share; time in
 * which the server did not run does not count. Ending one from outside of a
 * callback of libwebsockets is done here.
 */
#ifndef CALLER_H
#define CALLER_H

#include "admission.h"
#include "certificate.h"
#include "forwarded.h"
#include "grant.h"
#include "hub.h"
#include "log.h"
#include "loop.h"
#include "reply.h"
#include "tunnel.h"
#include "wheel.h"
#include "wire.h"

struct caller;
struct exchange;
struct peer;

/* How long a peer may take; all in ms. */
struct caller_times {
	uint64_t handshake; /* for a request to be whole */
	uint64_t message;   /* for a message, or a body, once it has begun */
	uint64_t ping;	    /* after so long a silence it is sent a PING */
	uint64_t dead;	    /* after so long a silence it is dropped */
	uint64_t auth;	    /* for a WebSocket's first good token, if needed */
};

struct callers {
	struct admission admission;
	struct caller_times times;
	struct forwarded_proxies proxies; /* whose word counts; borrowed */
	struct wheel wheel;
	struct loop *loop;	 /* borrowed */
	struct hub *hub;	 /* borrowed; its counters are told */
	struct log *log;	 /* borrowed */
	struct caller *adopting; /* while lws takes it over */
	const struct certificate *certificate; /* borrowed; NULL: no TLS */
	struct tunnels tunnels;		       /* with that alone */
	struct grant *grant; /* the same: that of its handshake; or NULL */
	uv_timer_t tick;
	uint64_t ticked;  /* loop time of the last tick, ms */
	uint64_t turn_ms; /* loop time that the hub was told */
	int64_t ahead_ms; /* of the wheel the wall clock was that, at least */
	/* The wall clock went on by more than the wheel; set by the server. */
	void (*jumped)(void *user);
	void *user;
	/* The time of a caller that is a peer, or an exchange, has come. */
	void (*peer_due)(struct peer *p);
	/* Of one over TLS: there is something to read; it can be written to. */
	void (*peer_arrived)(struct peer *p);
	void (*peer_writable)(struct peer *p);
	void (*exchange_due)(struct exchange *e);
	/* It has to go at once; frees the caller. */
	void (*exchange_kill)(struct exchange *e);
};

struct caller {
	struct callers *all;
	struct lws *wsi; /* NULL while it is HTTP, or lws is done with it */
	struct admission_entry admission;
	struct wheel_timer timer;
	union {
		struct exchange *exchange; /* while it is HTTP; or NULL */
		struct peer *peer;	   /* while it has a wsi; or NULL */
	};
	struct tunnel *tunnel;	/* owned; of a WebSocket over TLS; or NULL */
	struct netaddr address; /* once that is known, of a proxy's client */
};

/*
 * 0, or -1 with errno. With a certificate TCP speaks TLS. What is called for
 * peers and exchanges is set by these.
 */
int callers_init(struct callers *all, struct loop *loop, struct hub *hub,
		 struct log *log, const struct admission_limits *limits,
		 const struct caller_times *times,
		 const struct certificate *certificate);

/*
 * Closes its timer, and those that lws is done with; the loop must run once
 * more.
 */
void callers_close(struct callers *all);

/* Frees what has ended; once in each turn of the loop. */
void callers_reap(struct callers *all);

/*
 * Tells the hub the time, once for all that a turn of the loop reads. To be
 * called before anything is done for a peer.
 */
void callers_tell_time(struct callers *all);

/* After the context of lws is gone, and so every caller. */
void callers_release(struct callers *all);

/*
 * Lets in a connection that was accepted, half open and with its timer set. Or
 * NULL: it was refused, with an answer as far as that is possible, and closed.
 */
struct caller *caller_accept(struct callers *all, int fd,
			     const struct netaddr *from);

/*
 * It is known now on whose behalf it is: that is its address from now on, and
 * there it counts. -1: that has as many as it may; `refusal` is the answer.
 */
int caller_locate(struct caller *c, const struct netaddr *from,
		  struct reply *refusal);

/*
 * Gives it to lws, with its wire, as one that has sent this handshake. That may
 * be its end. Takes `grant`, which may be NULL.
 */
void caller_adopt(struct caller *c, struct wire *wire,
		  const struct buf *handshake, struct grant *grant);

/* The one of a WebSocket; NULL for what is lws's own. */
struct caller *caller_of(struct lws *wsi);

/*
 * The one of a connection that has just become a WebSocket; NULL: of none. The
 * `*grant` of its handshake, or NULL, is the caller's.
 */
struct caller *caller_upgraded(struct callers *all, struct lws *wsi,
			       struct grant **grant);

/* Its request is whole, and a token that it needs has come. */
void caller_established(struct caller *c);

/* Its connection is gone. */
void caller_free(struct caller *c);

/* lws is done with it; what it has said may still have to leave. */
void caller_left(struct caller *c);

/* Whether who comes from there is to speak TLS. */
static inline bool callers_expect_tls(const struct callers *all,
				      const struct netaddr *from)
{
	return all->certificate && from->family != NETADDR_UNIX;
}

/* How many connections there are to which all has been said. */
static inline uint64_t callers_idle(const struct callers *all)
{
	return all->certificate ? all->tunnels.idle : 0;
}

/* The socket of a WebSocket's peer. */
static inline int caller_socket(const struct caller *c)
{
	return c->tunnel ? c->tunnel->wire.fd : lws_get_socket_fd(c->wsi);
}

/* Has its timer fire in `ms`, or earlier where that is set already. */
void caller_due_in(struct caller *c, int64_t ms);

/*
 * Cuts a WebSocket's connection, and drops what waits for the peer. lws learns
 * of it soon, as of an end that the peer made.
 */
void caller_cut(struct caller *c);

/* Ends it at once. Not from within a callback of lws for this connection. */
void caller_kill(struct caller *c);

#endif

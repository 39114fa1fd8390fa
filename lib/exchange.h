/* SPDX-License-Identifier: MIT */
/*
 * exchange - a connection as long as it speaks HTTP: one request, one answer,
 * and the end, unless it becomes a WebSocket.
 *
 * The head is looked at while it stays with the kernel. So one that is slow to
 * come takes no memory here, and what follows the handshake of a WebSocket is
 * left for libwebsockets. A connection is watched only when it has to be waited
 * for, which most never have.
 *
 * Each ends with its answer, as every answer says: what comes behind the
 * request is thrown away. Where the rest of a request is still to come, the
 * sending side is closed, and that rest read and thrown away for a while, since
 * closing with unread bytes would reset the connection and the answer with it
 * (RFC 9112 section 9.6).
 *
 * Over TLS it begins with the handshake of that (exchangetls.c). These take the
 * time of thousands of reads each, so a turn of the loop takes only a few steps
 * of them; those that have shaken hands halfway come first.
 *
 * This is all of HTTP that touches a socket; what is asked and what is answered
 * is for the owner (see http.h).
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "caller.h"
#include "httphead.h"
#include "waitset.h"
#include "wire.h"

#define EXCHANGE_THROWN_AWAY (16 * 1024) /* bytes at once */

struct exchange;

struct exchange_ops {
	/*
	 * A head has come, whole, or bad as it says itself. Calls one of
	 * exchange_answer(), exchange_body() and exchange_upgrade().
	 */
	void (*head)(struct exchange *e, const struct httphead *head);
	/* Where the next piece of the body is to be put: `*len` bytes of room.
	 */
	char *(*room)(struct exchange *e, size_t *len);
	/* It is there. */
	void (*body)(struct exchange *e, const char *bytes, size_t len);
	/* The body has not come in time. Calls exchange_answer(). */
	void (*late)(struct exchange *e);
	/* It ends; e->user is not told of it any more. */
	void (*gone)(struct exchange *e);
	/* Of a stream: more can be sent; its time has come; as `gone`. */
	void (*writable)(struct exchange *e);
	void (*due)(struct exchange *e);
	void (*left)(struct exchange *e);
};

/* All of a server. */
struct exchanges {
	struct callers *callers;	/* borrowed */
	const struct exchange_ops *ops; /* static */
	void *user;			/* of the owner */
	struct list going;
	struct list ended; /* to be freed */
	struct list fresh; /* TLS: something has come, for the first time */
	struct list known; /* the same, later */
	struct waitset waiting;
	char head[HTTPHEAD_MAX];
	char bytes[EXCHANGE_THROWN_AWAY];
};

enum exchange_state {
	EXCHANGE_HELLO,	 /* TLS: nothing has come */
	EXCHANGE_SHAKE,	 /* is shaking hands */
	EXCHANGE_HEAD,	 /* waits for its head */
	EXCHANGE_BODY,	 /* reads its body */
	EXCHANGE_BUSY,	 /* all was read; its answer is not known yet */
	EXCHANGE_ANSWER, /* waits for the peer to take its answer */
	EXCHANGE_STREAM, /* has an answer without end (exchangestream.c) */
	EXCHANGE_LINGER, /* waits for the peer to end */
	EXCHANGE_ENDED,
};

struct exchange {
	struct exchanges *all;
	struct caller *caller; /* NULL: ended */
	struct list list;      /* node, in all->going or all->ended */
	enum exchange_state state;
	struct wire wire; /* without a descriptor: ended, or handed over */
	struct waiter waiter;
	struct list turn; /* node, in all->fresh or all->known */
	bool lingers;	  /* something of the request is still to come */
	bool drained;	  /* all that was there was read */
	bool astray;	  /* speaks plain HTTP where TLS is spoken */
	bool streams;	  /* exchange_stream() */
	bool wants;	  /* to be told when more can be sent */
	bool finishes;	  /* when what waits has left */
	bool cut;	  /* nothing is sent any more */
	bool leaving;	  /* the meter knows that it will be freed */
	struct buf part;  /* of the head, that was read off */
	size_t unread;	  /* bytes of it that are to be read off */
	struct buf out;	  /* the rest of the answer */
	size_t metered;	  /* bytes of these that the hub's meter knows */
	enum meter_kind metered_as;
	struct meter_holder holder; /* of them */
	void *user;		    /* of the owner; begins as NULL */
};

/* 0, or -1 with errno. */
int exchanges_init(struct exchanges *all, struct callers *callers,
		   const struct exchange_ops *ops, void *user);

/* Ends all; the loop must run once more. */
void exchanges_close(struct exchanges *all);

/*
 * Frees those that have ended: none does so itself, since it may be in use. To
 * be called once in each turn of the loop.
 */
void exchanges_reap(struct exchanges *all);

/* A connection was let in; takes the descriptor. Reads what is there. */
void exchange_begin(struct exchanges *all, struct caller *c, int fd);

/*
 * The body is wanted: `ops->body` is called for each piece, now if some of it
 * is there, until exchange_answer() or exchange_busy().
 */
void exchange_body(struct exchange *e);

/* All of the body is there; nothing more is read, until the answer is known. */
void exchange_busy(struct exchange *e);

/* Has `ms` from now; then `ops->late` is called while it reads. */
void exchange_time(struct exchange *e, uint64_t ms);

/* Sends an interim answer. False: it has ended. */
bool exchange_say(struct exchange *e, const char *text);

/*
 * Sends the answer, which it takes, and ends, now or later. `more` says that
 * something of the request is still to come.
 */
void exchange_answer(struct exchange *e, struct buf *answer, bool more);

/*
 * It becomes a WebSocket, by this handshake in the place of the one that came.
 * Takes `grant`, which may be NULL.
 */
void exchange_upgrade(struct exchange *e, const struct buf *handshake,
		      struct grant *grant);

/*
 * Its answer has no end, and is sent by these. What the peer still sends is
 * thrown away; its end is the end. The owner's times are caller_due_in().
 */
void exchange_stream(struct exchange *e, void *user);

/* As those of struct outlet_ops. None of them ends the exchange. */
long exchange_stream_send(struct exchange *e, const struct iovec *pieces,
			  int count);
int exchange_stream_keep(struct exchange *e, const char *bytes, size_t len);
void exchange_stream_want(struct exchange *e);

/* Ends it when all that was sent has left. */
void exchange_stream_finish(struct exchange *e);

/* A few steps of handshakes; once in each turn of the loop. */
void exchanges_shake(struct exchanges *all);

/* Whether exchanges_shake() has something to do. */
static inline bool exchanges_busy(const struct exchanges *all)
{
	return !list_empty(&all->fresh) || !list_empty(&all->known);
}

/* Between the parts of an exchange only. */
void exchange_greet(struct exchange *e); /* TLS begins */
void exchange_greeted(struct exchange *e);
void exchange_look(struct exchange *e);
void exchange_watch(struct exchange *e, uint32_t events);
bool exchange_read_head(struct exchange *e);
void exchange_hold(struct exchange *e, enum meter_kind kind, size_t bytes);
void exchange_flow(struct exchange *e);
void exchange_end(struct exchange *e);

/* For callers. */
void exchange_due(struct exchange *e);
void exchange_kill(struct exchange *e);

#endif

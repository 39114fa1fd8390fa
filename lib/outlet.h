/* SPDX-License-Identifier: MIT */
/*
 * outlet - all that leaves on one connection: control messages, and the
 * streams it subscribes to.
 *
 * Updates are written from the streams' segments and never copied; the outlet
 * has only a cursor for each subscription and a short buffer of control
 * messages, which go first. Every write ends on a frame boundary: when the
 * connection took only a part, the rest of the cut frame is given to the
 * adapter to keep, and nothing else is written until that has left. So no
 * frame of anybody can come to stand within another. An update that was cut
 * counts as delivered, until it is known that its rest will not leave.
 *
 * An outlet never leaves a stream in the middle of a fan-out: closing marks
 * it, and the next flush of it or outlet_release() takes it out.
 */
#ifndef OUTLET_H
#define OUTLET_H

#include "grant.h"
#include "hub.h"

struct outlet;

/* The connection below; `conn` is what outlet_init() was given. */
struct outlet_ops {
	/*
	 * Writes what it can at once. Returns how many bytes were taken, 0
	 * when it must wait, -1 when the connection is dead.
	 */
	long (*send)(void *conn, const struct iovec *pieces, int count);
	/*
	 * Takes all of the rest of a cut frame, to send it before it calls
	 * outlet_writable(). 0 or -1. It has it until then, or until
	 * outlet_release(), which comes soon after closing() where that says
	 * that it is dead.
	 */
	int (*keep)(void *conn, const char *bytes, size_t len);
	/* Call outlet_writable() once there is room. */
	void (*want_write)(void *conn);
	/*
	 * A close frame is the last thing in the control messages; end the
	 * connection when it was answered, or after a while. Or, perhaps
	 * later, it is dead: end it at once.
	 */
	void (*closing)(void *conn);
	/*
	 * Call session_wake() in `ms`, or somewhat earlier; an earlier call of
	 * this does not count any more.
	 */
	void (*wake)(void *conn, int64_t ms);
	/* Stops reading from the peer, or goes on, as for its close frame. */
	void (*pause)(void *conn, bool paused);
	/*
	 * Checks a token, and has session_watch() called soon. GRANT_GIVEN:
	 * `*grant` is the caller's.
	 */
	enum grant_verdict (*check)(void *conn, const char *token, size_t len,
				    struct grant **grant);
};

/* The owner above: asked before each write, told when no message is left. */
struct outlet_owner {
	void (*collect)(struct outlet *o);  /* append what was put off */
	void (*answered)(struct outlet *o); /* no control message waits */
	/*
	 * Too much waits: ends the outlet whose `holder` this is, unless it is
	 * `writing`: then these bytes are read.
	 */
	void (*let_go)(struct meter_holder *holder);
};

struct outlet {
	const struct outlet_ops *ops;
	const struct outlet_owner *owner;
	void *conn;
	struct hub *hub;
	struct buf control;	    /* control messages, framed */
	struct list subscriptions;  /* all of this connection */
	struct list behind;	    /* those with something to write */
	struct list ready;	    /* node, in hub->ready */
	struct meter_holder holder; /* of what waits, in session too */
	size_t metered;		    /* bytes of control that hub->meter knows */
	size_t kept;		    /* bytes of the rest of a frame, the same */
	uint32_t count;		    /* subscriptions */
	uint32_t gaps;		    /* GAPs in control; all leave together */
	uint32_t cut;		    /* updates in what is kept: 0 or 1 */
	enum stream_view view;	    /* what it reads */
	bool blocked;		    /* waits for outlet_writable() */
	bool closing;		    /* no more is put in */
	bool dead;		    /* nothing can be written */
	bool writing;		    /* in ops->send: see `let_go` */
	uint16_t close_code;	    /* that we closed with; 0: none */
	const char *close_reason;   /* static */
};

struct subscription {
	struct map_node node;  /* in hub->subscriptions */
	struct list in_stream; /* node, in stream->subscribers */
	struct list in_outlet; /* node, in outlet->subscriptions */
	struct list behind;    /* node, in outlet->behind */
	struct hub_tenant *tenant;
	struct outlet *outlet;
	struct cursor cursor;
	uint64_t gap_from; /* skipped from here to the cursor; 0: nothing */
};

void outlet_init(struct outlet *o, struct hub *hub, enum stream_view view,
		 const struct outlet_ops *ops, void *conn,
		 const struct outlet_owner *owner);

/* Ends all subscriptions, frees all. */
void outlet_release(struct outlet *o);

/* Appends one control message: frames `text` and has it written soon. */
void outlet_put(struct outlet *o, const struct buf *text);

/* The same for a GAP, which counts as a delivery that is due. */
void outlet_put_gap(struct outlet *o, const struct buf *text);

/* Sends a PING frame (RFC 6455 section 5.5.2) among these. */
void outlet_ping(struct outlet *o);

/* Has outlet_flush() called soon: something was put off. */
void outlet_ready(struct outlet *o);

/* The subscription to a tenant, or NULL. */
struct subscription *outlet_find(const struct outlet *o,
				 const struct hub_tenant *t);

/* Bytes that the subscription to `t`, which there is, is behind. */
uint64_t outlet_behind(const struct outlet *o, const struct hub_tenant *t);

/* Subscribes, from `seq` on. 0, or -1 with errno ENOMEM. */
int outlet_subscribe(struct outlet *o, struct hub_tenant *t, uint64_t seq);
void outlet_unsubscribe(struct outlet *o, struct subscription *sub);

/*
 * Writes what lies ready, as far as the connection takes it: control messages,
 * then the subscriptions that are behind, in turn.
 */
void outlet_flush(struct outlet *o);

/* The same for one subscription whose stream has grown. */
void outlet_flush_one(struct subscription *sub);

/*
 * It is too far behind: its connection is closed, or (hub_config.slow_skip, in
 * wsd.v1) it goes on at the head and is told of a GAP.
 */
void outlet_too_slow(struct subscription *sub);

/* Ends all its subscriptions, as it is closing. Not during a fan-out. */
void outlet_leave(struct outlet *o);

/* The connection can take more. */
void outlet_writable(struct outlet *o);

/*
 * Ends it, and the memory that it holds: with a close frame in place of what
 * waits, or at once where that would come within a frame, or is not enough.
 */
void outlet_shed(struct outlet *o, enum proto_close code, const char *reason);

/* Whether all that there is has been written. */
static inline bool outlet_idle(const struct outlet *o)
{
	return !o->blocked && buf_len(&o->control) == 0 &&
	       list_empty(&o->behind);
}

/*
 * Ends it with a close frame (RFC 6455 section 5.5.1) behind the control
 * messages; updates that were not written are dropped. `reason` is static,
 * at most 123 bytes.
 */
void outlet_close(struct outlet *o, enum proto_close code, const char *reason);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * session - the protocol on one connection, server side: what the peer may
 * say, and what it is answered.
 *
 * Plain speaks one message a frame and hides envelopes; wsd.v1 speaks lines,
 * each treated by itself and as soon as it is whole. A peer that does not read
 * its answers is not read from: when these fill up, input stops, in the middle
 * of a frame if need be, until they have left. Nor is one whose rate is used
 * up, or who publishes faster than can be written to subscribers. It acts on
 * the connection through struct outlet_ops alone.
 */
#ifndef SESSION_H
#define SESSION_H

#include "intake.h"
#include "outlet.h"
#include "pass.h"
#include "request.h"

enum session_dialect { SESSION_PLAIN, SESSION_V1, SESSION_DIALECTS };

/* How much a connection has sent. */
struct session_rate {
	struct bucket requests;
	struct bucket bytes;
	int64_t until_ms; /* while throttled: until then; monotonic */
};

/* What only those who publish need: most connections listen. */
struct session_publisher {
	struct hub_tenant *published; /* pinned; the last one published to */
	struct producer *producer;    /* claimed; NULL: none */
	uint64_t last_id;	      /* of a PUBLISH; ids increase */
	struct hub_tenant *acked;     /* pinned; what `ack` speaks of */
	struct answer_ack ack;	      /* the one ACK that is put off */
	uint64_t ack_id;	      /* its id; 0: none is pending */
};

struct session {
	struct outlet outlet;
	struct session_publisher *pub; /* owned; NULL: never published */
	uint64_t number;	       /* names the connection */
	struct intake intake;	       /* cuts and stops the input */
	size_t metered;		       /* bytes that it has; hub->meter knows */
	struct pass pass; /* what its peer may do, where that is asked */
	struct session_rate *rate; /* owned; NULL: no limit was needed yet */
	uint32_t replayed; /* bytes, since all was answered; or more than fit */
	uint8_t dialect;   /* enum session_dialect */
	bool draining;	   /* closes when all is written */
	bool throttled;	   /* its rate is used up, see session_wake() */
	bool waits;	   /* the beginning of a text is in its intake */
};

void session_init(struct session *s, struct hub *hub,
		  enum session_dialect dialect, uint64_t number,
		  const struct outlet_ops *ops, void *conn);
void session_release(struct session *s);

/* Takes a piece of a message; hub_set_time() was called for it. */
void session_receive(struct session *s, const struct intake_piece *piece);

/* The time has come for which it asked by outlet_ops.wake. */
void session_wake(struct session *s);

/*
 * The server shuts down: tells a wsd.v1 peer when to come back, and closes
 * when all that there is has been written.
 */
void session_drain(struct session *s, uint64_t reconnect_after_ms);

/*
 * Gives it a grant before anything was received, as a handshake had a token
 * with it; takes `grant`.
 */
void session_admit(struct session *s, struct grant *grant);

/*
 * The time is told by hub_set_time(): tells a peer whose grant ends soon, and
 * closes one whose grant has ended. Returns in how many ms that may be so
 * again; -1: never, as things are.
 */
int64_t session_watch(struct session *s);

/*
 * Drops the grants that `holds` does not hold with any more, and closes it
 * where it needs one of them.
 */
void session_revise(struct session *s,
		    bool (*holds)(const void *user, const struct grant *g),
		    const void *user);

/* No token has come in time: closes. */
void session_auth_late(struct session *s);

/* Whether it still has to show a token. */
static inline bool session_unknown(const struct session *s)
{
	return s->outlet.hub->guarded && pass_empty(&s->pass);
}

/*
 * Between the parts of a session (sessionauth.c, sessionpub.c, sessionsub.c)
 * only: a function for each request that takes more than a few lines, and what
 * these share.
 */
void session_publish(struct session *s, const struct request *r);
void session_gap(struct session *s, const struct request *r);
void session_producer(struct session *s, const struct request *r);
void session_subscribe(struct session *s, const struct request *r);
void session_unsubscribe(struct session *s, const struct request *r);
void session_auth(struct session *s, const struct request *r);

/* It has a grant now: its messages may be as large as those of others. */
void session_unlimit(struct session *s);

/* Whether it may publish to some tenant. False after an answer. */
bool session_may_publish(struct session *s, const struct request *r);

/* Whether it may do this with the request's tenant. False after an answer. */
bool session_may(struct session *s, const struct request *r,
		 enum rights_what what);

/*
 * The same for a SUBSCRIBE, which may bring its token, and in plain is closed
 * by a refusal.
 */
bool session_may_subscribe(struct session *s, const struct request *r);

/* Lets go of all that it has as a publisher. */
void session_unpublish(struct session *s);

/* Every answer is said here; takes `text`. */
void session_say(struct session *s, struct buf *text);

/* Tells the peer what is wrong with a request, by its id or its place. */
void session_error(struct session *s, const struct json_value *id,
		   enum proto_code code, const char *message);

/* "The server has too …": OVER_CAPACITY. */
#define SESSION_LITTLE_MEMORY "little memory"
void session_over_capacity(struct session *s, const struct request *r,
			   const char *of_what);

void session_ack(struct session *s, const struct json_value *id,
		 const struct hub_tenant *t, const struct answer_ack *ack);

/* The tenant of a request, made when new; NULL after an answer. */
struct hub_tenant *session_tenant(struct session *s, const struct request *r);

/* Has `*slot` keep a tenant, or none, in place of the one that it kept. */
void session_hold(struct session *s, struct hub_tenant **slot,
		  struct hub_tenant *t);

/* In plain, only a request with an id gets an answer. */
static inline bool session_wants_answer(const struct session *s,
					const struct request *r)
{
	return s->dialect == SESSION_V1 || r->id.text;
}

#endif

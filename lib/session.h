/* SPDX-License-Identifier: MIT */
/*
 * session - the protocol on one connection, server side: what the peer may
 * say, and what it is answered.
 *
 * Plain speaks one message a frame and hides envelopes; wsd.v1 speaks lines,
 * each treated by itself and as soon as it is whole. A peer that does not read
 * its answers is not read from: when these fill up, input stops, in the middle
 * of a frame if need be, until they have left. It acts on the connection
 * through struct outlet_ops alone.
 */
#ifndef SESSION_H
#define SESSION_H

#include "intake.h"
#include "outlet.h"

enum session_dialect {
	SESSION_PLAIN,
	SESSION_V1,
};

struct session {
	struct outlet outlet;
	enum session_dialect dialect;
	struct hub *hub;
	struct hub_tenant *published; /* pinned; the last one published to */
	struct producer *producer;    /* claimed; NULL: none */
	uint64_t number;	      /* names the connection */
	uint64_t last_id;	      /* of a PUBLISH; ids increase */
	struct hub_tenant *acked;     /* pinned; what `ack` speaks of */
	struct answer_ack ack;	      /* the one ACK that is put off */
	uint64_t ack_id;	      /* its id; 0: none is pending */
	struct intake intake;	      /* cuts and stops the input */
	uint64_t replayed;	      /* bytes, since all was answered */
	bool draining;		      /* closes when all is written */
};

void session_init(struct session *s, struct hub *hub,
		  enum session_dialect dialect, uint64_t number,
		  const struct outlet_ops *ops, void *conn);
void session_release(struct session *s);

/* Takes a piece of a message; hub_set_time() was called for it. */
void session_receive(struct session *s, const struct intake_piece *piece);

/*
 * The server shuts down: tells a wsd.v1 peer when to come back, and closes
 * when all that there is has been written.
 */
void session_drain(struct session *s, uint64_t reconnect_after_ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * peer - a WebSocket connection of the server: libwebsockets below, a session
 * above.
 *
 * Ready-made frames go to the socket by sendmsg(2), past libwebsockets, as
 * long as that has nothing buffered of its own; the rest of a frame that the
 * kernel cut is given to it, so that its pongs come between frames only. Over
 * TLS both go through a tunnel (tunnel.h), which sees to the same.
 *
 * A peer lives while something comes from it, or it takes some of what waits
 * for it. While it is we who don't read, what it might have said can't be held
 * against it: then it is enough that nothing waits for it.
 */
#ifndef PEER_H
#define PEER_H

#include "caller.h"
#include "guard.h"
#include "roster.h"
#include "session.h"
#include "uptake.h"

/*
 * What libwebsockets reads at once from a peer that is not a bulk publisher:
 * it costs as much memory for each, so it is small, and who sends more is read
 * from again in the same turn, see peers_read_on().
 */
#define PEER_RX_SMALL 1008

/* All of them. */
struct peers {
	struct callers *callers; /* borrowed */
	struct hub *hub;
	struct log *log;     /* borrowed */
	struct guard *guard; /* borrowed */
	struct roster all;   /* by their numbers */
	struct list busy;    /* those that seem to have sent more */
	size_t counts[SESSION_DIALECTS];
	uint64_t number; /* of the last one; names it to its user */
	size_t received; /* bytes in this turn of the loop, about */
	uint32_t turn;	 /* counts these */
};

struct peer {
	struct session session;
	struct peers *peers;
	struct caller *caller; /* the connection below; its timer is ours */
	struct lws *wsi;
	struct list busy; /* node, in peers->busy */
	int64_t since_ms; /* when it was established; monotonic */

	/* Times of the wheel, in ms; 0: there is no such time. */
	int64_t heard_ms;     /* when it showed that it lives last */
	int64_t message_ms;   /* when the message that began must be whole */
	int64_t end_ms;	      /* when it is closed without its answer */
	int64_t wake_ms;      /* when its session wants to be woken */
	struct uptake uptake; /* as of when it was last looked at */
	uint32_t received;    /* bytes in `turn`, since its last read, about */
	uint32_t turn;	      /* of the loop, in which something came last */
	bool pinged;	      /* a PING went out since it was heard */
	bool relieved;	      /* there was room again since it was looked at */
	bool said_close; /* its close frame came: nothing behind that counts */
	uint32_t auth_s; /* s of the wheel by which a token must have come */
};

void peers_init(struct peers *all, struct callers *callers, struct hub *hub,
		struct log *log, struct guard *guard);

/* Whom wsd closes, and why, for the log; that a peer is gone is no event. */
void peers_log_closing(const struct peers *peers, const struct outlet *o,
		       const struct log_subject *subject);

/* None is left. */
void peers_release(struct peers *all);

/* The first one whose number is above `number`, or NULL. */
static inline struct peer *peers_above(const struct peers *all, uint64_t number)
{
	return roster_above(&all->all, number);
}

/*
 * A connection was established; `grant`, which it takes, is that of its
 * handshake, or NULL. NULL: out of memory.
 */
struct peer *peer_new(struct peers *all, struct caller *caller,
		      enum session_dialect dialect, struct grant *grant);

/* It is gone. */
void peer_free(struct peer *p);

/* lws has payload for it; lws_remaining_packet_payload() and so on hold. */
void peer_receive(struct peer *p, const char *bytes, size_t len);

/* Its answer to a PING came. */
void peer_pong(struct peer *p);

/*
 * One of its times may have come: it is sent a PING, or ended as dead or too
 * slow. This may free it.
 */
void peer_due(struct peer *p);

/*
 * Reads on from the peers that seem to have sent more, in turn, until this
 * turn of the loop has read 64 KiB: so many small reads make one batch.
 */
void peers_read_on(struct peers *all);

/*
 * The peer sent its close frame, with this payload: what waits goes out before
 * the answer to it. Returns -1 when our own close frame is among that, so that
 * no second one may follow: an earlier one, or that for a payload which is none
 * (RFC 6455 sections 5.5.1 and 8.1). Else 0; lws answers, and sees to codes
 * that are none.
 */
int peer_closed_by_peer(struct peer *p, const char *payload, size_t len);

/* Over TLS something has come for it; lws has not read it yet. */
void peer_arrived(struct peer *p);

/* The wall clock went on by more than was counted: tokens may have ended. */
void peers_watch(struct peers *all);

/* Tokens were read anew: who has one that was taken back loses it. */
void peers_revise(struct peers *all);

/* It can be written to: so says lws, or the tunnel. */
void peer_writable(struct peer *p);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * counters - what a server has counted since its start: the ledger of
 * deliveries, and what was refused, by reason.
 *
 * The ledger: `due` = `delivered` + all of `dropped` + what is pending, which
 * nobody counts but census.h finds by looking at every cursor, so that the sum
 * proves something. Names are those of the metrics' labels.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include "proto.h"

#include <stdint.h>

/* Why an update that was due was not delivered. */
enum counters_drop {
	DROP_LEFT,	   /* the peer closed, or its connection broke */
	DROP_UNSUBSCRIBED, /* while it was behind */
	DROP_SLOW,	   /* too far behind: closed, or told by a GAP */
	DROP_CLOSED,	   /* closed by us for another reason */
	DROP_REASONS
};

/* What was refused, or ended, because of a limit or a rule. */
enum counters_refusal {
	REFUSED_HOST,		/* a request for a host that is not ours */
	REFUSED_ORIGIN,		/* a web page of another origin */
	REFUSED_FORWARDED,	/* a proxy's request, of nobody knows whom */
	REFUSED_TOKEN,		/* a token that is not good */
	REFUSED_AUTH_FAILURES,	/* not looked at, after too many of these */
	REFUSED_AUTH_TIME,	/* no token came in time */
	REFUSED_FORBIDDEN,	/* what a token gives no right to, or none */
	REFUSED_EXPIRED,	/* a connection whose token ended */
	REFUSED_CONNECTIONS,	/* --max-connections */
	REFUSED_ADDRESS,	/* --max-per-address */
	REFUSED_HANDSHAKES,	/* half open, the oldest of too many */
	REFUSED_HANDSHAKE_TIME, /* half open for too long */
	REFUSED_TLS,		/* a handshake of TLS that failed */
	REFUSED_MESSAGE_TIME,	/* a message did not end in time */
	REFUSED_MESSAGE_RATE,	/* a connection had to wait: messages */
	REFUSED_BYTE_RATE,	/* a connection had to wait: bytes */
	REFUSED_TENANT_RATE,	/* an update above a tenant's rate */
	REFUSED_TENANTS,	/* --max-tenants */
	REFUSED_SUBSCRIPTIONS,	/* --max-subscriptions */
	REFUSED_PRODUCERS,	/* --max-producers, all of them connected */
	REFUSED_MEMORY,		/* --max-memory, or the machine's */
	REFUSED_TOO_LARGE,	/* an update, message or body */
	REFUSED_SLOW,		/* a subscriber that read too slowly */
	REFUSED_DEAD,		/* a peer that answered no ping */
	REFUSED_DRAINING,	/* an update while shutting down */
	REFUSED_REASONS
};

/* Times from publishing to the last write of it, in classes. */
#define COUNTERS_TIMES 16

struct counters {
	uint64_t published;	  /* updates that got a number */
	uint64_t published_bytes; /* of them, as JSON */
	uint64_t duplicates;	  /* acknowledged without */
	uint64_t due;		  /* readers at appends, replays, GAPs told */
	uint64_t delivered;	  /* accepted by the kernel or by TLS */
	uint64_t dropped[DROP_REASONS];
	uint64_t refused[REFUSED_REASONS];
	uint64_t errors[PROTO_CODES]; /* ERRORs sent, by code */
	uint64_t accepted;	      /* connections, of every kind */
	uint64_t established;	      /* that became WebSockets */
	uint64_t bytes_in;	      /* payload of WebSockets and bodies */
	uint64_t bytes_out;	      /* written past libwebsockets */
	uint64_t pings;		      /* that we sent */
	uint64_t gaps;		      /* told to subscribers */
	uint64_t times[COUNTERS_TIMES + 1]; /* the last one: longer */
	uint64_t times_ns;		    /* sum of all */
};

/* The label of a reason: "slow", "handshake_time". */
const char *counters_drop_name(enum counters_drop reason);
const char *counters_refusal_name(enum counters_refusal reason);

/* Upper bound of a class of times, in ns: 16 us, doubling, to 524 ms. */
uint64_t counters_time_bound(int class);

/* All that was due and did not arrive, for whatever reason. */
static inline uint64_t counters_dropped(const struct counters *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < DROP_REASONS; i++)
		sum += c->dropped[i];
	return sum;
}

/* Counts a time from publishing to writing. */
void counters_time(struct counters *c, uint64_t ns);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * proto - what both directions of the protocol share: names, codes, limits,
 * points in a stream. The normative text is man/wsd-protocol.7.
 */
#ifndef PROTO_H
#define PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_V1 "wsd.v1"	    /* subprotocol with envelopes */
#define PROTO_V1_BULK "wsd.v1.bulk" /* the same, large receive buffers */

#define PROTO_EPOCH_MAX 32    /* bytes of an epoch: "k3x9q2.0" */
#define PROTO_PRODUCER_MAX 64 /* bytes of a producer's name */
#define PROTO_KEY_MAX 256     /* bytes of a key */
#define PROTO_ID_MAX 64	      /* bytes of an "id" as JSON text */

/* Integers that every JSON reader keeps: RFC 8259 section 6. */
#define PROTO_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

/* The codes of an ERROR. */
enum proto_code {
	PROTO_FINE, /* no error */
	PROTO_BAD_JSON,
	PROTO_BAD_REQUEST,
	PROTO_UNKNOWN_TYPE,
	PROTO_BAD_TENANT,
	PROTO_AUTH_REQUIRED,
	PROTO_AUTH_FAILED,
	PROTO_TOKEN_EXPIRED,
	PROTO_FORBIDDEN,
	PROTO_TOO_LARGE,
	PROTO_TOO_MANY_SUBSCRIPTIONS,
	PROTO_RATE_LIMITED,
	PROTO_OVER_CAPACITY,
	PROTO_DRAINING,
	PROTO_INTERNAL,
	PROTO_CODES /* how many there are */
};

/* Close codes: RFC 6455 section 7.4.1, and ours. */
enum proto_close {
	PROTO_CLOSE_NORMAL = 1000,
	PROTO_CLOSE_GOING_AWAY = 1001,
	PROTO_CLOSE_PROTOCOL = 1002,
	PROTO_CLOSE_UNACCEPTABLE = 1003, /* a binary message */
	PROTO_CLOSE_ABNORMAL = 1006,	 /* never sent: no close frame came */
	PROTO_CLOSE_BAD_TEXT = 1007,	 /* not UTF-8 */
	PROTO_CLOSE_TOO_BIG = 1009,
	PROTO_CLOSE_BAD_REQUEST = 4001, /* 40xx: don't come back as you are */
	PROTO_CLOSE_FORBIDDEN = 4003,
	PROTO_CLOSE_AUTH_REQUIRED = 4010,
	PROTO_CLOSE_AUTH_FAILED = 4011,
	PROTO_CLOSE_OVER_CAPACITY = 4100, /* 41xx: back off */
	PROTO_CLOSE_RATE_LIMITED = 4101,
	PROTO_CLOSE_TOO_SLOW = 4108,
	PROTO_CLOSE_DRAINING = 4200, /* 42xx: come back now */
	PROTO_CLOSE_TOKEN_EXPIRED = 4212,
};

/* Where a subscription begins: the `since` of SUBSCRIBE. */
enum proto_since_kind {
	PROTO_SINCE_HEAD, /* absent: only what comes */
	PROTO_SINCE_ALL,  /* "all": everything retained */
	PROTO_SINCE_LAST, /* a number: that many last updates */
	PROTO_SINCE_AGE,  /* {"age":"10m"}: not older than that */
	PROTO_SINCE_SEQ,  /* {"epoch":"k3x9q2.0","seq":41}: after that one */
};

struct proto_since {
	enum proto_since_kind kind;
	uint64_t number;		 /* updates, ms of age, or seq */
	char epoch[PROTO_EPOCH_MAX + 1]; /* of PROTO_SINCE_SEQ; NUL-ended */
};

/* "BAD_JSON", …; and the other way round, PROTO_INTERNAL when unknown. */
const char *proto_code_name(enum proto_code code);
enum proto_code proto_code_from(const char *name, size_t len);

/* Whether it says that one may not, or is not known. */
bool proto_code_forbids(enum proto_code code);

/* Of these, whether it speaks of who one is, not of what one may do. */
bool proto_code_denies(enum proto_code code);

/* What a close code means, for messages: "too slow", …; never NULL. */
const char *proto_close_name(unsigned code);

/*
 * Parses a `since` as people write it on a command line: "all", "10" (last
 * updates), "10m" (age, with a unit), "k3x9q2.0:41". 0, or -1 when it is none
 * of these.
 */
int proto_since_parse(struct proto_since *since, const char *text);

#endif

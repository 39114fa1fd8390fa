/* SPDX-License-Identifier: MIT */
/*
 * gate - who is let in: by Host and Origin, the same on every path, by a token
 * where one is asked for, and what may become a WebSocket.
 *
 * It judges; answering is for http.h. libwebsockets does not see a handshake as
 * it came, of which it lets pass too much (another version, a method, a body,
 * two Origins) and can't take what is harmless (long lists, a header X-Auth).
 * It gets one that says no more than what was found right here.
 */
#ifndef GATE_H
#define GATE_H

#include "access.h"
#include "forwarded.h"
#include "guard.h"
#include "httphead.h"
#include "httpreq.h"

/* A request, and what is known of who sent it. */
struct gate_request {
	const struct httphead *head;
	struct guard_subject who; /* no connection yet */
	bool https;		  /* it is known to have come by TLS */
	struct header origin;	  /* of a page that may read the answer; see
				     gate_judge() */
};

struct gate {
	struct access access;
	struct guard *guard;	   /* borrowed */
	struct log *log;	   /* borrowed */
	struct counters *counters; /* borrowed */
};

/*
 * Finds out on whose behalf it came, if it came from one of these proxies, and
 * whether that was by TLS. 0, or -1 and `refusal` is the answer.
 */
int gate_locate(struct gate *g, struct gate_request *q,
		const struct forwarded_proxies *proxies, struct netaddr *client,
		struct reply *refusal);

/*
 * Judges any request by Host and Origin, and sets its `origin`, which is there
 * only where that is allowed. 0, or -1 and `refusal` is the answer.
 */
int gate_judge(struct gate *g, struct gate_request *q, struct reply *refusal);

/*
 * Whether a request wants to become a WebSocket. Other upgrades nobody has to
 * agree to (RFC 9110 section 7.8), so it is answered as any other.
 */
bool gate_wanted(const struct httphead *head);

/*
 * Judges one to upgrade, as gate_judge() does and by what it is to become. 0:
 * it may, by the handshake that is appended to `out`.
 */
int gate_upgrade(struct gate *g, struct gate_request *q, struct buf *out,
		 struct reply *refusal);

/*
 * Looks at the token that a request shows. 0: `*grant` is the caller's, and
 * NULL where there is none, or where nobody is asked for one. -1: `refusal`.
 */
int gate_identify(struct gate *g, const struct gate_request *q,
		  struct grant **grant, struct reply *refusal);

/*
 * Whether it may have what it asks for: 0, or -1 and `refusal`. `*grant`, by
 * which it may, is the caller's; NULL: nobody is asked for one.
 */
int gate_permit(struct gate *g, const struct gate_request *q,
		const struct httpreq *r, struct grant **grant,
		struct reply *refusal);

#endif

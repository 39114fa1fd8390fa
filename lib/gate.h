/* SPDX-License-Identifier: MIT */
/*
 * gate - who is let in: by Host and Origin, the same on every path, and what
 * may become a WebSocket.
 *
 * It judges; answering is for http.h. Some requests libwebsockets refuses
 * itself, by a 403 of its own: an unknown method, a target that is not a path,
 * an upgrade to what it does not know.
 */
#ifndef GATE_H
#define GATE_H

#include "access.h"
#include "counters.h"
#include "diag.h"
#include "reply.h"

#include <libwebsockets.h>

/* How much of one kind of refusal is logged. */
struct gate_log {
	int64_t began;	 /* the second that is counted; monotonic ms */
	unsigned shown;	 /* lines in it */
	uint64_t hidden; /* refusals in it that had no line */
};

struct gate {
	struct access access;
	const struct diag *diag;
	struct counters *counters; /* borrowed */
	struct gate_log logs[ACCESS_BAD_ORIGIN + 1];
};

/* Judges any request. 0, or -1 and `refusal` is the answer. */
int gate_judge(struct gate *g, struct lws *wsi, struct reply *refusal);

/* Judges one to upgrade. 0: it may become a WebSocket. */
int gate_upgrade(struct gate *g, struct lws *wsi, struct reply *refusal);

/*
 * Tells how many refusals were not logged, where their second is over; for a
 * timer. What is refused later tells so too.
 */
void gate_tell(struct gate *g);

#endif

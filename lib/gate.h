/* SPDX-License-Identifier: MIT */
/*
 * gate - HTTP requests: who is let in to become a WebSocket, and the few paths
 * that are answered as HTTP.
 *
 * Every answer says `Connection: close` and the connection ends with it: a
 * second request behind the first one would make libwebsockets spin. Some
 * requests libwebsockets refuses itself, by a 403 of its own: an unknown
 * method, a target that is not a path, an upgrade to what it does not know.
 */
#ifndef GATE_H
#define GATE_H

#include "access.h"
#include "diag.h"

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
	uint64_t refused; /* requests by Host or Origin */
	struct gate_log logs[ACCESS_BAD_ORIGIN + 1];
};

/*
 * Judges a request to upgrade. 0: it may become a WebSocket; -1: it was
 * answered, or is to end without an answer.
 */
int gate_upgrade(struct gate *g, struct lws *wsi);

/* Answers any other request. Returns -1: the connection ends. */
int gate_request(struct gate *g, struct lws *wsi, const char *path);

/*
 * Tells how many refusals were not logged, where their second is over; for a
 * timer. What is refused later tells so too.
 */
void gate_tell(struct gate *g);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * gate - HTTP requests: who is let in to become a WebSocket, and the few paths
 * that are answered as HTTP.
 *
 * Every answer says `Connection: close` and the connection ends with it: a
 * second request behind the first one would make libwebsockets spin.
 */
#ifndef GATE_H
#define GATE_H

#include "access.h"
#include "diag.h"

#include <libwebsockets.h>

struct gate {
	struct access access;
	const struct diag *diag;
	uint64_t refused; /* requests by Host or Origin */
};

/*
 * Judges a request to upgrade. 0: it may become a WebSocket; -1: it was
 * answered, or is to end without an answer.
 */
int gate_upgrade(struct gate *g, struct lws *wsi);

/* Answers any other request. Returns -1: the connection ends. */
int gate_request(struct gate *g, struct lws *wsi, const char *path);

#endif

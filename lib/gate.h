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
#include "log.h"

#include <libwebsockets.h>

struct gate {
	struct access access;
	struct log *log;  /* borrowed */
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

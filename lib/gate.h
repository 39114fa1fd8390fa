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
#include "log.h"
#include "reply.h"

#include <libwebsockets.h>

struct gate {
	struct access access;
	struct log *log;	   /* borrowed */
	struct counters *counters; /* borrowed */
};

/* Judges any request. 0, or -1 and `refusal` is the answer. */
int gate_judge(struct gate *g, struct lws *wsi, struct reply *refusal);

/* Judges one to upgrade. 0: it may become a WebSocket. */
int gate_upgrade(struct gate *g, struct lws *wsi, struct reply *refusal);

#endif

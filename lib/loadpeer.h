/* SPDX-License-Identifier: MIT */
/*
 * loadpeer - a subscriber or a publisher of a load: its connection, and what
 * the frames that it gets mean.
 *
 * A peer is ready once a PING that it sent behind its SUBSCRIBE was answered.
 * Every server reads a connection in order, so the PONG says that it has been
 * subscribed, without an answer that the plain dialect doesn't have. Who
 * follows by events is ready with the head of the answer. One that
 * stalls reads up to there and never again, and has room for little.
 */
#ifndef LOADPEER_H
#define LOADPEER_H

#include "loadconn.h"
#include "loadmark.h"
#include "loadpub.h"

#include <stdbool.h>
#include <stdint.h>

/* What the peers of a run share. */
struct loadpeer_env {
	struct loadconn_env conn;
	struct loadpub_plan plan;
	struct loadtally tally;
	struct loadmark_reader reader;
	struct histogram latency;
	uint64_t lag;	  /* ns that the last delivery took … */
	uint64_t lagging; /* … and how many had the same, not yet recorded */
	uint32_t ready;	  /* peers that are */
	uint64_t foreign; /* updates that are not of this run, or damaged */
	uint64_t errors;  /* ERRORs that were not for an update */
	uint64_t last;	  /* time of the last delivery or settling, ns */
	char why[256];	  /* why a peer is over; the last ERROR's text */
};

struct loadpeer {
	struct loadconn conn;
	uint32_t number; /* among those of its kind */
	uint32_t tenant; /* of a subscriber */
	bool stalls;	 /* a subscriber that is not in the tally */
	bool ready;
	struct loadpub *pub; /* borrowed; NULL: a subscriber */
};

/*
 * Takes what epoll told. 0, or -1 when the connection is over, with the
 * reason, for people, in env->why.
 */
int loadpeer_event(struct loadpeer *peer, struct loadpeer_env *env,
		   uint32_t events);

/* Publishes what may go now. As above. */
int loadpeer_pump(struct loadpeer *peer, struct loadpeer_env *env,
		  uint64_t now);

/* Says goodbye if that can be done at once, and closes. */
void loadpeer_close(struct loadpeer *peer, struct loadpeer_env *env);

#endif

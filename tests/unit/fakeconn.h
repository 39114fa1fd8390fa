/* SPDX-License-Identifier: MIT */
/*
 * fakeconn - a session with a table of functions in place of a socket.
 *
 * How much the connection takes is scripted. All that leaves is kept and read
 * again as WebSocket frames; as libwebsockets may send a ping of its own
 * before each write and behind the rest of a cut frame, so does this. A frame
 * that was broken thereby does not parse any more.
 *
 * In texts to say and to hear ' stands for ", and a newline ends each message
 * that was heard.
 */
#ifndef FAKECONN_H
#define FAKECONN_H

#include "session.h"

struct fakeconn {
	struct session session;
	struct buf wire;    /* all that left */
	size_t parsed;	    /* bytes of it that were read as frames */
	struct buf heard;   /* text messages not asked for yet */
	const long *takes;  /* bytes that each send takes; -1: it is dead */
	size_t takes_count; /* what follows takes everything */
	bool keep_fails;    /* the rest of a cut frame cannot be kept */
	bool kept;	    /* it has a rest, so nothing may be sent */
	bool wants_write;   /* asked to tell when there is room */
	bool paused;	    /* input was stopped */
	unsigned pauses;    /* how often */
	int64_t wake_ms;    /* it asked to be woken in so long; 0: it did not */
	unsigned sends;
	unsigned checks;    /* of tokens */
	unsigned closings;  /* how often it was told to end */
	unsigned code;	    /* of the close frame; 0: none came */
	char reason[124];   /* of the close frame */
	const char *misuse; /* what the outlet did wrong; NULL: nothing */
	/* Asks all others to let go in each send, as if for what it keeps. */
	struct meter_holder *asks;
};

/* A hub whose epochs begin with "run" and whose clocks stand at 1000 ms. */
int fakeconn_hub(struct hub *h, const struct hub_config *config);

void fakeconn_open(struct fakeconn *f, struct hub *hub,
		   enum session_dialect dialect);
void fakeconn_close(struct fakeconn *f);

/* What the following sends take. */
void fakeconn_script(struct fakeconn *f, const long *takes, size_t count);

/* The peer sends a message, or a piece of one as it is. */
void fakeconn_say(struct fakeconn *f, const char *text);
void fakeconn_piece(struct fakeconn *f, const char *bytes, size_t len,
		    bool first, bool final);

/* There is room again, and what was kept has left. */
void fakeconn_writable(struct fakeconn *f);

/* Fans out until nothing is due. */
void fakeconn_run(struct hub *h);

/* Fans out, with room for each of them whenever one asks for it. */
void fakeconn_settle(struct hub *h, struct fakeconn *f, size_t count);

/*
 * Whether what came since the last call is exactly this, in whole frames, and
 * the outlet kept to its contract. Says what came if not.
 */
bool fakeconn_hears(struct fakeconn *f, const char *want);

/* Whether it was closed with this code, and heard nothing before. */
bool fakeconn_closed(struct fakeconn *f, unsigned code);

/* Reads what left; whether it is whole frames and nothing was done wrong. */
bool fakeconn_sound(struct fakeconn *f);

/* Deliveries that are due and were neither made nor dropped. */
uint64_t fakeconn_pending(const struct hub *h);

/* Whether due = delivered + dropped + pending. */
bool fakeconn_ledger(const struct hub *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * uplink - keeps what is put into its window flowing to a wsd, and tells what
 * became of it.
 *
 * It connects, names itself as a producer, sends as many messages in a frame
 * as are there when the connection can send, and connects again after a loss.
 * What was not acknowledged stays in the window and is sent again then, in
 * order and with the ids that it had: so within one run of wsd nothing is
 * published twice and nothing is lost. Where messages come from, what follows
 * from one that is refused, and when to end is its owner's business.
 */
#ifndef UPLINK_H
#define UPLINK_H

#include "client.h"
#include "diag.h"
#include "request.h"
#include "sender.h"

/*
 * What the owner is told; all of them are to be there. Within each of these
 * more may be put, and uplink_stop() be called.
 */
struct uplink_events {
	/* A sentence for people. */
	void (*tell)(void *user, enum diag_level level, const char *text);
	/*
	 * Connected, for the first time or again: another server, perhaps,
	 * that takes updates of at most `max` bytes; 0: it does not say.
	 */
	void (*ready)(void *user, uint64_t max);
	/*
	 * All ids from `first` to `last` are settled, which no earlier event
	 * spoke of; ranges come in ascending order, but for what a draining
	 * server refused and another one took. While this runs, window_line()
	 * knows them still. `ack` names the last id that it settles; NULL: they
	 * have left, and nobody can tell whether they arrived.
	 */
	void (*settled)(void *user, uint64_t first, uint64_t last,
			const struct answer *ack);
	/*
	 * One was refused, and so is settled too. Whether it is worth another
	 * try (PROTO_RATE_LIMITED, PROTO_OVER_CAPACITY) under another id is
	 * the owner's to say. `line` is borrowed until the next is put.
	 */
	void (*rejected)(void *user, const struct window_line *line,
			 enum proto_code code, const char *why);
	/* The server complains about no message that is in the window. */
	void (*complaint)(void *user, enum proto_code code, const char *why);
	/* Something has moved: there may be room, or uplink_drained(). */
	void (*changed)(void *user);
	/* It cannot go on, as was told; nothing comes after this. */
	void (*ended)(void *user, enum exits status);
};

struct uplink_config {
	const char *url;
	bool acks;	   /* ask for acknowledgements, where there are any */
	const char *needs; /* "keys": what wsd.v1 is needed for; NULL: nothing,
			      a server without it will do */
	struct login *login; /* borrowed, or NULL; see client.h */
	bool retry;	     /* reconnect after a loss */
	bool patient;	     /* see client.h */
	size_t max_lines;    /* messages in the window */
	size_t max_bytes;    /* of messages; one may go beyond it */
};

struct uplink {
	const struct uplink_config *config; /* borrowed */
	const struct uplink_events *events; /* borrowed */
	void *user;
	struct client_config client_config;
	struct client *client; /* owned; NULL before uplink_start() */
	struct window window;
	struct sender sender;
	char run[PROTO_EPOCH_MAX + 1]; /* of the server, from its epochs */
	bool acked;		       /* acknowledgements are asked for */
	bool plain;   /* no wsd.v1: sticks, from the first time on */
	bool began;   /* it was connected once */
	bool stopped; /* nothing is sent or told any more */
	bool held;    /* the owner's to set: nothing is sent for now */

	/* Of this connection: */
	bool ready;
	bool draining;	 /* the server takes no more */
	bool ponged;	 /* and everything before it has arrived */
	uint64_t resent; /* messages that an old connection had sent */
	uint64_t fresh;	 /* the first id that none had sent */
	int64_t lost_ms; /* when there was none, monotonic */

	/* Of all: */
	uint64_t acknowledged;
	uint64_t duplicates; /* keys that had been published; at least */
	uint64_t reconnects;
};

/* What is to be published. Borrows. */
struct uplink_message {
	struct request_text tenant;
	struct request_text key; /* bytes NULL: none */
	const char *data; /* JSON, in one line; NULL: a GAP, which tells that
			     the source lost something */
	size_t len;
	uint64_t number; /* these two are the owner's, for window_line() */
	uint32_t source;
};

/* 0, or -1 with errno. `config`, `events` and `user` are borrowed. */
int uplink_init(struct uplink *u, const struct uplink_config *config,
		const struct uplink_events *events, void *user);

/*
 * Begins to connect; no event comes before the loop runs, but for tell().
 * EXIT_DONE, or another status after it has told why.
 */
enum exits uplink_start(struct uplink *u, struct loop *loop);

/*
 * Puts a message into the window, in any state; with it goes what was appended
 * to u->window.origins since the last one. It is sent with uplink_flush(), or
 * when the connection can. 0, or -1 with errno, and then the window is as it
 * was: ENOMEM; ENOBUFS when it has no place for another message.
 */
int uplink_put(struct uplink *u, const struct uplink_message *message);

/* Takes back what was appended to u->window.origins for a message. */
static inline void uplink_abort(struct uplink *u)
{
	window_abort(&u->window);
}

/* Whether no more is to be put now; changed() comes when that has changed. */
static inline bool uplink_full(const struct uplink *u)
{
	return window_full(&u->window);
}

/* Sends what can be sent now; to be called when input pauses. */
void uplink_flush(struct uplink *u);

/*
 * For who puts no more: whether everything is settled, and known to have
 * arrived. Without acknowledgements it asks the server for the latter, and
 * changed() comes when that has answered.
 */
bool uplink_drained(struct uplink *u);

/* As client_renew(). */
void uplink_renew(struct uplink *u);

/* Nothing is sent or told from now on. */
void uplink_stop(struct uplink *u);

/* As client_why_not(). */
const char *uplink_why_not(const struct uplink *u, uint64_t ms);

/* Ends the connection, running the loop for that; the window stays as it is. */
void uplink_close(struct uplink *u);

/* Closes and frees. Harmless a second time, and after uplink_init() failed. */
void uplink_release(struct uplink *u);

#endif

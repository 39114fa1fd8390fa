/* SPDX-License-Identifier: MIT */
/*
 * client - a WebSocket connection to a wsd that is kept: connected, and
 * connected again after a loss, with exponential back-off and full jitter.
 *
 * It offers a subprotocol, waits for WELCOME, and then hands over one message
 * at a time: a line in wsd.v1, a whole frame in plain. A server that answers
 * without wsd.v1 (or accepts it and sends no WELCOME within 3 s) is a plain
 * one. It knows nothing of tenants; subscribing and resending are its user's.
 *
 * The first connection is tried once, at every address that the name has: who
 * mistypes a URL hears it at once. Only what was connected is connected again.
 * What becomes of its token renewal.h says.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "answer.h"
#include "buf.h"
#include "exits.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct log;
struct login;
struct loop;

enum client_dialect {
	CLIENT_PLAIN,
	CLIENT_V1,
};

/* Why there is no connection (any more). */
struct client_loss {
	const char *text;    /* a sentence for people, with the URL */
	enum exits status;   /* EXIT_CONNECTION, EXIT_REFUSED, … */
	unsigned close_code; /* what the server closed with; 0: none */
	bool connected;	     /* it had been ready before */
	bool final;	     /* it does not come back (40xx, 403, 404, …) */
	uint64_t retry_ms;   /* else: the next attempt is in so long */
};

struct client_events {
	/* The server accepted wsd.v1, and its WELCOME is still to come. */
	void (*late)(void *user);
	/* Connected; `welcome` is NULL in plain. */
	void (*ready)(void *user, enum client_dialect dialect,
		      const struct answer *welcome);
	/* One message; `text` is borrowed and not NUL-ended. */
	void (*message)(void *user, const char *text, size_t len);
	/* What was sent has left; more may be sent. */
	void (*writable)(void *user);
	/* No connection; the client retries unless loss->final. */
	void (*lost)(void *user, const struct client_loss *loss);
	/* It goes on; a sentence for people, of something that is not right. */
	void (*warn)(void *user, const char *text);
};

struct client_config {
	const char *url;      /* as given; for messages */
	const char *protocol; /* PROTO_V1 or PROTO_V1_BULK */
	struct login *login;  /* NULL: neither token nor TLS */
	bool retry;	      /* reconnect after a loss */
	bool patient;	      /* also while no token is taken, see renewal.h */
	size_t message_max;   /* bytes; a longer message ends it, 1009 */
	uint64_t connect_ms;  /* time for connect and handshake; 10 s */
	uint64_t backoff_ms;  /* first delay is random up to this; 250 ms */
	uint64_t backoff_max_ms; /* it doubles up to this; 30 s */
};

/* Makes a loop for clients with this login, as loop_init() does. */
int client_loop(struct loop *loop, struct log *log, const struct login *login);

/*
 * Begins to connect. `config`, `events` and `user` are borrowed until
 * client_free(); 0 in `config` means the default named there (message_max:
 * 64 MiB). No event comes before the loop runs. NULL after out of memory or a
 * bad URL (`*why` says it, without the URL).
 */
struct client *client_new(struct loop *loop, const struct client_config *config,
			  const struct client_events *events, void *user,
			  const char **why);

/*
 * Sends one text message: all bytes of `message`, which is empty afterwards.
 * -1 when not ready, or while one is still leaving: wait for writable().
 */
int client_send(struct client *client, struct buf *message);
bool client_can_send(const struct client *client);

/* Messages that were sent on this connection, with those of the client. */
uint32_t client_sent(const struct client *client);

/*
 * For each answer of which its user knows nothing by itself, and each ERROR:
 * true when it is about the token, and dealt with.
 */
bool client_answer(struct client *client, const struct answer *answer);

/*
 * Shows the server the token that there is now, in wsd.v1: it may allow more
 * than it did, or than the one before.
 */
void client_renew(struct client *client);

/*
 * An ERROR says that the peer is not known, or not any more (see
 * proto_code_denies()); `text` is a sentence for people. The connection ends as
 * if the server had closed it, and whether it comes back is decided as then.
 */
void client_deny(struct client *client, enum proto_code code, const char *text);

/*
 * Stops and goes on reading: back-pressure. What was read already still comes:
 * the rest of the message at hand.
 */
void client_pause(struct client *client, bool paused);

/* The next attempt comes no sooner than in so long: what DRAIN asked for. */
void client_delay(struct client *client, uint64_t ms);

/*
 * Closes with code 1000 and does not come back; no event comes after this
 * call. Call it from anywhere, also within an event.
 */
void client_close(struct client *client);

/*
 * For who gives up after `ms`: why it is not ready, as a sentence with the URL;
 * NULL when it is. Valid until the loop runs again.
 */
const char *client_why_not(struct client *client, uint64_t ms);

/* Whether nothing of it is left in the loop. */
bool client_closed(const struct client *client);

/*
 * Closes it unless that was done, runs the loop until it is closed (at most a
 * second) and frees it. Not within an event. NULL is allowed.
 */
void client_free(struct client *client);

#endif

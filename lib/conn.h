/* SPDX-License-Identifier: MIT */
/*
 * conn - one attempt at a WebSocket connection to one address, as a client, on
 * lws: handshake, whole messages in both directions, close.
 *
 * It decides nothing: when it is gone, its fields tell how far it came and
 * what the peer said. Names, retries and dialects are client.c's.
 */
#ifndef CONN_H
#define CONN_H

#include "bearer.h"
#include "buf.h"
#include "loop.h"
#include "masked.h"
#include "trust.h"
#include "url.h"

#include <stdbool.h>

enum conn_stage {
	CONN_NONE,
	CONN_CONNECTING, /* no TCP (or Unix socket) connection yet */
	CONN_CONNECTED,	 /* there is; with TLS, its handshake goes on */
	CONN_ASKED,	 /* the HTTP request for a WebSocket went out */
	CONN_ANSWERED,	 /* an HTTP answer came */
	CONN_OPEN,	 /* it is a WebSocket */
};

#define CONN_TEXT_MAX 256

struct conn_events {
	void (*open)(void *user);
	void (*message)(void *user, const char *text, size_t len);
	/* The same of a binary one; NULL: they are refused with 1003. */
	void (*binary)(void *user, const char *bytes, size_t len);
	void (*writable)(void *user);
	/* It is gone; conn_start() may be called again, but not in here. */
	void (*gone)(void *user);
};

struct conn {
	const struct conn_events *events; /* borrowed */
	void *user;
	/* These two are the owner's to set before conn_start(); borrowed. */
	const struct bearer *bearer; /* the handshake shows its token, if any */
	struct trust *trust;	     /* for wss URLs; NULL: no TLS */
	struct lws *wsi;	     /* NULL: none, or gone */
	size_t message_max;	     /* bytes */
	enum conn_stage stage;
	uv_idle_t idle;	 /* active: what was sent has left, which is not told */
	bool sending;	 /* a message is leaving */
	bool paused;	 /* not reading */
	bool closing;	 /* close with close_with as soon as possible */
	bool said_close; /* that close frame was sent */
	bool heard;	 /* something came since the owner set it to false */
	bool ping_due;	 /* send a ping with the next writable callback */
	bool exposed;	 /* the token goes through a network as clear text */
	unsigned close_with;
	struct buf in;	/* the beginning of a message */
	struct buf out; /* headroom for lws and a frame; empty between calls */
	struct masked_keys keys; /* of the frames */

	/* What the peer said. */
	char protocol[32];	     /* subprotocol accepted, or "" */
	unsigned status;	     /* of the HTTP answer; 0: none */
	char phrase[CONN_TEXT_MAX];  /* behind the status */
	char body[CONN_TEXT_MAX];    /* first line of a refusal */
	char trouble[CONN_TEXT_MAX]; /* what lws says went wrong */
	unsigned close_code;	     /* 0: no close frame came */
	char close_reason[CONN_TEXT_MAX];
};

/*
 * What the table of protocols for loop_init() begins with. A message goes out
 * by one send; lws copies only what the kernel does not take.
 */
#define CONN_NAME "wsd-client"
#define CONN_SEND_MAX (16 << 20)
#define CONN_PROTOCOL                                                          \
	{                                                                      \
		.name = CONN_NAME, .callback = conn_callback,                  \
		.rx_buffer_size = LOOP_READ_MAX,                               \
		.tx_packet_size = CONN_SEND_MAX                                \
	}
int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
		  void *in, size_t len);

void conn_init(struct conn *conn, struct loop *loop,
	       const struct conn_events *events, void *user,
	       size_t message_max);

/*
 * Begins to connect to `address` (numeric, or '+' and the path of a Unix
 * socket) for `url`, offering the subprotocols `offer`. 0, or -1 when it
 * failed at once; `gone` is not called then.
 */
int conn_start(struct conn *conn, struct loop *loop, const struct url *url,
	       const char *address, const char *offer);

/* The token that its handshake shows; NULL: none. */
static inline const char *conn_token(const struct conn *conn)
{
	return conn->bearer ? conn->bearer->token : NULL;
}

/*
 * Takes all bytes of `message`, text or binary, and sends them as one frame. -1
 * while one is leaving, when it is not open, and when `message` has failed; and
 * for want of memory, which ends the connection.
 */
int conn_send(struct conn *conn, struct buf *message);
int conn_send_binary(struct conn *conn, struct buf *message);

/* The same of a secret: the message is wiped, whatever becomes of it. */
int conn_send_secret(struct conn *conn, struct buf *message);

/*
 * As if a message were leaving: `writable` comes when all is out that waits, a
 * pong of lws too.
 */
void conn_want_writable(struct conn *conn);

void conn_pause(struct conn *conn, bool paused);

/* Sends a ping soon. */
void conn_ping(struct conn *conn);

/* Closes with a close frame when it is open, else at once; `gone` follows. */
void conn_close(struct conn *conn, unsigned code);

/* Ends it without a close frame; `gone` follows. */
void conn_kill(struct conn *conn);

/*
 * After `gone`, or when nothing was started. `closed` gets a handle of it, with
 * `data`, in the loop.
 */
void conn_release(struct conn *conn, uv_close_cb closed, void *data);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * dial - from a URL to an open WebSocket, or the reason why not: resolves the
 * name, tries one address after the other, asks the kernel why when lws could
 * not connect.
 *
 * All of it has one deadline; an address that does not answer gets two seconds
 * of it while there are others.
 */
#ifndef DIAL_H
#define DIAL_H

#include "conn.h"
#include "failure.h"
#include "probe.h"
#include "resolve.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

enum dial_step {
	DIAL_IDLE,	 /* nothing is under way */
	DIAL_RESOLVING,	 /* the lookup */
	DIAL_NEXT,	 /* the timer: another address in the next turn */
	DIAL_CONNECTING, /* conn, up to the handshake */
	DIAL_LEAVING,	 /* conn is to end: another address is tried */
	DIAL_GIVING_UP,	 /* conn or probe is to end: `failure` says why */
	DIAL_PROBING,	 /* the probe */
};

struct dial {
	struct loop *loop;     /* borrowed */
	struct conn *conn;     /* borrowed; its events go to its owner */
	const char *text;      /* the URL as given */
	const struct url *url; /* and parsed */
	const char *offer;     /* subprotocols */
	void (*failed)(void *user);
	void *user;
	enum dial_step step;
	struct resolve *lookup; /* or NULL */
	struct addrinfo *found; /* owned; all addresses */
	struct addrinfo *at;	/* the one that is tried; NULL: a socket */
	struct probe probe;
	uv_timer_t timer;
	uint64_t ms;		/* that were given */
	uint64_t deadline;	/* uv_now() */
	struct failure failure; /* valid in failed() and after */
	char local[sizeof(((struct sockaddr_un *)0)->sun_path) + 1]; /* "+…" */
};

/*
 * `failed` is called when an attempt has come to its end and nothing of it is
 * left. 0, or -1 when the URL cannot be dialled: the socket's path is too long.
 */
int dial_init(struct dial *d, struct loop *loop, struct conn *conn,
	      const char *text, const struct url *url, const char *offer,
	      void (*failed)(void *user), void *user);

/* Begins; ends with `open` of the conn, or failed(). It has `ms`. */
void dial_start(struct dial *d, uint64_t ms);

/* The owner of the conn passes on its events `open`… */
void dial_opened(struct dial *d);

/* …and `gone`, while dial_busy(). */
void dial_gone(struct dial *d);

static inline bool dial_busy(const struct dial *d)
{
	return d->step != DIAL_IDLE;
}

/* Why an attempt that is given up after `ms` has not come to its end. */
void dial_explain(struct dial *d, struct failure *f, uint64_t ms);

/*
 * Stops what is under way, but for the conn; failed() will not be called.
 * It is done when dial_stopped().
 */
void dial_stop(struct dial *d);
bool dial_stopped(const struct dial *d);

/*
 * When stopped. Closes the timer; `closed` gets its handle, with `data`, in the
 * next turn, and `d` must last until then.
 */
void dial_release(struct dial *d, uv_close_cb closed, void *data);

#endif

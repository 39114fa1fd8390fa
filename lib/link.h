/* SPDX-License-Identifier: MIT */
/*
 * link - a stream of bytes to a server, by TCP or a Unix socket, over libuv:
 * from a name to a connection, then bytes in both directions.
 *
 * It decides nothing: it ends when the peer ends it, when it fails, or when its
 * owner closes it, and can then be started again. The name is looked up without
 * blocking. All addresses are tried in turn, within one deadline, of which one
 * gets two seconds while there are others. A dead host is noticed by
 * keep-alive, if by nobody before.
 */
#ifndef LINK_H
#define LINK_H

#include "buf.h"
#include "resolve.h"

#include <stdbool.h>
#include <uv.h>

/* Bytes that are read at once. */
#define LINK_READ_MAX 65536

#define LINK_TROUBLE_MAX 320

struct link_events {
	void (*open)(void *user);
	/* Bytes as they came; gone when this returns. */
	void (*bytes)(void *user, const char *bytes, size_t len);
	/* All that was to be sent is with the kernel. */
	void (*sent)(void *user);
	/* It is at its end; link_start() may be called again, from here too. */
	void (*gone)(void *user);
};

enum link_state {
	LINK_IDLE, /* nothing is under way */
	LINK_RESOLVING,
	LINK_CONNECTING,
	LINK_OPEN,
	LINK_CLOSING, /* `gone` is to come */
};

struct link {
	const struct link_events *events; /* borrowed */
	void *user;
	uv_loop_t *uv;	  /* borrowed */
	const char *host; /* borrowed; or the path of a Unix socket */
	uint16_t port;	  /* 0: a Unix socket */
	enum link_state state;
	bool paused;	 /* not reading */
	bool writing;	 /* `leaving` is with libuv */
	bool has_stream; /* the union below is open in the loop */
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	uv_connect_t connect;
	uv_write_t write;
	uv_timer_t timer;	/* the deadline; fires at once when closing */
	uint64_t ms;		/* that were given */
	uint64_t deadline;	/* uv_now() */
	struct resolve *lookup; /* or NULL */
	struct addrinfo *found; /* owned; all addresses */
	struct addrinfo *at;	/* the one that is tried */
	struct buf out;		/* waits for `leaving` to be sent */
	struct buf leaving;
	/* Why it ended, as part of a sentence; "": the peer ended it. */
	char trouble[LINK_TROUBLE_MAX];
	char in[LINK_READ_MAX];
};

void link_init(struct link *link, uv_loop_t *uv,
	       const struct link_events *events, void *user);

/*
 * Begins to connect an idle one to `host`, a name or a numeric address
 * (borrowed until `gone`), or with port 0 to the Unix socket at that path. It
 * has `ms` until `open`. No event comes before the loop runs.
 */
void link_start(struct link *link, const char *host, uint16_t port,
		uint64_t ms);

/*
 * Where to append what is to be sent; link_flush() then sends it, at once or
 * behind what is leaving. Only while it is open.
 */
static inline struct buf *link_out(struct link *link)
{
	return &link->out;
}
void link_flush(struct link *link);

/* Bytes that wait to be sent. */
size_t link_pending(const struct link *link);

/* Stops and goes on reading: back-pressure. */
void link_pause(struct link *link, bool paused);

/* Ends it, from anywhere: nothing but `gone` comes any more. */
void link_close(struct link *link);

/*
 * When idle. Frees all; the loop closes the timer in its next turn and calls
 * `closed` with its handle, which has `data`: `link` must last until then.
 */
void link_release(struct link *link, uv_close_cb closed, void *data);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * server - wsd itself: one loop with its listeners, connections and hub.
 *
 * Here the parts meet: the listeners accept, exchanges read and answer HTTP,
 * the gate judges requests, libwebsockets speaks WebSocket, sessions act on the
 * hub, and the pacer has the fan-out write. One struct server is one thread's
 * worth.
 */
#ifndef SERVER_H
#define SERVER_H

#include "certwatch.h"
#include "drain.h"
#include "exits.h"
#include "follower.h"
#include "gate.h"
#include "http.h"
#include "hub.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "pacer.h"
#include "peer.h"
#include "systemd.h"

/*
 * Descriptors that are not for connections: what the server needs itself, and
 * some for what comes (files read anew, a library).
 */
#define SERVER_DESCRIPTORS_SPARE 64

/* It does not start with fewer in all; then fewer are spared. */
#define SERVER_DESCRIPTORS_MIN 64

/* A WebSocket over TLS has so many: its own, and a pair to lws. */
#define SERVER_DESCRIPTORS_TLS 3

static inline uint64_t server_descriptors_spare(uint64_t limit)
{
	return limit >= 4 * SERVER_DESCRIPTORS_SPARE ? SERVER_DESCRIPTORS_SPARE
						     : limit / 2;
}

struct server;

struct server_config {
	struct hub_config hub;
	struct admission_limits admission; /* connections 0: as can be */
	struct caller_times times;
	struct access access;
	struct forwarded_proxies proxies; /* whose X-Forwarded-For counts */
	const struct tokens *tokens; /* borrowed; NULL: no access control */
	bool query_token;	     /* a token in a URL is taken */
	uint64_t auth_failures;	     /* of an address, a minute; 0: no limit */
	bool auth_failures_local;    /* loopback too */
	uint64_t body_max;	     /* bytes of the body of a request */
	const char *const *listen;   /* addresses; none: the default */
	size_t listen_count;
	bool any_address;     /* off loopback too, without access control */
	const char *tls_cert; /* files with which TCP speaks TLS; or NULL */
	const char *tls_key;
	uint64_t sndbuf;   /* bytes that the kernel holds for a connection */
	uint64_t drain_ms; /* time to say goodbye */
	int ready_fd;	   /* told the URLs, then closed; -1: none */
	enum log_format log_format;
	enum diag_level log_level;
	/* On SIGHUP, in the loop: for server_reconfigure(). Or NULL */
	void (*hangup)(void *user, struct server *s);
	void *user;
};

struct server {
	struct loop loop;
	struct hub hub;
	struct guard guard;
	struct gate gate;
	struct callers callers;
	struct peers peers;
	struct followers followers;
	struct drain drain;
	struct http http;
	struct listeners listeners;
	struct certwatch certwatch; /* with a certificate alone */
	struct pacer pacer;
	struct systemd systemd;
	int handed; /* sockets that the service manager opened */
	uv_timer_t sweep;
	const struct server_config *config; /* borrowed, as is its access */
	struct log log;
	uint64_t refused_memory; /* of the counter, that the log has told */
	uint64_t flushed;	 /* updates published at the last flush */
	int last_signal;	 /* the one that ends it at once; 0: none */
};

/*
 * Runs a server until it is drained. It logs under the name and with the level
 * of `diag`. Returns the exit status; or ends the process by a second signal.
 */
enum exits server_run(const struct server_config *config,
		      const struct diag *diag);

/*
 * Goes on with another configuration, which is borrowed in place of the one
 * before. What it says of listening (addresses, sndbuf, ready_fd) is of no
 * effect, nor what it says of TLS: the same files are read anew. Limits of a
 * connection that WELCOME tells hold for new ones. The level of `diag` may have
 * changed too.
 */
void server_reconfigure(struct server *s, const struct server_config *config);

#endif

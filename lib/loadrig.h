/* SPDX-License-Identifier: MIT */
/*
 * loadrig - everything that a run of wsbench needs, put up before it and taken
 * down after it: the server's address, the epoll(7), the tally, publishers and
 * peers. Nothing is connected yet when it stands.
 */
#ifndef LOADRIG_H
#define LOADRIG_H

#include "loadpeer.h"
#include "loadpub.h"
#include "loadtarget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loadrig_config {
	const char *url;
	const char *token; /* NULL: none */
	struct trust_config trust;
	uint32_t subscribers;
	uint32_t stalled;    /* more of them, which never read */
	uint32_t publishers; /* 0: publishes nothing */
	uint32_t tenants;
	const char *prefix; /* tenants are called so, and a number */
	uint32_t size;	    /* bytes of an update, at least LOADMARK_MIN */
	uint64_t rate;	    /* updates/s of all; 0: closed loop */
	uint32_t window;
	uint32_t batch;
	bool send_each;	      /* no two frames in one send */
	uint64_t count;	      /* updates of all publishers; 0: by time */
	uint64_t duration_ms; /* of publishing; of waiting without any */
	uint64_t drain_ms;
	uint64_t timeout_ms; /* for the whole run; 0: none */
	enum loadpub_settle settle;
	const char *subscriber_protocol; /* NULL: the plain dialect */
	const char *publisher_protocol;
	bool events; /* subscribers are no WebSockets, but follow by events */
	uint32_t sources;
	pid_t pid;    /* of the server; 0: not known */
	int ready_fd; /* gets a line when all are connected; -1: none */
};

enum loadrig_result {
	LOADRIG_OK,
	LOADRIG_BAD_URL,
	LOADRIG_UNREACHABLE, /* nobody listens there */
	LOADRIG_SYSTEM,	     /* memory, descriptors */
};

struct loadrig {
	const struct loadrig_config *config; /* borrowed */
	struct loadpeer_env env;
	struct loadtarget target;
	struct loadpeer *peers; /* owned; subscribers, publishers, stalled */
	uint32_t count;		/* of them */
	struct loadpub *pubs;	/* owned; config->publishers of them */
	int timer;		/* timerfd(2); its epoll data is NULL */
};

/*
 * Raises the limit of descriptors too. On an error the reason, for people, is
 * in `why`; loadrig_release() is due in any case.
 */
enum loadrig_result loadrig_prepare(struct loadrig *rig,
				    const struct loadrig_config *config,
				    char *why, size_t room);

/* Closes every connection, as politely as can be done at once. */
void loadrig_release(struct loadrig *rig);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * redis - a connection to a Redis that is kept: connected, and connected again
 * after a loss, with exponential back-off and full jitter.
 *
 * Commands go out in order, each with a callback for its one reply; what comes
 * from subscriptions is an event. Each connection begins with AUTH, SELECT and
 * CLIENT SETNAME, as the configuration says, and PING; when that is answered it
 * is `ready`. It knows nothing of what went before: after each `ready` the
 * owner subscribes again, and decides what to do about commands whose reply did
 * not come. Redis 3.2 or later, RESP2. No TLS.
 *
 * As in client.h, the first connection is tried once, at every address that the
 * name has, and only what was connected is connected again; `patient` changes
 * that.
 *
 * Heartbeat: Redis must answer. When commands are under way, they are the
 * heartbeat; when none is and nothing has come for heartbeat_ms, a PING is
 * sent. When then nothing at all comes for timeout_ms the connection is lost.
 * So a Redis that hangs (SIGSTOP, a dead host, a cable) is noticed within
 * seconds. That PING goes the whole way that a message goes: through the event
 * loop of Redis and the output buffer of this very connection, behind all
 * messages that were published before it. A PUBLISH through a second
 * connection, seen to come back, would prove no more about Redis; but it needs
 * the permission to publish and a channel that others see, and raises a false
 * alarm whenever PUBLISH alone is held up (CLIENT PAUSE WRITE during a
 * failover), which would cost messages. While reading is paused, or when this
 * process itself did not run, silence proves nothing and is not counted.
 */
#ifndef REDIS_H
#define REDIS_H

#include "exits.h"
#include "redisqueue.h"
#include "redisreader.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct redis;

/* Why there is no connection (any more). */
struct redis_loss {
	const char *text;  /* a sentence for people; without the password */
	enum exits status; /* EXIT_CONNECTION, EXIT_REFUSED, … */
	bool connected;	   /* it had been ready before */
	bool oversize;	   /* it ended for a reply above the limits */
	bool final;	   /* it does not come back: a wrong password, … */
	uint64_t retry_ms; /* else: the next attempt is in so long */
};

struct redis_events {
	/* Connected; commands and subscriptions may go out. */
	void (*ready)(void *user);
	/* A message, or the end of a subscription; `push` is borrowed. */
	void (*push)(void *user, const struct redispush *push);
	/*
	 * All that was to be sent has left: after EAGAIN, go on. May be NULL.
	 */
	void (*writable)(void *user);
	/*
	 * No connection; retries unless loss->final. The callbacks of commands
	 * without reply were called with NULL before.
	 */
	void (*lost)(void *user, const struct redis_loss *loss);
};

/* 0 and NULL mean the default named there. */
struct redis_config {
	const char *url;	 /* see redisurl.h */
	const char *user;	 /* in place of that in the URL */
	const char *password;	 /* the same */
	const char *name;	 /* for CLIENT SETNAME; no blanks; none */
	bool retry;		 /* reconnect after a loss */
	bool patient;		 /* retry the first connection too */
	uint64_t connect_ms;	 /* time until it is ready; 10 s */
	uint64_t heartbeat_ms;	 /* silence before a PING; 2 s */
	uint64_t timeout_ms;	 /* for any answer; 5 s */
	uint64_t backoff_ms;	 /* first delay is random up to this; 250 ms */
	uint64_t backoff_max_ms; /* it doubles up to this; 30 s */
	size_t commands_max;	 /* without reply; 65536 */
	size_t pending_max;	 /* bytes that wait to be sent; 16 MiB */
	struct redisreader_limits limits; /* of replies, see there */
};

/*
 * Begins to connect. `config` is copied, its texts are not needed after the
 * call; `events` and `user` are borrowed until redis_free(). No event comes
 * before the loop runs. NULL and `*why`, a static text without the URL: out of
 * memory, a bad URL, or one with TLS.
 */
struct redis *redis_new(uv_loop_t *uv, const struct redis_config *config,
			const struct redis_events *events, void *user,
			const char **why);

struct redis_command {
	const char *const *words;
	const size_t *lens; /* bytes of each; NULL: all are strings */
	size_t count;
	/*
	 * How long Redis may block before it answers (BLOCK of XREADGROUP);
	 * later commands wait behind it, so give it a connection of its own. 0
	 * for all others; not for "for ever".
	 */
	uint64_t wait_ms;
	redisqueue_done *done; /* may be NULL */
	void *user;
};

/*
 * Sends a command that has exactly one reply, which goes to `done`: not
 * SUBSCRIBE and its kin, MONITOR, HELLO, RESET, QUIT or CLIENT REPLY. Nothing
 * is borrowed after the call. 0, or -1 with errno, and `done` is not called:
 * ENOTCONN (not ready), EAGAIN (commands_max or pending_max is reached: wait
 * for `writable` or a reply), E2BIG (a command above 1 GiB), ENOMEM.
 */
int redis_command(struct redis *redis, const struct redis_command *command);

/*
 * Begins (or ends) one subscription, to a channel or a pattern of `len` bytes;
 * `kind` is REDISQUEUE_SUBSCRIBE or another of its kind. `done` gets the
 * confirmation, an array, or the error, when this user may not. Then only
 * subscriptions and PING are possible on this connection. Otherwise as
 * redis_command().
 */
int redis_subscribe(struct redis *redis, enum redisqueue_kind kind,
		    const char *name, size_t len, redisqueue_done *done,
		    void *user);

/*
 * Ends the connection as what came makes no sense; it comes back after a while,
 * as after any other loss. `trouble` is part of a sentence: "no entry". Call it
 * from anywhere.
 */
void redis_reject(struct redis *redis, const char *trouble);

/*
 * Stops and goes on reading: back-pressure. What was read already, at most
 * LINK_READ_MAX, still comes. Redis cuts a subscriber that falls too far behind
 * (client-output-buffer-limit pubsub).
 */
void redis_pause(struct redis *redis, bool paused);

bool redis_is_ready(const struct redis *redis);

/* The URL without user and password, for messages. */
const char *redis_shown(const struct redis *redis);

/*
 * Ends it: no event and no callback comes after this call, and it does not
 * come back. Call it from anywhere, also within an event.
 */
void redis_close(struct redis *redis);

/* Whether nothing of it is left in the loop. */
bool redis_closed(const struct redis *redis);

/*
 * Closes it unless that was done, runs the loop until it is closed and frees
 * it. Not within an event or callback. NULL is allowed.
 */
void redis_free(struct redis *redis);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * loop - one event loop: a libuv loop, and a libwebsockets context that lives
 * on it as a foreign loop.
 *
 * All that a thread of a program has is in one struct loop; a second thread is
 * a second one. The order of a clean end is kept here: close the connections,
 * run until none is left, loop_release().
 */
#ifndef LOOP_H
#define LOOP_H

#include "log.h"
#include "lwsmemory.h"

#include <libwebsockets.h>
#include <uv.h>

/* SIGINT, SIGTERM, SIGHUP */
#define LOOP_SIGNALS 3

/*
 * Options of loop_init() that have bits which none of lws has.
 *
 * PATIENT: lws gives a request no time limit of its own (5 s), as the caller
 * has one. SERVER: the vhost is for connections that are accepted. One for
 * clients would not do: lws 4.5 has a client's vhost of its own, and gives that
 * one every request with a Host, which then no callback of ours hears of.
 */
#define LOOP_PATIENT (UINT64_C(1) << 63)
#define LOOP_SERVER (UINT64_C(1) << 62)

/* What lws reads at once from a connection whose protocol allows as much. */
#define LOOP_READ_MAX 65536

struct loop {
	uv_loop_t uv;
	struct lws_context *lws; /* owned */
	struct lwsmemory memory;
	uv_signal_t signals[LOOP_SIGNALS];
	unsigned caught; /* how many of them are watched */
	void (*on_signal)(void *user, int signum);
	void *signal_user;
};

/*
 * Makes the loop and its context with the lws protocols given (borrowed, they
 * must live as long). `options` are LWS_SERVER_OPTION_* beside those that the
 * foreign loop needs, and LOOP_*. `user` is what lws_context_user()
 * returns. 0, or -1 after a LOG_FAILED that says what to do (the libuv plugin
 * of lws is a package of its own). The lines of lws are written as `log` has it
 * (see lwslog.h). Raises the soft limit of descriptors to the
 * hard one first, but not above 65536, unless it is. SIGPIPE is ignored from
 * then on.
 */
int loop_init(struct loop *loop, struct log *log,
	      const struct lws_protocols *protocols, uint64_t options,
	      void *user);

/*
 * The same for clients, which speak TLS as `tls` has it: an SSL_CTX, borrowed
 * until loop_release(); NULL: none of them speaks TLS.
 */
int loop_init_client(struct loop *loop, struct log *log,
		     const struct lws_protocols *protocols, SSL_CTX *tls);

/*
 * Calls `on_signal` in the loop when SIGINT, SIGTERM or SIGHUP comes, each
 * time. One that was ignored when the program began (nohup) stays ignored.
 * 0, or -1 with errno.
 */
int loop_catch_signals(struct loop *loop,
		       void (*on_signal)(void *user, int signum), void *user);

/* From now on these signals do what they do by default. */
void loop_release_signals(struct loop *loop);

/*
 * To be called before lws takes a connection over: sees to it that the memory
 * is there that it cannot do without. 0, or -1 with errno.
 */
int loop_reserve(struct loop *loop);

/* Runs until loop_stop(), or until nothing is left to wait for. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/*
 * Destroys the context and closes the loop. The caller has closed its own
 * handles and connections before. -1 when something is still under way that
 * cannot be stopped (the resolver of the C library): the program then ends by
 * _exit(2), as exit(3) would wait for it.
 */
int loop_release(struct loop *loop);

#endif

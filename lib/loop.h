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

#include "diag.h"

#include <libwebsockets.h>
#include <uv.h>

struct loop {
	uv_loop_t uv;
	struct lws_context *lws; /* owned */
	const struct diag *diag; /* borrowed */
};

/*
 * Makes the loop and its context with the lws protocols given (borrowed, they
 * must live as long). `options` are LWS_SERVER_OPTION_* beside those that the
 * foreign loop needs. `user` is what lws_context_user() returns. 0, or -1
 * after a message that says what to do (the libuv plugin of lws is a package
 * of its own). Raises the soft limit of descriptors to the hard one first.
 */
int loop_init(struct loop *loop, const struct diag *diag,
	      const struct lws_protocols *protocols, uint64_t options,
	      void *user);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/*
 * Destroys the context and closes the loop. The caller has closed its own
 * handles and connections before.
 */
void loop_release(struct loop *loop);

#endif

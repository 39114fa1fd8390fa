/* SPDX-License-Identifier: MIT */
/*
 * probe - why an address cannot be connected to.
 *
 * lws tells that a connect failed, but not why. So after a failure the kernel
 * is asked once more, and its error is what people get to read.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <uv.h>

struct probe {
	union {
		uv_handle_t handle;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	uv_connect_t request;
	void (*done)(void *user, int error);
	void *user;
	int error;
	bool busy; /* from probe_start() until done is called */
};

/*
 * Connects to the Unix socket `path`, or to `address` when that is NULL, and
 * closes again; then calls `done` with 0 or a libuv error (UV_ECANCELED after
 * probe_cancel()). 0, or a libuv error at once; `done` is not called then.
 */
int probe_start(struct probe *probe, uv_loop_t *uv, const char *path,
		const struct sockaddr *address,
		void (*done)(void *user, int error), void *user);

/* Ends a busy one; `done` comes soon. */
void probe_cancel(struct probe *probe);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * resolve - the addresses of a name, without blocking the loop.
 *
 * The resolver of the C library cannot be stopped, so a lookup that is no
 * longer wanted goes on by itself and frees itself in the end.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <uv.h>

struct resolve;

/*
 * Called once: `found` is for uv_freeaddrinfo(), or NULL and `why` says what
 * is wrong.
 */
typedef void resolve_done(void *user, struct addrinfo *found, const char *why);

/* Begins; the lookup is valid until `done` is called. NULL and `*why`. */
struct resolve *resolve_start(uv_loop_t *uv, const char *name, uint16_t port,
			      resolve_done *done, void *user, const char **why);

/* `done` will not be called. */
void resolve_cancel(struct resolve *lookup);

#endif

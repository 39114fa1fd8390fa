/* SPDX-License-Identifier: MIT */
/*
 * pacer - decides when the loop flushes what was published.
 *
 * What comes one at a time goes out at once. While much comes, the next
 * flush waits for a share of what the last one took, at most 2 ms: so
 * under load updates gather, and each subscriber gets them in one write, and
 * when there is little to do nothing waits. libwebsockets reads little at a
 * time and returns to the loop, so without this batches would be tiny.
 */
#ifndef PACER_H
#define PACER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct pacer_ops {
	void (*gather)(void *user); /* read more, if more has come */
	bool (*due)(void *user);    /* whether there is anything to flush */
	/* Flushes; whether so much came that gathering is worth a wait. */
	bool (*flush)(void *user);
};

struct pacer {
	uv_prepare_t prepare; /* before each poll: flush, or not yet */
	uv_idle_t idle;	      /* active while a flush waits: don't block */
	int64_t next_ns;      /* no flush before; monotonic */
	const struct pacer_ops *ops;
	void *user;
};

/* `ops` and `user` are borrowed. Each turn of the loop gathers and asks. */
void pacer_init(struct pacer *p, uv_loop_t *loop, const struct pacer_ops *ops,
		void *user);

/* Closes its handles; the loop must run once more. */
void pacer_close(struct pacer *p);

#endif

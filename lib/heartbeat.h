/* SPDX-License-Identifier: MIT */
/*
 * heartbeat - whether the other side of a connection still lives, by its
 * silence. Pure: the caller has the clock, the timer and the question.
 *
 * Silence counts from the last sign of life, or from the question that waits
 * for an answer, if that is later. Time in which this process did not run
 * proves nothing and is left out.
 */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

/* All times are in ms, on one monotonic clock. */
struct heartbeat {
	uint64_t interval; /* silence before a question */
	uint64_t timeout;  /* for any sign of life after it */
	uint64_t heard_at;
	uint64_t asked_at;
	uint64_t due; /* the next look */
};

enum heartbeat_verdict {
	HEARTBEAT_FINE,
	HEARTBEAT_ASK,	/* time for a question */
	HEARTBEAT_DEAD, /* no answer came */
};

/* All is well at `now`: at the beginning, and while nobody listens. */
void heartbeat_start(struct heartbeat *h, uint64_t now);

/* There is a sign of life. */
static inline void heartbeat_heard(struct heartbeat *h, uint64_t now)
{
	h->heard_at = now;
}

/*
 * A question goes out, and none waits for an answer. Returns whether `due` is
 * sooner now.
 */
bool heartbeat_asked(struct heartbeat *h, uint64_t now, uint64_t patience);

/*
 * What the silence means, and in `due` when to look again. `waiting` says that
 * a question waits for its answer, which may take `patience` longer than
 * usual. After ASK the caller asks, which makes it a question that waits.
 */
enum heartbeat_verdict heartbeat_look(struct heartbeat *h, uint64_t now,
				      bool waiting, uint64_t patience);

#endif

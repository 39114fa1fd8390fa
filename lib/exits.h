/* SPDX-License-Identifier: MIT */
/*
 * exits - what an exit status means, the same in every program.
 */
#ifndef EXITS_H
#define EXITS_H

enum exits {
	EXIT_DONE = 0,	      /* did what was asked */
	EXIT_OTHER = 1,	      /* anything not below */
	EXIT_USAGE = 2,	      /* usage or configuration */
	EXIT_CONNECTION = 3,  /* cannot connect, or lost before done */
	EXIT_REFUSED = 4,     /* authentication or permission */
	EXIT_REJECTED = 5,    /* a message was rejected or not acknowledged */
	EXIT_EXPECTATION = 6, /* an expectation was not met */
	EXIT_LOST = 7,	      /* updates were lost */
	EXIT_TIMEOUT = 124,   /* the -W time is up, as timeout(1) */
};

/*
 * Ends the process by `signal` as if it had never been caught, so that the
 * shell sees what happened. Does not return.
 */
void exits_by_signal(int signal) __attribute__((noreturn));

#endif

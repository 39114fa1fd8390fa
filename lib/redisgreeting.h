/* SPDX-License-Identifier: MIT */
/*
 * redisgreeting - the commands that a connection to a Redis begins with. They
 * go out all at once, as that takes one round trip: the first error decides.
 * Pure; what their answers mean is said by redisverdict.h.
 */
#ifndef REDISGREETING_H
#define REDISGREETING_H

#include "num.h"
#include "redisurl.h"

#include <stddef.h>

enum redisgreeting_step {
	REDISGREETING_AUTH,
	REDISGREETING_SELECT, /* when the database is another than 0 */
	REDISGREETING_NAME,   /* its answer does not matter */
	REDISGREETING_PING,   /* the last: when it is answered, all is well */
	REDISGREETING_STEPS,
};

struct redisgreeting_command {
	enum redisgreeting_step step;
	const char *words[3]; /* borrowed from what it was made of */
	size_t count;
};

struct redisgreeting {
	struct redisgreeting_command commands[REDISGREETING_STEPS];
	size_t count;
	char database[NUM_TEXT_MAX];
};

/*
 * What to send to `url`; both are borrowed. `name` is for CLIENT SETNAME, or
 * NULL. A user without a password goes with an empty one.
 */
void redisgreeting_init(struct redisgreeting *g, const struct redisurl *url,
			const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * verdict - what it means that a connection did not come about or ended: from
 * how far it came and what the peer said to a failure.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "conn.h"
#include "failure.h"

#include <stdint.h>

struct verdict_case {
	const char *text;	 /* the URL as given */
	const struct url *url;	 /* and parsed */
	const struct conn *conn; /* what it came to */
};

/* There was a connection, but it did not become a WebSocket. */
void verdict_not_open(struct failure *f, const struct verdict_case *v);

/* It was open, and is gone. */
void verdict_gone(struct failure *f, const struct verdict_case *v);

/* `ms` were too little, while the name was being resolved or later. */
void verdict_timeout(struct failure *f, const struct verdict_case *v,
		     bool resolving, uint64_t ms);

#endif

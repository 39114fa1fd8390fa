/* SPDX-License-Identifier: MIT */
/*
 * guard - checks the tokens that peers show to a server: what each gives, who
 * has shown too many bad ones, and what the log hears of it.
 *
 * A peer hears the same of every bad token; why it is bad is for the log. Where
 * there are no tokens nobody is asked for one.
 */
#ifndef GUARD_H
#define GUARD_H

#include "blame.h"
#include "counters.h"
#include "grant.h"
#include "log.h"
#include "tokens.h"

struct guard {
	const struct tokens *tokens; /* borrowed; NULL: no access control */
	struct blame blame;
	bool query;		   /* a token in a URL is taken */
	struct log *log;	   /* borrowed */
	struct counters *counters; /* borrowed */
};

/* Who shows a token. */
struct guard_subject {
	const struct netaddr *from;
	uint64_t connection; /* its number; 0: none yet */
	int64_t mono_ms;     /* now */
	int64_t wall_ms;
};

/* 0, or -1 with errno. */
int guard_init(struct guard *g, struct log *log, struct counters *counters);
void guard_release(struct guard *g);

/* GRANT_GIVEN: `*grant` is the caller's. There are tokens to compare it with.
 */
enum grant_verdict guard_check(struct guard *g, const struct guard_subject *who,
			       const char *token, size_t len,
			       struct grant **grant);

#endif

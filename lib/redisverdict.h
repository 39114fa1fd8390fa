/* SPDX-License-Identifier: MIT */
/*
 * redisverdict - what it means when a Redis refuses, or answers what no Redis
 * would: a sentence, an exit status, and whether trying again can help.
 * Pure, like failure.h, which it fills.
 */
#ifndef REDISVERDICT_H
#define REDISVERDICT_H

#include "failure.h"
#include "redisgreeting.h"
#include "redisreply.h"

/*
 * What `reply` to a command of the beginning means. 0 when all is well; -1 and
 * `f` when not. `url` is shown, and so must have no password.
 */
int redisverdict_greeting(struct failure *f, const char *url,
			  enum redisgreeting_step step,
			  const struct redisreply *reply);

/*
 * The reply cannot be read, or nobody asked for it (`trouble` says which).
 * In the beginning (`greeting`) that means that no Redis answers there, which
 * is final; later that this connection must end.
 */
void redisverdict_broken(struct failure *f, const char *url, bool greeting,
			 const char *trouble);

#endif

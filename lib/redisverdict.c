/* SPDX-License-Identifier: MIT */
#include "redisverdict.h"

#include <string.h>

/* How much of what Redis says is shown. */
#define SHOWN_MAX 200

struct meaning {
	const char *begins; /* an error of Redis */
	const char *text;
	enum exits status;
	bool final;
};

/* Whatever the command was that it answers. */
static const struct meaning meanings[] = {
	{"NOAUTH", "Redis wants a password", EXIT_REFUSED, true},
	{"WRONGPASS", "Redis refused the password", EXIT_REFUSED, true},
	{"NOPERM", "Redis lets this user do too little", EXIT_REFUSED, true},
	{"DENIED", "Redis refused", EXIT_REFUSED, true},
	{"LOADING", "Redis is still loading", EXIT_CONNECTION, false},
	{"MISCONF", "Redis cannot save its data", EXIT_CONNECTION, false},
	{"BUSY", "Redis is busy", EXIT_CONNECTION, false},
	{"MASTERDOWN", "this Redis has lost its master", EXIT_CONNECTION,
	 false},
	{"CLUSTERDOWN", "the Redis cluster is down", EXIT_CONNECTION, false},
	{"ERR max number of clients", "Redis has too many clients",
	 EXIT_CONNECTION, false},
};

/* Any other error. Redis before 6 says no code when a password is wrong. */
static const struct meaning steps[] = {
	[REDISGREETING_AUTH] = {"", "Redis refused the password", EXIT_REFUSED,
				true},
	[REDISGREETING_SELECT] = {"", "Redis has no such database", EXIT_USAGE,
				  true},
	[REDISGREETING_PING] = {"", "Redis refused to answer PING", EXIT_OTHER,
				true},
};

static const struct meaning *find(const struct redisreply *error,
				  enum redisgreeting_step step)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		size_t len = strlen(meanings[i].begins);

		if (error->len >= len &&
		    memcmp(error->text, meanings[i].begins, len) == 0)
			return &meanings[i];
	}
	return &steps[step];
}

static bool is_right(const struct redisreply *reply,
		     enum redisgreeting_step step)
{
	return redisreply_is(reply, step == REDISGREETING_PING ? "PONG" : "OK");
}

int redisverdict_greeting(struct failure *f, const char *url,
			  enum redisgreeting_step step,
			  const struct redisreply *reply)
{
	const struct meaning *m;

	if (step == REDISGREETING_NAME || is_right(reply, step))
		return 0;
	if (reply->type != REDISREPLY_ERROR) {
		redisverdict_broken(f, url, true,
				    "an answer to another "
				    "question");
		return -1;
	}
	m = find(reply, step);
	failure_connect(f, url, m->final, "%s: %.*s", m->text,
			(int)(reply->len < SHOWN_MAX ? reply->len : SHOWN_MAX),
			reply->text);
	f->status = m->status;
	return -1;
}

void redisverdict_broken(struct failure *f, const char *url, bool greeting,
			 const char *trouble)
{
	if (greeting)
		failure_connect(f, url, true, "what answers is no Redis: %s",
				trouble);
	else
		failure_lost(f, url, "what came is no reply of a Redis: %s",
			     trouble);
}

/* SPDX-License-Identifier: MIT */
#include "redisgreeting.h"

static void add(struct redisgreeting *g, enum redisgreeting_step step,
		const char *verb, const char *first, const char *second)
{
	g->commands[g->count++] = (struct redisgreeting_command){
		.step = step,
		.words = {verb, first, second},
		.count = second	 ? 3U
			 : first ? 2U
				 : 1U,
	};
}

void redisgreeting_init(struct redisgreeting *g, const struct redisurl *url,
			const char *name)
{
	g->count = 0;
	g->database[num_put_u64(g->database, url->database)] = '\0';
	if (*url->user)
		add(g, REDISGREETING_AUTH, "AUTH", url->user, url->password);
	else if (url->has_password)
		add(g, REDISGREETING_AUTH, "AUTH", url->password, NULL);
	if (url->database)
		add(g, REDISGREETING_SELECT, "SELECT", g->database, NULL);
	if (name)
		add(g, REDISGREETING_NAME, "CLIENT", "SETNAME", name);
	add(g, REDISGREETING_PING, "PING", NULL, NULL);
}

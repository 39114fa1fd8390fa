/* SPDX-License-Identifier: MIT */
/* What redisgreeting and redisverdict promise, one line a promise. */
#include "redisgreeting.h"
#include "redisverdict.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define URL "redis://h:6379"

/* The commands for a URL, in one text. */
static bool greets(const char *text, const char *name, const char *want)
{
	struct redisgreeting g;
	struct redisurl url;
	char got[500] = "";
	const char *why;

	if (redisurl_parse(&url, text, &why) < 0)
		return false;
	redisgreeting_init(&g, &url, name);
	for (size_t i = 0; i < g.count; i++)
		for (size_t w = 0; w < g.commands[i].count; w++) {
			strcat(got, g.commands[i].words[w]);
			strcat(got, w + 1 < g.commands[i].count ? " " : ";");
		}
	if (strcmp(got, want))
		printf("# '%s'\n", got);
	return !strcmp(got, want);
}

static void test_greeting(void)
{
	ok(greets("redis://h", NULL, "PING;"), "PING alone");
	ok(greets("redis://me:pw@h/2", "n",
		  "AUTH me pw;SELECT 2;CLIENT SETNAME n;PING;"),
	   "all in their order");
	ok(greets("redis://:pw@h", NULL, "AUTH pw;PING;"),
	   "a password without a user, as before Redis 6");
	ok(greets("redis://me:@h", NULL, "AUTH me ;PING;"),
	   "a user with an empty password");
	ok(greets("redis://h/0", NULL, "PING;"), "database 0 is the default");
}

static struct redisreply text_reply(enum redisreply_type type, const char *text)
{
	return (struct redisreply){
		.type = type, .text = text, .len = strlen(text)};
}

static bool passes(enum redisgreeting_step step, const char *text)
{
	struct redisreply reply = text_reply(REDISREPLY_STATUS, text);
	struct failure f;

	return redisverdict_greeting(&f, URL, step, &reply) == 0;
}

/* Whether the error means that, with the error in the sentence. */
static bool means(enum redisgreeting_step step, const char *error,
		  const char *want, enum exits status, bool final)
{
	struct redisreply reply = text_reply(REDISREPLY_ERROR, error);
	struct failure f;
	char sentence[FAILURE_TEXT_MAX];

	snprintf(sentence, sizeof(sentence),
		 "cannot connect to '" URL "': %s: %s", want, error);
	if (redisverdict_greeting(&f, URL, step, &reply) == 0)
		return false;
	if (strcmp(f.text, sentence))
		printf("# %s\n", f.text);
	return strcmp(f.text, sentence) == 0 && f.status == status &&
	       f.final == final;
}

static void test_verdict(void)
{
	ok(passes(REDISGREETING_AUTH, "OK") &&
		   passes(REDISGREETING_SELECT, "OK") &&
		   passes(REDISGREETING_PING, "PONG"),
	   "the right answers");
	ok(passes(REDISGREETING_NAME, "whatever"), "of the name any answer");
	ok(means(REDISGREETING_AUTH, "WRONGPASS invalid",
		 "Redis refused the password", EXIT_REFUSED, true) &&
		   means(REDISGREETING_AUTH, "ERR invalid password",
			 "Redis refused the password", EXIT_REFUSED, true),
	   "a wrong password, with a code and without");
	ok(means(REDISGREETING_SELECT, "NOAUTH Authentication required.",
		 "Redis wants a password", EXIT_REFUSED, true) &&
		   means(REDISGREETING_PING, "NOAUTH Authentication required.",
			 "Redis wants a password", EXIT_REFUSED, true),
	   "a missing one, whatever hears it first");
	ok(means(REDISGREETING_PING, "NOPERM this user",
		 "Redis lets this user do too little", EXIT_REFUSED, true),
	   "a user who may not");
	ok(means(REDISGREETING_SELECT, "ERR DB index is out of range",
		 "Redis has no such database", EXIT_USAGE, true),
	   "no such database");
	ok(means(REDISGREETING_PING, "LOADING the dataset",
		 "Redis is still loading", EXIT_CONNECTION, false) &&
		   means(REDISGREETING_AUTH,
			 "ERR max number of clients reached",
			 "Redis has too many clients", EXIT_CONNECTION, false),
	   "what passes is not final, whatever hears it first");
	ok(means(REDISGREETING_PING, "ERR unknown command",
		 "Redis refused to answer PING", EXIT_OTHER, true),
	   "any other error of PING");
}

static void test_broken(void)
{
	struct failure f;

	redisverdict_broken(&f, URL, true, "x");
	ok(f.final && !strcmp(f.text, "cannot connect to '" URL
				      "': what answers is no Redis: x"),
	   "in the beginning it is no Redis");
	redisverdict_broken(&f, URL, false, "x");
	ok(!f.final && !strcmp(f.text, "lost the connection to '" URL
				       "': what came is no reply of a Redis: "
				       "x"),
	   "later the connection is broken");
	ok(!passes(REDISGREETING_PING, "OK") &&
		   !passes(REDISGREETING_AUTH, "PONG"),
	   "the answer to another question is none");
}

int main(void)
{
	test_greeting();
	test_verdict();
	test_broken();
	return tap_end();
}

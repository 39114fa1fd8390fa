/* SPDX-License-Identifier: MIT */
#include "bearer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int refuse(char *why, const char *what)
{
	snprintf(why, BEARER_WHY_MAX, "%s", what);
	return -1;
}

static int check(const char *token, char *why)
{
	size_t len = strlen(token);

	if (len > BEARER_MAX) {
		snprintf(why, BEARER_WHY_MAX, "a token is at most %d bytes",
			 BEARER_MAX);
		return -1;
	}
	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return refuse(why, "this is no token: it has a blank, "
					   "or what is not printable ASCII");
	return 0;
}

static void forget(struct bearer *b)
{
	if (b->token)
		explicit_bzero(b->token, strlen(b->token));
	free(b->token);
	b->token = NULL;
	b->ended = false;
}

static int take(struct bearer *b, const char *token, char *why)
{
	char *copy;

	if (check(token, why) != 0)
		return -1;
	copy = strdup(token);
	if (!copy)
		return refuse(why, strerror(ENOMEM));
	forget(b);
	b->token = copy;
	return 1;
}

int bearer_renew(struct bearer *b, char why[BEARER_WHY_MAX])
{
	char *token;
	int result = 0;

	if (b->fixed)
		return 0;
	token = secretfile_read(b->path, why);
	if (!token)
		return -1;
	if (!b->token || strcmp(b->token, token) != 0)
		result = take(b, token, why);
	secretfile_free(token);
	return result;
}

static bool is_pipe(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int bearer_init(struct bearer *b, const char *path, const char *given,
		char why[BEARER_WHY_MAX])
{
	int result = 0;

	*b = (struct bearer){.path = path};
	if (path)
		result = bearer_renew(b, why);
	else if (given && *given)
		result = take(b, given, why);
	b->fixed = !path || is_pipe(path);
	return result < 0 ? -1 : 0;
}

void bearer_release(struct bearer *b)
{
	forget(b);
}

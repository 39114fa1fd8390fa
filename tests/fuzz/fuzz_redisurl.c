/* SPDX-License-Identifier: MIT */
/*
 * Whatever the text: redisurl_parse() refuses it with a reason or keeps its
 * word, and what is shown of it says the same without user and password.
 */
#include "redisurl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static void check(const struct redisurl *url)
{
	size_t host = strnlen(url->host, sizeof(url->host));

	must(host > 0 && host < sizeof(url->host) && is_line(url->host));
	must(memchr(url->user, '\0', sizeof(url->user)));
	must(memchr(url->password, '\0', sizeof(url->password)));
	must(url->local ? url->port == 0 && !url->tls && host <= 107
			: url->port != 0 && !strchr(url->host, '@'));
	must(url->has_password ? *url->user || *url->password
			       : !*url->password);
	must(url->database <= INT32_MAX);
}

static void check_shown(const struct redisurl *url)
{
	char shown[REDISURL_SHOW_MAX];
	struct redisurl again;
	const char *why;

	must(is_line(redisurl_show(url, shown)));
	/* The path of a socket may begin with what looks like a host. */
	if (url->local && strncmp(url->host, "//", 2) == 0)
		return;
	must(redisurl_parse(&again, shown, &why) == 0);
	must(!strcmp(again.host, url->host) && again.port == url->port);
	must(again.tls == url->tls && again.local == url->local);
	must(again.database == url->database);
	must(!*again.user && !again.has_password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as the text, so that reading past it shows. */
	char *text = malloc(size + 1);
	const char *why = "";
	struct redisurl url;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&url, 'x', sizeof(url));
	if (redisurl_parse(&url, text, &why) == 0) {
		must(!why);
		check(&url);
		check_shown(&url);
	} else {
		must(why && *why);
		must(!*url.user && !*url.password);
	}
	free(text);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Whatever the text: url_parse() refuses it with a reason or keeps its word. */
#include "url.h"

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

static void check(const struct url *url)
{
	size_t host = strnlen(url->host, URL_PART_MAX);
	size_t path = strnlen(url->path, URL_PART_MAX);

	must(host > 0 && host < URL_PART_MAX && is_line(url->host));
	must(path > 0 && path < URL_PART_MAX && is_line(url->path));
	must(url->path[0] == '/' && !strpbrk(url->path, " #"));
	must(url->local ? url->port == 0 && !url->tls : url->port != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as the text, so that reading past it shows. */
	char *text = malloc(size + 1);
	const char *why = "";
	struct url url;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(&url, 'x', sizeof(url));
	if (url_parse(&url, text, &why) == 0) {
		must(!why);
		check(&url);
	} else {
		must(why && *why);
	}
	free(text);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* What pages promises: what was in web/ when it was built, and what it is. */
#include "pages.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static bool has(const char *path, const char *type, const char *begin)
{
	const struct page *p = pages_find(path);

	return p && strcmp(p->type, type) == 0 && p->len > strlen(begin) &&
	       memcmp(p->bytes, begin, strlen(begin)) == 0;
}

static bool each_is_itself(void)
{
	for (size_t i = 0; i < pages_count; i++)
		if (pages_find(pages_all[i].path) != &pages_all[i] ||
		    !pages_all[i].len)
			return false;
	return true;
}

static bool matches(const struct page *p, const char *before,
		    const char *behind)
{
	char match[200];

	snprintf(match, sizeof(match), "%s%s%s", before, p->etag, behind);
	return pages_match(p, match);
}

int main(void)
{
	const struct page *p = pages_find("/");

	ok(has("/", "text/html; charset=utf-8", "<!doctype html>") &&
		   has("/client.js", "text/javascript; charset=utf-8", "//") &&
		   has("/console/console.css", "text/css; charset=utf-8", "/*"),
	   "the console and the client, with their types");
	ok(each_is_itself(), "each is found by its path");
	ok(!pages_find("") && !pages_find("/index.html") &&
		   !pages_find("/console/") && !pages_find("//"),
	   "nothing else is");
	ok(matches(p, "", "") && matches(p, "W/", "") &&
		   matches(p, "\"x\", W/\"y\" ,", ",\"z\"") &&
		   pages_match(p, "*"),
	   "what one has already, alone and in a list");
	ok(!pages_match(p, NULL) && !pages_match(p, "") &&
		   !pages_match(p, "\"x\"") && !pages_match(p, ",,") &&
		   !pages_match(p, "W/") && !matches(p, "x", ""),
	   "what one has not");
	return tap_end();
}

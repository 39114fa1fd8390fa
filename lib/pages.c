/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <string.h>

const struct page *pages_find(const char *path)
{
	for (size_t i = 0; i < pages_count; i++)
		if (strcmp(pages_all[i].path, path) == 0)
			return &pages_all[i];
	return NULL;
}

bool pages_match(const struct page *p, const char *match)
{
	size_t len = strlen(p->etag);

	while (match && *match) {
		match += strspn(match, " \t,");
		if (strncmp(match, "W/", 2) == 0)
			match += 2;
		if (*match == '*')
			return true;
		if (strncmp(match, p->etag, len) == 0)
			return true;
		match = strchr(match, ',');
	}
	return false;
}

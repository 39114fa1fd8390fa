/* SPDX-License-Identifier: MIT */
#include "grant.h"

#include <stdlib.h>
#include <string.h>

/* Without the part of a character that does not fit. */
static size_t cut(const char *name, size_t len)
{
	if (len <= GRANT_NAME_MAX)
		return len;
	len = GRANT_NAME_MAX;
	while (len && ((unsigned char)name[len] & 0xc0) == 0x80)
		len--;
	return len;
}

struct grant *grant_new(const char *name, size_t len)
{
	size_t kept = cut(name, len);
	struct grant *g = calloc(1, sizeof(*g) + kept + 1);

	if (!g)
		return NULL;
	rights_init(&g->rights);
	g->expires = GRANT_NEVER;
	memcpy(g->name, kept ? name : "", kept);
	return g;
}

void grant_free(struct grant *g)
{
	if (!g)
		return;
	rights_release(&g->rights);
	free(g);
}

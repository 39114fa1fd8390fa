/* SPDX-License-Identifier: MIT */
/*
 * A file of static tokens: it is refused with the line that is wrong, or what
 * is read is what is written again.
 */
#include "tokenlist.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The line that it would be written as, but for its hash. */
static void check_grant(const struct grant *g)
{
	char why[TOKENLIST_WHY_MAX];
	struct tokenlist again;
	struct buf first, second;

	buf_init(&first);
	buf_init(&second);
	tokenlist_init(&again);
	must(tokenlist_name_valid(g->name, strlen(g->name)));
	must(tokenlist_put(&first, "x", 1, g->name, &g->rights) == 0);
	must(tokenlist_parse(&again, buf_bytes(&first), buf_len(&first), why) ==
	     0);
	must(again.entries.count == 1 &&
	     tokenlist_find(&again, "x", 1, &g) == REFUSAL_NONE);
	must(tokenlist_put(&second, "x", 1, g->name, &g->rights) == 0);
	must(buf_len(&first) == buf_len(&second) &&
	     !memcmp(buf_bytes(&first), buf_bytes(&second), buf_len(&first)));
	tokenlist_release(&again);
	buf_release(&first);
	buf_release(&second);
}

static void check_all(const struct tokenlist *l)
{
	if (!l->entries.count)
		return;
	map_for_each (node, &l->entries) {
		const struct grant *g =
			map_entry(node, struct tokenlist_entry, node)->grant;

		must(g->fixed && tokenlist_find_hash(l, g->hash) == g);
		check_grant(g);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	char why[TOKENLIST_WHY_MAX] = "";
	struct tokenlist l;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	tokenlist_init(&l);
	if (tokenlist_parse(&l, text, size, why) == 0)
		must(!*why);
	else
		must(!strncmp(why, "line ", 5));
	check_all(&l);
	tokenlist_release(&l);
	free(text);
	return 0;
}

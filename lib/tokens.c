/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include "keyfile.h"
#include "tokenlike.h"
#include "tokenlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TOKENS_MAX == JWT_MAX, "a token of any kind has one limit");

struct tokens {
	struct keyring ring;
	struct tokenlist list;
	struct claims_expected expected;
};

/* Reading */

static int refuse(char *why, const char *path, const char *reason)
{
	snprintf(why, TOKENS_WHY_MAX, "'%.*s': %s",
		 TOKENS_WHY_MAX - KEYFILE_WHY_MAX - 10, tokenlike_hidden(path),
		 reason);
	return -1;
}

static int read_all(struct tokens *t, const struct tokens_config *c, char *why)
{
	char reason[KEYFILE_WHY_MAX > TOKENLIST_WHY_MAX ? KEYFILE_WHY_MAX
							: TOKENLIST_WHY_MAX];

	for (size_t i = 0; i < c->keys_count; i++)
		if (keyfile_add(&t->ring, c->keys[i], reason) != 0)
			return refuse(why, keyfile_path(c->keys[i]), reason);
	for (size_t i = 0; i < c->lists_count; i++)
		if (tokenlist_load(&t->list, c->lists[i], reason) != 0)
			return refuse(why, c->lists[i], reason);
	return 0;
}

struct tokens *tokens_new(const struct tokens_config *c,
			  char why[TOKENS_WHY_MAX])
{
	struct tokens *t = malloc(sizeof(*t));

	if (!t) {
		snprintf(why, TOKENS_WHY_MAX, "out of memory");
		return NULL;
	}
	keyring_init(&t->ring);
	tokenlist_init(&t->list);
	t->expected = c->expected;
	if (read_all(t, c, why) == 0)
		return t;
	tokens_free(t);
	return NULL;
}

void tokens_free(struct tokens *t)
{
	if (!t)
		return;
	keyring_release(&t->ring);
	tokenlist_release(&t->list);
	free(t);
}

size_t tokens_passed_over(const struct tokens *t)
{
	return t->ring.passed_over;
}

/* Checking */

static enum refusal copy_grant(const struct grant *from, struct grant **grant)
{
	*grant = grant_new(from->name, strlen(from->name));
	if (!*grant)
		return REFUSAL_NO_MEMORY;
	(*grant)->expires = from->expires;
	(*grant)->fixed = from->fixed;
	memcpy((*grant)->hash, from->hash, sizeof(from->hash));
	if (rights_copy(&(*grant)->rights, &from->rights) == 0)
		return REFUSAL_NONE;
	grant_free(*grant);
	return REFUSAL_NO_MEMORY;
}

bool tokens_still_listed(const struct tokens *t, const struct grant *g)
{
	const struct grant *known;

	if (!g->fixed)
		return true;
	known = tokenlist_find_hash(&t->list, g->hash);
	return known && rights_within(&g->rights, &known->rights);
}

static enum refusal check_jwt(const struct tokens *t, const char *token,
			      size_t len, int64_t now, struct grant **grant)
{
	struct jwt jwt;
	enum refusal refusal = jwt_open(&jwt, token, len);

	if (refusal != REFUSAL_NONE)
		return refusal;
	refusal = keyring_verify(&t->ring, &jwt);
	if (refusal == REFUSAL_NONE)
		refusal = claims_read(buf_bytes(&jwt.claims),
				      buf_len(&jwt.claims), &t->expected, now,
				      grant);
	jwt_release(&jwt);
	return refusal;
}

enum refusal tokens_check(const struct tokens *t, const char *token, size_t len,
			  int64_t now, struct grant **grant)
{
	const struct grant *known;
	enum refusal refusal;

	if (!len)
		return REFUSAL_EMPTY;
	if (len > TOKENS_MAX)
		return REFUSAL_TOO_LONG;
	refusal = tokenlist_find(&t->list, token, len, &known);
	if (refusal == REFUSAL_NONE)
		return copy_grant(known, grant);
	if (refusal != REFUSAL_UNKNOWN)
		return refusal;
	/* What has no dots is no JWT that went wrong. */
	if (!t->ring.count || !memchr(token, '.', len))
		return REFUSAL_UNKNOWN;
	return check_jwt(t, token, len, now, grant);
}

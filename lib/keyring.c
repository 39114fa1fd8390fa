/* SPDX-License-Identifier: MIT */
#include "keyring.h"

#include <string.h>

void keyring_init(struct keyring *ring)
{
	memset(ring, 0, sizeof(*ring));
}

void keyring_release(struct keyring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		jwtkey_free(ring->keys[i]);
	keyring_init(ring);
}

static const struct jwtkey *named(const struct keyring *ring, const char *kid,
				  size_t len)
{
	for (size_t i = 0; i < ring->count; i++)
		if (ring->keys[i]->kid && ring->keys[i]->kid_len == len &&
		    memcmp(ring->keys[i]->kid, kid, len) == 0)
			return ring->keys[i];
	return NULL;
}

static size_t count_unnamed(const struct keyring *ring, enum jwt_alg alg)
{
	size_t count = 0;

	for (size_t i = 0; i < ring->count; i++)
		count += !ring->keys[i]->kid && ring->keys[i]->alg == alg;
	return count;
}

int keyring_add(struct keyring *ring, struct jwtkey *key,
		char why[JWTKEY_WHY_MAX])
{
	if (ring->count == KEYRING_MAX) {
		jwtkey_refuse(why, "there are more than %d keys", KEYRING_MAX);
	} else if (key->kid && named(ring, key->kid, key->kid_len)) {
		jwtkey_refuse(why, "there are two keys of the same kid");
	} else if (!key->kid &&
		   count_unnamed(ring, key->alg) == KEYRING_UNNAMED_MAX) {
		jwtkey_refuse(why,
			      "there are more than %d keys for %s that "
			      "have no kid",
			      KEYRING_UNNAMED_MAX, jwt_alg_name(key->alg));
	} else {
		ring->keys[ring->count++] = key;
		return 0;
	}
	jwtkey_free(key);
	return -1;
}

/* The only key of an algorithm. */
static const struct jwtkey *only(const struct keyring *ring, enum jwt_alg alg)
{
	const struct jwtkey *found = NULL;

	for (size_t i = 0; i < ring->count; i++) {
		if (ring->keys[i]->alg != alg)
			continue;
		if (found)
			return NULL;
		found = ring->keys[i];
	}
	return found;
}

/* With each key that has no name. */
static enum refusal verify_unnamed(const struct keyring *ring,
				   const struct jwt *token)
{
	enum refusal refusal = REFUSAL_NO_KEY;

	for (size_t i = 0; i < ring->count; i++) {
		if (ring->keys[i]->kid || ring->keys[i]->alg != token->alg)
			continue;
		refusal = jwtkey_verify(ring->keys[i], token);
		if (refusal != REFUSAL_SIGNATURE)
			break;
	}
	return refusal;
}

enum refusal keyring_verify(const struct keyring *ring, const struct jwt *token)
{
	const struct jwtkey *key;

	if (token->has_kid) {
		key = named(ring, token->kid, token->kid_len);
		return key ? jwtkey_verify(key, token) : REFUSAL_KEY_NAME;
	}
	key = only(ring, token->alg);
	return key ? jwtkey_verify(key, token) : verify_unnamed(ring, token);
}

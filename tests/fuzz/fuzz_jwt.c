/* SPDX-License-Identifier: MIT */
/*
 * The text of a token. It has one meaning: put together again from its parts it
 * is the same text. No signature is good, as nobody has signed it. Whatever
 * its claims say, they are refused or their times hold.
 */
#include "base64.h"
#include "claims.h"
#include "jwk.h"

#include "../unit/jose_samples.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys[] =
	"{\"keys\":[" JOSE_HS256_JWK "," JOSE_ES256_JWK "," JOSE_EDDSA_JWK "]}";

/* Whose signatures are known: those that are printed in the standards. */
static const char *const good[] = {JOSE_HS256, JOSE_ES256, JOSE_EDDSA};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_same(const struct jwt *t, const char *text, size_t len)
{
	struct buf b;

	buf_init(&b);
	base64_put(&b, buf_bytes(&t->header), buf_len(&t->header));
	buf_putc(&b, '.');
	base64_put(&b, buf_bytes(&t->claims), buf_len(&t->claims));
	must(buf_len(&b) == t->input_len);
	jwt_put_signature(&b, buf_bytes(&t->signature), buf_len(&t->signature));
	must(b.failed ||
	     (buf_len(&b) == len && memcmp(buf_bytes(&b), text, len) == 0));
	buf_release(&b);
}

static bool is_signed(const struct jwt *t)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (t->input_len < strlen(good[i]) &&
		    memcmp(good[i], t->input, t->input_len) == 0)
			return true;
	return false;
}

static void check_signature(const struct jwt *t)
{
	struct keyring ring;
	char why[JWTKEY_WHY_MAX];
	bool secret;

	keyring_init(&ring);
	must(jwk_read_set(&ring, keys, strlen(keys), &secret, why) == 0);
	must(keyring_verify(&ring, t) != REFUSAL_NONE || is_signed(t));
	keyring_release(&ring);
}

static void check_claims(const char *text, size_t len)
{
	static const struct claims_expected expected = {.tenant = "org_id"};
	struct grant *g;

	if (claims_read(text, len, &expected, NOW, &g) != REFUSAL_NONE)
		return;
	must(g->expires > NOW && g->expires < INT64_C(1) << 53);
	must(strlen(g->name) <= GRANT_NAME_MAX);
	for (unsigned i = 0; i < RIGHTS_KINDS; i++) {
		size_t at = 0, n;
		const char *pattern;

		must(g->rights.lists[i].count <= RIGHTS_MAX);
		while ((pattern = rights_next(&g->rights, (enum rights_what)i,
					      &at, &n)))
			must(rights_pattern_valid(pattern, n));
	}
	grant_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct jwt t;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	check_claims(text, size); /* most claims are not in a good token */
	if (jwt_open(&t, text, size) == REFUSAL_NONE) {
		check_same(&t, text, size);
		check_signature(&t);
		check_claims(buf_bytes(&t.claims), buf_len(&t.claims));
		jwt_release(&t);
	}
	free(text);
	return 0;
}

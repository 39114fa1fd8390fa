/* SPDX-License-Identifier: MIT */
/*
 * A JWK Set, or anything else that is put in a file of keys: it is refused with
 * a reason, or its keys are what a key can be. The queue of errors of libcrypto
 * stays empty.
 */
#include "jwk.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_key(const struct jwtkey *key)
{
	must((key->alg == JWT_HS256) == (key->pkey == NULL));
	must((key->alg == JWT_HS256) == (key->secret != NULL));
	must(key->can_sign == (key->secret != NULL));
	must(!key->secret || key->secret_len >= JWTKEY_SECRET_MIN);
	must(!key->kid || (key->kid_len && key->kid_len <= JWT_KID_MAX));
}

static void read_set(const char *text, size_t size)
{
	char why[JWTKEY_WHY_MAX] = "";
	struct keyring ring;
	bool secret;

	keyring_init(&ring);
	if (jwk_read_set(&ring, text, size, &secret, why) == 0)
		must(ring.count && !*why);
	else
		must(*why);
	for (size_t i = 0; i < ring.count; i++) {
		check_key(ring.keys[i]);
		must(secret || !ring.keys[i]->secret);
	}
	keyring_release(&ring);
}

static void read_pem(const char *text, size_t size)
{
	char why[JWTKEY_WHY_MAX] = "";
	struct jwtkey *key = jwtkey_from_pem(text, size, why);

	must(key ? key->pkey && !key->secret : *why);
	jwtkey_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	read_set(text, size);
	read_pem(text, size);
	must(!ERR_peek_error());
	free(text);
	return 0;
}

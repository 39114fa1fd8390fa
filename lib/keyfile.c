/* SPDX-License-Identifier: MIT */
#include "keyfile.h"

#include "jwk.h"
#include "secretfile.h"

#include <string.h>

#define PEM_BEGIN "-----BEGIN "

/* What a file is */

static bool is_pem(const struct secretfile *f)
{
	return memmem(f->bytes, f->len, PEM_BEGIN, strlen(PEM_BEGIN)) != NULL;
}

static bool is_json(const struct secretfile *f)
{
	return f->bytes[strspn(f->bytes, " \t\r\n")] == '{';
}

static int open_file(struct secretfile *f, const char *path, char *why)
{
	char reason[SECRETFILE_WHY_MAX];

	if (secretfile_open(f, path, KEYFILE_MAX, reason) == 0)
		return 0;
	return jwtkey_refuse(why, "%s", reason);
}

/* Who may do what with it. */
static int check_mode(const struct secretfile *f, bool secret, char *why)
{
	char reason[SECRETFILE_WHY_MAX];
	int result = secret ? secretfile_private(f, reason)
			    : secretfile_guarded(f, reason);

	return result == 0 ? 0 : jwtkey_refuse(why, "%s", reason);
}

/* A secret or a PEM key. */
static struct jwtkey *read_one(const struct secretfile *f, char *why)
{
	struct jwtkey *key;
	size_t len = f->len;

	if (is_pem(f)) {
		key = jwtkey_from_pem(f->bytes, len, why);
	} else {
		len -= len && f->bytes[len - 1] == '\n';
		key = jwtkey_from_secret(f->bytes, len, why);
	}
	if (!key || check_mode(f, key->can_sign, why) == 0)
		return key;
	jwtkey_free(key);
	return NULL;
}

/* Keys to check with */

const char *keyfile_path(const char *text)
{
	size_t kid = strcspn(text, "=/");

	return text[kid] == '=' ? text + kid + 1 : text;
}

static int add_set(struct keyring *ring, const struct secretfile *f,
		   bool has_kid, char *why)
{
	bool secret;

	if (has_kid)
		return jwtkey_refuse(why, "a JWK names its keys itself");
	if (jwk_read_set(ring, f->bytes, f->len, &secret, why) != 0)
		return -1;
	return check_mode(f, secret, why);
}

static int add_one(struct keyring *ring, const struct secretfile *f,
		   const char *kid, size_t kid_len, char *why)
{
	struct jwtkey *key = read_one(f, why);

	if (!key)
		return -1;
	if (kid && jwtkey_name(key, kid, kid_len, why) != 0) {
		jwtkey_free(key);
		return -1;
	}
	return keyring_add(ring, key, why);
}

int keyfile_add(struct keyring *ring, const char *text,
		char why[KEYFILE_WHY_MAX])
{
	const char *path = keyfile_path(text);
	bool has_kid = path != text;
	struct secretfile f;
	int result;

	if (open_file(&f, path, why) != 0)
		return -1;
	if (is_json(&f))
		result = add_set(ring, &f, has_kid, why);
	else
		result = add_one(ring, &f, has_kid ? text : NULL,
				 (size_t)(path - text) - has_kid, why);
	secretfile_close(&f);
	return result;
}

/* A key to sign with */

struct jwtkey *keyfile_signer(const char *path, char why[KEYFILE_WHY_MAX])
{
	struct jwtkey *key = NULL;
	struct secretfile f;

	if (open_file(&f, path, why) != 0)
		return NULL;
	if (is_json(&f))
		jwtkey_refuse(why, "a JWK cannot sign here; PEM can");
	else
		key = read_one(&f, why);
	secretfile_close(&f);
	if (!key || key->can_sign)
		return key;
	jwtkey_refuse(why, "it is a public key, which cannot sign");
	jwtkey_free(key);
	return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "keyfile.h"

#include "jwk.h"
#include "secretfile.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
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

/* One word that begins neither JSON nor a page. */
static bool is_word(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return false;
	return len && !memchr("{[<\"", bytes[0], 4);
}

/* The public key that some programs show: PEM without its first line. */
static bool is_bare_key(const char *bytes, size_t len)
{
	unsigned char *der = malloc(len + 3);
	const unsigned char *at = der;
	EVP_PKEY *pkey = NULL;
	int n = der ? EVP_DecodeBlock(der, (const unsigned char *)bytes,
				      (int)len)
		    : -1;

	if (n > 0)
		pkey = d2i_PUBKEY(NULL, &at, n);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	if (der)
		OPENSSL_cleanse(der, len + 3);
	free(der);
	return pkey != NULL;
}

/*
 * A public key in another form, a JWK Set that begins with a byte order mark
 * or the page that a server sent in its place is known to all, and no secret.
 */
static struct jwtkey *read_secret(const char *bytes, size_t len, char *why)
{
	if (len >= JWTKEY_SECRET_MIN && !is_word(bytes, len))
		jwtkey_refuse(why,
			      "it is neither JSON nor PEM, nor a secret of "
			      "one word (other bytes go into a JWK, 'oct')");
	else if (is_bare_key(bytes, len))
		jwtkey_refuse(why, "it is a public key without its BEGIN line");
	else
		return jwtkey_from_secret(bytes, len, why);
	return NULL;
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
		key = read_secret(f->bytes, len, why);
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

/* A signer has no business here but to be known: its private half goes. */
static int add_one(struct keyring *ring, const struct secretfile *f,
		   const char *kid, size_t kid_len, char *why)
{
	struct jwtkey *key = read_one(f, why);

	if (!key)
		return -1;
	if (jwtkey_make_public(key, why) != 0 ||
	    (kid && jwtkey_name(key, kid, kid_len, why) != 0)) {
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

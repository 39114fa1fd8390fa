/* SPDX-License-Identifier: MIT */
/*
 * jwtkey - keys: what they are made of, and which are refused. Signatures are
 * in jwtsign.c.
 */
#include "jwtkey.h"

#include "edpoint.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "-----BEGIN "
#define NO_MEMORY "out of memory"
#define NO_KEY "its numbers are no key"

int jwtkey_refuse(char why[JWTKEY_WHY_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, JWTKEY_WHY_MAX, fmt, args);
	va_end(args);
	return -1;
}

/* Of a secret */

struct jwtkey *jwtkey_from_secret(const void *bytes, size_t len,
				  char why[JWTKEY_WHY_MAX])
{
	struct jwtkey *key;

	if (len < JWTKEY_SECRET_MIN) {
		jwtkey_refuse(why, "a secret has at least %d bytes, not %zu",
			      JWTKEY_SECRET_MIN, len);
		return NULL;
	}
	key = calloc(1, sizeof(*key));
	if (key)
		key->secret = malloc(len);
	if (!key || !key->secret) {
		jwtkey_refuse(why, NO_MEMORY);
		free(key);
		return NULL;
	}
	memcpy(key->secret, bytes, len);
	key->secret_len = len;
	key->alg = JWT_HS256;
	key->can_sign = true;
	return key;
}

void jwtkey_free(struct jwtkey *key)
{
	if (!key)
		return;
	if (key->secret)
		OPENSSL_cleanse(key->secret, key->secret_len);
	free(key->secret);
	free(key->kid);
	EVP_PKEY_free(key->pkey);
	free(key);
}

int jwtkey_name(struct jwtkey *key, const char *kid, size_t len,
		char why[JWTKEY_WHY_MAX])
{
	char *copy;

	if (len == 0 || len > JWT_KID_MAX)
		return jwtkey_refuse(why, "a kid has 1 to %d bytes",
				     JWT_KID_MAX);
	copy = malloc(len);
	if (!copy)
		return jwtkey_refuse(why, NO_MEMORY);
	memcpy(copy, kid, len);
	free(key->kid);
	key->kid = copy;
	key->kid_len = len;
	return 0;
}

/* Of libcrypto */

static bool is_p256(const EVP_PKEY *pkey)
{
	char group[64];

	return EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
					      group, sizeof(group), NULL) &&
	       (strcmp(group, "prime256v1") == 0 ||
		strcmp(group, "P-256") == 0);
}

static int refuse_rsa(const EVP_PKEY *pkey, char *why)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (bits >= JWTKEY_RSA_MIN && bits <= JWTKEY_RSA_MAX)
		return 0;
	return jwtkey_refuse(why, "an RSA key has %d to %d bits, not %d",
			     JWTKEY_RSA_MIN, JWTKEY_RSA_MAX, bits);
}

/* Of small order: anybody could sign. */
static int refuse_ed25519(const EVP_PKEY *pkey, char *why)
{
	uint8_t key[EDPOINT_SIZE];
	size_t len = sizeof(key);

	if (EVP_PKEY_get_raw_public_key(pkey, key, &len) == 1 &&
	    len == sizeof(key) && edpoint_valid(key))
		return 0;
	return jwtkey_refuse(why, NO_KEY);
}

/* The one algorithm of a key. 0, or -1 and `why`. */
static int pin(enum jwt_alg *alg, const EVP_PKEY *pkey, char *why)
{
	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		*alg = JWT_RS256;
		return refuse_rsa(pkey, why);
	case EVP_PKEY_EC:
		*alg = JWT_ES256;
		if (is_p256(pkey))
			return 0;
		return jwtkey_refuse(why, "of the elliptic curves only P-256 "
					  "is known");
	case EVP_PKEY_ED25519:
		*alg = JWT_EDDSA;
		return refuse_ed25519(pkey, why);
	}
	return jwtkey_refuse(why, "it is neither RSA nor EC nor Ed25519");
}

/* Whether it is a point of its curve, an odd number and so on. */
static int check_public(EVP_PKEY *pkey, char *why)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	int good = cx && EVP_PKEY_public_check(cx) == 1;

	EVP_PKEY_CTX_free(cx);
	return good ? 0 : jwtkey_refuse(why, NO_KEY);
}

struct jwtkey *jwtkey_from_pkey(EVP_PKEY *pkey, bool can_sign,
				char why[JWTKEY_WHY_MAX])
{
	struct jwtkey *key = calloc(1, sizeof(*key));
	int result = -1;

	if (!key)
		jwtkey_refuse(why, NO_MEMORY);
	else if (pin(&key->alg, pkey, why) == 0)
		result = check_public(pkey, why);
	ERR_clear_error();
	if (result != 0) {
		EVP_PKEY_free(pkey);
		free(key);
		return NULL;
	}
	key->pkey = pkey;
	key->can_sign = can_sign;
	return key;
}

/* By way of its DER, in which nothing is private. */
static EVP_PKEY *public_half(const EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	const unsigned char *at;
	int len = i2d_PUBKEY(pkey, &der);
	EVP_PKEY *public = NULL;

	at = der;
	if (len > 0)
	public = d2i_PUBKEY(NULL, &at, len);
	OPENSSL_free(der);
	ERR_clear_error();
	return public;
}

int jwtkey_make_public(struct jwtkey *key, char why[JWTKEY_WHY_MAX])
{
	EVP_PKEY *public;

	if (!key->pkey || !key->can_sign)
		return 0;
	public = public_half(key->pkey);
	if (!public)
		return jwtkey_refuse(why, NO_MEMORY);
	EVP_PKEY_free(key->pkey);
	key->pkey = public;
	key->can_sign = false;
	return 0;
}

/* Of PEM */

/* No pass phrase is asked for on a terminal. */
static int no_phrase(char *phrase, int size, int rwflag, void *user)
{
	(void)phrase;
	(void)size;
	(void)rwflag;
	(void)user;
	return -1;
}

/* What people put there by mistake. */
static int refuse_pem(const char *text, size_t len, char *why)
{
	if (memmem(text, len, BEGIN "CERTIFICATE", strlen(BEGIN "CERTIFICATE")))
		return jwtkey_refuse(why, "it is a certificate; 'openssl x509 "
					  "-pubkey -noout' prints its key");
	if (memmem(text, len, "ENCRYPTED", strlen("ENCRYPTED")))
		return jwtkey_refuse(why, "it is encrypted");
	return jwtkey_refuse(why, "it is no PEM key that can be read");
}

/* Blocks that are not the parameters which 'openssl ecparam' puts in front. */
static size_t count_blocks(const char *text, size_t len)
{
	static const char extra[] = BEGIN "EC PARAMETERS";
	const char *end = text + len;
	size_t count = 0;

	while ((text = memmem(text, (size_t)(end - text), BEGIN,
			      strlen(BEGIN)))) {
		count += (size_t)(end - text) < strlen(extra) ||
			 memcmp(text, extra, strlen(extra)) != 0;
		text += strlen(BEGIN);
	}
	return count;
}

/*
 * PEM_read_bio_PrivateKey() leaves a copy of the text behind in memory that it
 * frees; this does not. (Of an EC key in PKCS #8 the decoder of libcrypto 3.0
 * itself leaves one of the number, which is out of our reach: to check tokens
 * a server is best given public keys.)
 */
static EVP_PKEY *read_private(BIO *bio)
{
	unsigned char *der = NULL;
	const unsigned char *at;
	EVP_PKEY *pkey = NULL;
	long len;

	if (!PEM_bytes_read_bio_secmem(&der, &len, NULL, PEM_STRING_EVP_PKEY,
				       bio, no_phrase, NULL))
		return NULL;
	at = der;
	pkey = d2i_AutoPrivateKey(NULL, &at, len);
	OPENSSL_secure_clear_free(der, (size_t)len);
	return pkey;
}

static EVP_PKEY *read_pem(const char *text, size_t len, bool private)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *pkey = NULL;

	if (bio && private)
		pkey = read_private(bio);
	else if (bio)
		pkey = PEM_read_bio_PUBKEY(bio, NULL, no_phrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

struct jwtkey *jwtkey_from_pem(const char *text, size_t len,
			       char why[JWTKEY_WHY_MAX])
{
	bool private = memmem(text, len, "PRIVATE KEY-----", 16) != NULL;
	EVP_PKEY *pkey;

	if (count_blocks(text, len) > 1) {
		jwtkey_refuse(why, "it has more than one PEM block");
		return NULL;
	}
	pkey = read_pem(text, len, private);
	if (!pkey) {
		refuse_pem(text, len, why);
		return NULL;
	}
	return jwtkey_from_pkey(pkey, private, why);
}

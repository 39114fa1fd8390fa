/* SPDX-License-Identifier: MIT */
/*
 * What jwtkey and keyring promise: what is signed is verified by the same key
 * and by no other, and a key has one algorithm.
 */
#include "keyring.h"
#include "tap.h"

#include "base64.h"
#include "jose_samples.h"
#include "jwk.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char secret[] = "0123456789abcdef0123456789abcdef";

static char why[JWTKEY_WHY_MAX];

/* Keys */

/* The PEM of a key; the caller frees it. */
static char *pem_of(EVP_PKEY *pkey, bool private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long len;

	if (private)
		PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL,
					      NULL);
	else
		PEM_write_bio_PUBKEY(bio, pkey);
	len = BIO_get_mem_data(bio, &bytes);
	text = strndup(bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

static struct jwtkey *from_pem(EVP_PKEY *pkey, bool private)
{
	char *text = pem_of(pkey, private);
	struct jwtkey *key = jwtkey_from_pem(text, strlen(text), why);

	free(text);
	return key;
}

static EVP_PKEY *generate(const char *type)
{
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	if (type[0] == 'P')
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

/* Tokens */

static bool make(struct buf *token, const struct jwtkey *key, const char *kid)
{
	struct buf signature;
	bool good;

	buf_init(&signature);
	buf_init(token);
	jwt_put_input(token, key->alg, kid, "{}", 2);
	good = jwtkey_sign(key, buf_bytes(token), buf_len(token), &signature) ==
	       0;
	jwt_put_signature(token, buf_bytes(&signature), buf_len(&signature));
	buf_release(&signature);
	return good && !token->failed;
}

static enum refusal check(const struct jwtkey *key, const struct buf *token)
{
	struct jwt jwt;
	enum refusal refusal = jwt_open(&jwt, buf_bytes(token), buf_len(token));

	if (refusal != REFUSAL_NONE)
		return refusal;
	refusal = jwtkey_verify(key, &jwt);
	jwt_release(&jwt);
	return ERR_peek_error() ? REFUSAL_NO_MEMORY : refusal;
}

/* Any other byte of the token makes another token. */
static bool damage_shows(const struct jwtkey *key, struct buf *token)
{
	char *bytes = buf_bytes(token);
	bool good = true;

	for (size_t i = 0; i < buf_len(token); i++) {
		char was = bytes[i];

		bytes[i] = was == 'A' ? 'B' : 'A';
		good &= check(key, token) != REFUSAL_NONE;
		bytes[i] = was;
	}
	for (size_t cut = 1; cut < 90; cut++) {
		struct buf shorter = *token;

		shorter.end -= cut;
		good &= check(key, &shorter) != REFUSAL_NONE;
	}
	good &= check(key, token) == REFUSAL_NONE;
	buf_puts(token, "AAAA");
	return good && check(key, token) == REFUSAL_SIGNATURE;
}

static void signs(const struct jwtkey *private, const struct jwtkey *public,
		  const struct jwtkey *other, const char *name)
{
	char text[100];
	struct buf token;

	snprintf(text, sizeof(text), "%s signs and verifies", name);
	ok(make(&token, private, "k") &&
		   check(private, &token) == REFUSAL_NONE &&
		   check(public, &token) == REFUSAL_NONE,
	   text);
	snprintf(text, sizeof(text), "%s: another key does not", name);
	ok(check(other, &token) == REFUSAL_SIGNATURE, text);
	snprintf(text, sizeof(text), "%s: each change shows", name);
	ok(damage_shows(public, &token), text);
	buf_release(&token);
}

static void secrets(void)
{
	struct jwtkey *key = jwtkey_from_secret(secret, 32, why);
	struct jwtkey *other =
		jwtkey_from_secret("0123456789abcdef0123456789abcdeg", 32, why);

	ok(key && key->alg == JWT_HS256 && key->can_sign, "a secret is HS256");
	ok(jwtkey_make_public(key, why) == 0 && key->can_sign,
	   "and has no public half");
	signs(key, key, other, "HS256");
	jwtkey_free(key);
	jwtkey_free(other);
	ok(!jwtkey_from_secret(secret, 31, why) &&
		   !strcmp(why, "a secret has at least 32 bytes, not 31"),
	   "31 bytes are too few");
}

/* What is private is gone; what was signed with it is good. */
static bool becomes_public(struct jwtkey *key)
{
	struct buf token;
	bool good;

	good = make(&token, key, NULL) && jwtkey_make_public(key, why) == 0 &&
	       !key->can_sign && i2d_PrivateKey(key->pkey, NULL) <= 0;
	ERR_clear_error();
	good &= check(key, &token) == REFUSAL_NONE &&
		jwtkey_make_public(key, why) == 0;
	buf_release(&token);
	return good;
}

static void pairs(const char *type, enum jwt_alg alg)
{
	EVP_PKEY *pkey = generate(type);
	EVP_PKEY *stranger = generate(type);
	struct jwtkey *private = from_pem(pkey, true);
	struct jwtkey *public = from_pem(pkey, false);
	struct jwtkey *other = from_pem(stranger, false);

	ok(private && private->alg == alg && private->can_sign,
	   "a private key has its algorithm");
	ok(public && public->alg == alg && !public->can_sign,
	   "so has a public one, which cannot sign");
	signs(private, public, other, jwt_alg_name(alg));
	ok(becomes_public(private), "a private key can be made a public one");
	jwtkey_free(private);
	jwtkey_free(public);
	jwtkey_free(other);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(stranger);
}

/* The text of a public key as a secret, which anybody has. */
static void confusion(void)
{
	EVP_PKEY *pkey = generate("RSA");
	char *text = pem_of(pkey, false);
	struct jwtkey *public = jwtkey_from_pem(text, strlen(text), why);
	struct jwtkey *forger = jwtkey_from_secret(text, strlen(text), why);
	struct keyring ring;
	struct buf token;
	struct jwt jwt;

	make(&token, forger, NULL);
	ok(check(public, &token) == REFUSAL_PINNED,
	   "a public key is no secret, whatever a token says");
	keyring_init(&ring);
	keyring_add(&ring, public, why);
	jwt_open(&jwt, buf_bytes(&token), buf_len(&token));
	ok(keyring_verify(&ring, &jwt) == REFUSAL_NO_KEY,
	   "so for such a token there is no key");
	jwt_release(&jwt);
	buf_release(&token);
	keyring_release(&ring);
	jwtkey_free(forger);
	free(text);
	EVP_PKEY_free(pkey);
}

/* Which keys are refused */

static bool refuses(const char *pem, const char *want)
{
	struct jwtkey *key;
	bool same;

	*why = '\0';
	key = jwtkey_from_pem(pem, strlen(pem), why);
	same = !key && strcmp(why, want) == 0;
	if (!same)
		printf("# %s\n", why);
	jwtkey_free(key);
	return same && !ERR_peek_error();
}

static bool refuses_pkey(EVP_PKEY *pkey, const char *want)
{
	char *text = pem_of(pkey, false);
	bool refused = refuses(text, want);

	free(text);
	EVP_PKEY_free(pkey);
	return refused;
}

/* With the neutral element as key libcrypto takes R = 1, S = 0 for all. */
static bool refuses_small_order(void)
{
	static const unsigned char neutral[32] = {1}, signature[64] = {1};
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						     neutral, sizeof(neutral));
	EVP_MD_CTX *cx = EVP_MD_CTX_new();

	if (EVP_DigestVerifyInit(cx, NULL, NULL, NULL, pkey) > 0)
		printf("# libcrypto takes a forged signature: %d\n",
		       EVP_DigestVerify(cx, signature, sizeof(signature),
					(const unsigned char *)"any", 3));
	EVP_MD_CTX_free(cx);
	return refuses_pkey(pkey, "its numbers are no key");
}

static void others(void)
{
	EVP_PKEY *pkey = generate("ED25519");
	char *one = pem_of(pkey, false);
	char two[1000];

	ok(refuses_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
			"an RSA key has 2048 to 8192 bits, not 1024"),
	   "a short RSA key");
	ok(refuses_pkey(generate("P-384"),
			"of the elliptic curves only P-256 is known"),
	   "another curve");
	ok(refuses_pkey(generate("X25519"),
			"it is neither RSA nor EC nor Ed25519"),
	   "a key that cannot sign");
	ok(refuses_pkey(generate("ED448"),
			"it is neither RSA nor EC nor Ed25519"),
	   "the other Edwards curve");
	ok(refuses("-----BEGIN CERTIFICATE-----\nAAAA\n"
		   "-----END CERTIFICATE-----\n",
		   "it is a certificate; 'openssl x509 -pubkey -noout' prints "
		   "its key"),
	   "a certificate");
	ok(refuses("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
		   "-----END ENCRYPTED PRIVATE KEY-----\n",
		   "it is encrypted"),
	   "an encrypted key, without asking for a pass phrase");
	ok(refuses("-----BEGIN PUBLIC KEY-----\nAAAA\n",
		   "it is no PEM key that can be read"),
	   "a key that ends too early");
	ok(refuses_small_order(),
	   "an Ed25519 key for which everybody can sign");
	snprintf(two, sizeof(two), "%s%s", one, one);
	ok(refuses(two, "it has more than one PEM block"), "two keys");
	free(one);
	EVP_PKEY_free(pkey);
}

/* Which key is a token's */

static struct jwtkey *numbered(char last, const char *kid)
{
	char bytes[33];
	struct jwtkey *key;

	memcpy(bytes, secret, sizeof(bytes));
	bytes[31] = last;
	key = jwtkey_from_secret(bytes, 32, why);
	if (kid)
		jwtkey_name(key, kid, strlen(kid), why);
	return key;
}

static enum refusal on_ring(const struct keyring *ring, char last,
			    const char *kid)
{
	struct jwtkey *key = numbered(last, NULL);
	enum refusal refusal;
	struct buf token;
	struct jwt jwt;

	make(&token, key, kid);
	jwt_open(&jwt, buf_bytes(&token), buf_len(&token));
	refusal = keyring_verify(ring, &jwt);
	jwt_release(&jwt);
	buf_release(&token);
	jwtkey_free(key);
	return refusal;
}

static void rings(void)
{
	struct keyring ring;

	keyring_init(&ring);
	ok(on_ring(&ring, '1', NULL) == REFUSAL_NO_KEY &&
		   on_ring(&ring, '1', "a") == REFUSAL_KEY_NAME,
	   "there are no keys at first");
	keyring_add(&ring, numbered('1', "a"), why);
	ok(on_ring(&ring, '1', "a") == REFUSAL_NONE, "by its kid");
	ok(on_ring(&ring, '1', "b") == REFUSAL_KEY_NAME &&
		   on_ring(&ring, '1', "") == REFUSAL_KEY_NAME &&
		   on_ring(&ring, '1', "aa") == REFUSAL_KEY_NAME,
	   "not by another, however good the signature");
	ok(on_ring(&ring, '1', NULL) == REFUSAL_NONE, "the only one");
	keyring_add(&ring, numbered('2', "b"), why);
	ok(on_ring(&ring, '1', NULL) == REFUSAL_NO_KEY,
	   "of two that have a kid none is meant");
	ok(on_ring(&ring, '2', "a") == REFUSAL_SIGNATURE,
	   "who names a key means that one");
	keyring_add(&ring, numbered('3', NULL), why);
	keyring_add(&ring, numbered('4', NULL), why);
	ok(on_ring(&ring, '3', NULL) == REFUSAL_NONE &&
		   on_ring(&ring, '4', NULL) == REFUSAL_NONE,
	   "those without a kid are all tried");
	ok(on_ring(&ring, '1', NULL) == REFUSAL_SIGNATURE, "and only those");
	ok(keyring_add(&ring, numbered('5', "a"), why) != 0 && ring.count == 4,
	   "a kid is taken once");
	keyring_release(&ring);
}

static void full(void)
{
	struct keyring ring;
	bool added = true;

	keyring_init(&ring);
	for (int i = 0; i < KEYRING_UNNAMED_MAX; i++)
		added &= keyring_add(&ring, numbered('1', NULL), why) == 0;
	ok(added, "8 keys without a kid");
	ok(keyring_add(&ring, numbered('1', NULL), why) != 0 &&
		   !strcmp(why, "there are more than 8 keys for HS256 that "
				"have no kid"),
	   "one more");
	for (int i = KEYRING_UNNAMED_MAX; i < KEYRING_MAX; i++) {
		char kid[12];

		snprintf(kid, sizeof(kid), "%d", i);
		added &= keyring_add(&ring, numbered('1', kid), why) == 0;
	}
	ok(added, "64 keys");
	ok(keyring_add(&ring, numbered('1', "x"), why) != 0 &&
		   !strcmp(why, "there are more than 64 keys"),
	   "one more");
	keyring_release(&ring);
}

static void memory(void)
{
	EVP_PKEY *pkey = generate("ED25519");

	oom_after(1);
	ok(!jwtkey_from_secret(secret, 32, why), "no memory for a secret");
	oom_after(2);
	ok(!jwtkey_from_secret(secret, 32, why), "nor for its bytes");
	oom_after(1);
	ok(!jwtkey_from_pkey(pkey, true, why), "nor for a key");
	oom_off();
}

/* libcrypto allocates as we do, so that it can be refused as well. */

static void *crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(p, n);
}

static void crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/*
 * A good token, with no memory from each step on. In one step alone it is good
 * that nothing else happens: libcrypto does not tell of each.
 */
static void no_memory(const char *type, const char *what)
{
	EVP_PKEY *pkey = generate(type);
	struct jwtkey *key = from_pem(pkey, true);
	enum refusal refusal;
	bool good = true;
	struct buf token;
	struct jwt jwt;
	long n = 0;

	make(&token, key, NULL);
	jwt_open(&jwt, buf_bytes(&token), buf_len(&token));
	do {
		oom_once(++n);
		jwtkey_verify(key, &jwt);
		good &= ERR_peek_error() == 0;
		oom_after(n);
		refusal = jwtkey_verify(key, &jwt);
		good &= refusal ==
			(oom_off() ? REFUSAL_NO_MEMORY : REFUSAL_NONE);
	} while (refusal != REFUSAL_NONE && n < 1000);
	ok(good && n > 1 && n < 1000, what);
	jwt_release(&jwt);
	buf_release(&token);
	jwtkey_free(key);
	EVP_PKEY_free(pkey);
}

int main(void)
{
	CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
	secrets();
	pairs("RSA", JWT_RS256);
	pairs("P-256", JWT_ES256);
	pairs("ED25519", JWT_EDDSA);
	confusion();
	others();
	rings();
	full();
	memory();
	no_memory("RSA", "no memory is no wrong signature: RSA");
	no_memory("P-256", "nor is it for EC");
	no_memory("ED25519", "nor for Ed25519");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * jwtsign - signatures with a jwtkey. ECDSA signatures of tokens are the
 * numbers r and s, 32 bytes each (RFC 7518 section 3.4); libcrypto wants and
 * gives DER.
 */
#include "jwtkey.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define MAC_SIZE 32
#define PROBE_SIZE                                                             \
	4096	       /* more than libcrypto wants for a signature at once    \
			*/
#define NUMBER_SIZE 32 /* of r and of s */
#define RAW_SIZE ((size_t)2 * NUMBER_SIZE)

/* DER of two numbers of 33 bytes, with their heads. */
#define DER_MAX 80

static bool make_mac(const struct jwtkey *key, const char *input, size_t len,
		     unsigned char mac[MAC_SIZE])
{
	return HMAC(EVP_sha256(), key->secret, (int)key->secret_len,
		    (const unsigned char *)input, len, mac, NULL) != NULL;
}

/* Ed25519 hashes by itself. */
static const EVP_MD *digest_of(const struct jwtkey *key)
{
	return key->alg == JWT_EDDSA ? NULL : EVP_sha256();
}

/* r and s */

/* Bytes of DER, 0 when out of memory. */
static size_t der_of(unsigned char der[DER_MAX], const unsigned char *raw)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, NUMBER_SIZE, NULL);
	BIGNUM *s = BN_bin2bn(raw + NUMBER_SIZE, NUMBER_SIZE, NULL);
	int len = 0;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = NULL; /* they are in `sig` now */
		s = NULL;
		len = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

static bool raw_of(unsigned char raw[RAW_SIZE], const unsigned char *der,
		   size_t len)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = sig &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, NUMBER_SIZE) > 0 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + NUMBER_SIZE,
				 NUMBER_SIZE) > 0;

	ECDSA_SIG_free(sig);
	return good;
}

/* Checking */

static enum refusal verify_mac(const struct jwtkey *key, const struct jwt *t)
{
	unsigned char mac[MAC_SIZE];
	bool good;

	if (!make_mac(key, t->input, t->input_len, mac))
		return REFUSAL_NO_MEMORY;
	good = buf_len(&t->signature) == MAC_SIZE &&
	       CRYPTO_memcmp(buf_bytes(&t->signature), mac, MAC_SIZE) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	return good ? REFUSAL_NONE : REFUSAL_SIGNATURE;
}

/*
 * Whether libcrypto, which says "wrong" then as well, had no memory. Where it
 * does not tell the reason there may still be none now. (An allocation that
 * fails alone, and of which it says nothing, is a wrong signature.)
 */
static bool no_memory(void)
{
	unsigned long error;
	void *probe;

	while ((error = ERR_get_error()))
		if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
			return true;
	probe = OPENSSL_malloc(PROBE_SIZE);
	OPENSSL_free(probe);
	return !probe;
}

static enum refusal verify_bytes(const struct jwtkey *key, const struct jwt *t,
				 const unsigned char *signature, size_t len)
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	enum refusal refusal = REFUSAL_NO_MEMORY;

	if (!cx || EVP_DigestVerifyInit(cx, NULL, digest_of(key), NULL,
					key->pkey) <= 0)
		goto out;
	if (EVP_DigestVerify(cx, signature, len,
			     (const unsigned char *)t->input,
			     t->input_len) == 1)
		refusal = REFUSAL_NONE;
	else if (!no_memory())
		refusal = REFUSAL_SIGNATURE;
out:
	EVP_MD_CTX_free(cx);
	return refusal;
}

static enum refusal verify(const struct jwtkey *key, const struct jwt *t)
{
	const void *signature = buf_bytes(&t->signature);
	size_t len = buf_len(&t->signature);
	unsigned char der[DER_MAX];

	if (key->alg == JWT_HS256)
		return verify_mac(key, t);
	if (!len)
		return REFUSAL_SIGNATURE;
	if (key->alg != JWT_ES256)
		return verify_bytes(key, t, signature, len);
	if (len != RAW_SIZE)
		return REFUSAL_SIGNATURE;
	len = der_of(der, signature);
	return len ? verify_bytes(key, t, der, len) : REFUSAL_NO_MEMORY;
}

enum refusal jwtkey_verify(const struct jwtkey *key, const struct jwt *token)
{
	enum refusal refusal = REFUSAL_PINNED;

	ERR_clear_error();
	if (token->alg == key->alg)
		refusal = verify(key, token);
	ERR_clear_error();
	return refusal;
}

/* Making */

static int sign_pkey(const struct jwtkey *key, const char *input, size_t len,
		     struct buf *out)
{
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	size_t size = (size_t)EVP_PKEY_get_size(key->pkey);
	char *room = buf_reserve(out, size);
	int result = -1;

	if (cx && room &&
	    EVP_DigestSignInit(cx, NULL, digest_of(key), NULL, key->pkey) > 0 &&
	    EVP_DigestSign(cx, (unsigned char *)room, &size,
			   (const unsigned char *)input, len) > 0) {
		buf_added(out, size);
		result = 0;
	}
	EVP_MD_CTX_free(cx);
	return result;
}

static int sign_raw(const struct jwtkey *key, const char *input, size_t len,
		    struct buf *out)
{
	unsigned char raw[RAW_SIZE];
	struct buf der;
	int result = -1;

	buf_init(&der);
	if (sign_pkey(key, input, len, &der) == 0 &&
	    raw_of(raw, (const unsigned char *)buf_bytes(&der),
		   buf_len(&der))) {
		buf_append(out, raw, sizeof(raw));
		result = out->failed ? -1 : 0;
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	buf_wipe(&der);
	return result;
}

static int sign_mac(const struct jwtkey *key, const char *input, size_t len,
		    struct buf *out)
{
	unsigned char mac[MAC_SIZE];

	if (!make_mac(key, input, len, mac))
		return -1;
	buf_append(out, mac, sizeof(mac));
	OPENSSL_cleanse(mac, sizeof(mac));
	return out->failed ? -1 : 0;
}

int jwtkey_sign(const struct jwtkey *key, const char *input, size_t len,
		struct buf *signature)
{
	int result;

	if (key->alg == JWT_HS256)
		result = sign_mac(key, input, len, signature);
	else if (key->alg == JWT_ES256)
		result = sign_raw(key, input, len, signature);
	else
		result = sign_pkey(key, input, len, signature);
	ERR_clear_error();
	return result;
}

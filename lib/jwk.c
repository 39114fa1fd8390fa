/* SPDX-License-Identifier: MIT */
#include "jwk.h"

#include "base64.h"
#include "jsonlist.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define P256_SIZE 32	/* bytes of a coordinate */
#define ED25519_SIZE 32 /* bytes of a public key */
#define E_MAX 8		/* bytes of an RSA exponent: libcrypto takes no more */

/* Text members */

static bool says(const struct json_value *v, const char *want)
{
	return v && v->type == JSON_STRING &&
	       json_string_is(v, want, strlen(want));
}

static bool has_text(const struct jsonlist *l, const char *name,
		     const char *want)
{
	return says(jsonlist_get(l, name), want);
}

/* Bytes that are base64url; 0, or -1 and `why`. */
static int read_bytes(struct buf *out, const struct jsonlist *l,
		      const char *name, char *why)
{
	const struct json_value *v = jsonlist_get(l, name);

	/* base64url needs no escapes. */
	if (!v || v->type != JSON_STRING ||
	    !base64_read(out, v->text + 1, v->len - 2))
		return jwtkey_refuse(why, "'%s' is not base64url", name);
	return out->failed ? jwtkey_refuse(why, "out of memory") : 0;
}

/* The same for a number of at most, or of exactly, `size` bytes. */
static int read_number(struct buf *out, const struct jsonlist *l,
		       const char *name, size_t size, bool exactly, char *why)
{
	if (read_bytes(out, l, name, why) != 0)
		return -1;
	if (buf_len(out) == 0 || buf_len(out) > size ||
	    (exactly && buf_len(out) != size))
		return jwtkey_refuse(why, "'%s' has %zu bytes", name,
				     buf_len(out));
	return 0;
}

/* Keys of libcrypto */

/* NULL and `why` when it takes them for no key. */
static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params, char *why)
{
	EVP_PKEY_CTX *cx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (!params || !cx || EVP_PKEY_fromdata_init(cx) <= 0 ||
	    EVP_PKEY_fromdata(cx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0) {
		jwtkey_refuse(why, "its numbers are no key");
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(cx);
	return pkey;
}

static EVP_PKEY *make_rsa(const struct buf *n, const struct buf *e, char *why)
{
	BIGNUM *bn = BN_bin2bn((const unsigned char *)buf_bytes(n),
			       (int)buf_len(n), NULL);
	BIGNUM *be = BN_bin2bn((const unsigned char *)buf_bytes(e),
			       (int)buf_len(e), NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey;

	if (bn && be && build &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be))
		params = OSSL_PARAM_BLD_to_param(build);
	pkey = from_params("RSA", params, why);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(be);
	BN_free(bn);
	return pkey;
}

static EVP_PKEY *read_rsa(const struct jsonlist *l, char *why)
{
	EVP_PKEY *pkey = NULL;
	struct buf n, e;

	buf_init(&n);
	buf_init(&e);
	if (read_number(&n, l, "n", JWTKEY_RSA_MAX / 8, false, why) == 0 &&
	    read_number(&e, l, "e", E_MAX, false, why) == 0)
		pkey = make_rsa(&n, &e, why);
	buf_release(&n);
	buf_release(&e);
	return pkey;
}

/* A point that is not compressed: SEC 1 section 2.3.3. */
static EVP_PKEY *read_ec(const struct jsonlist *l, char *why)
{
	char group[] = "P-256";
	EVP_PKEY *pkey = NULL;
	struct buf point, y;

	buf_init(&point);
	buf_init(&y);
	if (read_number(&point, l, "x", P256_SIZE, true, why) == 0 &&
	    read_number(&y, l, "y", P256_SIZE, true, why) == 0) {
		unsigned char bytes[1 + 2 * P256_SIZE] = {4};
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(
				OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
			OSSL_PARAM_construct_octet_string(
				OSSL_PKEY_PARAM_PUB_KEY, bytes, sizeof(bytes)),
			OSSL_PARAM_construct_end(),
		};

		memcpy(bytes + 1, buf_bytes(&point), P256_SIZE);
		memcpy(bytes + 1 + P256_SIZE, buf_bytes(&y), P256_SIZE);
		pkey = from_params("EC", params, why);
	}
	buf_release(&point);
	buf_release(&y);
	return pkey;
}

static EVP_PKEY *read_ed25519(const struct jsonlist *l, char *why)
{
	EVP_PKEY *pkey = NULL;
	struct buf x;

	buf_init(&x);
	if (read_number(&x, l, "x", ED25519_SIZE, true, why) == 0) {
		pkey = EVP_PKEY_new_raw_public_key(
			EVP_PKEY_ED25519, NULL,
			(const unsigned char *)buf_bytes(&x), buf_len(&x));
		if (!pkey)
			jwtkey_refuse(why, "its numbers are no key");
	}
	buf_release(&x);
	return pkey;
}

static struct jwtkey *read_secret(const struct jsonlist *l, char *why)
{
	struct jwtkey *key = NULL;
	struct buf k;

	buf_init(&k);
	if (read_bytes(&k, l, "k", why) == 0)
		key = jwtkey_from_secret(buf_bytes(&k), buf_len(&k), why);
	buf_wipe(&k);
	return key;
}

/* One key */

/* Ours by its type; false: to be passed over. */
static bool algorithm_of(enum jwt_alg *alg, const struct jsonlist *l)
{
	if (has_text(l, "kty", "RSA"))
		*alg = JWT_RS256;
	else if (has_text(l, "kty", "oct"))
		*alg = JWT_HS256;
	else if (has_text(l, "kty", "EC") && has_text(l, "crv", "P-256"))
		*alg = JWT_ES256;
	else if (has_text(l, "kty", "OKP") && has_text(l, "crv", "Ed25519"))
		*alg = JWT_EDDSA;
	else
		return false;
	return true;
}

/* Whether `key_ops` is not there or has "verify". */
static bool may_verify(const struct json_value *ops)
{
	struct json_value item;
	const char *at = NULL;

	if (!ops)
		return true;
	while (ops->type == JSON_ARRAY && jsonlist_next(ops, &at, &item))
		if (says(&item, "verify"))
			return true;
	return false;
}

/* Whether it is one that tokens of ours are signed with. */
static bool is_ours(const struct jsonlist *l, enum jwt_alg *alg)
{
	const struct json_value *use = jsonlist_get(l, "use");
	const struct json_value *named = jsonlist_get(l, "alg");
	enum jwt_alg want;

	return algorithm_of(alg, l) && (!use || says(use, "sig")) &&
	       (!named || (jwt_alg_read(&want, named) && want == *alg)) &&
	       may_verify(jsonlist_get(l, "key_ops"));
}

static struct jwtkey *read_key(const struct jsonlist *l, enum jwt_alg alg,
			       char *why)
{
	EVP_PKEY *pkey = NULL;

	if (alg == JWT_HS256)
		return read_secret(l, why);
	if (alg == JWT_RS256)
		pkey = read_rsa(l, why);
	else if (alg == JWT_ES256)
		pkey = read_ec(l, why);
	else
		pkey = read_ed25519(l, why);
	ERR_clear_error();
	return pkey ? jwtkey_from_pkey(pkey, false, why) : NULL;
}

/* Gives the key its kid, if it says one. */
static int name_key(struct jwtkey *key, const struct json_value *kid, char *why)
{
	char name[JWT_KID_MAX];
	long len = -1;

	if (!kid)
		return 0;
	if (kid->type == JSON_STRING)
		len = json_unescape(kid, name, sizeof(name));
	if (len < 0)
		return jwtkey_refuse(why,
				     "'kid' is no string of at most %d "
				     "bytes",
				     JWT_KID_MAX);
	return jwtkey_name(key, name, (size_t)len, why);
}

/* RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1: some may be there without "d". */
static bool has_private(const struct jsonlist *l)
{
	static const char *const names[] = {"d",  "k",	"p",  "q",
					    "dp", "dq", "qi", "oth"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (jsonlist_get(l, names[i]))
			return true;
	return false;
}

static int add_key(struct keyring *ring, const struct jsonlist *l, bool *secret,
		   char *why)
{
	struct jwtkey *key;
	enum jwt_alg alg;

	*secret |= has_private(l);
	if (!is_ours(l, &alg)) {
		ring->passed_over++;
		return 0;
	}
	key = read_key(l, alg, why);
	if (!key)
		return -1;
	if (name_key(key, jsonlist_get(l, "kid"), why) != 0) {
		jwtkey_free(key);
		return -1;
	}
	return keyring_add(ring, key, why);
}

static int add_text(struct keyring *ring, const struct json_value *v,
		    bool *secret, char *why)
{
	struct jsonlist l;
	enum jsonlist_result read = jsonlist_read(&l, v->text, v->len);
	int result;

	if (read != JSONLIST_OK)
		return jwtkey_refuse(why, "%s", jsonlist_strerror(read));
	result = add_key(ring, &l, secret, why);
	jsonlist_release(&l);
	return result;
}

/* The set */

static int add_items(struct keyring *ring, const struct json_value *keys,
		     bool *secret, char *why)
{
	char reason[JWTKEY_WHY_MAX];
	struct json_value item;
	const char *at = NULL;

	if (keys->type != JSON_ARRAY)
		return jwtkey_refuse(why, "'keys' is not an array");
	for (size_t i = 1; jsonlist_next(keys, &at, &item); i++)
		if (add_text(ring, &item, secret, reason) != 0)
			return jwtkey_refuse(why, "key %zu: %.*s", i,
					     JWTKEY_WHY_MAX - 40, reason);
	return 0;
}

int jwk_read_set(struct keyring *ring, const char *text, size_t len,
		 bool *secret, char why[JWTKEY_WHY_MAX])
{
	size_t before = ring->count;
	const struct json_value *keys;
	enum jsonlist_result read;
	struct jsonlist set;
	int result;

	*secret = false;
	read = jsonlist_read(&set, text, len);
	if (read != JSONLIST_OK)
		return jwtkey_refuse(why, "%s", jsonlist_strerror(read));
	keys = jsonlist_get(&set, "keys");
	result = keys ? add_items(ring, keys, secret, why)
		      : add_key(ring, &set, secret, why);
	jsonlist_release(&set);
	if (result == 0 && ring->count == before)
		return jwtkey_refuse(why, "it has no key for HS256, RS256, "
					  "ES256 or EdDSA");
	return result;
}

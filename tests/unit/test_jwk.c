/* SPDX-License-Identifier: MIT */
/* What jwk promises: which keys it takes, passes over, and refuses. */
#include "jwk.h"
#include "tap.h"

#include "jose_samples.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static bool secret;
static char why[JWTKEY_WHY_MAX];

/* How a token fares with these keys; REFUSAL_FORM: they are refused. */
static enum refusal verified(const char *keys, const char *token)
{
	enum refusal refusal = REFUSAL_FORM;
	struct keyring ring;
	struct jwt jwt;

	keyring_init(&ring);
	if (jwk_read_set(&ring, keys, strlen(keys), &secret, why) == 0 &&
	    jwt_open(&jwt, token, strlen(token)) == REFUSAL_NONE) {
		refusal = keyring_verify(&ring, &jwt);
		jwt_release(&jwt);
	}
	keyring_release(&ring);
	return ERR_peek_error() ? REFUSAL_NO_MEMORY : refusal;
}

static bool refuses(const char *keys, const char *want)
{
	struct keyring ring;
	bool refused;

	keyring_init(&ring);
	*why = '\0';
	refused = jwk_read_set(&ring, keys, strlen(keys), &secret, why) != 0 &&
		  strcmp(why, want) == 0;
	if (!refused)
		printf("# %s\n", why);
	keyring_release(&ring);
	return refused && !ERR_peek_error();
}

/* How many keys are taken, and how many passed over. */
static bool takes(const char *keys, size_t taken, size_t passed_over)
{
	struct keyring ring;
	bool same;

	keyring_init(&ring);
	same = jwk_read_set(&ring, keys, strlen(keys), &secret, why) == 0 &&
	       ring.count == taken && ring.passed_over == passed_over;
	keyring_release(&ring);
	return same;
}

static void vectors(void)
{
	ok(verified(JOSE_HS256_JWK, JOSE_HS256) == REFUSAL_NONE,
	   "RFC 7515 A.1, HS256");
	ok(secret, "whose key is a secret");
	ok(verified(JOSE_RS256_JWK, JOSE_RS256) == REFUSAL_NONE,
	   "RFC 7515 A.2, RS256");
	ok(!secret, "whose key is none");
	ok(verified(JOSE_ES256_JWK, JOSE_ES256) == REFUSAL_NONE,
	   "RFC 7515 A.3, ES256");
	ok(verified(JOSE_EDDSA_JWK, JOSE_EDDSA) == REFUSAL_NONE,
	   "RFC 8037 A.4, EdDSA");
	ok(verified("{\"keys\":[" JOSE_RS256_JWK "," JOSE_ES256_JWK
		    "," JOSE_EDDSA_JWK "]}",
		    JOSE_ES256) == REFUSAL_NONE,
	   "each by its algorithm, in a set");
}

static void others(void)
{
	ok(takes("{\"keys\":[" JOSE_ES256_JWK
		 ",{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\"},"
		 "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"},"
		 "{\"kty\":\"new\"},{}]}",
		 1, 4),
	   "other types and curves are passed over");
	ok(takes("{\"keys\":[" JOSE_ES256_JWK
		 ",{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"AA\"},"
		 "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"AA\"},"
		 "{\"kty\":\"RSA\",\"alg\":\"HS256\",\"n\":\"AA\"},"
		 "{\"kty\":\"RSA\",\"alg\":1,\"n\":\"AA\"},"
		 "{\"kty\":\"RSA\",\"key_ops\":[\"sign\"],\"n\":\"AA\"}]}",
		 1, 5),
	   "keys for other uses and algorithms too");
	ok(takes("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
		 "\"" JOSE_EDDSA_X "\",\"use\":\"sig\",\"alg\":\"EdDSA\","
		 "\"key_ops\":[\"sign\",\"verify\"],\"x5t\":\"AA\"}],"
		 "\"extra\":1}",
		 1, 0),
	   "one that says what it is for");
	ok(refuses("{\"keys\":[]}",
		   "it has no key for HS256, RS256, ES256 or EdDSA") &&
		   refuses("{\"keys\":[{\"kty\":\"new\"}]}",
			   "it has no key for HS256, RS256, ES256 or EdDSA") &&
		   refuses("{}",
			   "it has no key for HS256, RS256, ES256 or EdDSA"),
	   "a set of which nothing is left");
}

static void bad_texts(void)
{
	ok(refuses("{", "not a JSON object") &&
		   refuses("[]", "not a JSON object"),
	   "no JSON");
	ok(refuses("{\"keys\":{}}", "'keys' is not an array"), "no array");
	ok(refuses("{\"keys\":[],\"keys\":[" JOSE_ES256_JWK "]}",
		   "a member is there twice"),
	   "keys twice");
	ok(refuses("{\"keys\":[1]}", "key 1: not a JSON object"), "no key");
	ok(refuses("{\"keys\":[" JOSE_ES256_JWK
		   ",{\"kty\":\"oct\",\"kty\":\"RSA\"}]}",
		   "key 2: a member is there twice"),
	   "a member of a key twice");
	ok(refuses("{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "'n' is not base64url"),
	   "a member that is missing");
	ok(refuses("{\"kty\":\"RSA\",\"n\":\"AA==\",\"e\":\"AQAB\"}",
		   "'n' is not base64url"),
	   "not base64url");
	ok(refuses("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}",
		   "'x' has 1 bytes"),
	   "a coordinate that is too short");
}

static void bad_numbers(void)
{
	ok(refuses("{\"kty\":\"oct\",\"k\":\"" JOSE_ES256_X "\"}", "") == false,
	   "a secret of 32 bytes");
	ok(refuses("{\"kty\":\"oct\",\"k\":\"AAAA\"}",
		   "a secret has at least 32 bytes, not 3"),
	   "a short secret");
	ok(refuses("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" JOSE_ES256_X
		   "\",\"y\":\"" JOSE_ES256_X "\"}",
		   "its numbers are no key"),
	   "a point that is not on the curve");
	ok(refuses("{\"kty\":\"RSA\",\"n\":\"" JOSE_ES256_X
		   "\",\"e\":\"AQAB\"}",
		   "an RSA key has 2048 to 8192 bits, not 255"),
	   "a short RSA key");
	ok(refuses("{\"kty\":\"RSA\",\"n\":\"" JOSE_RS256_N
		   "\",\"e\":\"AQABAQABAQAB\"}",
		   "'e' has 9 bytes"),
	   "a large exponent");
	ok(refuses("{\"kty\":\"RSA\",\"n\":\"" JOSE_RS256_N "\",\"e\":\"AQ\"}",
		   "its numbers are no key") &&
		   refuses("{\"kty\":\"RSA\",\"n\":\"" JOSE_RS256_N
			   "\",\"e\":\"Ag\"}",
			   "its numbers are no key") &&
		   refuses("{\"kty\":\"RSA\",\"n\":\"" JOSE_RS256_N
			   "\",\"e\":\"AA\"}",
			   "its numbers are no key"),
	   "an exponent of 1, 2 or 0");
	ok(refuses("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
		   "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		   "its numbers are no key"),
	   "a point for which everybody can sign");
}

static void kids(void)
{
	static const char named[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
				    "\"kid\":\"a\",\"x\":\"" JOSE_EDDSA_X "\"}";
	char two[400];

	snprintf(two, sizeof(two), "{\"keys\":[%s,%s]}", named, named);
	ok(refuses(two, "key 2: there are two keys of the same kid"),
	   "two keys of the same kid");
	ok(verified(named, JOSE_EDDSA) == REFUSAL_NONE,
	   "a token without a kid means the only key of its algorithm");
	snprintf(two, sizeof(two), "{\"keys\":[%s,%s]}", named, JOSE_EDDSA_JWK);
	ok(verified(two, JOSE_EDDSA) == REFUSAL_NONE,
	   "or of several the one without a kid");
	ok(refuses("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":1,\"x\":"
		   "\"" JOSE_EDDSA_X "\"}",
		   "'kid' is no string of at most 256 bytes") &&
		   refuses("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"\","
			   "\"x\":\"" JOSE_EDDSA_X "\"}",
			   "a kid has 1 to 256 bytes"),
	   "a kid is a text");
}

/* Any part of a private key is a secret, also of a key of another kind. */
static void secrets(void)
{
	static const char *const parts[] = {"d",  "p",	"q",  "dp",
					    "dq", "qi", "oth"};
	char text[1000];
	bool good = true;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(text, sizeof(text),
			 "{\"keys\":[{\"kty\":\"x\",\"%s\":\"AA\"},%s]}",
			 parts[i], JOSE_RS256_JWK);
		good &= takes(text, 1, 1) && secret;
	}
	ok(good, "a part of a private key makes the file a secret");
	ok(takes(JOSE_RS256_JWK, 1, 0) && !secret, "a public key does not");
}

int main(void)
{
	secrets();
	vectors();
	others();
	bad_texts();
	bad_numbers();
	kids();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What mint promises: tokens that are good, and lines that are JSON. */
#include "mint.h"
#include "tap.h"

#include "json.h"
#include "keyring.h"

#include <stdio.h>
#include <string.h>

static const char secret[] = "0123456789abcdef0123456789abcdef";

static char why[JWTKEY_WHY_MAX];

static struct claims claims_of(const struct rights *rights, const char *subject)
{
	return (struct claims){.rights = rights,
			       .issued = 1000,
			       .expires = 2000,
			       .subject = subject};
}

static void tokens(void)
{
	static const struct claims_expected any;
	struct jwtkey *key = jwtkey_from_secret(secret, 32, why);
	struct rights rights;
	struct claims claims = claims_of(&rights, "me");
	struct grant *g = NULL;
	struct buf b;
	struct jwt jwt;

	rights_init(&rights);
	rights_allow(&rights, RIGHTS_PUBLISH, "a-*", 3);
	buf_init(&b);
	ok(mint_token(&b, key, "k", &claims) == MINT_OK &&
		   jwt_open(&jwt, buf_bytes(&b), buf_len(&b)) == REFUSAL_NONE,
	   "a token");
	ok(jwt.has_kid && jwtkey_verify(key, &jwt) == REFUSAL_NONE,
	   "is signed by its key");
	ok(claims_read(buf_bytes(&jwt.claims), buf_len(&jwt.claims), &any, 1000,
		       &g) == REFUSAL_NONE &&
		   g->expires == 2000 && !strcmp(g->name, "me") &&
		   rights_may(&g->rights, RIGHTS_PUBLISH, "a-1", 3),
	   "and says what it was to say");
	jwt_release(&jwt);
	buf_clear(&b, SIZE_MAX);
	mint_put_grant(&b, g);
	buf_putc(&b, '\0');
	ok(!strcmp(buf_bytes(&b),
		   "{\"name\":\"me\",\"subscribe\":[],\"publish\":[\"a-*\"],"
		   "\"admin\":false,\"expires\":\"1970-01-01T00:33:20.000Z\"}"
		   "\n"),
	   "what it gives, as a line");
	grant_free(g);
	g = grant_new("a\x1b[2J\xc2\x9b\xe2\x80\xae\"", 11);
	buf_clear(&b, SIZE_MAX);
	mint_put_grant(&b, g);
	buf_putc(&b, '\0');
	ok(!strncmp(buf_bytes(&b),
		    "{\"name\":\"a\\u001b[2J\\u009b\\u202e\\\"\",", 35),
	   "nothing in it drives a terminal");
	grant_free(g);
	buf_release(&b);
	rights_release(&rights);
	jwtkey_free(key);
}

static void sizes(void)
{
	struct jwtkey *key = jwtkey_from_secret(secret, 32, why);
	static char subject[JWT_MAX];
	struct rights rights;
	struct claims claims = claims_of(&rights, subject);
	struct buf b;

	rights_init(&rights);
	memset(subject, 'x', sizeof(subject) - 1);
	buf_init(&b);
	ok(mint_token(&b, key, NULL, &claims) == MINT_TOO_LONG && !buf_len(&b),
	   "a token that would be refused is not made");
	buf_release(&b);
	jwtkey_free(key);
}

/*
 * Of the same token, which is made twice; where its memory grew that would be
 * within the signature.
 */
static void wiped(void)
{
	struct jwtkey *key = jwtkey_from_secret(secret, 32, why);
	struct rights rights;
	struct claims claims = claims_of(&rights, "me");
	char signature[43];
	struct buf b;
	bool good;

	rights_init(&rights);
	buf_init(&b);
	buf_reserve(&b, JWT_MAX);
	good = mint_token(&b, key, "key", &claims) == MINT_OK;
	memcpy(signature, buf_bytes(&b) + buf_len(&b) - sizeof(signature),
	       sizeof(signature));
	buf_clear(&b, SIZE_MAX);
	spill_watch(signature, 20);
	good &= mint_token(&b, key, "key", &claims) == MINT_OK;
	buf_wipe(&b);
	ok(good && spill_off() == 0, "no other copy of a token is left");
	rights_release(&rights);
	jwtkey_free(key);
}

static bool shows(const char *claims, bool escape, enum mint_result want,
		  const char *line)
{
	struct buf text, b;
	struct jwt jwt;
	bool same;

	buf_init(&text);
	buf_init(&b);
	jwt_put_input(&text, JWT_HS256, NULL, claims, strlen(claims));
	jwt_put_signature(&text, "", 0);
	same = jwt_decode(&jwt, buf_bytes(&text), buf_len(&text)) ==
		       REFUSAL_NONE &&
	       mint_put_parts(&b, &jwt, escape) == want;
	buf_putc(&b, '\0');
	same &= strcmp(buf_bytes(&b), line) == 0;
	jwt_release(&jwt);
	buf_release(&text);
	buf_release(&b);
	return same;
}

#define HEADER "{\"header\":{\"alg\":\"HS256\",\"typ\":\"JWT\"},\"claims\":"

static void parts(void)
{
	ok(shows("{\r\n\t\"a\": \"\\n\"}", false, MINT_OK,
		 HEADER "{   \"a\": \"\\n\"}}\n"),
	   "the parts of a token are one line");
	ok(shows("\"\xc2\x9b\"", false, MINT_OK, HEADER "\"\xc2\x9b\"}\n"),
	   "with every character");
	ok(shows("\"\xc2\x9b\"", true, MINT_OK, HEADER "\"\\u009b\"}\n"),
	   "but for a terminal");
	ok(shows("{", false, MINT_NOT_JSON, ""), "or are no JSON");
}

static void memory(void)
{
	struct jwtkey *key = jwtkey_from_secret(secret, 32, why);
	struct rights rights;
	struct claims claims = claims_of(&rights, "me");
	bool good = true;
	long n;

	rights_init(&rights);
	for (n = 1;; n++) {
		enum mint_result result;
		struct buf b;

		buf_init(&b);
		oom_after(n);
		result = mint_token(&b, key, NULL, &claims);
		if (!oom_off()) {
			good &= result == MINT_OK && !b.failed;
			buf_release(&b);
			break;
		}
		good &= result != MINT_OK || b.failed;
		buf_release(&b);
	}
	ok(good && n > 4, "out of memory at each step");
	jwtkey_free(key);
}

int main(void)
{
	tokens();
	sizes();
	wiped();
	parts();
	memory();
	return tap_end();
}

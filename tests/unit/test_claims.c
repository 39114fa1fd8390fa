/* SPDX-License-Identifier: MIT */
/* What claims promises: when a token counts, and what it gives. */
#include "claims.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define NOW 1000

static struct claims_expected expected;

/* NULL, and `why`, when they are refused. */
static struct grant *grant_of(const char *json, enum refusal *why)
{
	struct grant *g = NULL;

	*why = claims_read(json, strlen(json), &expected, NOW, &g);
	return *why == REFUSAL_NONE ? g : NULL;
}

static enum refusal judged(const char *json)
{
	enum refusal refusal;

	grant_free(grant_of(json, &refusal));
	return refusal;
}

static bool may(const char *json, enum rights_what what, const char *tenant)
{
	enum refusal why;
	struct grant *g = grant_of(json, &why);
	bool result = g && rights_may(&g->rights, what, tenant, strlen(tenant));

	grant_free(g);
	return result;
}

static enum refusal with_exp(const char *number)
{
	char json[200];

	snprintf(json, sizeof(json), "{\"exp\":%s}", number);
	return judged(json);
}

static enum refusal with_nbf(const char *number)
{
	char json[200];

	snprintf(json, sizeof(json), "{\"exp\":2000,\"nbf\":%s}", number);
	return judged(json);
}

static void expiry(void)
{
	enum refusal why;
	struct grant *g = grant_of("{\"exp\":1001}", &why);

	ok(g && g->expires == 1001, "it is good until exp");
	grant_free(g);
	ok(with_exp("1000") == REFUSAL_EXPIRED, "not from then on");
	ok(with_exp("0") == REFUSAL_EXPIRED, "nor long after");
	ok(judged("{}") == REFUSAL_NO_EXPIRY, "exp must be there");
	ok(with_exp("null") == REFUSAL_TIME &&
		   with_exp("\"2000\"") == REFUSAL_TIME &&
		   with_exp("true") == REFUSAL_TIME &&
		   with_exp("[2000]") == REFUSAL_TIME,
	   "and be a number");
	ok(with_exp("1000.9") == REFUSAL_EXPIRED &&
		   with_exp("1001.5") == REFUSAL_NONE,
	   "with a fraction, if it likes");
	ok(with_exp("9007199254740991") == REFUSAL_NONE, "up to 2^53 - 1");
	ok(with_exp("9007199254740992") == REFUSAL_TIME &&
		   with_exp("99999999999999999999999999") == REFUSAL_TIME &&
		   with_exp("18446744073709552616") == REFUSAL_TIME &&
		   with_exp("1e400") == REFUSAL_TIME &&
		   with_exp("2e3") == REFUSAL_TIME &&
		   with_exp("2000.0e9") == REFUSAL_TIME,
	   "no more, and no exponent");
	ok(with_exp("-2000") == REFUSAL_TIME && with_exp("-0") == REFUSAL_TIME,
	   "not negative");
	ok(judged("{\"exp\":2000,\"exp\":900}") == REFUSAL_CLAIMS &&
		   judged("{\"exp\":900,\"e\\u0078p\":2000}") == REFUSAL_CLAIMS,
	   "there once");
}

static void beginning(void)
{
	ok(with_nbf("1000") == REFUSAL_NONE, "nbf is the first second");
	ok(with_nbf("1001") == REFUSAL_EARLY, "not before");
	ok(with_nbf("0") == REFUSAL_NONE, "long ago");
	ok(with_nbf("\"1\"") == REFUSAL_TIME && with_nbf("-1") == REFUSAL_TIME,
	   "and a number too");
}

static void parties(void)
{
	ok(judged("{\"exp\":2000,\"aud\":\"x\",\"iss\":\"y\"}") == REFUSAL_NONE,
	   "nothing is expected: any will do");
	expected.audience = "wsd";
	ok(judged("{\"exp\":2000,\"aud\":\"wsd\"}") == REFUSAL_NONE, "aud");
	ok(judged("{\"exp\":2000,\"aud\":[\"a\",\"wsd\"]}") == REFUSAL_NONE,
	   "one of several");
	ok(judged("{\"exp\":2000,\"aud\":\"wsd2\"}") == REFUSAL_AUDIENCE &&
		   judged("{\"exp\":2000,\"aud\":[]}") == REFUSAL_AUDIENCE &&
		   judged("{\"exp\":2000,\"aud\":{\"a\":\"wsd\"}}") ==
			   REFUSAL_AUDIENCE &&
		   judged("{\"exp\":2000,\"aud\":[[\"wsd\"]]}") ==
			   REFUSAL_AUDIENCE,
	   "another");
	ok(judged("{\"exp\":2000}") == REFUSAL_AUDIENCE, "or none");
	expected.audience = NULL;
	expected.issuer = "me";
	ok(judged("{\"exp\":2000,\"iss\":\"me\"}") == REFUSAL_NONE, "iss");
	ok(judged("{\"exp\":2000,\"iss\":\"Me\"}") == REFUSAL_ISSUER &&
		   judged("{\"exp\":2000,\"iss\":[\"me\"]}") ==
			   REFUSAL_ISSUER &&
		   judged("{\"exp\":2000}") == REFUSAL_ISSUER,
	   "another or none");
	expected.issuer = NULL;
}

static void names(void)
{
	enum refusal why;
	struct grant *g = grant_of("{\"exp\":2000,\"sub\":\"m\\u00fc\"}", &why);

	ok(g && strcmp(g->name, "m\xc3\xbc") == 0, "sub is its name");
	grant_free(g);
	g = grant_of("{\"exp\":2000}", &why);
	ok(g && !*g->name, "it may have none");
	grant_free(g);
	ok(judged("{\"exp\":2000,\"sub\":7}") == REFUSAL_SUBJECT,
	   "a number is none");
}

static void long_names(void)
{
	char name[300];
	struct grant *g;

	memset(name, 'a', sizeof(name));
	memcpy(name + GRANT_NAME_MAX - 1, "\xc3\xbc", 2);
	g = grant_new(name, sizeof(name));
	ok(g && strlen(g->name) == GRANT_NAME_MAX - 1,
	   "a long name is cut at the end of a character");
	grant_free(g);
}

static void lists(void)
{
	ok(may("{\"exp\":2000,\"subscribe\":[\"a\",\"b-*\"]}", RIGHTS_SUBSCRIBE,
	       "b-1"),
	   "subscribe is a list of patterns");
	ok(!may("{\"exp\":2000,\"subscribe\":[\"a\",\"b-*\"]}", RIGHTS_PUBLISH,
		"b-1"),
	   "and nothing but that");
	ok(may("{\"exp\":2000,\"publish\":\"*\"}", RIGHTS_PUBLISH, "x"),
	   "publish; or one string");
	ok(may("{\"exp\":2000,\"publish\":[\"\\u0061cme\"]}", RIGHTS_PUBLISH,
	       "acme"),
	   "escapes mean what they mean");
	ok(judged("{\"exp\":2000,\"subscribe\":[]}") == REFUSAL_NONE,
	   "an empty list");
	ok(judged("{\"exp\":2000,\"subscribe\":\"a,b\"}") == REFUSAL_PATTERN &&
		   judged("{\"exp\":2000,\"subscribe\":[\"a\",1]}") ==
			   REFUSAL_PATTERN &&
		   judged("{\"exp\":2000,\"subscribe\":[[\"a\"]]}") ==
			   REFUSAL_PATTERN &&
		   judged("{\"exp\":2000,\"publish\":{\"a\":1}}") ==
			   REFUSAL_PATTERN &&
		   judged("{\"exp\":2000,\"publish\":null}") ==
			   REFUSAL_PATTERN &&
		   judged("{\"exp\":2000,\"publish\":\"a\\u0000\"}") ==
			   REFUSAL_PATTERN &&
		   judged("{\"exp\":2000,\"publish\":true}") == REFUSAL_PATTERN,
	   "what is no pattern is refused, not passed over");
}

static void many(void)
{
	char json[4096] = "{\"exp\":2000,\"publish\":[";
	size_t at = strlen(json);

	for (int i = 0; i < RIGHTS_MAX; i++)
		at += (size_t)snprintf(json + at, sizeof(json) - at,
				       "%s\"t%d\"", i ? "," : "", i);
	snprintf(json + at, sizeof(json) - at, "]}");
	ok(may(json, RIGHTS_PUBLISH, "t255"), "256 patterns");
	snprintf(json + at, sizeof(json) - at, ",\"x\"]}");
	ok(judged(json) == REFUSAL_PATTERN, "one more");
}

static void admin(void)
{
	enum refusal why;
	struct grant *g = grant_of("{\"exp\":2000,\"admin\":true}", &why);

	ok(g && g->rights.admin, "admin");
	grant_free(g);
	g = grant_of("{\"exp\":2000,\"admin\":false}", &why);
	ok(g && !g->rights.admin, "or not");
	grant_free(g);
	ok(judged("{\"exp\":2000,\"admin\":\"true\"}") == REFUSAL_ADMIN &&
		   judged("{\"exp\":2000,\"admin\":1}") == REFUSAL_ADMIN &&
		   judged("{\"exp\":2000,\"admin\":null}") == REFUSAL_ADMIN,
	   "is a boolean");
}

static void tenant_claim(void)
{
	expected.tenant = "org_id";
	ok(may("{\"exp\":2000,\"org_id\":\"acme\"}", RIGHTS_SUBSCRIBE, "acme"),
	   "a claim that names the tenant");
	ok(!may("{\"exp\":2000,\"org_id\":\"acme\"}", RIGHTS_PUBLISH, "acme"),
	   "lets subscribe alone");
	ok(may("{\"exp\":2000,\"org_id\":42}", RIGHTS_SUBSCRIBE, "42"),
	   "a number counts as its text");
	ok(may("{\"exp\":2000,\"org_id\":\"a\",\"subscribe\":\"b\"}",
	       RIGHTS_SUBSCRIBE, "b"),
	   "besides what subscribe says");
	ok(judged("{\"exp\":2000}") == REFUSAL_NONE, "it may be missing");
	ok(judged("{\"exp\":2000,\"org_id\":\"*\"}") == REFUSAL_TENANT &&
		   judged("{\"exp\":2000,\"org_id\":\"a*\"}") == REFUSAL_TENANT,
	   "a pattern is no tenant");
	ok(judged("{\"exp\":2000,\"org_id\":\"\"}") == REFUSAL_TENANT &&
		   judged("{\"exp\":2000,\"org_id\":[\"a\"]}") ==
			   REFUSAL_TENANT &&
		   judged("{\"exp\":2000,\"org_id\":1.5}") == REFUSAL_TENANT &&
		   judged("{\"exp\":2000,\"org_id\":1e5}") == REFUSAL_TENANT &&
		   judged("{\"exp\":2000,\"org_id\":null}") == REFUSAL_TENANT,
	   "nor is anything else");
	expected.tenant = NULL;
	ok(!may("{\"exp\":2000,\"org_id\":\"acme\"}", RIGHTS_SUBSCRIBE, "acme"),
	   "unless it is asked for it says nothing");
}

static void writing(void)
{
	struct rights rights;
	struct claims c = {&rights, 900, 2000, "m\"", "wsd", "me"};
	struct grant *g = NULL;
	struct buf b;

	rights_init(&rights);
	rights_allow(&rights, RIGHTS_SUBSCRIBE, "a-*", 3);
	rights_allow(&rights, RIGHTS_SUBSCRIBE, "b", 1);
	buf_init(&b);
	claims_put(&b, &c);
	expected = (struct claims_expected){"wsd", "me", NULL};
	ok(claims_read(buf_bytes(&b), buf_len(&b), &expected, NOW, &g) ==
			   REFUSAL_NONE &&
		   g->expires == 2000 && !strcmp(g->name, "m\"") &&
		   rights_may(&g->rights, RIGHTS_SUBSCRIBE, "a-1", 3) &&
		   rights_may(&g->rights, RIGHTS_SUBSCRIBE, "b", 1) &&
		   !g->rights.admin &&
		   !rights_may(&g->rights, RIGHTS_PUBLISH, "b", 1),
	   "what is written is read");
	grant_free(g);
	buf_release(&b);
	rights_release(&rights);
	expected = (struct claims_expected){0};
}

static void memory(void)
{
	static const char json[] = "{\"exp\":2000,\"sub\":\"a\",\"publish\":"
				   "\"a\",\"subscribe\":[\"b\"]}";
	bool good = true;
	long n;

	for (n = 1;; n++) {
		enum refusal refusal;

		oom_after(n);
		refusal = judged(json);
		if (!oom_off()) {
			good &= refusal == REFUSAL_NONE;
			break;
		}
		good &= refusal == REFUSAL_NO_MEMORY;
	}
	ok(good && n > 4, "out of memory at each step");
}

int main(void)
{
	ok(judged("[]") == REFUSAL_CLAIMS && judged("") == REFUSAL_CLAIMS &&
		   judged("{\"exp\":2000") == REFUSAL_CLAIMS &&
		   judged("{\"exp\":2000,\"a\":1,\"a\":1}") == REFUSAL_CLAIMS,
	   "claims are an object with unique members");
	expiry();
	beginning();
	parties();
	names();
	long_names();
	lists();
	many();
	admin();
	tenant_claim();
	writing();
	memory();
	return tap_end();
}

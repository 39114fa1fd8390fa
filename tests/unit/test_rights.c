/* SPDX-License-Identifier: MIT */
/* What rights promises, one line a promise; and patterns against an oracle. */
#include "rights.h"
#include "tap.h"

#include "tenant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool allows(const char *pattern, const char *tenant)
{
	struct rights r;
	bool may = false;

	rights_init(&r);
	if (rights_allow(&r, RIGHTS_SUBSCRIBE, pattern, strlen(pattern)) ==
	    RIGHTS_OK)
		may = rights_may(&r, RIGHTS_SUBSCRIBE, tenant, strlen(tenant));
	rights_release(&r);
	return may;
}

static bool valid(const char *pattern)
{
	return rights_pattern_valid(pattern, strlen(pattern));
}

static void patterns(void)
{
	ok(allows("acme", "acme"), "an id allows itself");
	ok(!allows("acme", "acme-1") && !allows("acme-1", "acme") &&
		   !allows("acme", "Acme"),
	   "and no other");
	ok(allows("acme-*", "acme-1") && allows("acme-*", "acme-"),
	   "a prefix allows what begins so");
	ok(!allows("acme-*", "acme") && !allows("acme-*", "acme1") &&
		   !allows("acme-*", "xacme-1"),
	   "and nothing else");
	ok(allows("*", "a") && allows("*", "..."), "* allows all");
	ok(allows("*", TENANT_ALL) && !allows("a*", TENANT_ALL) &&
		   !allows("a", TENANT_ALL),
	   "and it alone to ask for all at once");
	ok(valid("a.*") && valid(".*") && valid("..*") && valid("...*"),
	   "a prefix need not be an id");
	ok(!valid("") && !valid(".") && !valid("..") && !valid("a b") &&
		   !valid("a/b") && !valid("a,b") && !valid("\xc3\xa4"),
	   "what is no id is no pattern");
	ok(!valid("*a") && !valid("a*b") && !valid("**") && !valid("a**") &&
		   !valid("a*-*") && !valid("?") && !valid("[a]"),
	   "* stands at the end alone, and nothing else is special");
}

static void lengths(void)
{
	char text[TENANT_MAX + 3];

	memset(text, 'a', sizeof(text));
	ok(rights_pattern_valid(text, TENANT_MAX), "128 characters");
	ok(!rights_pattern_valid(text, TENANT_MAX + 1), "and no more");
	text[TENANT_MAX] = '*';
	ok(rights_pattern_valid(text, TENANT_MAX + 1), "and then a *");
	text[TENANT_MAX] = '\0';
	ok(allows(text, text), "the longest id");
}

/* Subscribing and publishing are two things, and admin is a third. */
static void kinds(void)
{
	struct rights r, copy;

	rights_init(&r);
	rights_init(&copy);
	ok(!rights_may(&r, RIGHTS_SUBSCRIBE, "a", 1) &&
		   !rights_may(&r, RIGHTS_PUBLISH, "a", 1) && !r.admin,
	   "nothing is allowed at first");
	rights_allow(&r, RIGHTS_SUBSCRIBE, "a", 1);
	rights_allow(&r, RIGHTS_SUBSCRIBE, "b*", 2);
	rights_allow(&r, RIGHTS_PUBLISH, "c", 1);
	ok(rights_may(&r, RIGHTS_SUBSCRIBE, "a", 1) &&
		   rights_may(&r, RIGHTS_SUBSCRIBE, "b1", 2) &&
		   !rights_may(&r, RIGHTS_SUBSCRIBE, "c", 1),
	   "one of the patterns of a list is enough");
	ok(rights_may(&r, RIGHTS_PUBLISH, "c", 1) &&
		   !rights_may(&r, RIGHTS_PUBLISH, "a", 1),
	   "each list is for itself");
	r.admin = true;
	ok(!rights_may(&r, RIGHTS_PUBLISH, "x", 1), "admin gives no tenant");
	ok(rights_copy(&copy, &r) == 0 && copy.admin &&
		   rights_may(&copy, RIGHTS_SUBSCRIBE, "b2", 2) &&
		   rights_may(&copy, RIGHTS_PUBLISH, "c", 1) &&
		   !rights_may(&copy, RIGHTS_PUBLISH, "a", 1),
	   "a copy allows the same");
	rights_release(&r);
	ok(rights_may(&copy, RIGHTS_SUBSCRIBE, "a", 1), "and is its own");
	rights_release(&copy);
}

static void tenants(void)
{
	struct rights r;

	rights_init(&r);
	ok(rights_allow_tenant(&r, RIGHTS_SUBSCRIBE, "*", 1) ==
			   RIGHTS_BAD_PATTERN &&
		   rights_allow_tenant(&r, RIGHTS_SUBSCRIBE, "a*", 2) ==
			   RIGHTS_BAD_PATTERN &&
		   !rights_may(&r, RIGHTS_SUBSCRIBE, "a", 1),
	   "where a tenant is due a pattern is none");
	ok(rights_allow_tenant(&r, RIGHTS_SUBSCRIBE, "a", 1) == RIGHTS_OK &&
		   rights_may(&r, RIGHTS_SUBSCRIBE, "a", 1),
	   "a tenant");
	rights_release(&r);
}

static void limits(void)
{
	struct rights r;
	bool all = true;

	rights_init(&r);
	for (int i = 0; i < RIGHTS_MAX; i++) {
		char id[8];
		int n = snprintf(id, sizeof(id), "t%d", i);

		all &= rights_allow(&r, RIGHTS_PUBLISH, id, (size_t)n) ==
		       RIGHTS_OK;
	}
	ok(all && rights_may(&r, RIGHTS_PUBLISH, "t255", 4), "256 patterns");
	ok(rights_allow(&r, RIGHTS_PUBLISH, "*", 1) == RIGHTS_TOO_MANY &&
		   !rights_may(&r, RIGHTS_PUBLISH, "x", 1),
	   "one more allows nothing");
	ok(rights_allow(&r, RIGHTS_SUBSCRIBE, "*", 1) == RIGHTS_OK,
	   "of each list");
	rights_release(&r);
	rights_init(&r);
	oom_after(1);
	ok(rights_allow(&r, RIGHTS_PUBLISH, "a", 1) == RIGHTS_NO_MEMORY,
	   "no memory");
	oom_off();
	ok(!rights_may(&r, RIGHTS_PUBLISH, "a", 1), "allows nothing either");
	rights_release(&r);
}

/* The oracle: what the header says, by a walk over every character. */
static bool oracle_matches(const char *pattern, const char *tenant)
{
	for (; *pattern; pattern++, tenant++) {
		if (*pattern == '*')
			return true;
		if (*pattern != *tenant)
			return false;
	}
	return *tenant == '\0';
}

static bool oracle_valid(const char *pattern)
{
	const char *star = strchr(pattern, '*');
	size_t n = strspn(pattern, "ab.-");

	if (star)
		return star[1] == '\0' && n == strlen(pattern) - 1;
	return n && n == strlen(pattern) && strcmp(pattern, ".") != 0 &&
	       strcmp(pattern, "..") != 0;
}

/* The text that a number has when these characters are the digits. */
static void text_of(char out[8], unsigned number)
{
	size_t n = 0;

	for (; number; number = (number - 1) / 6)
		out[n++] = "ab.-*/"[(number - 1) % 6];
	out[n] = '\0';
}

#define TEXTS 1555 /* all of up to 4 characters */

static bool agrees(const char *pattern, unsigned *matching)
{
	struct rights r;
	bool good = true;

	rights_init(&r);
	rights_allow(&r, RIGHTS_PUBLISH, pattern, strlen(pattern));
	for (unsigned i = 0; i < TEXTS; i++) {
		char tenant[8];
		bool may;

		text_of(tenant, i);
		if (!tenant_valid(tenant, strlen(tenant)))
			continue;
		may = rights_may(&r, RIGHTS_PUBLISH, tenant, strlen(tenant));
		*matching += may;
		good &= may == (oracle_valid(pattern) &&
				oracle_matches(pattern, tenant));
	}
	rights_release(&r);
	return good;
}

static void oracle(void)
{
	bool good = true, valid_same = true;
	unsigned matching = 0;

	for (unsigned i = 0; i < TEXTS; i++) {
		char pattern[8];

		text_of(pattern, i);
		valid_same &= valid(pattern) == oracle_valid(pattern);
		good &= agrees(pattern, &matching);
	}
	ok(valid_same, "all texts of 4 characters are patterns as they should");
	ok(good && matching > 1000, "and match all ids of 4 as they should");
}

#define SHORT_TEXTS 259 /* all of up to 3 characters */

static bool all_within(const char *inner, const char *outer)
{
	for (unsigned i = 0; i < TEXTS; i++) {
		char tenant[8];

		text_of(tenant, i);
		if (tenant_valid(tenant, strlen(tenant)) &&
		    oracle_matches(inner, tenant) &&
		    !oracle_matches(outer, tenant))
			return false;
	}
	return true;
}

static bool is_within(const char *inner, const char *outer)
{
	struct rights in, out;
	bool within;

	rights_init(&in);
	rights_init(&out);
	rights_allow(&in, RIGHTS_PUBLISH, inner, strlen(inner));
	rights_allow(&out, RIGHTS_PUBLISH, "bbbb", 4);
	rights_allow(&out, RIGHTS_PUBLISH, outer, strlen(outer));
	within = rights_within(&in, &out);
	rights_release(&in);
	rights_release(&out);
	return within;
}

static void within_oracle(void)
{
	unsigned pairs = 0, within = 0;
	bool good = true;

	for (unsigned i = 0; i < SHORT_TEXTS * SHORT_TEXTS; i++) {
		char inner[8], outer[8];

		text_of(inner, i / SHORT_TEXTS);
		text_of(outer, i % SHORT_TEXTS);
		if (!oracle_valid(inner) || !oracle_valid(outer))
			continue;
		good &= is_within(inner, outer) == all_within(inner, outer);
		within += is_within(inner, outer);
		pairs++;
	}
	ok(good && pairs > 5000 && within > 300,
	   "a pattern is within another when all that it matches is");
}

static void within_kinds(void)
{
	struct rights in, out;

	rights_init(&in);
	rights_init(&out);
	rights_allow(&out, RIGHTS_SUBSCRIBE, "*", 1);
	ok(rights_within(&in, &in) && rights_within(&in, &out) &&
		   !rights_within(&out, &in),
	   "nothing is within everything");
	rights_allow(&in, RIGHTS_PUBLISH, "a", 1);
	ok(!rights_within(&in, &out), "to subscribe is not to publish");
	rights_allow(&out, RIGHTS_PUBLISH, "a", 1);
	ok(rights_within(&in, &out), "both are");
	in.admin = true;
	ok(!rights_within(&in, &out), "admin is in no pattern");
	out.admin = true;
	ok(rights_within(&in, &out), "but in itself");
	rights_release(&in);
	rights_release(&out);
}

int main(void)
{
	patterns();
	lengths();
	kinds();
	tenants();
	limits();
	oracle();
	within_oracle();
	within_kinds();
	return tap_end();
}

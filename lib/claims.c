/* SPDX-License-Identifier: MIT */
#include "claims.h"

#include "jsonlist.h"
#include "jsonput.h"
#include "num.h"
#include "tenant.h"

#include <string.h>

#define TIME_MAX ((UINT64_C(1) << 53) - 1) /* exact in a double */

/* Times */

/*
 * A NumericDate (RFC 7519 section 2) in whole seconds, rounded down: digits,
 * and perhaps a fraction.
 */
static bool read_time(const struct json_value *v, int64_t *seconds)
{
	const char *point = memchr(v->text, '.', v->len);
	size_t whole = point ? (size_t)(point - v->text) : v->len;
	uint64_t parsed;

	if (v->type != JSON_NUMBER ||
	    num_parse_u64(v->text, whole, &parsed) < 0 || parsed > TIME_MAX)
		return false;
	for (size_t i = whole + 1; i < v->len; i++)
		if (v->text[i] < '0' || v->text[i] > '9')
			return false;
	*seconds = (int64_t)parsed;
	return true;
}

static enum refusal check_times(const struct jsonlist *l, int64_t now,
				int64_t *expires)
{
	const struct json_value *exp = jsonlist_get(l, "exp");
	const struct json_value *nbf = jsonlist_get(l, "nbf");
	int64_t begins = 0;

	if (!exp)
		return REFUSAL_NO_EXPIRY;
	if (!read_time(exp, expires) || (nbf && !read_time(nbf, &begins)))
		return REFUSAL_TIME;
	if (now >= *expires)
		return REFUSAL_EXPIRED;
	return nbf && now < begins ? REFUSAL_EARLY : REFUSAL_NONE;
}

/* Whom it is for, and by */

static bool is_text(const struct json_value *v, const char *want)
{
	return v->type == JSON_STRING && json_string_is(v, want, strlen(want));
}

/* One string, or an array (section 4.1.3). */
static bool names(const struct json_value *audience, const char *want)
{
	struct json_value item;
	const char *at = NULL;

	if (audience->type != JSON_ARRAY)
		return is_text(audience, want);
	while (jsonlist_next(audience, &at, &item))
		if (is_text(&item, want))
			return true;
	return false;
}

static enum refusal check_parties(const struct jsonlist *l,
				  const struct claims_expected *expected)
{
	const struct json_value *audience = jsonlist_get(l, "aud");
	const struct json_value *issuer = jsonlist_get(l, "iss");

	if (expected->audience &&
	    (!audience || !names(audience, expected->audience)))
		return REFUSAL_AUDIENCE;
	if (expected->issuer && (!issuer || !is_text(issuer, expected->issuer)))
		return REFUSAL_ISSUER;
	return REFUSAL_NONE;
}

/* Rights */

static enum refusal refusal_of(enum rights_result result, enum refusal bad)
{
	if (result == RIGHTS_OK)
		return REFUSAL_NONE;
	return result == RIGHTS_NO_MEMORY ? REFUSAL_NO_MEMORY : bad;
}

static enum refusal allow(struct rights *r, enum rights_what what,
			  const struct json_value *v)
{
	char pattern[TENANT_MAX + 1];
	long len = -1;

	if (v->type == JSON_STRING)
		len = json_unescape(v, pattern, sizeof(pattern));
	if (len < 0)
		return REFUSAL_PATTERN;
	return refusal_of(rights_allow(r, what, pattern, (size_t)len),
			  REFUSAL_PATTERN);
}

static enum refusal read_patterns(struct rights *r, enum rights_what what,
				  const struct jsonlist *l)
{
	const struct json_value *v = jsonlist_get(l, rights_name(what));
	enum refusal refusal = REFUSAL_NONE;
	struct json_value item;
	const char *at = NULL;

	if (!v)
		return REFUSAL_NONE;
	if (v->type != JSON_ARRAY)
		return allow(r, what, v);
	while (refusal == REFUSAL_NONE && jsonlist_next(v, &at, &item))
		refusal = allow(r, what, &item);
	return refusal;
}

static enum refusal read_admin(struct rights *r, const struct json_value *v)
{
	if (v && v->type != JSON_TRUE && v->type != JSON_FALSE)
		return REFUSAL_ADMIN;
	r->admin = v && v->type == JSON_TRUE;
	return REFUSAL_NONE;
}

/* A tenant id and no pattern; an integer counts as its text. */
static enum refusal read_tenant(struct rights *r, const struct json_value *v)
{
	char tenant[TENANT_MAX];
	uint64_t number;
	long len = -1;

	if (!v)
		return REFUSAL_NONE;
	if (v->type == JSON_STRING)
		len = json_unescape(v, tenant, sizeof(tenant));
	else if (json_to_u64(v, &number))
		len = (long)num_put_u64(tenant, number);
	if (len < 0)
		return REFUSAL_TENANT;
	return refusal_of(
		rights_allow_tenant(r, RIGHTS_SUBSCRIBE, tenant, (size_t)len),
		REFUSAL_TENANT);
}

static enum refusal read_rights(struct rights *r, const struct jsonlist *l,
				const struct claims_expected *expected)
{
	enum refusal refusal = read_patterns(r, RIGHTS_SUBSCRIBE, l);

	if (refusal == REFUSAL_NONE)
		refusal = read_patterns(r, RIGHTS_PUBLISH, l);
	if (refusal == REFUSAL_NONE)
		refusal = read_admin(r, jsonlist_get(l, "admin"));
	if (refusal == REFUSAL_NONE && expected->tenant)
		refusal = read_tenant(r, jsonlist_get(l, expected->tenant));
	return refusal;
}

/* All of it */

static enum refusal new_grant(const struct json_value *subject,
			      struct grant **grant)
{
	char name[CLAIMS_SUBJECT_MAX];
	long len = 0;

	if (subject) {
		if (subject->type != JSON_STRING)
			return REFUSAL_SUBJECT;
		len = json_unescape(subject, name, sizeof(name));
	}
	if (len < 0)
		return REFUSAL_SUBJECT;
	*grant = grant_new(name, (size_t)len);
	return *grant ? REFUSAL_NONE : REFUSAL_NO_MEMORY;
}

static enum refusal read_claims(const struct jsonlist *l,
				const struct claims_expected *expected,
				int64_t now, struct grant **grant)
{
	int64_t expires;
	enum refusal refusal = check_times(l, now, &expires);

	if (refusal == REFUSAL_NONE)
		refusal = check_parties(l, expected);
	if (refusal == REFUSAL_NONE)
		refusal = new_grant(jsonlist_get(l, "sub"), grant);
	if (refusal != REFUSAL_NONE)
		return refusal;
	(*grant)->expires = expires;
	refusal = read_rights(&(*grant)->rights, l, expected);
	if (refusal != REFUSAL_NONE)
		grant_free(*grant);
	return refusal;
}

enum refusal claims_read(const char *text, size_t len,
			 const struct claims_expected *expected, int64_t now,
			 struct grant **grant)
{
	struct jsonlist l;
	enum refusal refusal;

	switch (jsonlist_read(&l, text, len)) {
	case JSONLIST_OK:
		break;
	case JSONLIST_NO_MEMORY:
		return REFUSAL_NO_MEMORY;
	default:
		return REFUSAL_CLAIMS;
	}
	refusal = read_claims(&l, expected, now, grant);
	jsonlist_release(&l);
	return refusal;
}

/* Writing */

static void put_patterns(struct buf *out, const struct rights *rights,
			 enum rights_what what)
{
	const char *pattern;
	size_t at = 0, len;

	jsonput_name(out, rights_name(what));
	buf_putc(out, '[');
	while ((pattern = rights_next(rights, what, &at, &len))) {
		jsonput_comma(out);
		json_put_string(out, pattern, len);
	}
	buf_putc(out, ']');
}

void claims_put_rights(struct buf *out, const struct rights *rights)
{
	put_patterns(out, rights, RIGHTS_SUBSCRIBE);
	put_patterns(out, rights, RIGHTS_PUBLISH);
	jsonput_bool(out, "admin", rights->admin);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	if (text)
		jsonput_text(out, name, text, strlen(text));
}

void claims_put(struct buf *out, const struct claims *c)
{
	buf_putc(out, '{');
	put_text(out, "sub", c->subject);
	put_text(out, "iss", c->issuer);
	put_text(out, "aud", c->audience);
	jsonput_u64(out, "iat", (uint64_t)c->issued);
	jsonput_u64(out, "exp", (uint64_t)c->expires);
	for (unsigned i = 0; i < RIGHTS_KINDS; i++)
		if (c->rights->lists[i].count)
			put_patterns(out, c->rights, (enum rights_what)i);
	if (c->rights->admin)
		jsonput_bool(out, "admin", true);
	buf_putc(out, '}');
}

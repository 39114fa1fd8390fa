/* SPDX-License-Identifier: MIT */
#include "jwt.h"

#include "base64.h"
#include "jsonlist.h"
#include "jsonput.h"

#include <string.h>

/* Algorithms */

const char *jwt_alg_name(enum jwt_alg alg)
{
	static const char *const names[] = {
		[JWT_HS256] = "HS256",
		[JWT_RS256] = "RS256",
		[JWT_ES256] = "ES256",
		[JWT_EDDSA] = "EdDSA",
	};

	return names[alg];
}

bool jwt_alg_read(enum jwt_alg *alg, const struct json_value *name)
{
	for (unsigned i = 0; i < JWT_ALGS; i++) {
		const char *want = jwt_alg_name((enum jwt_alg)i);

		if (name->type == JSON_STRING &&
		    json_string_is(name, want, strlen(want))) {
			*alg = (enum jwt_alg)i;
			return true;
		}
	}
	return false;
}

/* The header */

static bool has_any(const struct jsonlist *header, const char *const *names)
{
	for (; *names; names++)
		if (jsonlist_get(header, *names))
			return true;
	return false;
}

static enum refusal read_alg(struct jwt *t, const struct json_value *alg)
{
	if (!alg || alg->type != JSON_STRING)
		return REFUSAL_HEADER;
	return jwt_alg_read(&t->alg, alg) ? REFUSAL_NONE : REFUSAL_ALGORITHM;
}

static enum refusal read_kid(struct jwt *t, const struct json_value *kid)
{
	long len;

	t->has_kid = kid != NULL;
	t->kid_len = 0;
	if (!kid)
		return REFUSAL_NONE;
	if (kid->type != JSON_STRING)
		return REFUSAL_HEADER;
	len = json_unescape(kid, t->kid, sizeof(t->kid));
	if (len < 0)
		return REFUSAL_KEY_NAME;
	t->kid_len = (size_t)len;
	return REFUSAL_NONE;
}

static enum refusal read_members(struct jwt *t, const struct jsonlist *header)
{
	static const char *const critical[] = {"crit", "b64", NULL};
	static const char *const keys[] = {"jku", "jwk", "x5u", "x5c", NULL};
	const struct json_value *type = jsonlist_get(header, "typ");
	enum refusal refusal = read_alg(t, jsonlist_get(header, "alg"));

	if (refusal != REFUSAL_NONE)
		return refusal;
	if (has_any(header, critical))
		return REFUSAL_CRITICAL;
	if (has_any(header, keys))
		return REFUSAL_OWN_KEY;
	if (type && type->type != JSON_STRING)
		return REFUSAL_HEADER;
	return read_kid(t, jsonlist_get(header, "kid"));
}

static enum refusal read_header(struct jwt *t)
{
	struct jsonlist header;
	enum refusal refusal;

	switch (jsonlist_read(&header, buf_bytes(&t->header),
			      buf_len(&t->header))) {
	case JSONLIST_OK:
		break;
	case JSONLIST_NO_MEMORY:
		return REFUSAL_NO_MEMORY;
	default:
		return REFUSAL_HEADER;
	}
	refusal = read_members(t, &header);
	jsonlist_release(&header);
	return refusal;
}

/* The parts */

/* Decodes up to the next dot, or the end; NULL: not base64url, or no dot. */
static const char *decode_part(struct buf *out, const char *at, const char *end,
			       bool last)
{
	const char *dot = memchr(at, '.', (size_t)(end - at));
	const char *behind = last ? end : dot;

	if (!behind || !base64_read(out, at, (size_t)(behind - at)))
		return NULL;
	return last ? behind : behind + 1;
}

static enum refusal decode(struct jwt *t, const char *text, const char *end)
{
	const char *at = decode_part(&t->header, text, end, false);

	if (at)
		at = decode_part(&t->claims, at, end, false);
	t->input = text;
	t->input_len = at ? (size_t)(at - 1 - text) : 0;
	if (at)
		at = decode_part(&t->signature, at, end, true);
	if (!at)
		return REFUSAL_FORM;
	return t->header.failed || t->claims.failed || t->signature.failed
		       ? REFUSAL_NO_MEMORY
		       : REFUSAL_NONE;
}

enum refusal jwt_decode(struct jwt *t, const char *text, size_t len)
{
	enum refusal refusal;

	if (!len)
		return REFUSAL_EMPTY;
	if (len > JWT_MAX)
		return REFUSAL_TOO_LONG;
	buf_init(&t->header);
	buf_init(&t->claims);
	buf_init(&t->signature);
	refusal = decode(t, text, text + len);
	if (refusal != REFUSAL_NONE)
		jwt_release(t);
	return refusal;
}

enum refusal jwt_open(struct jwt *t, const char *text, size_t len)
{
	enum refusal refusal = jwt_decode(t, text, len);

	if (refusal != REFUSAL_NONE)
		return refusal;
	refusal = read_header(t);
	if (refusal != REFUSAL_NONE)
		jwt_release(t);
	return refusal;
}

void jwt_release(struct jwt *t)
{
	buf_wipe(&t->header);
	buf_wipe(&t->claims);
	buf_wipe(&t->signature);
}

/* Putting together */

void jwt_put_input(struct buf *out, enum jwt_alg alg, const char *kid,
		   const char *claims, size_t len)
{
	const char *name = jwt_alg_name(alg);
	struct buf header;

	buf_init(&header);
	buf_putc(&header, '{');
	jsonput_text(&header, "alg", name, strlen(name));
	jsonput_text(&header, "typ", "JWT", 3);
	if (kid)
		jsonput_text(&header, "kid", kid, strlen(kid));
	buf_putc(&header, '}');
	base64_put(out, buf_bytes(&header), buf_len(&header));
	buf_putc(out, '.');
	base64_put(out, claims, len);
	out->failed |= header.failed;
	buf_release(&header);
}

void jwt_put_signature(struct buf *out, const void *signature, size_t len)
{
	buf_putc(out, '.');
	base64_put(out, signature, len);
}

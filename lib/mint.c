/* SPDX-License-Identifier: MIT */
#include "mint.h"

#include "escape.h"
#include "json.h"
#include "jsonput.h"
#include "num.h"

#include <string.h>

/* Tokens */

static enum mint_result sign(struct buf *token, const struct jwtkey *key)
{
	struct buf signature;
	int result;

	buf_init(&signature);
	result = jwtkey_sign(key, buf_bytes(token), buf_len(token), &signature);
	jwt_put_signature(token, buf_bytes(&signature), buf_len(&signature));
	buf_wipe(&signature);
	return result == 0 ? MINT_OK : MINT_CANNOT_SIGN;
}

static enum mint_result make(struct buf *token, const struct jwtkey *key,
			     const char *kid, const struct claims *claims)
{
	enum mint_result result = MINT_NO_MEMORY;
	struct buf json;

	buf_init(&json);
	claims_put(&json, claims);
	jwt_put_input(token, key->alg, kid, buf_bytes(&json), buf_len(&json));
	if (!json.failed && !token->failed)
		result = sign(token, key);
	buf_release(&json);
	return token->failed ? MINT_NO_MEMORY : result;
}

enum mint_result mint_token(struct buf *out, const struct jwtkey *key,
			    const char *kid, const struct claims *claims)
{
	enum mint_result result;
	struct buf token;

	buf_init(&token);
	buf_reserve(&token, JWT_MAX); /* so that it does not move */
	result = make(&token, key, kid, claims);
	if (result == MINT_OK && buf_len(&token) > JWT_MAX)
		result = MINT_TOO_LONG;
	if (result == MINT_OK)
		buf_append(out, buf_bytes(&token), buf_len(&token));
	buf_wipe(&token);
	return result == MINT_OK && out->failed ? MINT_NO_MEMORY : result;
}

/* JSON */

void mint_put_grant(struct buf *out, const struct grant *g)
{
	char time[NUM_TIME_LEN];
	struct buf line;

	buf_init(&line);
	buf_putc(&line, '{');
	jsonput_text(&line, "name", g->name, strlen(g->name));
	claims_put_rights(&line, &g->rights);
	if (g->expires == GRANT_NEVER) {
		jsonput_name(&line, "expires");
		buf_puts(&line, "null");
	} else {
		/* As ms it fits: exp is below 2^53. */
		num_put_time(time, g->expires * 1000);
		jsonput_text(&line, "expires", time, sizeof(time));
	}
	buf_putc(&line, '}');
	escape_controls(out, buf_bytes(&line), buf_len(&line));
	buf_putc(out, '\n');
	out->failed |= line.failed;
	buf_release(&line);
}

/* Line breaks stand only between the tokens of valid JSON. */
static void put_json(struct buf *out, const struct buf *json, bool escape)
{
	struct buf line;
	char *bytes;

	buf_init(&line);
	buf_append(&line, buf_bytes(json), buf_len(json));
	bytes = buf_bytes(&line);
	for (size_t i = 0; i < buf_len(&line); i++)
		if (bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t')
			bytes[i] = ' ';
	if (escape)
		escape_controls(out, bytes, buf_len(&line));
	else
		buf_append(out, bytes, buf_len(&line));
	out->failed |= line.failed;
	buf_release(&line);
}

static bool is_json(const struct buf *b)
{
	return json_check(buf_bytes(b), buf_len(b), NULL) == JSON_OK;
}

enum mint_result mint_put_parts(struct buf *out, const struct jwt *jwt,
				bool escape)
{
	if (!is_json(&jwt->header) || !is_json(&jwt->claims))
		return MINT_NOT_JSON;
	buf_puts(out, "{\"header\":");
	put_json(out, &jwt->header, escape);
	buf_puts(out, ",\"claims\":");
	put_json(out, &jwt->claims, escape);
	buf_puts(out, "}\n");
	return out->failed ? MINT_NO_MEMORY : MINT_OK;
}

const char *mint_strerror(enum mint_result result)
{
	switch (result) {
	case MINT_OK:
		return "no error";
	case MINT_NO_MEMORY:
		return "out of memory";
	case MINT_CANNOT_SIGN:
		return "the key cannot sign";
	case MINT_TOO_LONG:
		return "it would be above 16 KiB";
	case MINT_NOT_JSON:
		return "its parts are not JSON";
	}
	return "unknown error";
}

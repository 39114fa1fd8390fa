/* SPDX-License-Identifier: MIT */
#include "credential.h"

#include <string.h>
#include <strings.h>

#define SCHEME "Bearer"

/* Whether it is of our scheme; then the token, which may be empty. */
static bool is_bearer(struct httphead_span value, struct httphead_span *token)
{
	size_t len = sizeof(SCHEME) - 1;

	if (value.len < len || strncasecmp(value.at, SCHEME, len) != 0)
		return false;
	if (value.len > len && value.at[len] != ' ' && value.at[len] != '\t')
		return false;
	for (; len < value.len; len++)
		if (value.at[len] != ' ' && value.at[len] != '\t')
			break;
	*token = (struct httphead_span){value.at + len, value.len - len};
	return true;
}

static void found(struct credential *c, enum credential_kind kind,
		  const char *token, size_t len)
{
	c->kind = c->kind == CREDENTIAL_NONE ? kind : CREDENTIAL_BAD;
	c->token = token;
	c->len = len;
}

static void read_headers(struct credential *c, const struct httphead *head)
{
	static const char name[] = "authorization";
	struct httphead_span token;

	for (size_t i = 0; i < head->count; i++) {
		const struct httphead_field *f = &head->fields[i];

		if (f->name.len == sizeof(name) - 1 &&
		    strncasecmp(f->name.at, name, f->name.len) == 0 &&
		    is_bearer(f->value, &token))
			found(c, CREDENTIAL_HEADER, token.at, token.len);
	}
}

static void read_query(struct credential *c, const struct httphead *head)
{
	struct httphead_span query = httphead_query(head), p;
	long len;

	while (httphead_parameter(&query, &p)) {
		if (!httphead_is_token(p))
			continue;
		p.at += sizeof(HTTPHEAD_TOKEN) - 1;
		p.len -= sizeof(HTTPHEAD_TOKEN) - 1;
		len = p.len <= sizeof(c->store) ? httphead_decode(c->store, p)
						: -1;
		found(c, len < 0 ? CREDENTIAL_BAD : CREDENTIAL_QUERY, c->store,
		      len < 0 ? 0 : (size_t)len);
	}
}

void credential_read(struct credential *c, const struct httphead *head)
{
	c->kind = CREDENTIAL_NONE;
	c->token = "";
	c->len = 0;
	read_headers(c, head);
	read_query(c, head);
}

void credential_wipe(struct credential *c)
{
	if (c->token == c->store)
		explicit_bzero(c->store, sizeof(c->store));
	c->kind = CREDENTIAL_NONE;
	c->len = 0;
}

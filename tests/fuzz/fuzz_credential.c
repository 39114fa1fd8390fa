/* SPDX-License-Identifier: MIT */
/*
 * Two lines: a target, and the value of an Authorization. At most one token is
 * found, which lies within what came or was decoded from it; nobody else sees
 * one of the URL. A token that another program would put there is found.
 */
#include "credential.h"
#include "script.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char mark[] = "mark-of-a-token";

static void check(const struct httphead *head, const char *bytes)
{
	struct credential c;

	credential_read(&c, head);
	must(c.len <= head->len);
	must((c.kind == CREDENTIAL_HEADER && c.token >= bytes &&
	      c.token + c.len <= bytes + head->len) ||
	     (c.kind == CREDENTIAL_QUERY && c.token == c.store) ||
	     c.kind == CREDENTIAL_BAD ||
	     (c.kind == CREDENTIAL_NONE && c.len == 0));
	must(c.kind == CREDENTIAL_BAD || !memchr(c.token, 0, c.len));
	must(c.kind != CREDENTIAL_HEADER ||
	     (!memchr(c.token, '\n', c.len) && !memchr(c.token, '\r', c.len)));
	credential_wipe(&c);
	must(c.kind == CREDENTIAL_NONE && c.len == 0);
}

/* Whole, or not there. */
static bool parse(struct httphead *head, const char *text)
{
	return httphead_parse(head, text, strlen(text)) == HTTPHEAD_WHOLE;
}

/* What is found beside another token, or beside none. */
static bool is_mark(const struct credential *c, enum credential_kind kind,
		    bool another)
{
	if (another)
		return c->kind == CREDENTIAL_BAD;
	return c->kind == kind && c->len == strlen(mark) &&
	       memcmp(c->token, mark, c->len) == 0;
}

/* Whether a target has a token already. */
static bool has_query(const char *target)
{
	const char *query = strchr(target, '?');

	return query && (strncmp(query + 1, "access_token=", 13) == 0 ||
			 strstr(query, "&access_token="));
}

static bool is_bearer(const char *value)
{
	value += strspn(value, " \t");
	return strncasecmp(value, "bearer", 6) == 0 &&
	       (!value[6] || strchr(" \t\r", value[6]));
}

/* A token behind this target. */
static void check_query(const char *target)
{
	struct header path, query, authority;
	static char text[2 * HTTPHEAD_MAX];
	struct credential c;
	struct httphead head;

	snprintf(text, sizeof(text), "GET %s%caccess_token=%s HTTP/1.1\r\n\r\n",
		 target, strchr(target, '?') ? '&' : '?', mark);
	if (!parse(&head, text))
		return;
	credential_read(&c, &head);
	must(is_mark(&c, CREDENTIAL_QUERY, has_query(target)));
	credential_wipe(&c);
	if (httphead_target(&head, &path, &query, &authority) == 0)
		must(!strstr(query.text, mark) && !strstr(path.text, mark));
}

/* The same beside another field. */
static void check_header(const char *value)
{
	static char text[2 * HTTPHEAD_MAX];
	struct credential c;
	struct httphead head;

	snprintf(text, sizeof(text),
		 "GET / HTTP/1.1\r\nAuthorization: %s\r\n"
		 "Authorization: Bearer %s\r\n\r\n",
		 value, mark);
	if (!parse(&head, text))
		return;
	credential_read(&c, &head);
	must(is_mark(&c, CREDENTIAL_HEADER, is_bearer(value)));
	credential_wipe(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[2 * HTTPHEAD_MAX];
	char *target, *value;
	struct httphead head;

	if (size > HTTPHEAD_MAX)
		return 0;
	target = calloc(1, size + 1);
	if (size)
		memcpy(target, data, size);
	value = strchrnul(target, '\n');
	if (*value)
		*value++ = '\0';
	*strchrnul(value, '\n') = '\0';
	snprintf(text, sizeof(text),
		 "GET %s HTTP/1.1\r\nAuthorization: %s\r\n\r\n", target, value);
	if (parse(&head, text))
		check(&head, text);
	if (!strstr(target, mark) && !strchr(target, '#'))
		check_query(target);
	check_header(value);
	free(target);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* What credential promises, one line a promise. */
#include "credential.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

/* The kind of a request with these lines, and whether its token is `want`. */
static bool reads(const char *target, const char *fields,
		  enum credential_kind kind, const char *want)
{
	static char text[2 * HTTPHEAD_MAX];
	struct credential c;
	struct httphead head;
	bool same;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n%s\r\n", target,
		 fields);
	if (httphead_parse(&head, text, strlen(text)) != HTTPHEAD_WHOLE)
		return false;
	credential_read(&c, &head);
	same = c.kind == kind && c.len == strlen(want) &&
	       memcmp(c.token, want, c.len) == 0;
	if (!same)
		printf("# kind %d, token '%.*s'\n", c.kind, (int)c.len,
		       c.token);
	credential_wipe(&c);
	return same && c.kind == CREDENTIAL_NONE && c.len == 0;
}

static void headers(void)
{
	ok(reads("/", "Host: a\r\n", CREDENTIAL_NONE, ""), "none");
	ok(reads("/", "Authorization: Bearer abc\r\n", CREDENTIAL_HEADER,
		 "abc") &&
		   reads("/", "authorization: bEARER \t abc  \r\n",
			 CREDENTIAL_HEADER, "abc"),
	   "a token in the header, in any case, with blanks around it");
	ok(reads("/", "Authorization: Basic YTpi\r\n", CREDENTIAL_NONE, "") &&
		   reads("/", "Authorization: Bearerabc\r\n", CREDENTIAL_NONE,
			 ""),
	   "another scheme is none of ours");
	ok(reads("/", "Authorization: Bearer\r\n", CREDENTIAL_HEADER, "") &&
		   reads("/", "Authorization: Bearer a b\r\n",
			 CREDENTIAL_HEADER, "a b"),
	   "it is not for here to judge what a token is");
	ok(reads("/", "Authorization: Basic x\r\nAuthorization: Bearer abc\r\n",
		 CREDENTIAL_HEADER, "abc"),
	   "a proxy may add one of its own");
	ok(reads("/", "Authorization: Bearer a\r\nAuthorization: Bearer a\r\n",
		 CREDENTIAL_BAD, "a"),
	   "but two are a fault");
}

static void queries(void)
{
	ok(reads("/ws?access_token=abc", "", CREDENTIAL_QUERY, "abc") &&
		   reads("/ws?a=b&access_token=abc&c=d", "", CREDENTIAL_QUERY,
			 "abc"),
	   "a token in the URL, anywhere in it");
	ok(reads("http://h/ws?access_token=abc", "", CREDENTIAL_QUERY, "abc"),
	   "of an absolute one, too");
	ok(reads("/ws?access_token=a%2Bb%3d", "", CREDENTIAL_QUERY, "a+b="),
	   "it is decoded, once");
	ok(reads("/ws?access_token=a+b", "", CREDENTIAL_QUERY, "a+b"),
	   "a plus is a plus");
	ok(reads("/ws?xaccess_token=abc&access_tokens=d", "", CREDENTIAL_NONE,
		 "") &&
		   reads("/access_token=abc", "", CREDENTIAL_NONE, ""),
	   "other names are others");
	ok(reads("/ws?access_token=%4", "", CREDENTIAL_BAD, "") &&
		   reads("/ws?access_token=%00", "", CREDENTIAL_BAD, ""),
	   "one that can't be decoded is a fault");
	ok(reads("/ws?access_token=a&access_token=b", "", CREDENTIAL_BAD,
		 "b") &&
		   reads("/ws?access_token=a", "Authorization: Bearer b\r\n",
			 CREDENTIAL_BAD, "a"),
	   "and so are two");
}

/* Nobody else sees a token of the URL. */
static void hidden(void)
{
	static const char text[] =
		"GET /x?a=1&access_token=secret&&b=%32&access_token= "
		"HTTP/1.1\r\n\r\n";
	struct header path, query, authority;
	struct httphead head;

	httphead_parse(&head, text, sizeof(text) - 1);
	ok(httphead_target(&head, &path, &query, &authority) == 0 &&
		   strcmp(query.text, "a=1&&b=2") == 0,
	   "the query that others read has none");
}

int main(void)
{
	headers();
	queries();
	hidden();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What cors promises: what is told to a browser, and never more. */
#include "cors.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define ORIGIN                                                                 \
	"Access-Control-Allow-Origin: https://a.example\r\n"                   \
	"Vary: Origin\r\n"

static bool is(const struct cors *c, const char *want)
{
	struct buf b;
	bool same;

	buf_init(&b);
	cors_put(&b, c);
	buf_putc(&b, '\0');
	same = strcmp(buf_bytes(&b), want) == 0;
	if (!same)
		printf("# got %s\n", buf_bytes(&b));
	buf_release(&b);
	return same;
}

/* Whether a preflight that asks for `headers` gets this line of headers. */
static bool gets(const char *headers, const char *line)
{
	struct cors c = {.origin = "https://a.example"};
	char want[500];

	snprintf(want, sizeof(want),
		 ORIGIN "Access-Control-Allow-Methods: POST, OPTIONS\r\n%s"
			"Access-Control-Max-Age: 600\r\n",
		 line);
	cors_preflight(&c, "POST, OPTIONS", headers, NULL);
	return is(&c, want);
}

static void answers(void)
{
	struct cors c = {0};

	ok(is(&c, ""), "where no page may read nothing is said");
	c.error = true;
	cors_preflight(&c, "GET", "authorization", "true");
	ok(is(&c, ""), "whatever else there is");
	c = (struct cors){.origin = "https://a.example"};
	ok(is(&c, ORIGIN), "which page may read it");
	c.error = true;
	ok(is(&c, ORIGIN "Access-Control-Expose-Headers: Retry-After, "
			 "WWW-Authenticate\r\n"),
	   "and the headers of an error");
}

static void preflights(void)
{
	struct cors c = {.origin = "https://a.example"};

	ok(gets(NULL, "") && gets("", "") && gets(" , ,", ""),
	   "a preflight that asks for no header");
	ok(gets("authorization",
		"Access-Control-Allow-Headers: authorization\r\n") &&
		   gets("Idempotency-Key,AUTHORIZATION,\tcontent-type",
			"Access-Control-Allow-Headers: authorization, "
			"content-type, idempotency-key\r\n") &&
		   gets("Last-Event-ID",
			"Access-Control-Allow-Headers: last-event-id\r\n"),
	   "those that mean something here may be sent");
	ok(gets("cookie, x-authorization, authorization-x, auth, host, *",
		"") &&
		   gets("x-a,content-type",
			"Access-Control-Allow-Headers: content-type\r\n"),
	   "no others");
	cors_preflight(&c, "GET", NULL, "true");
	ok(is(&c, ORIGIN "Access-Control-Allow-Methods: GET\r\n"
			 "Access-Control-Allow-Private-Network: true\r\n"
			 "Access-Control-Max-Age: 600\r\n"),
	   "into a private network where that is asked");
	cors_preflight(&c, "GET", NULL, "1");
	ok(!c.private, "and only then");
}

int main(void)
{
	answers();
	preflights();
	return tap_end();
}

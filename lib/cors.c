/* SPDX-License-Identifier: MIT */
#include "cors.h"

#include <string.h>
#include <strings.h>

/* What a request means something by, and no form can send (RFC 9110). */
static const char *const allowed[] = {
	"authorization",
	"content-type",
	"idempotency-key",
	"last-event-id",
};

#define ALLOWED (sizeof(allowed) / sizeof(*allowed))

/* The bit of a header; 0: it is none that may be sent. */
static unsigned bit_of(const char *name, size_t len)
{
	for (size_t i = 0; i < ALLOWED; i++)
		if (strlen(allowed[i]) == len &&
		    strncasecmp(allowed[i], name, len) == 0)
			return 1u << i;
	return 0;
}

void cors_preflight(struct cors *c, const char *methods, const char *headers,
		    const char *private)
{
	size_t len;

	c->methods = methods;
	c->private = private && strcmp(private, "true") == 0;
	c->headers = 0;
	while (headers && *headers) {
		headers += strspn(headers, " \t,");
		len = strcspn(headers, " \t,");
		c->headers |= bit_of(headers, len);
		headers += len;
	}
}

static void put_headers(struct buf *out, unsigned headers)
{
	const char *before = "Access-Control-Allow-Headers: ";

	for (size_t i = 0; i < ALLOWED; i++) {
		if (!(headers & 1u << i))
			continue;
		buf_puts(out, before);
		buf_puts(out, allowed[i]);
		before = ", ";
	}
	if (headers)
		buf_puts(out, "\r\n");
}

void cors_put(struct buf *out, const struct cors *c)
{
	if (!c->origin)
		return;
	buf_puts(out, "Access-Control-Allow-Origin: ");
	buf_puts(out, c->origin);
	buf_puts(out, "\r\nVary: Origin\r\n");
	if (c->error)
		buf_puts(out, "Access-Control-Expose-Headers: "
			      "Retry-After, WWW-Authenticate\r\n");
	if (!c->methods)
		return;
	buf_puts(out, "Access-Control-Allow-Methods: ");
	buf_puts(out, c->methods);
	buf_puts(out, "\r\n");
	put_headers(out, c->headers);
	if (c->private)
		buf_puts(out, "Access-Control-Allow-Private-Network: true\r\n");
	buf_printf(out, "Access-Control-Max-Age: %d\r\n", CORS_MAX_AGE_S);
}

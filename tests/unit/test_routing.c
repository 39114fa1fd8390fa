/* SPDX-License-Identifier: MIT */
/* What routing promises: the update, the tenant, and why there is none. */
#include "routing.h"
#include "tap.h"

#include <string.h>

static struct request_text text(const char *bytes)
{
	return (struct request_text){bytes, strlen(bytes)};
}

static bool is(const char *bytes, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(bytes, want, len) == 0;
}

/* Routes one message; `want` is the update, or the reason that it is none. */
static bool routes(struct routing *r, const char *channel, const char *message,
		   const char *tenant, const char *want)
{
	struct origin origin = {.channel = text(channel),
				.message = text(message),
				.key = text("k")};
	struct document doc;
	char why[ROUTING_WHY_MAX] = "";
	enum routing_result result = routing_read(r, &origin, &doc, why);

	if (!tenant)
		return result == ROUTING_BAD && strcmp(why, want) == 0;
	return result == ROUTING_OK && is(doc.data, doc.len, want) &&
	       is(doc.tenant.bytes, doc.tenant.len, tenant) &&
	       is(origin.tenant.bytes, origin.tenant.len, tenant) &&
	       is(doc.key.bytes, doc.key.len, "k");
}

static void by_field(void)
{
	struct routing r;

	routing_init(&r, &(struct routing_config){.tenant_field = "tenantId"});
	ok(routes(&r, "c", "{\"tenantId\":\"t\",\"a\":1.10}", "t",
		  "{\"a\":1.10}"),
	   "the tenant is taken out of the message, the key stays");
	ok(routes(&r, "c", "{\"a\":1}", NULL, "'tenantId' is missing"),
	   "a message without one is refused with the reason");
	ok(routes(&r, "c", "{\"tenantId\":\"t\",]", NULL,
		  "column 17: unexpected character"),
	   "what is not JSON is refused with the column");
	routing_limit(&r, 10);
	ok(!routes(&r, "c", "{\"tenantId\":\"t\",\"a\":\"12345\"}", "t",
		   "{\"a\":\"12345\"}"),
	   "a limit holds from then on");
	routing_release(&r);
}

static void by_channel(void)
{
	struct routing r;

	routing_init(&r, &(struct routing_config){.tenant_channel = "jobs:{}"});
	ok(routes(&r, "jobs:7", "[1, 2]", "7", "[1, 2]"),
	   "the tenant of the channel, and the whole message");
	ok(routes(&r, "other", "1", NULL,
		  "the channel does not match the template"),
	   "another channel is refused");
	ok(routes(&r, "jobs:8", "\"x\"", "8", "\"x\""),
	   "the next has its own tenant");
	routing_release(&r);
}

static void bad(void)
{
	struct routing r;

	ok(routing_init(
		   &r, &(struct routing_config){.tenant_channel = "jobs"}) != 0,
	   "a template without braces is none");
	routing_release(&r);
	ok(routing_init(&r, &(struct routing_config){.tenant_field = "a..b"}) !=
		   0,
	   "nor is a path without a name");
	routing_release(&r);
}

int main(void)
{
	by_field();
	by_channel();
	bad();
	return tap_end();
}

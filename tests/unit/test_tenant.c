/* SPDX-License-Identifier: MIT */
/* What tenant promises, one line a promise. */
#include "tap.h"
#include "tenant.h"

#include <string.h>

static bool valid(const char *id)
{
	return tenant_valid(id, strlen(id));
}

static bool only_these_characters(void)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._:@-";

	for (int c = 0; c < 256; c++) {
		char id[] = {'a', (char)c, 'b'};
		bool want = memchr(allowed, c, sizeof(allowed) - 1) != NULL;

		if (tenant_valid(id, sizeof(id)) != want)
			return false;
	}
	return true;
}

static bool has_length_limit(void)
{
	char id[TENANT_MAX + 1];

	memset(id, 'x', sizeof(id));
	return tenant_valid(id, TENANT_MAX) &&
	       !tenant_valid(id, TENANT_MAX + 1);
}

int main(void)
{
	ok(valid("tenant-1"), "tenant-1");
	ok(valid("a"), "one character is enough");
	ok(!valid(""), "none is not");
	ok(has_length_limit(), "128 bytes are, 129 are not");
	ok(only_these_characters(), "A-Z a-z 0-9 . _ : @ - and nothing else");
	ok(!valid(".") && !valid(".."), "neither \".\" nor \"..\"");
	ok(valid("...") && valid(".a") && valid("a.") && valid(".-"),
	   "other dots are fine");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "tenant.h"

#include <stdint.h>

/* A bit for each character that an id may have, as the header lists them. */
static bool is_id_char(unsigned char c)
{
	static const uint64_t allowed[2] = {
		0x07ff600000000000, /* - . 0-9 : */
		0x07fffffe87ffffff, /* @ A-Z _ a-z */
	};

	return c < 128 && (allowed[c / 64] >> c % 64 & 1);
}

bool tenant_valid(const char *id, size_t len)
{
	if (len == 0 || len > TENANT_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_id_char((unsigned char)id[i]))
			return false;
	/* "." and ".." */
	return id[0] != '.' || len > 2 || (len == 2 && id[1] != '.');
}

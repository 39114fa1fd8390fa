/* SPDX-License-Identifier: MIT */
#include "tenant.h"

#define FIVE(c)                                                                \
	[(c)] = true, [(c) + 1] = true, [(c) + 2] = true, [(c) + 3] = true,    \
	[(c) + 4] = true

/* The characters that an id may have, as the header lists them. */
static const bool allowed[256] =
	{
		FIVE('A'),    FIVE('F'),    FIVE('K'),	  FIVE('P'),
		FIVE('U'),    ['Z'] = true, FIVE('a'),	  FIVE('f'),
		FIVE('k'),    FIVE('p'),    FIVE('u'),	  ['z'] = true,
		FIVE('0'),    FIVE('5'),    ['.'] = true, ['_'] = true,
		[':'] = true, ['@'] = true, ['-'] = true,
};

bool tenant_valid(const char *id, size_t len)
{
	if (len == 0 || len > TENANT_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!allowed[(unsigned char)id[i]])
			return false;
	/* "." and ".." */
	return id[0] != '.' || len > 2 || (len == 2 && id[1] != '.');
}

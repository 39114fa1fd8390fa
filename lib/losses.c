/* SPDX-License-Identifier: MIT */
#include "losses.h"

#include <inttypes.h>

void losses_tell(struct losses *l, const struct diag *d, const char *tenant,
		 uint64_t from, uint64_t to, const char *reason)
{
	l->gaps++;
	if (from)
		l->lost += to - from + 1;
	if (from && from == to)
		diag(d, DIAG_WARN,
		     "gap in '%s': update %" PRIu64 " is lost (%s)", tenant,
		     from, reason);
	else if (from)
		diag(d, DIAG_WARN,
		     "gap in '%s': updates %" PRIu64 " to %" PRIu64
		     " are lost (%s)",
		     tenant, from, to, reason);
	else
		diag(d, DIAG_WARN,
		     "gap in '%s': nobody knows how many updates "
		     "are lost (%s)",
		     tenant, reason);
}

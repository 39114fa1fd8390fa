/* SPDX-License-Identifier: MIT */
/*
 * losses - tells a person of updates that are lost, and counts them.
 */
#ifndef LOSSES_H
#define LOSSES_H

#include "diag.h"

#include <stdint.h>

struct losses {
	uint64_t gaps; /* told */
	uint64_t lost; /* updates that they name */
};

/*
 * Warns of a gap in a tenant, or in "*", and counts it. `from` to `to` are
 * lost; `from` 0: nobody knows how many. `reason` is a word or a few.
 */
void losses_tell(struct losses *l, const struct diag *d, const char *tenant,
		 uint64_t from, uint64_t to, const char *reason);

#endif

/* SPDX-License-Identifier: MIT */
#include "meter.h"

static const char *const names[] = {
	[METER_SEGMENTS] = "segments",
	[METER_ASSEMBLY] = "assembly",
	[METER_OUTPUT] = "output",
};

_Static_assert(sizeof(names) / sizeof(*names) == METER_KINDS,
	       "a kind has no name");

const char *meter_kind_name(enum meter_kind kind)
{
	return names[kind];
}

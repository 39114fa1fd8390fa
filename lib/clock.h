/* SPDX-License-Identifier: MIT */
/*
 * clock - the two clocks. Monotonic time for durations and ages (a jump of the
 * wall clock must not expire a history), wall time for what people read.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void); /* since 1970-01-01T00:00:00Z */

#endif

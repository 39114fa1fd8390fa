/* SPDX-License-Identifier: MIT */
/*
 * tap - what a unit test needs: TAP lines, allocations that fail on demand, and
 * a look at what is freed. A test calls ok() for each promise and ends with
 * `return tap_end()`.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>

void ok(bool pass, const char *what);

/* Prints the plan; returns the exit status. */
int tap_end(void);

/* The nth allocation from now on fails (1 is the next), and each after it. */
void oom_after(long n);

/* The nth allocation from now on fails, and no other. */
void oom_once(long n);

/* Allocations succeed again; returns how many failed. */
long oom_off(void);

/*
 * From now on looks whether `secret`, which is borrowed, is in memory that is
 * freed, or left behind by realloc().
 */
void spill_watch(const void *secret, size_t len);

/* Looks no more; returns how many blocks had it. */
long spill_off(void);

#endif

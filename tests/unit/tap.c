/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <errno.h>
#include <stdio.h>

static int tests;
static int failed;
static long allocations_left = -1; /* -1: no limit */
static bool refuse_once;
static long refused;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void ok(bool pass, const char *what)
{
	failed += !pass;
	printf("%s %d - %s\n", pass ? "ok" : "not ok", ++tests, what);
	fflush(stdout);
}

int tap_end(void)
{
	printf("1..%d\n", tests);
	return failed != 0;
}

void oom_after(long n)
{
	allocations_left = n - 1;
	refuse_once = false;
	refused = 0;
}

void oom_once(long n)
{
	oom_after(n);
	refuse_once = true;
}

long oom_off(void)
{
	allocations_left = -1;
	return refused;
}

static bool refuse(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left > 0) {
		allocations_left--;
		return false;
	}
	refused++;
	if (refuse_once)
		allocations_left = -1;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refuse() ? NULL : __real_realloc(p, n);
}

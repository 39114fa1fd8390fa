/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

static int tests;
static int failed;
static long allocations_left = -1; /* -1: no limit */
static bool refuse_once;
static long refused;
static const void *watched; /* NULL: nothing */
static size_t watched_len;
static long spilled;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

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

void spill_watch(const void *secret, size_t len)
{
	watched = secret;
	watched_len = len;
	spilled = 0;
}

long spill_off(void)
{
	watched = NULL;
	return spilled;
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
	void *moved;
	size_t had;

	if (refuse())
		return NULL;
	if (!watched || !p)
		return __real_realloc(p, n);
	/* It always moves, so that what is left behind is looked at. */
	moved = __real_malloc(n);
	if (!moved)
		return NULL;
	had = malloc_usable_size(p);
	memcpy(moved, p, had < n ? had : n);
	__wrap_free(p);
	return moved;
}

void __wrap_free(void *p)
{
	if (watched && p &&
	    memmem(p, malloc_usable_size(p), watched, watched_len))
		spilled++;
	__real_free(p);
}

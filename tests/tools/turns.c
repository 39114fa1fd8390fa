/* SPDX-License-Identifier: MIT */
/*
 * turns - how much processor time the turns of an event loop take.
 *
 *   cc -shared -fPIC -o turns.so turns.c
 *   LD_PRELOAD=./turns.so TURNS=FILE PROGRAM...
 *
 * A turn is what a program does between two waits for epoll. Nobody is served
 * sooner than in the next turn, so these times bound what one peer can do to
 * another; and as they are processor time, they are hardly longer on a machine
 * that has other things to do. At its end the program appends a line to FILE:
 *
 *   TURNS P50 P99 LONGEST
 *
 * the times in microseconds, P50 and P99 rounded up by at most an eighth.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define CLASSES 256 /* 8 for each power of two */

/* The program has one thread that waits; these are its. */
static uint64_t began, turns, longest, counts[CLASSES];

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int class_of(uint64_t ns)
{
	int power = 63 - __builtin_clzll(ns | 8);

	return (power - 3) * 8 + (int)(ns >> (power - 3) & 7);
}

/* The upper bound of a class. */
static uint64_t bound(int class)
{
	return (uint64_t)(9 + class % 8) << class / 8;
}

static void turn_ended(void)
{
	uint64_t ns = cpu_ns() - began;

	if (!began)
		return;
	turns++;
	counts[class_of(ns)]++;
	if (ns > longest)
		longest = ns;
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout,
		const sigset_t *mask)
{
	static int (*real)(int, struct epoll_event *, int, int,
			   const sigset_t *);
	int n;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "epoll_pwait");
	turn_ended();
	n = real(fd, events, max, timeout, mask);
	began = cpu_ns();
	return n;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	return epoll_pwait(fd, events, max, timeout, NULL);
}

/* The time that so many of a hundred turns take at most. */
static uint64_t percentile(uint64_t percent)
{
	uint64_t rank = (turns * percent + 99) / 100, seen = 0;
	int class = 0;

	while (class < CLASSES - 1 && (seen += counts[class]) < rank)
		class ++;
	return bound(class);
}

__attribute__((destructor)) static void tell(void)
{
	const char *name = getenv("TURNS");
	FILE *out = turns && name ? fopen(name, "a") : NULL;

	if (!out)
		return;
	fprintf(out, "%llu %llu %llu %llu\n", (unsigned long long)turns,
		(unsigned long long)percentile(50) / 1000,
		(unsigned long long)percentile(99) / 1000,
		(unsigned long long)longest / 1000);
	fclose(out);
}

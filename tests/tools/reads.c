/* SPDX-License-Identifier: MIT */
/*
 * reads - how often a program reads from a socket, and finds nothing there.
 *
 *   cc -shared -fPIC -o reads.so reads.c
 *   LD_PRELOAD=./reads.so READS=FILE PROGRAM...
 *
 * At its end the program appends a line to FILE, with how many times it called
 * recv() without flags, and how many of these gave nothing:
 *
 *   READS EMPTY
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The program has one thread that reads; these are its. */
static unsigned long reads, empty;

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
	static ssize_t (*real)(int, void *, size_t, int);
	ssize_t n;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "recv");
	n = real(fd, bytes, len, flags);
	if (flags)
		return n;
	reads++;
	if (n < 0 && errno == EAGAIN)
		empty++;
	return n;
}

__attribute__((destructor)) static void tell(void)
{
	const char *name = getenv("READS");
	FILE *out = name ? fopen(name, "a") : NULL;

	if (!out)
		return;
	fprintf(out, "%lu %lu\n", reads, empty);
	fclose(out);
}

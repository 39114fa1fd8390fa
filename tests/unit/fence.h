/* SPDX-License-Identifier: MIT */
/*
 * fence - memory with nothing readable before and behind it, so that a parser
 * that looks outside of its text dies, also without a sanitizer.
 */
#ifndef FENCE_H
#define FENCE_H

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fence {
	char *room;  /* the readable bytes */
	size_t size; /* of them: whole pages */
};

/* Room for `size` bytes at least. 0, or -1 with errno. */
static inline int fence_init(struct fence *f, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *all;

	f->size = (size + page - 1) / page * page;
	all = mmap(NULL, f->size + 2 * page, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return -1;
	f->room = all + page;
	return mprotect(f->room, f->size, PROT_READ | PROT_WRITE);
}

/* Copies bytes to where nothing follows them. */
static inline char *fence_last(const struct fence *f, const char *bytes,
			       size_t n)
{
	return memcpy(f->room + f->size - n, bytes, n);
}

/* Copies bytes to where nothing precedes them. */
static inline char *fence_first(const struct fence *f, const char *bytes,
				size_t n)
{
	return memcpy(f->room, bytes, n);
}

#endif

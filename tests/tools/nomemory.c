/* SPDX-License-Identifier: MIT */
/*
 * nomemory - memory that is refused once, as often as asked.
 *
 *   cc -shared -fPIC -o nomemory.so nomemory.c
 *   LD_PRELOAD=./nomemory.so NOMEMORY=FILE PROGRAM...
 *
 * FILE is four digits and a sign when PROGRAM begins, and is written over in
 * place: "0000." gives memory, "0003." refuses the third that is asked for from
 * now on, "0003+" the third and all that follow. Each one that is asked for
 * takes one off the number, so at 0000 it has happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DIGITS 4

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);

/* What is mapped of FILE; NULL: nothing. */
static char *order;

__attribute__((constructor)) static void find_order(void)
{
	const char *name = getenv("NOMEMORY");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *page;

	if (fd < 0)
		return;
	page = mmap(NULL, DIGITS + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	close(fd);
	if (page != MAP_FAILED)
		order = page;
}

static int number_left(void)
{
	int number = 0;

	for (int i = 0; i < DIGITS; i++)
		number = number * 10 + order[i] - '0';
	return number;
}

static void set_number_left(int number)
{
	for (int i = DIGITS; i > 0; number /= 10)
		order[--i] = (char)('0' + number % 10);
}

/* Whether this one is. */
static bool refused(void)
{
	int number = order ? number_left() : 0;
	bool all = order && order[DIGITS] == '+';

	if (number)
		set_number_left(number - 1);
	if (number != 1 && !(number == 0 && all))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size)
{
	return refused() ? NULL : __libc_realloc(ptr, size);
}

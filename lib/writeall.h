/* SPDX-License-Identifier: MIT */
/* writeall - a file is written as a whole. */
#ifndef WRITEALL_H
#define WRITEALL_H

#include <stddef.h>

/*
 * Writes `len` bytes to `fd`, which blocks, over signals too. -1 with the errno
 * of write(2): some of them may have been written.
 */
int writeall(int fd, const char *bytes, size_t len);

#endif

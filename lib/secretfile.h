/* SPDX-License-Identifier: MIT */
/*
 * secretfile - a password or a token out of a file, which others must not be
 * able to read.
 *
 * The file has the secret and perhaps a newline behind it, nothing else. Its
 * mode gives others no rights at all; those of its group are its owner's
 * business, as a service manager hands out files of mode 0440. Its owner is
 * root or who runs this, as anybody else could have put it there to be read.
 *
 * Besides a regular file it is a pipe without a name, as <(command) of a shell
 * and /dev/stdin are, or a terminal. A FIFO with a name is refused: to open one
 * can wait for ever, and anybody may write to the other end.
 */
#ifndef SECRETFILE_H
#define SECRETFILE_H

#include <stddef.h>

/* Bytes of a secret; a larger one is refused. */
#define SECRETFILE_MAX 65536

/* Room for a reason, with its NUL. */
#define SECRETFILE_WHY_MAX 120

/*
 * The secret in the file at `path`: at least one byte, no NUL but the one at
 * its end. NULL and `why` when there is none, such as
 * "others can read it: its mode is 0644"; it has nothing of the secret.
 */
char *secretfile_read(const char *path, char why[SECRETFILE_WHY_MAX]);

/*
 * The same of what a descriptor gives until its end, such as standard input;
 * whose it is is not looked at.
 */
char *secretfile_read_fd(int fd, char why[SECRETFILE_WHY_MAX]);

/* Wipes and frees what these gave. NULL is allowed. */
void secretfile_free(char *secret);

/* A file of keys or tokens, where who may do what depends on what is in it. */
struct secretfile {
	char *bytes; /* owned; a NUL stands behind them */
	size_t len;  /* read, all of which is wiped in the end */
	size_t max;
	unsigned mode; /* of the file, as stat(2) has it */
};

/*
 * Reads all of the file at `path`; more than `max` bytes are refused. 0, or -1
 * and `why`: then there is nothing to close.
 */
int secretfile_open(struct secretfile *f, const char *path, size_t max,
		    char why[SECRETFILE_WHY_MAX]);

/* Whether others have no rights: 0, or -1 and why not. */
int secretfile_private(const struct secretfile *f,
		       char why[SECRETFILE_WHY_MAX]);

/* The same, but others may read what is no secret. */
int secretfile_guarded(const struct secretfile *f,
		       char why[SECRETFILE_WHY_MAX]);

/* Wipes and frees the bytes. */
void secretfile_close(struct secretfile *f);

#endif

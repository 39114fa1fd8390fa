/* SPDX-License-Identifier: MIT */
/*
 * diag - messages to people, on stderr.
 *
 * One message is one line and one write(2) of at most PIPE_BUF bytes, so that
 * lines of programs that share a terminal or a pipe never mix. Control
 * characters (see utf8_is_control()) are shown as "\n", "\t", "\r", "\x1b"
 * or "\u202e", bytes that are not UTF-8 as "\xff": what a peer sent cannot
 * forge a line or drive a terminal. A backslash stays as it is.
 */
#ifndef DIAG_H
#define DIAG_H

#include <stddef.h>

enum diag_level {
	DIAG_ERROR, /* why the exit status is not 0; shown with -q too */
	DIAG_WARN,  /* something was refused, lost or repaired */
	DIAG_NOTE,  /* what happens, with -v */
	DIAG_DEBUG, /* with -vv */
};

struct diag {
	const char *program; /* borrowed; begins each line; at most 64 bytes */
	enum diag_level level; /* the last level that is shown */
};

/*
 * Writes "program: message" and a newline to stderr when `level` is shown.
 * A message is cut at 1000 bytes before escaping, at the end of a character.
 * Keeps errno.
 */
void diag(const struct diag *d, enum diag_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The parts of diag(), for a log that has more to say of each line and may not
 * wait for whoever reads it.
 */

/* Bytes of a message that are shown, and of a line with its newline. */
#define DIAG_MESSAGE_MAX 1000
#define DIAG_PROGRAM_MAX 64
#define DIAG_LINE_MAX (DIAG_PROGRAM_MAX + 2 + 4 * DIAG_MESSAGE_MAX + 1)

/* How many bytes are shown of a message of `len`. */
size_t diag_cut(const char *message, size_t len);

/* Writes the line to `line`, without a NUL; returns its bytes. */
size_t diag_line(char line[DIAG_LINE_MAX], const char *program,
		 const char *message, size_t len);

/*
 * Writes a line of at most PIPE_BUF bytes to stderr if that takes it now.
 * Returns how many bytes it took, 0 when it would have to wait, -1 with errno.
 * What is not a pipe may take a part, as the last bytes of a full disk do.
 * (Somebody else who writes to the same pipe can take the last room between
 * the look and the write; that cannot be excluded without O_NONBLOCK, which
 * others would inherit.)
 */
long diag_offer(const char *line, size_t len);

#endif

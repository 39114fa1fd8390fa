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

#endif

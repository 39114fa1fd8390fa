/* SPDX-License-Identifier: MIT */
/*
 * diag - messages to people, on stderr.
 *
 * One message is one line and one write(2), so that lines of programs that
 * share a terminal never mix. Control characters in it are shown escaped:
 * what a peer sent cannot forge a line or drive a terminal.
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
	const char *program;   /* borrowed; begins each line */
	enum diag_level level; /* the last level that is shown */
};

/*
 * Writes "program: message" and a newline to stderr when `level` is shown.
 * A message is cut at 1000 bytes. Keeps errno.
 */
void diag(const struct diag *d, enum diag_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

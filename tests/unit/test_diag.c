/* SPDX-License-Identifier: MIT */
/* What diag promises, one line a promise. */
#include "diag.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct diag warns = {"wspub", DIAG_WARN};

/* The other end of stderr: a socket that keeps the writes apart. */
static int reader = -1;

static bool open_stderr(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return false;
	reader = pair[0];
	return dup2(pair[1], STDERR_FILENO) >= 0 && close(pair[1]) == 0;
}

/* Whether stderr got exactly one write, of this line; "" means none. */
static bool wrote(const char *want)
{
	char line[8192];
	ssize_t n = recv(reader, line, sizeof(line), MSG_DONTWAIT);

	if (n < 0)
		return !*want;
	return (size_t)n == strlen(want) && !memcmp(line, want, (size_t)n) &&
	       recv(reader, line, sizeof(line), MSG_DONTWAIT) < 0;
}

static bool shows(const char *message, const char *want)
{
	diag(&warns, DIAG_ERROR, "%s", message);
	return wrote(want);
}

/* Message bytes that were shown of `unit`, repeated beyond the limit. */
static size_t shown_of(const char *unit)
{
	static const char begins[] = "wspub: ";
	char message[1500 + 8] = "";
	char line[8192];
	ssize_t n;

	for (size_t i = 0; i < 1500; i += strlen(unit))
		strcpy(message + i, unit);
	diag(&warns, DIAG_ERROR, "%s", message);
	n = recv(reader, line, sizeof(line), MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(begins) || n > PIPE_BUF || line[n - 1] != '\n')
		return 0;
	return (size_t)n - sizeof(begins);
}

static bool keeps_errno(void)
{
	errno = ENOENT;
	diag(&warns, DIAG_ERROR, "cannot open '%s'", "f");
	return errno == ENOENT && wrote("wspub: cannot open 'f'\n");
}

/* Whether stderr, now a pipe that nobody reads, is full for a line. */
static bool fill_pipe(const char *line, size_t len)
{
	for (int i = 0; i < 100000; i++)
		if (diag_offer(line, len) != (long)len)
			return diag_offer(line, len) == 0;
	return false;
}

static void offers(void)
{
	char line[PIPE_BUF], page[PIPE_BUF];
	int ends[2];

	memset(line, 'x', sizeof(line));
	ok(diag_offer("hello\n", 6) == 6 && wrote("hello\n"),
	   "a line is written where there is room");
	ok(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0 &&
		   close(ends[1]) == 0,
	   "(stderr is a pipe)");
	ok(fill_pipe(line, sizeof(line)),
	   "where there is none, nothing is, and nobody waits");
	ok(read(ends[0], page, sizeof(page)) == sizeof(page) &&
		   diag_offer(line, sizeof(line)) == sizeof(line),
	   "room for a page takes the longest line whole");
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	ok(diag_offer("x\n", 2) == -1 && errno == EPIPE,
	   "it fails when the reader is gone");
	ok(dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDERR_FILENO) >= 0 &&
		   diag_offer("x\n", 2) == -1 && errno == ENOSPC,
	   "and on a full disk");
}

static bool survives_closed_stderr(void)
{
	close(STDERR_FILENO);
	errno = 0;
	diag(&warns, DIAG_ERROR, "nobody reads this");
	return errno == 0;
}

int main(void)
{
	ok(open_stderr(), "(stderr is a socket)");
	ok(shows("hello", "wspub: hello\n"),
	   "a message is one line, one write");
	diag(&warns, DIAG_WARN, "%s %d", "n", 7);
	ok(wrote("wspub: n 7\n"), "it is formatted, the last level shown");
	diag(&warns, DIAG_NOTE, "note");
	diag(&warns, DIAG_DEBUG, "debug");
	ok(wrote(""), "levels below are not shown");
	ok(shows("a\nb\r\tc\x1b[2J\x7f", "wspub: a\\nb\\r\\tc\\x1b[2J\\x7f\n"),
	   "control characters are escaped");
	ok(shows("\xc2\x9b\xe2\x80\xae", "wspub: \\u009b\\u202e\n"),
	   "those beyond ASCII too");
	ok(shows("\xff\xc3", "wspub: \\xff\\xc3\n"),
	   "bytes that are not UTF-8 are escaped");
	ok(shows("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\n",
		 "wspub: gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\n\n"),
	   "text and backslashes are not");
	ok(shown_of("x") == 1000, "a message is cut at 1000 bytes");
	ok(shown_of("\xe2\x82\xac") == 999, "at the end of a character");
	ok(shown_of("\x01") == 4000, "and before it is escaped");
	ok(keeps_errno(), "errno is kept");
	offers();
	ok(survives_closed_stderr(), "without stderr nothing happens");
	return tap_end();
}

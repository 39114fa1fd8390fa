/* SPDX-License-Identifier: MIT */
#include "diag.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "\x1b" stands for one byte: no escape has more than four times its bytes. */
_Static_assert(DIAG_LINE_MAX <= PIPE_BUF,
	       "a line must be written in one piece");

/* The length of `text` without a sequence that the cut at its end broke. */
static size_t without_broken_end(const char *text, size_t len)
{
	for (size_t back = 1; back < 4 && back <= len; back++) {
		const char *at = text + len - back;

		if (((unsigned char)*at & 0xc0) == 0x80)
			continue;
		return utf8_sequence(at, back) == back ? len : len - back;
	}
	return len;
}

static size_t put_control(char *out, uint32_t code_point)
{
	static const char shorts[] = "\nn\tt\rr";

	for (size_t i = 0; shorts[i]; i += 2)
		if (code_point == (unsigned char)shorts[i])
			return (size_t)sprintf(out, "\\%c", shorts[i + 1]);
	return (size_t)sprintf(out, code_point < 0x80 ? "\\x%02x" : "\\u%04x",
			       (unsigned)code_point);
}

/* Writes the message so that it stays one line; returns its bytes. */
static size_t escape(char *out, const char *text, size_t len)
{
	char *start = out;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_sequence(text + i, len - i);
		if (!n) {
			n = 1;
			out += sprintf(out, "\\x%02x", (unsigned char)text[i]);
		} else if (utf8_is_control(utf8_decode(text + i, n))) {
			out += put_control(out, utf8_decode(text + i, n));
		} else {
			memcpy(out, text + i, n);
			out += n;
		}
	}
	return (size_t)(out - start);
}

static void write_line(const char *line, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* there is nowhere left to complain */
		line += n;
		len -= (size_t)n;
	}
}

size_t diag_cut(const char *message, size_t len)
{
	return len > DIAG_MESSAGE_MAX
		       ? without_broken_end(message, DIAG_MESSAGE_MAX)
		       : len;
}

size_t diag_line(char line[DIAG_LINE_MAX], const char *program,
		 const char *message, size_t len)
{
	size_t n = strnlen(program, DIAG_PROGRAM_MAX);

	memcpy(line, program, n);
	line[n++] = ':';
	line[n++] = ' ';
	n += escape(line + n, message, diag_cut(message, len));
	line[n++] = '\n';
	return n;
}

void diag(const struct diag *d, enum diag_level level, const char *fmt, ...)
{
	int saved = errno;
	char message[DIAG_MESSAGE_MAX + 1];
	char line[DIAG_LINE_MAX];
	va_list args;
	int n;

	if (level > d->level)
		return;
	va_start(args, fmt);
	n = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	write_line(line,
		   diag_line(line, d->program, message, n < 0 ? 0 : (size_t)n));
	errno = saved;
}

long diag_offer(const char *line, size_t len)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n;

	/* Nobody reads any more: that is for write(2) to say. */
	if (poll(&out, 1, 0) <= 0)
		return 0;
	do
		n = write(STDERR_FILENO, line, len);
	while (n < 0 && errno == EINTR);
	return n;
}

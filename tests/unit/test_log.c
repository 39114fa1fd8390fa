/* SPDX-License-Identifier: MIT */
/* What log promises, one line a promise. */
#include "json.h"
#include "log.h"
#include "tap.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct diag warns = {"wsd", DIAG_WARN};
static const struct diag notes = {"wsd", DIAG_NOTE};

#define NOON INT64_C(1767268800000) /* 2026-01-01T12:00:00Z */
#define TIME "\"time\":\"2026-01-01T12:00:00.000Z\""

/* The clock and the paper. */
static int64_t now;
static char written[64 * 1024]; /* since the last look */
static size_t used;
static long takes = -1; /* bytes of a line: -1 all of it, -2 an error */
static size_t longest;	/* of the lines that were offered */

static int64_t mono(void)
{
	return now;
}

static int64_t wall(void)
{
	return NOON;
}

static long take(const char *line, size_t len)
{
	size_t n = takes == -1 ? len : (size_t)takes;

	if (takes == -2) {
		errno = ENOSPC;
		return -1;
	}
	if (n > sizeof(written) - 1 - used)
		abort();
	memcpy(written + used, line, n);
	used += n;
	written[used] = '\0';
	longest = len > longest ? len : longest;
	return (long)n;
}

static void begin(struct log *log, const struct diag *d, enum log_format format)
{
	log_init(log, d, format);
	log->mono_ms = mono;
	log->wall_ms = wall;
	log->write = take;
	now = 5000;
	used = 0;
	written[0] = '\0';
	takes = -1;
}

/* Whether exactly this was written since the last look. */
static bool wrote(const char *want)
{
	bool same = strcmp(written, want) == 0;

	if (!same)
		puts(written);
	used = 0;
	written[0] = '\0';
	return same;
}

static size_t lines(void)
{
	size_t n = 0;

	for (size_t i = 0; i < used; i++)
		n += written[i] == '\n';
	used = 0;
	written[0] = '\0';
	return n;
}

static void many(struct log *log, enum log_event event, int times)
{
	while (times--)
		log_event(log, event, NULL, "again");
}

static void text_and_levels(void)
{
	struct log log;

	begin(&log, &warns, LOG_TEXT);
	log_event(&log, LOG_REFUSED_HOST, NULL, "refused '%s' %d\n", "h", 7);
	ok(wrote("wsd: refused 'h' 7\\n\n"), "text is a line as of diag");
	log_event(&log, LOG_START, NULL, "listening");
	ok(wrote("") && log.lines == 1, "a note is for -v alone");
	ok(!log_shows(&log, LOG_CONNECTION_CLOSED) &&
		   log_shows(&log, LOG_MEMORY_PRESSURE),
	   "who is asked says so before");
	log.diag.level = DIAG_NOTE;
	log_event(&log, LOG_START, NULL, "listening");
	ok(wrote("wsd: listening\n"), "and with -v it is there");
	log.diag.level = DIAG_ERROR;
	log_event(&log, LOG_REFUSED_HOST, NULL, "x");
	log_event(&log, LOG_FAILED, NULL, "cannot");
	ok(wrote("wsd: cannot\n"), "with -q only errors");
}

static void json(void)
{
	struct log_subject subject = {12, "192.0.2.1"};
	struct log log;

	begin(&log, &notes, LOG_JSON);
	log_event(&log, LOG_REFUSED_ORIGIN, NULL, "no %d", 1);
	ok(wrote("{" TIME ",\"level\":\"warn\",\"event\":\"refused_origin\","
		 "\"message\":\"no 1\"}\n"),
	   "JSON is an object a line");
	log_event(&log, LOG_CONNECTION_CLOSED, &subject, "bye");
	ok(wrote("{" TIME ",\"level\":\"info\",\"event\":\"connection_closed\","
		 "\"connection\":12,\"address\":\"192.0.2.1\","
		 "\"message\":\"bye\"}\n"),
	   "with the connection and the address where they are known");
	subject = (struct log_subject){0, ""};
	log_event(&log, LOG_FAILED, &subject, "%s", "");
	ok(wrote("{" TIME ",\"level\":\"error\",\"event\":\"failed\","
		 "\"message\":\"\"}\n"),
	   "and without what is not");
	log_event(&log, LOG_FAILED, NULL, "%s", "a\"\\\n\x1b\xc2\x9b\xff\xc3z");
	ok(wrote("{" TIME ",\"level\":\"error\",\"event\":\"failed\","
		 "\"message\":\"a\\\"\\\\\\u000a\\u001b\\u009b"
		 "\\\\xff\\\\xc3z\"}\n"),
	   "what would break the line, a terminal or UTF-8 is escaped");
}

/* One line of valid JSON in valid UTF-8 that a pipe takes whole. */
static bool is_good(const char *line, size_t len)
{
	size_t where;

	return len <= PIPE_BUF && len > 1 && line[len - 1] == '\n' &&
	       memchr(line, '\n', len) == line + len - 1 &&
	       utf8_valid(line, len) &&
	       json_check(line, len - 1, &where) == JSON_OK;
}

static bool good_with(const char *message, const char *address)
{
	struct log_subject subject = {UINT64_MAX, address};
	struct log log;

	begin(&log, &warns, LOG_JSON);
	log_event(&log, LOG_FAILED, &subject, "%s", message);
	return is_good(written, used);
}

/* Messages of one byte, repeated, around each length where a cut may fall. */
static bool good_for_each_byte(void)
{
	char message[1200];

	for (int byte = 1; byte < 256; byte++)
		for (size_t len = 600; len < sizeof(message); len += 7) {
			memset(message, byte, len);
			message[len] = '\0';
			if (!good_with(message, "::1"))
				return false;
		}
	return true;
}

static bool good_for_any_bytes(void)
{
	char message[1200], address[100];

	srandom(7);
	for (int round = 0; round < 5000; round++) {
		size_t len = (size_t)random() % (sizeof(message) - 1);

		for (size_t i = 0; i < len; i++)
			message[i] = (char)(1 + random() % 255);
		message[len] = '\0';
		memcpy(address, message, sizeof(address));
		address[sizeof(address) - 1] = '\0';
		if (!good_with(message, address))
			return false;
	}
	return true;
}

static void json_is_valid(void)
{
	char message[1001];

	ok(good_for_each_byte(), "a line is valid whatever byte it is full of");
	ok(longest > PIPE_BUF - 8, "(and some were cut for lack of room)");
	ok(good_for_any_bytes(), "whatever bytes there are");
	memset(message, 'x', 1000);
	message[1000] = '\0';
	good_with(message, "");
	ok(strstr(written, message), "what fits is not cut");
}

static void rate(void)
{
	struct log log;

	begin(&log, &warns, LOG_TEXT);
	many(&log, LOG_REFUSED_HOST, 30);
	ok(lines() == LOG_LINES && log.lines == LOG_LINES && log.hidden == 20,
	   "of a kind there are ten lines a second, the rest is counted");
	many(&log, LOG_REFUSED_ORIGIN, 1);
	ok(lines() == 1, "another kind is counted by itself");
	log_tell(&log);
	now += LOG_MS - 1;
	log_tell(&log);
	ok(wrote(""), "nothing is told before the second is over");
	now++;
	log_tell(&log);
	ok(wrote("wsd: refused 20 more requests for other hosts within a "
		 "second\n"),
	   "then it is, by a timer");
	log_tell(&log);
	ok(wrote(""), "once");
	many(&log, LOG_REFUSED_HOST, 11);
	ok(lines() == LOG_LINES, "another second has another ten");
	now += LOG_MS;
	many(&log, LOG_REFUSED_HOST, 1);
	ok(wrote("wsd: refused 1 more requests for other hosts within a "
		 "second\nwsd: again\n"),
	   "or before the next line");
	many(&log, LOG_REFUSED_HOST, 12);
	lines();
	log_tell_all(&log);
	ok(wrote("wsd: refused 3 more requests for other hosts within a "
		 "second\n"),
	   "at the end what is left is told at once");
	many(&log, LOG_FAILED, 100);
	ok(lines() == 100, "what is never much is always shown");
}

static void rate_in_json(void)
{
	struct log log;

	begin(&log, &warns, LOG_JSON);
	many(&log, LOG_CONNECTION_REFUSED, 15);
	lines();
	log_tell_all(&log);
	ok(wrote("{" TIME ",\"level\":\"warn\","
		 "\"event\":\"connection_refused\",\"hidden\":5,"
		 "\"message\":\"refused 5 more connections within a "
		 "second\"}\n"),
	   "JSON has the number as a member");
	log_left_out(&log, LOG_LIBWEBSOCKETS, 8);
	log_wrote(&log, 10, 0);
	log_tell(&log);
	ok(wrote("{" TIME ",\"level\":\"warn\",\"event\":\"libwebsockets\","
		 "\"hidden\":8,\"message\":\"left out 8 more lines of "
		 "libwebsockets within a second\"}\n") &&
		   log.hidden == 13 && log.lines == 22,
	   "what others left out is told too");
}

/* Each kind that has a limit says what it is that was not shown. */
static bool all_kinds_tell(void)
{
	struct log log;
	bool good = true;

	begin(&log, &notes, LOG_JSON);
	for (int i = 0; i < LOG_LOST; i++) {
		many(&log, (enum log_event)i, 11);
		good = good && lines() >= LOG_LINES;
		log_tell_all(&log);
		good = good && !strstr(written, "null") &&
		       (!used || is_good(written, used));
		used = 0;
		written[0] = '\0';
	}
	return good && log.lines > 0;
}

static void lost(void)
{
	struct log log;

	begin(&log, &warns, LOG_TEXT);
	takes = 0;
	many(&log, LOG_FAILED, 2);
	takes = -2;
	many(&log, LOG_FAILED, 1);
	log_tell(&log);
	ok(wrote("") && log.lost == 3 && log.lines == 0,
	   "a line that is not taken is lost, and counted");
	takes = -1;
	log_tell(&log);
	ok(wrote("wsd: 3 lines of the log were lost\n") && log.lost == 3,
	   "that is told once it can be, by a timer");
	log_tell(&log);
	ok(wrote(""), "once");
	takes = 0;
	many(&log, LOG_FAILED, 1);
	takes = -1;
	many(&log, LOG_FAILED, 1);
	ok(wrote("wsd: 1 line of the log was lost\nwsd: again\n") &&
		   log.lost == 4,
	   "or before the next line");
	log.diag.level = DIAG_ERROR;
	takes = -2;
	many(&log, LOG_FAILED, 1);
	takes = -1;
	log_tell(&log);
	ok(wrote("wsd: 1 line of the log was lost\n"), "with -q too");
}

static void lost_in_json(void)
{
	struct log log;

	begin(&log, &warns, LOG_JSON);
	log_wrote(&log, 0, 2);
	log_tell(&log);
	ok(wrote("{" TIME ",\"level\":\"warn\",\"event\":\"lost\",\"lost\":2,"
		 "\"message\":\"2 lines of the log were lost\"}\n"),
	   "JSON has that number too");
}

static void torn(void)
{
	char message[1001];
	struct log log;

	memset(message, 1, sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	begin(&log, &warns, LOG_JSON);
	takes = 4;
	many(&log, LOG_FAILED, 1);
	takes = -1;
	log_event(&log, LOG_FAILED, NULL, "%s", message);
	log_event(&log, LOG_FAILED, NULL, "%s", message);
	begin(&log, &warns, LOG_TEXT);
	takes = 4;
	many(&log, LOG_FAILED, 1);
	takes = 0;
	many(&log, LOG_FAILED, 1);
	takes = -1;
	many(&log, LOG_FAILED, 1);
	ok(wrote("wsd:\nwsd: 2 lines of the log were lost\nwsd: again\n"),
	   "a line that was torn is joined to no other");
	ok(longest <= PIPE_BUF, "no line is too long for a pipe");
}

static void leaves_all_alone(void)
{
	struct log log;

	begin(&log, &warns, LOG_JSON);
	takes = -2;
	errno = ENOENT;
	many(&log, LOG_REFUSED_HOST, 20);
	ok(errno == ENOENT, "errno is kept");
	takes = -1;
	oom_after(1);
	many(&log, LOG_FAILED, 1);
	ok(oom_off() == 0 && lines() == 2, "no memory is asked for");
}

int main(void)
{
	text_and_levels();
	json();
	json_is_valid();
	rate();
	rate_in_json();
	ok(all_kinds_tell(), "every kind has its words, in valid JSON");
	lost();
	lost_in_json();
	torn();
	leaves_all_alone();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "lwslog.h"

#include <libwebsockets.h>

#include <ctype.h>
#include <string.h>

#define LEVELS (LLL_ERR | LLL_WARN)

/* Bits of the mask that mean nothing to any of its versions, 4.1 to 4.5. */
static const unsigned char spare[] = {12, 13, 14, 15, 19, 20, 21, 22,
				      23, 24, 25, 26, 27, 28, 29};

/* What is kept in them. */
struct tally {
	unsigned lines; /* that libwebsockets had */
	unsigned lost;	/* of those that were to be shown */
};

#define LINES_BITS 11
#define LINES_MAX ((1U << LINES_BITS) - 1)
#define LOST_MAX (1U << (sizeof(spare) - LINES_BITS))

_Static_assert(LOG_LINES < LOST_MAX, "all that are shown may be lost");

static struct tally read_tally(void)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < sizeof(spare); i++)
		if (lwsl_visible(1 << spare[i]))
			bits |= 1U << i;
	return (struct tally){bits & LINES_MAX, bits >> LINES_BITS};
}

static void keep_tally(struct tally tally)
{
	unsigned bits = tally.lines | tally.lost << LINES_BITS;
	int mask = LEVELS;

	for (unsigned i = 0; i < sizeof(spare); i++)
		if (bits >> i & 1)
			mask |= 1 << spare[i];
	lws_set_log_level(mask, NULL);
}

/* The line without the time and level that versions from 4.3 on begin with. */
static const char *without_time(const char *line)
{
	const char *end = strstr(line, "] ");

	if (line[0] == '[' && isdigit((unsigned char)line[1]) && end &&
	    end[2] && end[3] == ':' && end[4] == ' ')
		return end + 5;
	return line;
}

static bool is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* "0010: 7B 22 64 61 ..." is 16 bytes that somebody sent. */
static bool is_dump(const char *line)
{
	const char *at = line;

	while ((at = strstr(at, ": "))) {
		if (at - line >= 4 && is_hex(at - 4, 4) && is_hex(at + 2, 2) &&
		    at[4] == ' ')
			return true;
		at += 2;
	}
	return false;
}

/* It says so of each connection that it takes over. */
static bool is_idle_talk(const char *line)
{
	return strstr(line, "adopt_socket_readbuf: calling service") != NULL;
}

/* False when it could not be written. */
static bool write_line(enum log_format format, const char *line)
{
	static const struct diag lws = {"libwebsockets", DIAG_WARN};
	struct log log;

	log_init(&log, &lws, format);
	log_event(&log, LOG_LIBWEBSOCKETS, NULL, "%.*s",
		  (int)strcspn(line, "\n"), line);
	return !log.lost;
}

static void emit(enum log_format format, bool limited, const char *line)
{
	struct tally tally;

	line = without_time(line);
	if (line[0] == '\n' || is_dump(line) || is_idle_talk(line))
		return;
	if (!limited) {
		write_line(format, line);
		return;
	}
	tally = read_tally();
	if (tally.lines < LOG_LINES && !write_line(format, line))
		tally.lost++;
	if (tally.lines < LINES_MAX)
		tally.lines++;
	keep_tally(tally);
}

static void emit_text(int level, const char *line)
{
	(void)level;
	emit(LOG_TEXT, false, line);
}

static void emit_json(int level, const char *line)
{
	(void)level;
	emit(LOG_JSON, false, line);
}

static void emit_limited_text(int level, const char *line)
{
	(void)level;
	emit(LOG_TEXT, true, line);
}

static void emit_limited_json(int level, const char *line)
{
	(void)level;
	emit(LOG_JSON, true, line);
}

/* What lws warns of is in our own messages too, so only -v shows it. */
void lwslog_use(const struct log *log, bool limited)
{
	bool json = log->format == LOG_JSON;
	int levels = log->diag.level >= DIAG_NOTE ? LEVELS : 0;

	if (limited)
		lws_set_log_level(levels,
				  json ? emit_limited_json : emit_limited_text);
	else
		lws_set_log_level(levels, json ? emit_json : emit_text);
}

void lwslog_tell(struct log *log)
{
	struct tally tally = read_tally();
	unsigned shown = tally.lines < LOG_LINES ? tally.lines : LOG_LINES;

	if (!tally.lines)
		return;
	log_wrote(log, shown - tally.lost, tally.lost);
	log_left_out(log, LOG_LIBWEBSOCKETS, tally.lines - shown);
	keep_tally((struct tally){0});
}

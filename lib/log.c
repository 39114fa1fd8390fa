/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "clock.h"
#include "num.h"
#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A newline before it ends a line that was torn. */
#define LINE_MAX_BYTES (PIPE_BUF - 1)

#define JSON_TAIL "\"}\n"
#define TAIL_LEN (sizeof(JSON_TAIL) - 1)
#define ADDRESS_MAX 64

_Static_assert(DIAG_LINE_MAX <= LINE_MAX_BYTES, "a text line must fit too");

static const struct kind {
	const char *name;
	enum diag_level level;
	/* "closed 7 more connections within a second"; NULL: no limit */
	const char *did;
	const char *what;
} kinds[LOG_EVENTS] = {
	[LOG_FAILED] = {"failed", DIAG_ERROR, NULL, NULL},
	[LOG_START] = {"start", DIAG_NOTE, NULL, NULL},
	[LOG_STOP] = {"stop", DIAG_NOTE, NULL, NULL},
	[LOG_DRAIN] = {"drain", DIAG_NOTE, NULL, NULL},
	[LOG_DRAIN_TIMEOUT] = {"drain_timeout", DIAG_WARN, NULL, NULL},
	[LOG_UNENCRYPTED] = {"unencrypted", DIAG_WARN, NULL, NULL},
	[LOG_CONFIG] = {"config", DIAG_WARN, NULL, NULL},
	[LOG_CONFIG_REFUSED] = {"config_refused", DIAG_ERROR, NULL, NULL},
	[LOG_CERTIFICATE] = {"certificate", DIAG_WARN, NULL, NULL},
	[LOG_REFUSED_NO_HOST] = {"refused_no_host", DIAG_WARN, "refused",
				 "requests without a valid Host"},
	[LOG_REFUSED_HOST] = {"refused_host", DIAG_WARN, "refused",
			      "requests for other hosts"},
	[LOG_REFUSED_ORIGIN] = {"refused_origin", DIAG_WARN, "refused",
				"web pages of other origins"},
	[LOG_REFUSED_FORWARDED] = {"refused_forwarded", DIAG_WARN, "refused",
				   "requests of proxies for nobody knows whom"},
	[LOG_AUTH_FAILED] = {"auth_failed", DIAG_WARN, "refused", "tokens"},
	[LOG_AUTH_BLOCKED] = {"auth_blocked", DIAG_WARN, "found",
			      "addresses with too many bad tokens"},
	[LOG_CANNOT_ACCEPT] = {"cannot_accept", DIAG_WARN,
			       "could not accept connections", "times"},
	[LOG_CONNECTION_REFUSED] = {"connection_refused", DIAG_WARN, "refused",
				    "connections"},
	[LOG_CONNECTION_CLOSED] = {"connection_closed", DIAG_NOTE, "closed",
				   "connections"},
	[LOG_SLOW_SUBSCRIBER] = {"slow_subscriber", DIAG_NOTE, "found",
				 "slow subscribers"},
	[LOG_DEAD_PEER] = {"dead_peer", DIAG_NOTE, "closed",
			   "connections of dead peers"},
	[LOG_THROTTLED] = {"throttled", DIAG_NOTE, "throttled peers", "times"},
	[LOG_HTTP_ERROR] = {"http_error", DIAG_NOTE, "answered",
			    "requests with an error"},
	[LOG_TLS_ERROR] = {"tls_error", DIAG_NOTE, "failed at",
			   "handshakes of TLS"},
	[LOG_MEMORY_PRESSURE] = {"memory_pressure", DIAG_WARN,
				 "was short of memory", "times"},
	[LOG_INTERNAL] = {"internal", DIAG_WARN, "had", "internal errors"},
	[LOG_LIBWEBSOCKETS] = {"libwebsockets", DIAG_WARN, "left out",
			       "lines of libwebsockets"},
	[LOG_LOST] = {"lost", DIAG_WARN, NULL, NULL},
};

static const char *const level_names[] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARN] = "warn",
	[DIAG_NOTE] = "info",
	[DIAG_DEBUG] = "debug",
};

/* What a line says. */
struct entry {
	enum log_event event;
	const struct log_subject *subject;
	uint64_t hidden;
	uint64_t lost;
	const char *message;
	size_t len;
};

/* A line of JSON in the making; what does not fit is left out. */
struct line {
	char *bytes; /* room for LINE_MAX_BYTES */
	size_t len;
};

void log_init(struct log *log, const struct diag *d, enum log_format format)
{
	memset(log, 0, sizeof(*log));
	log->diag = *d;
	log->format = format;
	log->mono_ms = clock_mono_ms;
	log->wall_ms = clock_wall_ms;
	log->write = diag_offer;
}

bool log_shows(const struct log *log, enum log_event event)
{
	return kinds[event].level <= log->diag.level;
}

/* One line of JSON */

/* False when there is no room for it and for the end of the line. */
static bool put(struct line *l, const char *bytes, size_t len)
{
	if (len > LINE_MAX_BYTES - TAIL_LEN - l->len)
		return false;
	memcpy(l->bytes + l->len, bytes, len);
	l->len += len;
	return true;
}

static void put_member(struct line *l, const char *name, uint64_t value)
{
	char text[64];
	int n = snprintf(text, sizeof(text), ",\"%s\":%" PRIu64, name, value);

	if (value)
		put(l, text, (size_t)n);
}

/* The character at `text`, or what stands for it, within a string. */
static bool put_character(struct line *l, const char *text, size_t sequence)
{
	char escape[8];
	uint32_t code_point;
	int n;

	if (!sequence) {
		n = sprintf(escape, "\\\\x%02x", (unsigned char)*text);
		return put(l, escape, (size_t)n);
	}
	code_point = utf8_decode(text, sequence);
	if (code_point == '"' || code_point == '\\')
		return put(l, "\\", 1) && put(l, text, 1);
	if (!utf8_is_control(code_point))
		return put(l, text, sequence);
	n = sprintf(escape, "\\u%04x", (unsigned)code_point & 0xffff);
	return put(l, escape, (size_t)n);
}

/* The inside of a string, as much of it as there is room for. */
static void put_text(struct line *l, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = utf8_sequence(text + i, len - i);
		if (!put_character(l, text + i, n))
			break;
	}
}

static void put_address(struct line *l, const char *address)
{
	static const char name[] = ",\"address\":\"";

	if (!address || !*address)
		return;
	put(l, name, sizeof(name) - 1);
	put_text(l, address, strnlen(address, ADDRESS_MAX));
	put(l, "\"", 1);
}

static size_t compose_json(const struct log *log, char *bytes,
			   const struct entry *e)
{
	static const char name[] = ",\"message\":\"";
	const struct kind *kind = &kinds[e->event];
	struct line l = {bytes, 0};
	char time[NUM_TIME_LEN];

	num_put_time(time, log->wall_ms());
	l.len = (size_t)sprintf(
		bytes, "{\"time\":\"%.*s\",\"level\":\"%s\",\"event\":\"%s\"",
		NUM_TIME_LEN, time, level_names[kind->level], kind->name);
	if (e->subject) {
		put_member(&l, "connection", e->subject->connection);
		put_address(&l, e->subject->address);
	}
	put_member(&l, "hidden", e->hidden);
	put_member(&l, "lost", e->lost);
	put(&l, name, sizeof(name) - 1);
	put_text(&l, e->message, diag_cut(e->message, e->len));
	memcpy(bytes + l.len, JSON_TAIL, TAIL_LEN);
	return l.len + TAIL_LEN;
}

/* Writing */

/*
 * Whether the whole line was written. Where only a part was, the next one
 * begins with a newline, so that no good line is joined to the torn one.
 */
static bool offer(struct log *log, const struct entry *e)
{
	char bytes[1 + LINE_MAX_BYTES];
	char *line = bytes + 1;
	long taken;
	size_t len;

	if (log->format == LOG_JSON)
		len = compose_json(log, line, e);
	else
		len = diag_line(line, log->diag.program, e->message, e->len);
	if (log->torn) {
		*--line = '\n';
		len++;
	}
	taken = log->write(line, len);
	if (taken == (long)len) {
		log->torn = false;
		log->lines++;
		return true;
	}
	if (taken > 0)
		log->torn = true;
	return false;
}

/* False when it cannot be told, so that nothing else can be said either. */
static bool tell_lost(struct log *log)
{
	uint64_t lost = log->untold;
	char text[80];
	struct entry e = {.event = LOG_LOST, .lost = lost, .message = text};

	if (!lost)
		return true;
	e.len = (size_t)snprintf(
		text, sizeof(text), "%" PRIu64 " %s lost", lost,
		lost == 1 ? "line of the log was" : "lines of the log were");
	if (!offer(log, &e))
		return false;
	log->untold -= lost;
	return true;
}

static void deliver(struct log *log, const struct entry *e)
{
	if (tell_lost(log) && offer(log, e))
		return;
	log->lost++;
	log->untold++;
}

/* Counting */

static void tell_hidden(struct log *log, enum log_event event)
{
	uint64_t hidden = log->windows[event].hidden;
	char text[160];
	struct entry e = {.event = event, .hidden = hidden, .message = text};

	if (!hidden)
		return;
	e.len = (size_t)snprintf(text, sizeof(text),
				 "%s %" PRIu64 " more %s within a second",
				 kinds[event].did, hidden, kinds[event].what);
	deliver(log, &e);
}

/* Counts an event; whether it has a line of its own. */
static bool takes_turn(struct log *log, enum log_event event)
{
	struct log_window *w = &log->windows[event];
	int64_t now;

	if (!kinds[event].did)
		return true;
	now = log->mono_ms();
	if (now - w->began >= LOG_MS) {
		tell_hidden(log, event);
		*w = (struct log_window){.began = now};
	}
	if (w->shown < LOG_LINES) {
		w->shown++;
		return true;
	}
	w->hidden++;
	log->hidden++;
	return false;
}

void log_event(struct log *log, enum log_event event,
	       const struct log_subject *subject, const char *fmt, ...)
{
	int saved = errno;
	char message[DIAG_MESSAGE_MAX + 1];
	struct entry e = {
		.event = event, .subject = subject, .message = message};
	va_list args;
	int n;

	if (!log_shows(log, event) || !takes_turn(log, event))
		return;
	va_start(args, fmt);
	n = vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	e.len = n < 0 ? 0 : (size_t)n;
	deliver(log, &e);
	errno = saved;
}

void log_left_out(struct log *log, enum log_event event, uint64_t events)
{
	log->windows[event].hidden += events;
	log->hidden += events;
}

void log_wrote(struct log *log, uint64_t lines, uint64_t lost)
{
	log->lines += lines;
	log->lost += lost;
	log->untold += lost;
}

void log_tell(struct log *log)
{
	int64_t now = log->mono_ms();

	for (int i = 0; i < LOG_EVENTS; i++) {
		if (!log->windows[i].hidden ||
		    now - log->windows[i].began < LOG_MS)
			continue;
		tell_hidden(log, (enum log_event)i);
		log->windows[i] = (struct log_window){0};
	}
	tell_lost(log);
}

void log_tell_all(struct log *log)
{
	for (int i = 0; i < LOG_EVENTS; i++)
		log->windows[i].began = log->mono_ms() - LOG_MS;
	log_tell(log);
}

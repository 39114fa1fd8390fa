/* SPDX-License-Identifier: MIT */
/*
 * log - what a server tells those who run it: one line an event, as text or as
 * JSON.
 *
 * It never hurts. What happens often is shown LOG_LINES times a second of each
 * kind, and then counted; a line that cannot be written at once, because the
 * disk is full or nobody reads, is lost, and counted. Both numbers are told as
 * soon as can be. It never waits and allocates nothing.
 *
 * A message has words of ours, numbers, and names of tenants. Of what a peer
 * sent there is nothing in it, but for a Host or an Origin that was refused:
 * no payload, no token, no query of a URL.
 *
 * Text is "program: message", escaped as by diag. JSON (RFC 8259) is, in one
 * line of at most PIPE_BUF bytes,
 *
 *   {"time":"2026-01-01T00:00:00.000Z","level":"warn","event":"refused_host",
 *    "connection":12,"address":"192.0.2.1","message":"..."}
 *
 * `level` being error, warn, info or debug; `connection` and `address` are
 * there where they are known; `hidden` or `lost`, where the line tells of so
 * many that are not there. It is UTF-8 always: control characters are escaped,
 * bytes that are not UTF-8 are shown as "\xff" is in text.
 */
#ifndef LOG_H
#define LOG_H

#include "diag.h"

#include <stdbool.h>
#include <stdint.h>

/* What happened; its name in JSON is the same in small letters. */
enum log_event {
	/* The server itself, always shown in full. */
	LOG_FAILED,	    /* why it cannot start: an error */
	LOG_START,	    /* where it listens */
	LOG_STOP,	    /* it ends */
	LOG_DRAIN,	    /* it begins to shut down */
	LOG_DRAIN_TIMEOUT,  /* who is left when the time is up */
	LOG_UNENCRYPTED,    /* where what is said can be read on the way */
	LOG_CONFIG,	    /* configuration was read anew */
	LOG_CONFIG_REFUSED, /* and what of it was not taken */
	LOG_CERTIFICATE,    /* it ends soon, or has ended */
	/* Who does not get in. */
	LOG_REFUSED_NO_HOST,
	LOG_REFUSED_HOST,
	LOG_REFUSED_ORIGIN,
	LOG_REFUSED_FORWARDED,	/* X-Forwarded-For of a proxy is none */
	LOG_AUTH_FAILED,	/* a token was refused, and why */
	LOG_AUTH_BLOCKED,	/* an address that has shown too many */
	LOG_CANNOT_ACCEPT,	/* out of descriptors or memory */
	LOG_CONNECTION_REFUSED, /* by a limit */
	/* One connection, shown with -v. */
	LOG_CONNECTION_CLOSED, /* by wsd, for any other reason */
	LOG_SLOW_SUBSCRIBER,   /* closed with 4108, or passed over */
	LOG_DEAD_PEER,	       /* does not answer pings */
	LOG_THROTTLED,	       /* a limit of messages or bytes */
	LOG_HTTP_ERROR,
	LOG_TLS_ERROR, /* its handshake failed */
	/* All of it. */
	LOG_MEMORY_PRESSURE,
	LOG_INTERNAL,	   /* what must not happen */
	LOG_LIBWEBSOCKETS, /* its own warnings, with -v */
	LOG_LOST,	   /* of this log; log.c alone */
	LOG_EVENTS	   /* how many there are */
};

enum log_format {
	LOG_TEXT,
	LOG_JSON,
};

/* Lines of a kind within LOG_MS, unless it is always shown in full. */
#define LOG_LINES 10
#define LOG_MS 1000

/* Whom an event is about, as far as that is known. */
struct log_subject {
	uint64_t connection; /* its number; 0: none */
	const char *address; /* numeric, at most 64 bytes; "" or NULL: none */
};

/* What was logged of one kind. */
struct log_window {
	int64_t began;	 /* the second that is counted; monotonic ms */
	unsigned shown;	 /* lines in it */
	uint64_t hidden; /* events in it that had no line */
};

struct log {
	struct diag diag; /* the name, and the last level that is shown */
	enum log_format format;
	bool torn; /* the last line was not written whole */
	struct log_window windows[LOG_EVENTS];
	uint64_t lines;	 /* written */
	uint64_t hidden; /* events that had no line, as there were many */
	uint64_t lost;	 /* lines that could not be written */
	uint64_t untold; /* of the lost ones, those that no line told of yet */
	/* These can be replaced after log_init(). */
	int64_t (*mono_ms)(void);
	int64_t (*wall_ms)(void);
	long (*write)(const char *line, size_t len); /* as diag_offer() */
};

/* Has it write to stderr. Nothing is to be released. */
void log_init(struct log *log, const struct diag *diag, enum log_format format);

/* Whether an event has a line, as far as its level is concerned. */
bool log_shows(const struct log *log, enum log_event event);

/*
 * Logs an event. `subject` may be NULL. A message is cut at DIAG_MESSAGE_MAX
 * bytes before escaping. Keeps errno.
 */
void log_event(struct log *log, enum log_event event,
	       const struct log_subject *subject, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Counts events of a kind that somebody else left out; log_tell() tells. */
void log_left_out(struct log *log, enum log_event event, uint64_t events);

/* Counts lines that somebody else wrote, and tried to write in vain. */
void log_wrote(struct log *log, uint64_t lines, uint64_t lost);

/*
 * Tells what was not shown, where its second is over, and what was lost; for a
 * timer. The next line tells so too.
 */
void log_tell(struct log *log);

/* The same for the end: whether a second is over or not. */
void log_tell_all(struct log *log);

#endif

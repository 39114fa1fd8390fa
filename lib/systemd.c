/* SPDX-License-Identifier: MIT */
#include "systemd.h"

#include "clock.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MESSAGE_MAX 512

/* A manager that does not read its messages is waited for so long. */
#define PATIENCE_SECONDS 1

/* What the end of the process takes beside the time that it was given. */
#define END_MS 5000

/* A number in the environment; false when it is none or not there. */
static bool read_number(const char *name, uint64_t *value)
{
	const char *text = getenv(name);

	return text && num_parse_u64(text, strlen(text), value) == 0;
}

/* Notifications */

static void say_unreachable(struct systemd *s, const char *why)
{
	if (!s->unreachable)
		diag(s->diag, DIAG_WARN,
		     "cannot notify the service manager (NOTIFY_SOCKET): %s",
		     why);
	s->unreachable = true;
}

__attribute__((format(printf, 3, 4))) static void notify(struct systemd *s,
							 int flags,
							 const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;
	int len;

	if (s->fd < 0)
		return;
	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len >= MESSAGE_MAX)
		len = MESSAGE_MAX - 1;
	if (sendto(s->fd, text, (size_t)len, flags | MSG_NOSIGNAL,
		   (const struct sockaddr *)&s->address, s->address_len) < 0)
		say_unreachable(s, strerror(errno));
}

/* A path, or "@name" in the abstract namespace. False for anything else. */
static bool set_address(struct systemd *s, const char *text)
{
	size_t len = strlen(text);

	if ((*text != '/' && *text != '@') || len < 2 ||
	    len >= sizeof(s->address.sun_path))
		return false;
	s->address.sun_family = AF_UNIX;
	memcpy(s->address.sun_path, text, len + 1);
	s->address_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (*text == '@')
		s->address.sun_path[0] = '\0';
	else
		s->address_len++;
	return true;
}

static void open_socket(struct systemd *s, const char *text)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

	if (!set_address(s, text)) {
		say_unreachable(s, "neither a path nor an abstract name");
		return;
	}
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		say_unreachable(s, strerror(errno));
	else
		setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			   sizeof(patience));
}

/* One that gets lost is made up for by the next, which still is in time. */
static void on_watchdog(uv_timer_t *timer)
{
	notify(timer->data, MSG_DONTWAIT, "WATCHDOG=1");
}

static void start_watchdog(struct systemd *s)
{
	uint64_t usec, pid, ms;

	if (!getenv("WATCHDOG_USEC"))
		return;
	if (getenv("WATCHDOG_PID") &&
	    (!read_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
		return;
	if (!read_number("WATCHDOG_USEC", &usec) || usec == 0) {
		diag(s->diag, DIAG_WARN,
		     "no signs of life: WATCHDOG_USEC is '%s'",
		     getenv("WATCHDOG_USEC"));
		return;
	}
	ms = usec / 2 / 1000;
	uv_timer_start(&s->watchdog, on_watchdog, 0, ms ? ms : 1);
}

void systemd_init(struct systemd *s, uv_loop_t *loop, const struct diag *d)
{
	const char *socket_name = getenv("NOTIFY_SOCKET");

	memset(s, 0, sizeof(*s));
	s->diag = d;
	s->fd = -1;
	uv_timer_init(loop, &s->watchdog);
	s->watchdog.data = s;
	if (socket_name && *socket_name)
		open_socket(s, socket_name);
	if (s->fd >= 0)
		start_watchdog(s);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void systemd_close(struct systemd *s)
{
	uv_close((uv_handle_t *)&s->watchdog, NULL);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void systemd_ready(struct systemd *s, const char *status)
{
	notify(s, 0, "READY=1\nSTATUS=%s", status);
}

void systemd_reloading(struct systemd *s)
{
	notify(s, 0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	       clock_mono_ns() / 1000);
}

void systemd_stopping(struct systemd *s, uint64_t ms, const char *status)
{
	if (ms > UINT64_MAX / 1000 - END_MS)
		ms = UINT64_MAX / 1000 - END_MS;
	notify(s, 0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\nSTATUS=%s",
	       (ms + END_MS) * 1000, status);
}

/* Sockets */

static int take(const struct diag *d, uint64_t count)
{
	uint64_t pid;

	if (!read_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid())
		return 0;
	if (count > INT_MAX - SYSTEMD_LISTEN_FD) {
		diag(d, DIAG_ERROR, "LISTEN_FDS: '%s' is no number of sockets",
		     getenv("LISTEN_FDS"));
		return -1;
	}
	for (int i = 0; i < (int)count; i++) {
		int fd = SYSTEMD_LISTEN_FD + i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			diag(d, DIAG_ERROR,
			     "LISTEN_FDS: descriptor %d of %d is not open", fd,
			     (int)count);
			return -1;
		}
	}
	return (int)count;
}

int systemd_listen_fds(const struct diag *d)
{
	uint64_t count = UINT64_MAX;
	int result = 0;

	if (getenv("LISTEN_FDS")) {
		read_number("LISTEN_FDS", &count);
		result = take(d, count);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return result;
}

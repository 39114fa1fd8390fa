/* SPDX-License-Identifier: MIT */
/*
 * systemd - what a service tells its manager, and the sockets that it is
 * handed: the protocols of sd_notify(3), sd_watchdog_enabled(3) and
 * sd_listen_fds(3), which are a datagram and a few environment variables.
 *
 * Without such a manager nothing is told and nothing is handed over. A manager
 * that cannot be reached is a warning, once; the service goes on.
 */
#ifndef SYSTEMD_H
#define SYSTEMD_H

#include "diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>
#include <uv.h>

/* The first descriptor that is handed over. */
#define SYSTEMD_LISTEN_FD 3

struct systemd {
	const struct diag *diag;    /* borrowed */
	int fd;			    /* a datagram socket; -1: no manager */
	struct sockaddr_un address; /* NOTIFY_SOCKET */
	socklen_t address_len;
	bool unreachable; /* and that was said */
	uv_timer_t watchdog;
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of
 * the environment. Where the manager wants signs of life, they are sent from
 * the loop, at half of its time.
 */
void systemd_init(struct systemd *s, uv_loop_t *loop, const struct diag *diag);

/* Closes all; the loop must run once more before it is closed. */
void systemd_close(struct systemd *s);

/* It serves; `status` is one line for people. Also when a reload is over. */
void systemd_ready(struct systemd *s, const char *status);

/* It reads its configuration anew. */
void systemd_reloading(struct systemd *s);

/* It shuts down, and will have within so many ms. */
void systemd_stopping(struct systemd *s, uint64_t ms, const char *status);

/*
 * How many sockets were handed over, from SYSTEMD_LISTEN_FD on; they are not
 * inherited by other programs any more. 0: none, or they are for another
 * process. -1 after a message that says what is wrong. Takes the variables out
 * of the environment.
 */
int systemd_listen_fds(const struct diag *diag);

#endif

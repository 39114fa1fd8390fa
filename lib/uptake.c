/* SPDX-License-Identifier: MIT */
#include "uptake.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A local socket has no such number: there a queue that shrinks must do. */
static uint32_t acked_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return (uint32_t)info.tcpi_bytes_acked;
}

static int queued_of(int fd)
{
	int n;

	return ioctl(fd, SIOCOUTQ, &n) < 0 ? 0 : n;
}

enum uptake_news uptake_look(struct uptake *u, int fd)
{
	struct uptake now = {acked_of(fd), queued_of(fd)};
	bool took =
		u->queued && (now.acked != u->acked || now.queued < u->queued);

	*u = now;
	if (took)
		return UPTAKE_SOME;
	return now.queued ? UPTAKE_NONE : UPTAKE_ALL;
}

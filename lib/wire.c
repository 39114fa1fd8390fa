/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <unistd.h>

ssize_t wire_sendv(struct wire *w, const struct iovec *pieces, int count)
{
	struct msghdr message = {
		.msg_iov = (struct iovec *)(uintptr_t)pieces,
		.msg_iovlen = (size_t)count,
	};

	if (w->tls)
		return secure_sendv(w->tls, pieces, count);
	return sendmsg(w->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void wire_part(struct wire *w)
{
	if (w->tls)
		secure_end(w->tls);
}

void wire_finish(struct wire *w)
{
	shutdown(w->fd, SHUT_WR);
}

void wire_abort(struct wire *w)
{
	struct linger at_once = {1, 0};

	setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void wire_close(struct wire *w)
{
	secure_free(w->tls);
	close(w->fd);
	wire_init(w, -1);
}

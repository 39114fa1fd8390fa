/* SPDX-License-Identifier: MIT */
/*
 * postconn - one connection of an HTTP load: a request out, its answer in
 * (RFC 9112), and the end.
 *
 * The answer is whole when its Content-Length has come, or, without one, when
 * the server has closed. Then the connection is over, unless the answer said
 * `Connection: close`: who says that is waited for. An answer may come before
 * all of the request was sent.
 */
#ifndef POSTCONN_H
#define POSTCONN_H

#include "buf.h"
#include "loadtarget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POSTCONN_ANSWER_MAX 4096 /* bytes of an answer, its head included */
#define POSTCONN_STATUS_MAX 599

struct postconn {
	int fd;		     /* -1: none */
	size_t sent;	     /* bytes of the request */
	uint64_t begun;	     /* when it was connected, ns */
	unsigned status;     /* of the answer; 0: not known */
	const char *content; /* in `answer`; NULL while its head is not whole */
	bool answered;	     /* the answer is whole */
	bool closes;	     /* the server will close */
	int error;	     /* errno of a broken connection, or 0 */
	size_t have;	     /* bytes of the answer */
	char answer[POSTCONN_ANSWER_MAX + 1]; /* ends in a NUL */
};

/*
 * Connects, without waiting; its events, which are edges, come with `c` in
 * epoll_data.ptr. 0, or -1 with errno.
 */
int postconn_begin(struct postconn *c, int epoll, const struct loadtarget *t);

/* Takes what epoll told. Whether the connection is over, answered or not. */
bool postconn_event(struct postconn *c, const struct buf *request,
		    uint32_t events);

void postconn_end(struct postconn *c);

#endif

/* SPDX-License-Identifier: MIT */
#include "waitset.h"

#include <errno.h>
#include <unistd.h>

/* So many at a time; the loop tells again of the rest. */
#define EVENTS_MAX 64

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct waitset *set = poll->data;
	struct epoll_event came[EVENTS_MAX];
	int n = epoll_wait(set->epoll, came, EVENTS_MAX, 0);

	(void)status;
	(void)events;
	for (int i = 0; i < n; i++) {
		struct waiter *w = came[i].data.ptr;

		if (w->events & EPOLLONESHOT)
			w->events = 0;
		set->happened(w, came[i].events);
	}
}

int waitset_init(struct waitset *set, uv_loop_t *loop,
		 void (*happened)(struct waiter *w, uint32_t events))
{
	int error;

	set->happened = happened;
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll < 0)
		return -1;
	set->poll.data = set;
	error = uv_poll_init(loop, &set->poll, set->epoll);
	if (!error)
		error = uv_poll_start(&set->poll, UV_READABLE, on_event);
	if (!error)
		return 0;
	close(set->epoll);
	errno = -error;
	return -1;
}

void waitset_close(struct waitset *set)
{
	uv_close((uv_handle_t *)&set->poll, NULL);
	close(set->epoll);
	set->epoll = -1;
}

/* epoll tells of errors and hang-ups even of what it watches for nothing. */
static int watch_nothing(struct waitset *set, struct waiter *w, int fd)
{
	if (w->watched)
		epoll_ctl(set->epoll, EPOLL_CTL_DEL, fd, NULL);
	w->watched = false;
	w->events = 0;
	return 0;
}

int waitset_watch(struct waitset *set, struct waiter *w, int fd,
		  uint32_t events)
{
	struct epoll_event event = {.events = events, .data = {.ptr = w}};

	if (!events)
		return watch_nothing(set, w, fd);
	if (w->events == events)
		return 0;
	if (epoll_ctl(set->epoll, w->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		      fd, &event) < 0)
		return -1;
	w->watched = true;
	w->events = events;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "lwsmemory.h"

#include <libwebsockets.h>
#include <uv.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What lws calls a watcher when it allocates one, in all these versions. */
#define WATCHER "uvh"

/* lws allocates without saying for which context. */
static _Thread_local struct lwsmemory *in_use;

static void *take_watcher(size_t size)
{
	void *watcher;

	if (!in_use || size > sizeof(uv_poll_t))
		return NULL;
	watcher = in_use->watcher;
	in_use->watcher = NULL;
	return watcher;
}

static void *allocate(void *ptr, size_t size, const char *reason)
{
	void *room;

	if (!size) {
		free(ptr);
		return NULL;
	}
	if (ptr)
		return realloc(ptr, size);
	room = malloc(size);
	if (!room && strcmp(reason, WATCHER) == 0)
		room = take_watcher(size);
	return room;
}

int lwsmemory_init(struct lwsmemory *m)
{
	m->watcher = NULL;
	if (lwsmemory_fill(m) < 0)
		return -1;
	in_use = m;
	lws_set_allocator(allocate);
	return 0;
}

int lwsmemory_fill(struct lwsmemory *m)
{
	if (!m->watcher)
		m->watcher = malloc(sizeof(uv_poll_t));
	return m->watcher ? 0 : -1;
}

void lwsmemory_release(struct lwsmemory *m)
{
	if (in_use == m)
		in_use = NULL;
	free(m->watcher);
	m->watcher = NULL;
}

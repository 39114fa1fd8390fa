/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "num.h"

#include <stdio.h>
#include <string.h>

/* For TCP to say something; far networks need some hundred ms. */
#define SHARE_MS 2000

/* Idle seconds before the kernel asks whether the peer is still there. */
#define KEEPALIVE_S 60

/* Memory that is kept between writes, in each buffer. */
#define KEPT 65536

static void connect_now(struct link *link);

void link_init(struct link *link, uv_loop_t *uv,
	       const struct link_events *events, void *user)
{
	memset(link, 0, sizeof(*link));
	link->uv = uv;
	link->events = events;
	link->user = user;
	uv_timer_init(uv, &link->timer);
	link->timer.data = link;
}

static void set_trouble(struct link *link, const char *trouble)
{
	snprintf(link->trouble, sizeof(link->trouble), "%s", trouble);
}

/* Ending */

static void forget(struct link *link)
{
	uv_freeaddrinfo(link->found);
	link->found = link->at = NULL;
	link->writing = link->paused = false;
	buf_clear(&link->out, KEPT);
	buf_clear(&link->leaving, KEPT);
}

static void gone(struct link *link)
{
	uv_timer_stop(&link->timer);
	forget(link);
	link->state = LINK_IDLE;
	link->events->gone(link->user);
}

static uint64_t time_left(const struct link *link)
{
	uint64_t now = uv_now(link->uv);

	return now < link->deadline ? link->deadline - now : 0;
}

/* While connecting that was one address of several. */
static void stream_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	link->has_stream = false;
	if (link->state == LINK_CONNECTING && link->at->ai_next &&
	    time_left(link)) {
		link->at = link->at->ai_next;
		connect_now(link);
	} else {
		gone(link);
	}
}

static void close_stream(struct link *link)
{
	if (!uv_is_closing(&link->handle))
		uv_close(&link->handle, stream_closed);
}

static void closing_rang(uv_timer_t *timer)
{
	gone(timer->data);
}

void link_close(struct link *link)
{
	if (link->state == LINK_IDLE || link->state == LINK_CLOSING)
		return;
	link->state = LINK_CLOSING;
	if (link->lookup)
		resolve_cancel(link->lookup);
	link->lookup = NULL;
	uv_timer_stop(&link->timer);
	if (link->has_stream)
		close_stream(link);
	else
		uv_timer_start(&link->timer, closing_rang, 0, 0);
}

static void fail(struct link *link, const char *trouble)
{
	set_trouble(link, trouble);
	link_close(link);
}

/* Reading */

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
	struct link *link = handle->data;

	(void)suggested;
	*room = uv_buf_init(link->in, sizeof(link->in));
}

static void received(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct link *link = stream->data;

	if (link->state != LINK_OPEN)
		return;
	if (n > 0)
		link->events->bytes(link->user, bytes->base, (size_t)n);
	else if (n == UV_EOF)
		fail(link, "");
	else if (n < 0)
		fail(link, uv_strerror((int)n));
}

void link_pause(struct link *link, bool paused)
{
	if (link->state != LINK_OPEN || link->paused == paused)
		return;
	link->paused = paused;
	if (paused)
		uv_read_stop(&link->stream);
	else
		uv_read_start(&link->stream, give_room, received);
}

/* Writing */

static void written(uv_write_t *request, int error)
{
	struct link *link = request->data;

	link->writing = false;
	if (link->state != LINK_OPEN)
		return;
	buf_clear(&link->leaving, KEPT);
	if (error)
		fail(link, uv_strerror(error));
	else if (buf_len(&link->out))
		link_flush(link);
	else
		link->events->sent(link->user);
}

void link_flush(struct link *link)
{
	struct buf empty = link->leaving;
	uv_buf_t bytes;
	int error;

	if (link->state != LINK_OPEN || link->writing || !buf_len(&link->out))
		return;
	link->leaving = link->out;
	link->out = empty;
	bytes = uv_buf_init(buf_bytes(&link->leaving),
			    (unsigned)buf_len(&link->leaving));
	link->write.data = link;
	link->writing = true;
	error = uv_write(&link->write, &link->stream, &bytes, 1, written);
	if (!error)
		return;
	link->writing = false;
	fail(link, uv_strerror(error));
}

size_t link_pending(const struct link *link)
{
	return buf_len(&link->out) + buf_len(&link->leaving);
}

/* Connecting */

static void opened(struct link *link)
{
	uv_timer_stop(&link->timer);
	if (link->port) {
		uv_tcp_nodelay(&link->tcp, 1);
		uv_tcp_keepalive(&link->tcp, 1, KEEPALIVE_S);
	}
	link->state = LINK_OPEN;
	link->paused = true; /* for link_pause() to begin */
	link_pause(link, false);
	link->events->open(link->user);
}

/* The next address, if there is one; stream_closed() sees to that. */
static void try_next(struct link *link, const char *trouble)
{
	set_trouble(link, trouble);
	if (link->has_stream && link->at)
		close_stream(link);
	else
		link_close(link);
}

static void connected(uv_connect_t *request, int error)
{
	struct link *link = request->data;

	if (link->state != LINK_CONNECTING || uv_is_closing(&link->handle))
		return;
	if (error)
		try_next(link, uv_strerror(error));
	else
		opened(link);
}

static void too_late(uv_timer_t *timer)
{
	struct link *link = timer->data;
	char trouble[LINK_TROUBLE_MAX];
	char time[NUM_TEXT_MAX];

	snprintf(trouble, sizeof(trouble), "no answer%s within %s",
		 link->state == LINK_RESOLVING ? " from the name server" : "",
		 num_show_duration(time, link->ms));
	try_next(link, trouble);
}

static void set_deadline(struct link *link)
{
	uint64_t ms = time_left(link);

	if (link->at && link->at->ai_next && ms > SHARE_MS)
		ms = SHARE_MS;
	uv_timer_start(&link->timer, too_late, ms, 0);
}

static int open_stream(struct link *link)
{
	int error = link->port ? uv_tcp_init(link->uv, &link->tcp)
			       : uv_pipe_init(link->uv, &link->pipe, 0);

	link->has_stream = error == 0;
	link->handle.data = link;
	return error;
}

static void connect_now(struct link *link)
{
	int error = open_stream(link);

	link->state = LINK_CONNECTING;
	link->connect.data = link;
	set_deadline(link);
	if (!error && link->port)
		error = uv_tcp_connect(&link->connect, &link->tcp,
				       link->at->ai_addr, connected);
	else if (!error)
		uv_pipe_connect(&link->connect, &link->pipe, link->host,
				connected);
	if (error)
		try_next(link, uv_strerror(error));
}

static void resolved(void *user, struct addrinfo *found, const char *why)
{
	struct link *link = user;

	link->lookup = NULL;
	if (!found) {
		link_close(link);
		snprintf(link->trouble, sizeof(link->trouble),
			 "cannot resolve '%s': %s", link->host, why);
		return;
	}
	link->found = link->at = found;
	connect_now(link);
}

void link_start(struct link *link, const char *host, uint16_t port, uint64_t ms)
{
	const char *why;

	link->host = host;
	link->port = port;
	link->ms = ms;
	link->deadline = uv_now(link->uv) + ms;
	set_trouble(link, "");
	if (!port) {
		connect_now(link);
		return;
	}
	link->state = LINK_RESOLVING;
	set_deadline(link);
	link->lookup =
		resolve_start(link->uv, host, port, resolved, link, &why);
	if (!link->lookup)
		resolved(link, NULL, why);
}

void link_release(struct link *link, uv_close_cb closed, void *data)
{
	buf_release(&link->out);
	buf_release(&link->leaving);
	link->timer.data = data;
	uv_close((uv_handle_t *)&link->timer, closed);
}

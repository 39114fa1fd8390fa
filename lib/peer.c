/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

/*
 * What a turn of the loop reads on, from all peers together. It is less than
 * a socket takes, so that a subscriber who reads can follow.
 */
#define READ_ON_MAX ((size_t)64 * 1024)

/* Bytes of a frame header that a client sends at least: 2, and 4 of mask. */
#define HEADER_MIN 6

/* A peer that does not answer our close frame is dropped after so long. */
#define CLOSE_SECONDS 5

/*
 * lws itself ends the connection, because of what the peer sent: its close
 * frame is on its way or out, and nothing may follow that (RFC 6455 section
 * 5.5.1).
 */
static bool closed_by_lws(const struct peer *p)
{
	return lws_get_close_length(p->wsi) > 0;
}

static long peer_send(void *conn, const struct iovec *pieces, int count)
{
	struct peer *p = conn;
	struct msghdr message = {
		.msg_iov = (struct iovec *)(uintptr_t)pieces,
		.msg_iovlen = (size_t)count,
	};
	ssize_t n;

	if (closed_by_lws(p))
		return -1;
	if (lws_partial_buffered(p->wsi))
		return 0;
	do
		n = sendmsg(lws_get_socket_fd(p->wsi), &message,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	return n;
}

/* lws copies what it cannot send; it does not write to these bytes. */
static int peer_keep(void *conn, const char *bytes, size_t len)
{
	struct peer *p = conn;
	int n = lws_write(p->wsi, (unsigned char *)(uintptr_t)bytes, len,
			  LWS_WRITE_HTTP);

	return n < 0 ? -1 : 0;
}

static void peer_want_write(void *conn)
{
	struct peer *p = conn;

	lws_callback_on_writable(p->wsi);
}

static void peer_closing(void *conn)
{
	struct peer *p = conn;

	if (p->session.outlet.close_code)
		diag(p->peers->diag, DIAG_NOTE,
		     "connection %" PRIu64 " is closed with %u: %s",
		     p->session.number, p->session.outlet.close_code,
		     p->session.outlet.close_reason);
	if (closed_by_lws(p))
		return; /* it keeps the time too */
	lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
			p->session.outlet.dead ? LWS_TO_KILL_ASYNC
					       : CLOSE_SECONDS);
	/* lws looks at its timers only after an event of its own. */
	lws_cancel_service(lws_get_context(p->wsi));
}

static void peer_pause(void *conn, bool paused)
{
	struct peer *p = conn;

	lws_rx_flow_control(p->wsi, !paused);
}

static const struct outlet_ops ops = {
	.send = peer_send,
	.keep = peer_keep,
	.want_write = peer_want_write,
	.closing = peer_closing,
	.pause = peer_pause,
};

void peers_init(struct peers *all, struct hub *hub, const struct diag *d)
{
	all->hub = hub;
	all->diag = d;
	all->count = 0;
	all->number = 0;
	all->received = 0;
	list_init(&all->all);
	list_init(&all->busy);
}

struct peer *peer_new(struct peers *all, struct lws *wsi,
		      enum session_dialect dialect)
{
	struct peer *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->peers = all;
	p->wsi = wsi;
	p->received = 0;
	p->said_close = false;
	list_init(&p->list);
	list_init(&p->busy);
	list_append(&all->all, &p->list);
	all->count++;
	session_init(&p->session, all->hub, dialect, ++all->number, &ops, p);
	return p;
}

void peer_free(struct peer *p)
{
	session_release(&p->session);
	list_remove(&p->list);
	list_remove(&p->busy);
	p->peers->count--;
	free(p);
}

void peer_receive(struct peer *p, const char *bytes, size_t len)
{
	struct intake_piece piece = {
		.bytes = bytes,
		.len = len,
		.announced = lws_remaining_packet_payload(p->wsi),
		.first = lws_is_first_fragment(p->wsi),
		.final = lws_is_final_fragment(p->wsi),
		.binary = lws_frame_is_binary(p->wsi),
	};

	/* lws 4.1 hands over what comes behind a close frame, too. */
	if (p->said_close)
		return;
	session_receive(&p->session, &piece);
	p->received += len + HEADER_MIN;
	p->peers->received += len + HEADER_MIN;
	if (p->received >= PEER_RX_SMALL && list_empty(&p->busy))
		list_append(&p->peers->busy, &p->busy);
}

/* As if the loop had found it readable; this may free the peer. */
static void read_once(struct peer *p)
{
	struct lws_pollfd event = {
		.fd = lws_get_socket_fd(p->wsi),
		.events = LWS_POLLIN,
		.revents = LWS_POLLIN,
	};

	p->received = 0;
	lws_service_fd(lws_get_context(p->wsi), &event);
}

void peers_read_on(struct peers *all)
{
	struct peer *p;

	while (all->received < READ_ON_MAX && !list_empty(&all->busy)) {
		p = list_entry(all->busy.next, struct peer, busy);
		list_remove(&p->busy);
		read_once(p);
	}
	all->received = 0;
}

int peer_closed_by_peer(struct peer *p, const char *payload, size_t len)
{
	struct outlet *o = &p->session.outlet;

	p->said_close = true;
	if (len == 1)
		outlet_close(o, PROTO_CLOSE_PROTOCOL, "half a close code");
	else if (len > 2 && !utf8_valid(payload + 2, len - 2))
		outlet_close(o, PROTO_CLOSE_BAD_TEXT,
			     "close reason is not UTF-8");
	if (!o->dead)
		outlet_flush(o);
	return o->closing ? -1 : 0;
}

void peer_writable(struct peer *p)
{
	if (lws_partial_buffered(p->wsi))
		lws_callback_on_writable(p->wsi);
	else
		outlet_writable(&p->session.outlet);
}

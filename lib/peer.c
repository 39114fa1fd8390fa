/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Above this a turn of the loop reads no further, from all peers together: it
 * is less than a socket takes, so that a subscriber who reads can follow. One
 * read of a bulk publisher is not above it, so what it goes on to send comes
 * into the same batch.
 */
#define READ_ON_MAX ((size_t)LOOP_READ_MAX)

#define MASK 4 /* bytes, of all frames of a client */

/* A peer that does not answer our close frame is dropped after so long. */
#define CLOSE_MS 5000

/*
 * lws itself ends the connection, because of what the peer sent: its close
 * frame is on its way or out, and nothing may follow that (RFC 6455 section
 * 5.5.1).
 */
static bool closed_by_lws(const struct peer *p)
{
	return lws_get_close_length(p->wsi) > 0;
}

static int64_t now_of(const struct peer *p)
{
	return p->peers->callers->wheel.now_ms;
}

static struct log_subject subject_of(const struct peer *p,
				     char address[NETADDR_TEXT_MAX])
{
	return (struct log_subject){
		.connection = p->session.number,
		.address = netaddr_show_host(&p->caller->address, address),
	};
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
	p->peers->hub->counters.bytes_out += (uint64_t)n;
	return n;
}

/* lws copies what it cannot send; it does not write to these bytes. */
static int peer_keep(void *conn, const char *bytes, size_t len)
{
	struct peer *p = conn;
	int n;

	p->peers->hub->counters.bytes_out += len;
	n = lws_write(p->wsi, (unsigned char *)(uintptr_t)bytes, len,
		      LWS_WRITE_HTTP);

	return n < 0 ? -1 : 0;
}

static void peer_want_write(void *conn)
{
	struct peer *p = conn;

	lws_callback_on_writable(p->wsi);
}

/* Of a peer over TLS. */
static long tunnel_peer_send(void *conn, const struct iovec *pieces, int count)
{
	struct peer *p = conn;
	long n;

	if (closed_by_lws(p))
		return -1;
	if (lws_partial_buffered(p->wsi))
		return 0;
	n = tunnel_send(p->caller->tunnel, pieces, count);
	if (n > 0)
		p->peers->hub->counters.bytes_out += (uint64_t)n;
	return n;
}

static int tunnel_peer_keep(void *conn, const char *bytes, size_t len)
{
	struct peer *p = conn;

	p->peers->hub->counters.bytes_out += len;
	return tunnel_keep(p->caller->tunnel, bytes, len);
}

static void tunnel_peer_want_write(void *conn)
{
	struct peer *p = conn;

	tunnel_want(p->caller->tunnel);
}

void peers_log_closing(const struct peers *peers, const struct outlet *o,
		       const struct log_subject *subject)
{
	enum log_event event = o->close_code == PROTO_CLOSE_TOO_SLOW
				       ? LOG_SLOW_SUBSCRIBER
				       : LOG_CONNECTION_CLOSED;

	if (o->close_code)
		log_event(peers->log, event, subject,
			  "connection %" PRIu64 " is closed with %u: %s",
			  subject->connection, o->close_code, o->close_reason);
}

static void peer_closing(void *conn)
{
	char address[NETADDR_TEXT_MAX];
	struct peer *p = conn;
	struct log_subject subject = subject_of(p, address);

	peers_log_closing(p->peers, &p->session.outlet, &subject);
	p->end_ms = now_of(p) + CLOSE_MS;
	caller_due_in(p->caller, CLOSE_MS);
	if (!p->session.outlet.dead)
		return;
	/* lws's close frame may still leave, unless half a frame is before. */
	if (closed_by_lws(p) && !p->session.outlet.kept)
		return;
	caller_cut(p->caller);
	lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
			LWS_TO_KILL_ASYNC);
	/* lws looks at its timers only after an event of its own. */
	lws_cancel_service(lws_get_context(p->wsi));
}

static void heard(struct peer *p)
{
	p->heard_ms = now_of(p);
	p->pinged = false;
}

/* Time in which it was not read from is not its own. */
static void peer_pause(void *conn, bool paused)
{
	struct peer *p = conn;

	lws_rx_flow_control(p->wsi, !paused);
	if (paused)
		return;
	heard(p);
	if (p->message_ms)
		p->message_ms =
			now_of(p) + (int64_t)p->peers->callers->times.message;
}

static void peer_wake(void *conn, int64_t ms)
{
	struct peer *p = conn;
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = subject_of(p, address);

	log_event(p->peers->log, LOG_THROTTLED, &subject,
		  "connection %" PRIu64 " has used up its rate and waits "
		  "%" PRId64 " ms",
		  p->session.number, ms);
	p->wake_ms = now_of(p) + ms;
	caller_due_in(p->caller, ms);
}

/* Its grant, and so its times, may be another one then. */
static enum grant_verdict peer_check(void *conn, const char *token, size_t len,
				     struct grant **grant)
{
	struct peer *p = conn;
	struct guard_subject who = {
		.from = &p->caller->address,
		.connection = p->session.number,
		.mono_ms = p->peers->hub->now.mono_ms,
		.wall_ms = p->peers->hub->now.wall_ms,
	};
	enum grant_verdict verdict;

	caller_due_in(p->caller, 0);
	verdict = guard_check(p->peers->guard, &who, token, len, grant);
	if (verdict == GRANT_GIVEN)
		caller_established(p->caller);
	return verdict;
}

/* What is the same with TLS and without. */
#define OPS                                                                    \
	.check = peer_check, .wake = peer_wake, .closing = peer_closing,       \
	.pause = peer_pause

static const struct outlet_ops ops = {
	OPS,
	.send = peer_send,
	.keep = peer_keep,
	.want_write = peer_want_write,
};

static const struct outlet_ops tunnel_ops = {
	OPS,
	.send = tunnel_peer_send,
	.keep = tunnel_peer_keep,
	.want_write = tunnel_peer_want_write,
};

/* Its token ends, or none came in time. */
static void watch_token(struct peer *p)
{
	int64_t next = session_watch(&p->session);

	if (next >= 0)
		caller_due_in(p->caller, next);
	if (!session_unknown(&p->session))
		p->auth_s = 0;
	if (!p->auth_s || now_of(p) < (int64_t)p->auth_s * 1000)
		return;
	p->auth_s = 0;
	session_auth_late(&p->session);
}

void peers_init(struct peers *all, struct callers *callers, struct hub *hub,
		struct log *log, struct guard *guard)
{
	all->callers = callers;
	all->hub = hub;
	all->log = log;
	all->guard = guard;
	memset(all->counts, 0, sizeof(all->counts));
	all->number = 0;
	all->received = 0;
	all->turn = 0;
	roster_init(&all->all);
	list_init(&all->busy);
	callers->peer_due = peer_due;
	callers->peer_arrived = peer_arrived;
	callers->peer_writable = peer_writable;
}

void peers_release(struct peers *all)
{
	roster_release(&all->all);
}

/*
 * Those who came together are not sent their PINGs together: the first one is
 * early by up to a quarter.
 */
static int64_t first_ping(const struct peer *p)
{
	uint64_t ping = p->peers->callers->times.ping;

	return (int64_t)(ping - p->session.number * 61 % (ping / 4 + 1));
}

/* What it may do, and how long it may do nothing. */
static void let_in(struct peer *p, struct grant *grant)
{
	int64_t limit = (int64_t)p->peers->callers->times.auth;

	p->auth_s = 0;
	if (grant)
		session_admit(&p->session, grant);
	if (grant)
		caller_due_in(p->caller, 0);
	if (!session_unknown(&p->session)) {
		caller_established(p->caller);
		return;
	}
	/* Half open until then: nobody fills the server without a token. */
	p->auth_s = (uint32_t)((now_of(p) + limit + 999) / 1000);
	caller_due_in(p->caller, limit);
}

struct peer *peer_new(struct peers *all, struct caller *caller,
		      enum session_dialect dialect, struct grant *grant)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p || roster_add(&all->all, all->number + 1, p) < 0) {
		grant_free(grant);
		free(p);
		return NULL;
	}
	p->peers = all;
	p->caller = caller;
	p->wsi = caller->wsi;
	p->since_ms = all->hub->now.mono_ms;
	p->heard_ms = now_of(p);
	caller->peer = p;
	all->hub->counters.established++;
	list_init(&p->busy);
	all->counts[dialect]++;
	session_init(&p->session, all->hub, dialect, ++all->number,
		     caller->tunnel ? &tunnel_ops : &ops, p);
	wheel_set(&all->callers->wheel, &caller->timer, first_ping(p));
	let_in(p, grant);
	return p;
}

void peer_free(struct peer *p)
{
	session_release(&p->session);
	p->caller->peer = NULL;
	roster_remove(&p->peers->all, p->session.number);
	list_remove(&p->busy);
	p->peers->counts[p->session.dialect]--;
	free(p);
}

void peer_pong(struct peer *p)
{
	heard(p);
}

/* A message that has begun has to end in time. */
static void watch_message(struct peer *p, const struct intake_piece *piece)
{
	int64_t limit = (int64_t)p->peers->callers->times.message;

	if (piece->final) {
		p->message_ms = 0;
	} else if (!p->message_ms) {
		p->message_ms = now_of(p) + limit;
		caller_due_in(p->caller, limit);
	}
}

/* Its message did not end in time, unless it is we who don't read. */
static void message_due(struct peer *p)
{
	int64_t limit = (int64_t)p->peers->callers->times.message;

	p->message_ms = 0;
	if (p->session.intake.stopped) {
		p->message_ms = now_of(p) + limit;
		return;
	}
	p->peers->hub->counters.refused[REFUSED_MESSAGE_TIME]++;
	outlet_close(&p->session.outlet, PROTO_CLOSE_TOO_SLOW,
		     "a message did not end in time");
}

static enum uptake_news look(struct peer *p)
{
	enum uptake_news news =
		uptake_look(&p->uptake, caller_socket(p->caller));

	/* What was written into that room hides it from the look. */
	if (p->relieved)
		news = UPTAKE_SOME;
	p->relieved = false;
	return news;
}

/* Whether it lives, although nothing has come from it. */
static bool lives(struct peer *p)
{
	switch (look(p)) {
	case UPTAKE_SOME:
		return true; /* an answer to our PING would wait behind that */
	case UPTAKE_ALL:
		return p->session.intake.stopped;
	case UPTAKE_NONE:
		break;
	}
	return false;
}

static void send_ping(struct peer *p)
{
	look(p); /* what it takes from now on counts */
	p->pinged = true;
	p->peers->hub->counters.pings++;
	outlet_ping(&p->session.outlet);
}

/*
 * Sends a PING when nothing has come for a while, as proxies cut what is quiet.
 * False when it did not answer that one in time, nor lives otherwise.
 */
static bool watch_silence(struct peer *p)
{
	const struct caller_times *times = &p->peers->callers->times;
	uint64_t silence = (uint64_t)(now_of(p) - p->heard_ms);

	if (p->pinged && !lives(p))
		return silence < times->dead;
	if (p->pinged)
		heard(p);
	else if (silence >= times->ping)
		send_ping(p);
	return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return b && b < a ? b : a;
}

/* When to look at it next. */
static int64_t next_due(const struct peer *p)
{
	const struct caller_times *times = &p->peers->callers->times;
	int64_t next = p->pinged ? p->heard_ms + (int64_t)times->dead
				 : p->heard_ms + (int64_t)times->ping;

	/* After an answer the next PING is due before that. */
	next = earlier(next, now_of(p) + (int64_t)times->ping);
	next = earlier(earlier(next, p->message_ms), p->end_ms);
	next = earlier(next, (int64_t)p->auth_s * 1000);
	return earlier(next, p->wake_ms);
}

static void drop_dead(struct peer *p)
{
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = subject_of(p, address);

	p->peers->hub->counters.refused[REFUSED_DEAD]++;
	log_event(p->peers->log, LOG_DEAD_PEER, &subject,
		  "connection %" PRIu64 " is dead: it did not answer a ping, "
		  "and takes nothing",
		  p->session.number);
	caller_kill(p->caller);
}

void peer_due(struct peer *p)
{
	int64_t now = now_of(p);

	if (p->end_ms && now >= p->end_ms) {
		caller_kill(p->caller);
		return;
	}
	if (p->message_ms && now >= p->message_ms)
		message_due(p);
	if (p->wake_ms && now >= p->wake_ms) {
		p->wake_ms = 0;
		session_wake(&p->session);
	}
	if (!p->session.outlet.closing && !watch_silence(p)) {
		drop_dead(p);
		return;
	}
	if (p->peers->hub->guarded)
		watch_token(p);
	caller_due_in(p->caller, next_due(p) - now);
}

/* What lws read: as much as it reads at once, and there may be more. */
static void count_read(struct peer *p, const struct intake_piece *piece)
{
	size_t read = piece->len;

	if (piece->first)
		read += MASK + wsframe_header_size(read + piece->announced);
	if (p->turn != p->peers->turn)
		p->received = 0;
	p->turn = p->peers->turn;
	p->received += (uint32_t)read;
	p->peers->received += read;
	if (p->received >= lws_get_protocol(p->wsi)->rx_buffer_size)
		peer_arrived(p);
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

	heard(p);
	/* An lws that was built without extensions lets the first one pass. */
	if (lws_get_reserved_bits(p->wsi)) {
		outlet_close(&p->session.outlet, PROTO_CLOSE_PROTOCOL,
			     "a reserved bit is set");
		return;
	}
	/* lws 4.1 hands over what comes behind a close frame, too. */
	if (p->said_close)
		return;
	watch_message(p, &piece);
	session_receive(&p->session, &piece);
	p->peers->hub->counters.bytes_in += len;
	count_read(p, &piece);
}

void peer_arrived(struct peer *p)
{
	if (list_empty(&p->busy))
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

	while (all->received <= READ_ON_MAX && !list_empty(&all->busy)) {
		p = list_entry(all->busy.next, struct peer, busy);
		list_remove(&p->busy);
		if (!p->session.intake.stopped)
			read_once(p);
	}
	all->received = 0;
	all->turn++;
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
	p->relieved = true;
	if (lws_partial_buffered(p->wsi)) {
		lws_callback_on_writable(p->wsi);
		return;
	}
	outlet_writable(&p->session.outlet);
}

void peers_watch(struct peers *all)
{
	struct peer *p = all->hub->guarded ? peers_above(all, 0) : NULL;

	for (; p; p = peers_above(all, p->session.number))
		watch_token(p);
}

static bool still_listed(const void *tokens, const struct grant *g)
{
	return tokens_still_listed(tokens, g);
}

void peers_revise(struct peers *all)
{
	struct peer *p = peers_above(all, 0);

	for (; p; p = peers_above(all, p->session.number))
		session_revise(&p->session, still_listed, all->guard->tokens);
}

/* SPDX-License-Identifier: MIT */
#include "server.h"

#include "clock.h"
#include "fanout.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Received at once: little for the many who listen, much for publishers. */
#define RX_SMALL PEER_RX_SMALL
#define RX_BULK LOOP_READ_MAX

/* One raw write of lws at most; the rest of a frame is the largest. */
#define TX_MAX (1 << 20)

/* A peer has so long to send its request, a handshake included. */
#define REQUEST_SECONDS 5

/* A flush of so many updates is a batch; of fewer, latency matters. */
#define BUSY_UPDATES 16

#define SWEEP_MS 1000
#define SWEEP_MIN 1000 /* tenants that a sweep looks at, at least */
#define DRAIN_TICK_MS 50
#define DRAIN_SHARE_MIN 100
#define COME_BACK_MS 10 /* of each peer, when they come back */

static struct server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/* Tells the hub the time, once for all that a turn of the loop reads. */
static void tell_time(struct server *s)
{
	uint64_t now = uv_now(&s->loop.uv);

	if (now == s->turn_ms)
		return;
	s->turn_ms = now;
	hub_set_time(&s->hub, (int64_t)now, clock_wall_ms());
}

/* HTTP, and connections of every kind. */
static int on_http(struct lws *wsi, enum lws_callback_reasons reason,
		   const char *in)
{
	struct server *s = server_of(wsi);

	switch (reason) {
	case LWS_CALLBACK_WSI_CREATE:
		s->connections++;
		break;
	case LWS_CALLBACK_WSI_DESTROY:
		s->connections--;
		break;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return gate_upgrade(&s->gate, wsi);
	case LWS_CALLBACK_HTTP:
		return gate_request(&s->gate, wsi, in);
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_CONNECTED:
	case LWS_CALLBACK_RAW_RX:
		return -1;
	default:
		break;
	}
	return 0;
}

static int establish(struct server *s, struct lws *wsi, struct peer **slot,
		     enum session_dialect dialect)
{
	tell_time(s);
	*slot = peer_new(&s->peers, wsi, dialect);
	return *slot ? 0 : -1;
}

/* What a WebSocket does. `slot` is what lws keeps for it. */
static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason,
			struct peer **slot, const char *in, size_t len)
{
	struct peer *p = *slot;

	switch (reason) {
	case LWS_CALLBACK_RECEIVE:
		tell_time(server_of(wsi));
		peer_receive(p, in, len);
		return p->session.outlet.dead ? -1 : 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		peer_writable(p);
		return p->session.outlet.dead ? -1 : 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return peer_closed_by_peer(p, in, len);
	case LWS_CALLBACK_CLOSED:
		peer_free(p);
		*slot = NULL;
		break;
	default:
		break;
	}
	return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
		    void *user, void *in, size_t len,
		    enum session_dialect dialect)
{
	struct peer **slot = user;

	if (reason == LWS_CALLBACK_ESTABLISHED)
		return establish(server_of(wsi), wsi, slot, dialect);
	if (slot && *slot)
		return on_websocket(wsi, reason, slot, in, len);
	return on_http(wsi, reason, in);
}

static int on_plain(struct lws *wsi, enum lws_callback_reasons reason,
		    void *user, void *in, size_t len)
{
	return callback(wsi, reason, user, in, len, SESSION_PLAIN);
}

static int on_v1(struct lws *wsi, enum lws_callback_reasons reason, void *user,
		 void *in, size_t len)
{
	return callback(wsi, reason, user, in, len, SESSION_V1);
}

/*
 * The first takes HTTP, and WebSockets that ask for no subprotocol; its name
 * is none that a client could ask for.
 */
static const struct lws_protocols protocols[] = {
	{.name = "plain dialect",
	 .callback = on_plain,
	 .per_session_data_size = sizeof(struct peer *),
	 .rx_buffer_size = RX_SMALL,
	 .tx_packet_size = TX_MAX},
	{.name = PROTO_V1,
	 .callback = on_v1,
	 .per_session_data_size = sizeof(struct peer *),
	 .rx_buffer_size = RX_SMALL,
	 .tx_packet_size = TX_MAX},
	{.name = PROTO_V1_BULK,
	 .callback = on_v1,
	 .per_session_data_size = sizeof(struct peer *),
	 .rx_buffer_size = RX_BULK,
	 .tx_packet_size = TX_MAX},
	{0},
};

static void on_accepted(void *user, int fd)
{
	struct server *s = user;
	struct lws_vhost *vhost = lws_get_vhost_by_name(s->loop.lws, "default");
	struct lws *wsi;

	if (s->connections >= s->connections_max) {
		diag(s->diag, DIAG_WARN,
		     "refused a connection: %zu are as many as the limit of "
		     "descriptors (ulimit -n) allows",
		     s->connections);
		close(fd);
		return;
	}
	wsi = lws_adopt_socket_vhost(vhost, fd);
	if (wsi)
		lws_set_timeout(wsi, PENDING_TIMEOUT_HOLDING_AH,
				REQUEST_SECONDS);
}

static void gather(void *user)
{
	struct server *s = user;

	peers_read_on(&s->peers);
}

static bool flush_due(void *user)
{
	struct server *s = user;

	return fanout_due(&s->hub);
}

static bool flush(void *user)
{
	struct server *s = user;
	uint64_t published = s->hub.counters.published;
	bool busy = published - s->flushed >= BUSY_UPDATES;

	s->flushed = published;
	fanout_run(&s->hub);
	return busy;
}

static void on_sweep(uv_timer_t *timer)
{
	struct server *s = timer->data;

	tell_time(s);
	gate_tell(&s->gate);
	hub_sweep(&s->hub, SWEEP_MIN + s->hub.tenants.count / 10);
}

/*
 * When a peer is told to come back: at once where there are few, spread over
 * the time of a drain where there are many.
 */
static uint64_t come_back_ms(const struct server *s, const struct peer *p)
{
	uint64_t spread = (s->drain_peers + 1) * COME_BACK_MS;
	uint64_t hash = hash_bytes(&s->hub.hash_key, &p->session.number,
				   sizeof(p->session.number));

	if (spread > s->config->drain_ms)
		spread = s->config->drain_ms;
	return hash % spread;
}

/* Sends a share of the peers home; the rest have their turn later. */
static void drain_some(struct server *s)
{
	size_t left = s->drain_share;
	struct peer *p;

	list_for_each (node, &s->peers.all) {
		p = list_entry(node, struct peer, list);
		if (p->session.draining)
			continue;
		session_drain(&p->session, come_back_ms(s, p));
		if (--left == 0)
			break;
	}
}

static void on_drain_tick(uv_timer_t *timer)
{
	struct server *s = timer->data;

	if (s->peers.count == 0) {
		loop_stop(&s->loop);
		return;
	}
	if (clock_mono_ms() >= s->drain_end) {
		diag(s->diag, DIAG_WARN,
		     "%zu connections did not take their leave in time",
		     s->peers.count);
		loop_stop(&s->loop);
		return;
	}
	drain_some(s);
}

static void begin_drain(struct server *s)
{
	uint64_t ticks = s->config->drain_ms / DRAIN_TICK_MS / 2 + 1;

	diag(s->diag, DIAG_NOTE, "shutting down: %zu connections to close",
	     s->peers.count);
	s->hub.draining = true;
	s->drain_end = clock_mono_ms() + (int64_t)s->config->drain_ms;
	s->drain_peers = s->peers.count;
	s->drain_share = s->peers.count / ticks;
	if (s->drain_share < DRAIN_SHARE_MIN)
		s->drain_share = DRAIN_SHARE_MIN;
	listeners_close(&s->listeners);
	uv_timer_start(&s->drain, on_drain_tick, 0, DRAIN_TICK_MS);
}

static void on_signal(void *user, int signum)
{
	struct server *s = user;

	if (signum == SIGHUP) {
		diag(s->diag, DIAG_NOTE, "nothing to reload");
	} else if (!s->drain_end) {
		begin_drain(s);
	} else {
		s->last_signal = signum;
		loop_stop(&s->loop);
	}
}

static int start_listening(struct server *s)
{
	const struct server_config *config = s->config;

	listeners_init(&s->listeners, &s->loop.uv, s->diag, on_accepted, s);
	s->listeners.any_address = config->any_address;
	s->listeners.sndbuf = config->sndbuf;
	if (!config->listen_count && listeners_add_default(&s->listeners) < 0)
		return -1;
	for (size_t i = 0; i < config->listen_count; i++)
		if (listeners_add(&s->listeners, config->listen[i]) < 0)
			return -1;
	listeners_tell(&s->listeners);
	if (config->ready_fd < 0)
		return 0;
	if (listeners_report(&s->listeners, config->ready_fd) < 0) {
		diag(s->diag, DIAG_ERROR, "cannot write to --ready-fd %d: %s",
		     config->ready_fd, strerror(errno));
		return -1;
	}
	if (config->ready_fd > STDERR_FILENO)
		close(config->ready_fd);
	return 0;
}

static const struct pacer_ops pacing = {gather, flush_due, flush};

static void start_timers(struct server *s)
{
	uv_timer_init(&s->loop.uv, &s->sweep);
	uv_timer_init(&s->loop.uv, &s->drain);
	s->sweep.data = s;
	s->drain.data = s;
	uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	pacer_init(&s->pacer, &s->loop.uv, &pacing, s);
}

static int server_init(struct server *s, const struct server_config *config,
		       const struct diag *d)
{
	struct rlimit limit;

	memset(s, 0, sizeof(*s));
	s->config = config;
	s->diag = d;
	s->gate.access = config->access;
	s->gate.diag = d;
	if (hub_init(&s->hub, &config->hub) < 0) {
		diag(d, DIAG_ERROR, "cannot start: %s", strerror(errno));
		return -1;
	}
	peers_init(&s->peers, &s->hub, d);
	if (loop_init(&s->loop, d, protocols, 0, s) < 0) {
		hub_release(&s->hub);
		return -1;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	s->connections_max = limit.rlim_cur > SERVER_DESCRIPTORS
				     ? limit.rlim_cur - SERVER_DESCRIPTORS
				     : 1;
	tell_time(s);
	start_timers(s);
	return 0;
}

static void server_release(struct server *s)
{
	listeners_close(&s->listeners);
	pacer_close(&s->pacer);
	uv_close((uv_handle_t *)&s->sweep, NULL);
	uv_close((uv_handle_t *)&s->drain, NULL);
	loop_release(&s->loop);
	hub_release(&s->hub);
}

enum exits server_run(const struct server_config *config, const struct diag *d)
{
	enum exits status = EXIT_DONE;
	struct server s;
	int signum;

	if (server_init(&s, config, d) < 0)
		return EXIT_OTHER;
	/* Whoever is told that it listens may send SIGTERM the next moment. */
	if (loop_catch_signals(&s.loop, on_signal, &s) < 0)
		status = EXIT_OTHER;
	else if (start_listening(&s) < 0)
		status = EXIT_USAGE;
	else
		loop_run(&s.loop);
	signum = s.last_signal;
	server_release(&s);
	if (signum)
		exits_by_signal(signum);
	return status;
}

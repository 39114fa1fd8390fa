/* SPDX-License-Identifier: MIT */
#include "server.h"

#include "clock.h"
#include "fanout.h"
#include "lwslog.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Received at once: little for the many who listen, much for publishers. */
#define RX_SMALL PEER_RX_SMALL
#define RX_BULK LOOP_READ_MAX

/* One raw write of lws at most; the rest of a frame is the largest. */
#define TX_MAX (1 << 20)

/* A flush of so many updates is a batch; of fewer, latency matters. */
#define BUSY_UPDATES 16

#define SWEEP_MS 1000
#define SWEEP_MIN 1000 /* tenants that a sweep looks at, at least */

static struct server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static void tell_time(struct server *s)
{
	callers_tell_time(&s->callers);
}

static int establish(struct server *s, struct lws *wsi,
		     enum session_dialect dialect)
{
	struct grant *grant;
	struct caller *caller = caller_upgraded(&s->callers, wsi, &grant);

	tell_time(s);
	if (caller && peer_new(&s->peers, caller, dialect, grant))
		return 0;
	log_event(&s->log, LOG_INTERNAL, NULL,
		  "closed a connection: out of memory");
	return -1;
}

/* Of what is no WebSocket (yet), nobody has to hear but of its end. */
static int on_other(struct caller *caller, enum lws_callback_reasons reason)
{
	switch (reason) {
	case LWS_CALLBACK_WSI_DESTROY:
		if (caller)
			caller_left(caller);
		break;
	case LWS_CALLBACK_HTTP:
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_CONNECTED:
	case LWS_CALLBACK_RAW_RX:
		return -1;
	default:
		break;
	}
	return 0;
}

/* What a WebSocket does. */
static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason,
			struct peer *p, const char *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RECEIVE:
		tell_time(server_of(wsi));
		peer_receive(p, in, len);
		return p->session.outlet.dead ? -1 : 0;
	case LWS_CALLBACK_RECEIVE_PONG:
		peer_pong(p);
		break;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		peer_writable(p);
		return p->session.outlet.dead ? -1 : 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return peer_closed_by_peer(p, in, len);
	case LWS_CALLBACK_CLOSED:
		peer_free(p);
		break;
	default:
		break;
	}
	return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
		    const char *in, size_t len, enum session_dialect dialect)
{
	struct caller *caller = caller_of(wsi);

	if (reason == LWS_CALLBACK_ESTABLISHED)
		return establish(server_of(wsi), wsi, dialect);
	if (caller && caller->peer)
		return on_websocket(wsi, reason, caller->peer, in, len);
	return on_other(caller, reason);
}

static int on_plain(struct lws *wsi, enum lws_callback_reasons reason,
		    void *user, void *in, size_t len)
{
	(void)user;
	return callback(wsi, reason, in, len, SESSION_PLAIN);
}

static int on_v1(struct lws *wsi, enum lws_callback_reasons reason, void *user,
		 void *in, size_t len)
{
	(void)user;
	return callback(wsi, reason, in, len, SESSION_V1);
}

/*
 * The first takes WebSockets that ask for no subprotocol; its name is none that
 * a client could ask for.
 */
static const struct lws_protocols protocols[] = {
	{.name = "plain dialect",
	 .callback = on_plain,
	 .rx_buffer_size = RX_SMALL,
	 .tx_packet_size = TX_MAX},
	{.name = PROTO_V1,
	 .callback = on_v1,
	 .rx_buffer_size = RX_SMALL,
	 .tx_packet_size = TX_MAX},
	{.name = PROTO_V1_BULK,
	 .callback = on_v1,
	 .rx_buffer_size = RX_BULK,
	 .tx_packet_size = TX_MAX},
	{0},
};

static void on_accepted(void *user, int fd, const struct netaddr *from)
{
	struct server *s = user;
	struct caller *caller;

	tell_time(s);
	caller = caller_accept(&s->callers, fd, from);
	if (caller)
		http_accept(&s->http, caller, fd);
}

static void gather(void *user)
{
	struct server *s = user;

	peers_read_on(&s->peers);
	followers_reap(&s->followers);
	exchanges_reap(&s->http.exchanges);
	callers_reap(&s->callers);
	exchanges_shake(&s->http.exchanges);
	if (http_busy(&s->http)) {
		tell_time(s);
		http_go_on(&s->http);
	}
}

static bool flush_due(void *user)
{
	struct server *s = user;

	return fanout_due(&s->hub) || http_busy(&s->http) ||
	       exchanges_busy(&s->http.exchanges);
}

static bool flush(void *user)
{
	struct server *s = user;
	uint64_t published = s->hub.counters.published;
	bool busy = published - s->flushed >= BUSY_UPDATES;

	s->flushed = published;
	/* What is not finished goes on without a gap. */
	busy = fanout_run(&s->hub) && busy;
	followers_reap(&s->followers);
	return busy;
}

/* Once a second at most: what found no room since. */
static void tell_memory(struct server *s)
{
	const struct hub *h = &s->hub;
	uint64_t refused = h->counters.refused[REFUSED_MEMORY];
	char limit[NUM_TEXT_MAX];

	if (refused == s->refused_memory)
		return;
	log_event(&s->log, LOG_MEMORY_PRESSURE, NULL,
		  "%" PRIu64 " updates or messages found no room in the %s of "
		  "--max-memory",
		  refused - s->refused_memory,
		  num_show_size(limit, h->config.max_memory));
	s->refused_memory = refused;
}

static void on_sweep(uv_timer_t *timer)
{
	struct server *s = timer->data;

	tell_time(s);
	tell_memory(s);
	lwslog_tell(&s->log);
	log_tell(&s->log);
	if (s->config->tls_cert)
		certwatch_look(&s->certwatch);
	hub_sweep(&s->hub, SWEEP_MIN + s->hub.tenants.count / 10);
}

/* Of descriptors some are for other things than connections. */
static uint64_t descriptors_for_connections(const struct server_config *config)
{
	uint64_t each = config->tls_cert ? SERVER_DESCRIPTORS_TLS : 1;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return SERVER_DESCRIPTORS_MIN / 2;
	return (limit.rlim_cur - server_descriptors_spare(limit.rlim_cur)) /
	       each;
}

/* Never more connections than descriptors allow. */
static struct admission_limits limits_of(const struct server_config *config)
{
	struct admission_limits limits = config->admission;
	uint64_t possible = descriptors_for_connections(config);

	if (!limits.connections || limits.connections > possible)
		limits.connections = possible;
	/* Those who say nothing can't take all. */
	if (limits.half_open > (limits.connections + 1) / 2)
		limits.half_open = (limits.connections + 1) / 2;
	return limits;
}

/* Callers and limits of connections too; who is in stays in. */
static void reconfigure_callers(struct server *s)
{
	struct admission_limits limits = limits_of(s->config);

	admission_set_limits(&s->callers.admission, &limits);
	s->callers.times = s->config->times;
	s->callers.proxies = s->config->proxies;
}

/* Whether there is access control is decided once, at the start. */
static void configure_guard(struct server *s)
{
	const struct server_config *config = s->config;

	s->guard.tokens = config->tokens;
	s->guard.query = config->query_token;
	s->guard.blame.max = config->auth_failures;
	s->guard.blame.local_too = config->auth_failures_local;
}

void server_reconfigure(struct server *s, const struct server_config *config)
{
	s->config = config;
	s->certwatch.certificate.chain = config->tls_cert;
	s->certwatch.certificate.key = config->tls_key;
	s->gate.access = config->access;
	configure_guard(s);
	s->http.body_max = config->body_max;
	hub_reconfigure(&s->hub, &config->hub);
	tell_time(s);
	if (s->hub.guarded) {
		peers_revise(&s->peers);
		followers_revise(&s->followers);
	}
	reconfigure_callers(s);
	s->log.diag.level = config->log_level;
	s->log.format = config->log_format;
	lwslog_use(&s->log, true);
}

static void tell_ready(struct server *s)
{
	char status[200];

	listeners_describe(&s->listeners, status, sizeof(status));
	systemd_ready(&s->systemd, status);
}

static void reload(struct server *s)
{
	if (!s->config->hangup || s->drain.end_ms)
		return;
	systemd_reloading(&s->systemd);
	s->config->hangup(s->config->user, s);
	if (s->config->tls_cert)
		certwatch_renew(&s->certwatch);
	tell_ready(s);
}

static void begin_drain(struct server *s)
{
	systemd_stopping(&s->systemd, s->config->drain_ms, "shutting down");
	listeners_close(&s->listeners);
	drain_begin(&s->drain, s->config->drain_ms);
}

static void on_signal(void *user, int signum)
{
	struct server *s = user;

	if (signum == SIGHUP) {
		reload(s);
	} else if (!s->drain.end_ms) {
		begin_drain(s);
	} else {
		s->last_signal = signum;
		loop_stop(&s->loop);
	}
}

/* On what was handed over, and on what was asked for, or the default. */
static int add_listeners(struct server *s)
{
	const struct server_config *config = s->config;

	for (int i = 0; i < s->handed; i++)
		if (listeners_adopt(&s->listeners, SYSTEMD_LISTEN_FD + i) < 0)
			return -1;
	for (size_t i = 0; i < config->listen_count; i++)
		if (listeners_add(&s->listeners, config->listen[i]) < 0)
			return -1;
	if (s->handed || config->listen_count)
		return 0;
	return listeners_add(&s->listeners, LISTENERS_DEFAULT);
}

/* For whom addresses off loopback can be: one on this machine needs none. */
static bool has_proxy_elsewhere(const struct forwarded_proxies *proxies)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (!netaddr_is_local(&proxies->blocks[i].base))
			return true;
	return false;
}

/*
 * Whether whoever is on the way can read what is said on an address off
 * loopback: there are tokens, no TLS, and no proxy is said to be in front.
 */
static bool goes_unencrypted(const struct server_config *config)
{
	return config->tokens && !config->tls_cert &&
	       !has_proxy_elsewhere(&config->proxies);
}

static int start_listening(struct server *s)
{
	const struct server_config *config = s->config;

	listeners_init(&s->listeners, &s->loop.uv, &s->log, on_accepted, s);
	s->listeners.any_address = config->any_address;
	s->listeners.sndbuf = config->sndbuf;
	s->listeners.tls = config->tls_cert != NULL;
	if (add_listeners(s) < 0)
		return -1;
	listeners_tell(&s->listeners);
	if (goes_unencrypted(config))
		listeners_warn(&s->listeners);
	if (config->ready_fd < 0)
		return 0;
	if (listeners_report(&s->listeners, config->ready_fd) < 0) {
		log_event(&s->log, LOG_FAILED, NULL,
			  "cannot write to --ready-fd %d: %s", config->ready_fd,
			  strerror(errno));
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
	s->sweep.data = s;
	uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	pacer_init(&s->pacer, &s->loop.uv, &pacing, s);
	systemd_init(&s->systemd, &s->loop.uv, &s->log.diag);
}

/* Tokens end by the wall clock. */
static void on_jump(void *user)
{
	struct server *s = user;

	peers_watch(&s->peers);
	followers_watch(&s->followers);
}

static int init_callers(struct server *s)
{
	struct admission_limits limits = limits_of(s->config);

	if (callers_init(&s->callers, &s->loop, &s->hub, &s->log, &limits,
			 &s->config->times,
			 s->config->tls_cert ? &s->certwatch.certificate
					     : NULL) < 0)
		return -1;
	s->callers.proxies = s->config->proxies;
	return 0;
}

static int cannot_start(struct server *s)
{
	log_event(&s->log, LOG_FAILED, NULL, "cannot start: %s",
		  strerror(errno));
	return -1;
}

/* What takes connections. */
static int init_adapters(struct server *s)
{
	if (init_callers(s) < 0)
		return cannot_start(s);
	peers_init(&s->peers, &s->callers, &s->hub, &s->log, &s->guard);
	followers_init(&s->followers, &s->peers);
	s->callers.jumped = on_jump;
	s->callers.user = s;
	drain_init(&s->drain, &s->followers, &s->log);
	tell_time(s);
	if (http_init(&s->http, &s->followers, &s->gate, s->config->body_max) ==
	    0)
		return 0;
	cannot_start(s);
	drain_close(&s->drain);
	callers_close(&s->callers);
	callers_release(&s->callers);
	followers_release(&s->followers);
	peers_release(&s->peers);
	return -1;
}

static int begin_tls(struct server *s)
{
	const struct server_config *config = s->config;

	if (!config->tls_cert)
		return 0;
	return certwatch_begin(&s->certwatch, config->tls_cert, config->tls_key,
			       &s->log);
}

/* What does no I/O. */
static int init_domain(struct server *s)
{
	if (guard_init(&s->guard, &s->log, &s->hub.counters) < 0)
		return cannot_start(s);
	configure_guard(s);
	if (hub_init(&s->hub, &s->config->hub) < 0) {
		guard_release(&s->guard);
		return cannot_start(s);
	}
	s->hub.guarded = s->config->tokens != NULL;
	return 0;
}

static void release_domain(struct server *s)
{
	hub_release(&s->hub);
	guard_release(&s->guard);
}

static int server_init(struct server *s, const struct server_config *config,
		       const struct diag *d)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	log_init(&s->log, d, config->log_format);
	s->gate.access = config->access;
	s->gate.guard = &s->guard;
	s->gate.counters = &s->hub.counters;
	s->gate.log = &s->log;
	s->handed = systemd_listen_fds(d); /* before others take the numbers */
	if (s->handed < 0)
		return -1;
	if (init_domain(s) < 0)
		return -1;
	/* Times are kept here, by each caller's timer. */
	if (loop_init(&s->loop, &s->log, protocols, LOOP_PATIENT | LOOP_SERVER,
		      s) < 0) {
		release_domain(s);
		return -1;
	}
	lwslog_use(&s->log, true);
	if (begin_tls(s) < 0 || init_adapters(s) < 0) {
		loop_release(&s->loop);
		certwatch_end(&s->certwatch);
		release_domain(s);
		return -1;
	}
	start_timers(s);
	return 0;
}

static void server_release(struct server *s)
{
	listeners_close(&s->listeners);
	pacer_close(&s->pacer);
	systemd_close(&s->systemd);
	uv_close((uv_handle_t *)&s->sweep, NULL);
	drain_close(&s->drain);
	http_close(&s->http);
	callers_close(&s->callers);
	loop_release(&s->loop);
	callers_release(&s->callers);
	followers_release(&s->followers);
	peers_release(&s->peers);
	certwatch_end(&s->certwatch);
	release_domain(s);
}

static void serve(struct server *s)
{
	tell_ready(s);
	loop_run(&s->loop);
}

/* The last lines, of libwebsockets' end too. */
static void end_log(struct server *s, enum exits status)
{
	if (s->last_signal)
		log_event(&s->log, LOG_STOP, NULL,
			  "ending at once, by a second signal");
	else if (status == EXIT_DONE)
		log_event(&s->log, LOG_STOP, NULL, "stopped");
	lwslog_tell(&s->log);
	log_tell_all(&s->log);
}

enum exits server_run(const struct server_config *config, const struct diag *d)
{
	enum exits status = EXIT_DONE;
	struct server s;

	/* A log that may not grow any more is no reason to end. */
	signal(SIGXFSZ, SIG_IGN);
	if (server_init(&s, config, d) < 0)
		return EXIT_OTHER;
	/* Whoever is told that it listens may send SIGTERM the next moment. */
	if (loop_catch_signals(&s.loop, on_signal, &s) < 0) {
		log_event(&s.log, LOG_FAILED, NULL, "cannot catch signals: %s",
			  strerror(errno));
		status = EXIT_OTHER;
	} else if (start_listening(&s) < 0) {
		status = EXIT_USAGE;
	} else {
		serve(&s);
	}
	server_release(&s);
	end_log(&s, status);
	if (s.last_signal)
		exits_by_signal(s.last_signal);
	return status;
}

/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include "clock.h"
#include "hash.h"
#include "loadpeer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define TICK_MS 20     /* how late a deadline may be noticed */
#define CONNECTING 128 /* handshakes in flight: below any listen backlog */
#define SCRATCH ((size_t)256 * 1024)
#define FRAMING 1024 /* bytes around an update, generously */
#define MS ((uint64_t)1000000)

struct loader {
	const struct loader_config *config; /* borrowed */
	struct loader_result *result;	    /* borrowed */
	struct loadpeer_env env;
	struct loadtarget target;
	struct loadpeer *peers; /* owned; subscribers, then publishers */
	uint32_t count;		/* of them */
	uint32_t opened;
	struct loadpub *pubs; /* owned; config->publishers of them */
	int timer;	      /* for the next update that is due */
	uint64_t armed;	      /* when it rings */
	uint64_t deadline;    /* of the whole run, ns */
	uint64_t now;	      /* of this turn, ns */
	uint64_t patience;    /* progress is waited for since then, or later */
};

static int fail(struct loader *l, enum loader_outcome outcome, const char *why)
{
	l->result->outcome = outcome;
	if (why != l->result->why)
		snprintf(l->result->why, sizeof(l->result->why), "%s", why);
	return -1;
}

static int fail_system(struct loader *l)
{
	return fail(l, LOADER_SYSTEM, strerror(errno));
}

/* Every connection is a descriptor, and the default limit is 1024. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int find_target(struct loader *l)
{
	struct loader_result *r = l->result;
	bool usage;

	if (loadtarget_find(&l->target, l->config->url, &usage, r->why,
			    sizeof(r->why)) == 0)
		return 0;
	return fail(l, usage ? LOADER_USAGE : LOADER_CONNECTION, r->why);
}

static int measure(struct loader *l, struct procstat *stat)
{
	char why[64];

	if (!l->config->pid || procstat_read(stat, l->config->pid) == 0)
		return 0;
	snprintf(why, sizeof(why), "--pid %ld: %s", (long)l->config->pid,
		 strerror(errno));
	return fail(l, LOADER_USAGE, why);
}

static int make_epoll(struct loader *l)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	struct loadconn_env *conn = &l->env.conn;

	conn->target = &l->target;
	conn->sources = l->config->sources;
	conn->scratch_size = SCRATCH + 2 * (l->config->size + FRAMING);
	conn->scratch = malloc(conn->scratch_size);
	conn->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!conn->scratch || conn->epoll < 0 || l->timer < 0)
		return -1;
	return epoll_ctl(conn->epoll, EPOLL_CTL_ADD, l->timer, &event);
}

static int make_plan(struct loader *l)
{
	const struct loader_config *c = l->config;
	struct loadpub_plan *plan = &l->env.plan;
	uint64_t random[2];

	if (hash_random(random, sizeof(random)) != 0)
		return -1;
	*plan = (struct loadpub_plan){
		.publishers = c->publishers,
		.tenants = c->tenants,
		.flows =
			c->publishers > c->tenants ? c->publishers : c->tenants,
		.run = (uint32_t)random[0],
		.random = random[1] | 1,
		.size = c->size,
		.batch = c->batch,
		.each = c->send_each,
		.rate = c->rate,
		.window = c->window,
		.settle = c->settle,
		.tally = &l->env.tally,
		.latency = &l->env.latency,
	};
	histogram_init(&l->env.latency);
	loadmark_reader_init(&l->env.reader, plan->run);
	return loadtally_init(&l->env.tally, plan->flows, c->tenants,
			      c->subscribers);
}

static int make_publisher(struct loader *l, uint32_t n)
{
	const struct loader_config *c = l->config;
	uint64_t quota = UINT64_MAX;

	if (c->count)
		quota = c->count / c->publishers +
			(n < c->count % c->publishers);
	return loadpub_init(&l->pubs[n], &l->env.plan, n, quota);
}

static int make_peers(struct loader *l)
{
	const struct loader_config *c = l->config;

	l->count = c->subscribers + c->publishers;
	l->peers = calloc((size_t)l->count + 1, sizeof(*l->peers));
	l->pubs = calloc((size_t)c->publishers + 1, sizeof(*l->pubs));
	if (!l->peers || !l->pubs)
		return -1;
	for (uint32_t i = 0; i < l->count; i++) {
		bool subscriber = i < c->subscribers;

		l->peers[i].number = subscriber ? i : i - c->subscribers;
		l->peers[i].tenant = l->peers[i].number % c->tenants;
		l->peers[i].pub =
			subscriber ? NULL : &l->pubs[i - c->subscribers];
		loadconn_init(&l->peers[i].conn,
			      subscriber ? c->subscriber_protocol
					 : c->publisher_protocol);
	}
	for (uint32_t n = 0; n < c->publishers; n++)
		if (make_publisher(l, n) != 0)
			return -1;
	return 0;
}

static int prepare(struct loader *l)
{
	raise_descriptors();
	if (find_target(l) != 0 || measure(l, &l->result->before) != 0)
		return -1;
	if (make_epoll(l) != 0 || make_plan(l) != 0 || make_peers(l) != 0)
		return fail_system(l);
	return 0;
}

static void release(struct loader *l)
{
	for (uint32_t i = 0; l->peers && i < l->count; i++)
		loadpeer_close(&l->peers[i], &l->env);
	for (uint32_t n = 0; l->pubs && n < l->config->publishers; n++)
		loadpub_release(&l->pubs[n]);
	free(l->peers);
	free(l->pubs);
	loadtally_release(&l->env.tally);
	free(l->env.conn.scratch);
	if (l->env.conn.epoll >= 0)
		close(l->env.conn.epoll);
	if (l->timer >= 0)
		close(l->timer);
}

static bool all_ready(const struct loader *l)
{
	return l->env.ready == l->count;
}

static void stop_publishing(struct loader *l)
{
	for (uint32_t n = 0; n < l->config->publishers; n++)
		loadpub_stop(&l->pubs[n]);
}

/*
 * A connection is over. Before the run that ends it, because a figure with
 * fewer subscribers than asked for would mislead; a publisher's end does too.
 */
static int lose(struct loader *l, struct loadpeer *peer)
{
	bool early = !all_ready(l);

	loadconn_release(&peer->conn);
	if (early || peer->pub)
		return fail(l, LOADER_CONNECTION, l->env.why);
	loadtally_leave(&l->env.tally, peer->number);
	if (++l->result->cut_off == l->config->subscribers)
		stop_publishing(l);
	return 0;
}

/* One turn of the loop: all events that are there. */
static int turn(struct loader *l)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->env.conn.epoll, events, EVENTS, TICK_MS);

	if (n < 0 && errno != EINTR)
		return fail_system(l);
	for (int i = 0; i < n; i++) {
		struct loadpeer *peer = events[i].data.ptr;
		uint64_t rings;

		if (!peer) {
			(void)!read(l->timer, &rings, sizeof(rings));
			l->armed = 0;
			continue;
		}
		if (loadpeer_event(peer, &l->env, events[i].events) != 0 &&
		    lose(l, peer) != 0)
			return -1;
	}
	l->now = (uint64_t)clock_mono_ns();
	if (l->now >= l->deadline)
		return fail(l, LOADER_TIMEOUT, "the time is up");
	return 0;
}

/* Descriptors or ports may have run out: say how far it came. */
static int fail_open(struct loader *l)
{
	char why[128];

	snprintf(why, sizeof(why), "cannot open connection %u of %u: %s%s",
		 (unsigned)l->opened + 1, (unsigned)l->count, strerror(errno),
		 errno == EADDRNOTAVAIL ? " (see --source-addresses)" : "");
	return fail(l, LOADER_CONNECTION, why);
}

static int open_more(struct loader *l)
{
	while (l->opened < l->count && l->opened - l->env.ready < CONNECTING) {
		struct loadpeer *peer = &l->peers[l->opened];

		if (loadconn_open(&peer->conn, &l->env.conn, l->opened, peer) !=
		    0)
			return fail_open(l);
		l->opened++;
	}
	return 0;
}

static int connect_all(struct loader *l)
{
	uint64_t start = l->now;

	while (!all_ready(l))
		if (open_more(l) != 0 || turn(l) != 0)
			return -1;
	l->result->connect_ns = l->now - start;
	return measure(l, &l->result->ready);
}

static void arm(struct loader *l)
{
	struct itimerspec at = {0};
	uint64_t due = UINT64_MAX;

	for (uint32_t n = 0; n < l->config->publishers; n++)
		if (loadpub_due(&l->pubs[n]) < due)
			due = loadpub_due(&l->pubs[n]);
	if (due == UINT64_MAX || due == l->armed)
		return;
	at.it_value.tv_sec = (time_t)(due / (1000 * MS));
	at.it_value.tv_nsec = (long)(due % (1000 * MS));
	timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
	l->armed = due;
}

static int pump_all(struct loader *l)
{
	for (uint32_t i = l->config->subscribers; i < l->count; i++)
		if (loadpeer_pump(&l->peers[i], &l->env, l->now) != 0)
			return lose(l, &l->peers[i]);
	if (l->config->rate)
		arm(l);
	return 0;
}

static bool all_made(const struct loader *l)
{
	for (uint32_t n = 0; n < l->config->publishers; n++)
		if (!loadpub_done(&l->pubs[n]))
			return false;
	return true;
}

static bool all_settled(const struct loader *l)
{
	const struct loadpub_plan *plan = &l->env.plan;

	if (plan->settle == LOADPUB_DELIVERED)
		return l->env.tally.received >= loadtally_due(&l->env.tally);
	for (uint32_t n = 0; n < plan->publishers; n++)
		if (l->pubs[n].settled < l->pubs[n].made)
			return false;
	return true;
}

/* No progress for so long that there will be none. An open loop goes on. */
static bool stalled(const struct loader *l)
{
	uint64_t since = l->env.last > l->patience ? l->env.last : l->patience;

	return l->now - since > l->config->drain_ms * MS;
}

static int publish(struct loader *l)
{
	uint64_t end = l->now + l->config->duration_ms * MS;

	l->env.plan.start = l->env.last = l->patience = l->now;
	while (!all_made(l)) {
		if (pump_all(l) != 0 || turn(l) != 0)
			return -1;
		if ((!l->config->count && l->now >= end) ||
		    (!l->config->rate && stalled(l)))
			stop_publishing(l);
	}
	if (l->config->rate)
		l->patience = l->now;
	while (!all_settled(l) && !stalled(l))
		if (pump_all(l) != 0 || turn(l) != 0)
			return -1;
	return 0;
}

/* Nothing is published: are the connections kept, and what do they cost? */
static int hold(struct loader *l)
{
	uint64_t end = l->now + l->config->duration_ms * MS;

	while (l->now < end)
		if (turn(l) != 0)
			return -1;
	return 0;
}

static uint64_t own_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static void tell(struct loader *l)
{
	struct loader_result *r = l->result;

	for (uint32_t n = 0; n < l->config->publishers; n++) {
		r->updates += l->pubs[n].made;
		r->settled += l->pubs[n].settled;
		r->rejected += l->pubs[n].rejected;
	}
	r->deliveries = l->env.tally.received;
	r->reordered = l->env.tally.reordered;
	r->duplicated = l->env.tally.duplicated;
	r->lost = l->env.plan.settle == LOADPUB_DELIVERED
			  ? loadtally_lost(&l->env.tally)
			  : r->updates - r->settled;
	r->foreign = l->env.foreign;
	r->rejected += l->env.errors;
	r->latency = l->env.latency;
	if (!r->why[0])
		memcpy(r->why, l->env.why, sizeof(r->why));
}

static int run(struct loader *l)
{
	uint64_t start;
	uint64_t own;
	int rc;

	if (connect_all(l) != 0)
		return -1;
	start = l->now;
	own = own_cpu();
	rc = l->config->publishers ? publish(l) : hold(l);
	l->result->own_ns = own_cpu() - own;
	l->result->run_ns =
		(l->config->publishers ? l->env.last : l->now) - start;
	tell(l);
	if (rc == 0)
		rc = measure(l, &l->result->after);
	return rc;
}

void loader_run(const struct loader_config *config,
		struct loader_result *result)
{
	struct loader l = {.config = config, .result = result, .timer = -1};

	memset(result, 0, sizeof(*result));
	l.env.conn.epoll = -1;
	l.now = (uint64_t)clock_mono_ns();
	l.deadline = config->timeout_ms ? l.now + config->timeout_ms * MS
					: UINT64_MAX;
	if (prepare(&l) == 0)
		run(&l);
	release(&l);
}

bool loader_clean(const struct loader_result *r)
{
	return !r->lost && !r->reordered && !r->duplicated && !r->rejected &&
	       !r->cut_off;
}

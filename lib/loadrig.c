/* SPDX-License-Identifier: MIT */
#include "loadrig.h"

#include "hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SCRATCH ((size_t)256 * 1024)
#define FRAMING 1024 /* bytes around an update, generously */

/* Every connection is a descriptor, and the default limit is 1024. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int make_epoll(struct loadrig *r)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	struct loadconn_env *conn = &r->env.conn;

	conn->target = &r->target;
	conn->sources = r->config->sources;
	conn->scratch_size = SCRATCH + 2 * (r->config->size + FRAMING);
	conn->scratch = malloc(conn->scratch_size);
	conn->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!conn->scratch || conn->epoll < 0 || r->timer < 0)
		return -1;
	return epoll_ctl(conn->epoll, EPOLL_CTL_ADD, r->timer, &event);
}

static int make_plan(struct loadrig *r)
{
	const struct loadrig_config *c = r->config;
	struct loadpub_plan *plan = &r->env.plan;
	uint64_t random[2];

	if (hash_random(random, sizeof(random)) != 0)
		return -1;
	*plan = (struct loadpub_plan){
		.publishers = c->publishers,
		.tenants = c->tenants,
		.flows =
			c->publishers > c->tenants ? c->publishers : c->tenants,
		.prefix = c->prefix,
		.prefix_len = strlen(c->prefix),
		.run = (uint32_t)random[0],
		.random = random[1] | 1,
		.size = c->size,
		.batch = c->batch,
		.each = c->send_each,
		.rate = c->rate,
		.window = c->window,
		.settle = c->settle,
		.tally = &r->env.tally,
		.latency = &r->env.latency,
	};
	histogram_init(&r->env.latency);
	loadmark_reader_init(&r->env.reader, plan->run);
	return loadtally_init(&r->env.tally, plan->flows, c->tenants,
			      c->subscribers);
}

static int make_publisher(struct loadrig *r, uint32_t n)
{
	const struct loadrig_config *c = r->config;
	uint64_t quota = UINT64_MAX;

	if (c->count)
		quota = c->count / c->publishers +
			(n < c->count % c->publishers);
	return loadpub_init(&r->pubs[n], &r->env.plan, n, quota);
}

/* Subscribers, then publishers, then who stalls: see loadrig.h. */
static void make_peer(struct loadrig *r, uint32_t i)
{
	const struct loadrig_config *c = r->config;
	struct loadpeer *peer = &r->peers[i];
	uint32_t others = c->subscribers + c->publishers;

	peer->number = i;
	if (i >= others) {
		peer->number -= others;
		peer->stalls = true;
	} else if (i >= c->subscribers) {
		peer->number -= c->subscribers;
		peer->pub = &r->pubs[peer->number];
	}
	peer->tenant = peer->number % c->tenants;
	loadconn_init(&peer->conn, peer->pub ? c->publisher_protocol
					     : c->subscriber_protocol);
	if (c->events && !peer->pub)
		peer->conn.follows = c->prefix;
	peer->conn.tenant = peer->tenant;
	peer->conn.small = peer->stalls;
}

static int make_peers(struct loadrig *r)
{
	const struct loadrig_config *c = r->config;

	r->count = c->subscribers + c->publishers + c->stalled;
	r->pubs = calloc((size_t)c->publishers + 1, sizeof(*r->pubs));
	if (!r->pubs)
		return -1;
	/* Last, because peers that are there must have been initialized. */
	r->peers = calloc((size_t)r->count + 1, sizeof(*r->peers));
	if (!r->peers)
		return -1;
	for (uint32_t i = 0; i < r->count; i++)
		make_peer(r, i);
	for (uint32_t n = 0; n < c->publishers; n++)
		if (make_publisher(r, n) != 0)
			return -1;
	return 0;
}

static enum loadrig_result make_tls(struct loadrig *r, char *why, size_t room)
{
	struct loadconn_env *conn = &r->env.conn;
	char reason[TRUST_WHY_MAX];

	if (!r->target.url.tls)
		return LOADRIG_OK;
	if (secures_init(&conn->secures) != 0) {
		snprintf(why, room, "cannot prepare: %s", strerror(errno));
		return LOADRIG_SYSTEM;
	}
	if (trust_init(&conn->trust, &r->target.url, &r->config->trust,
		       reason) == 0)
		return LOADRIG_OK;
	snprintf(why, room, "TLS: %s", reason);
	return LOADRIG_BAD_URL;
}

enum loadrig_result loadrig_prepare(struct loadrig *rig,
				    const struct loadrig_config *config,
				    char *why, size_t room)
{
	enum loadrig_result tls;
	bool usage;

	memset(rig, 0, sizeof(*rig));
	rig->config = config;
	rig->timer = rig->env.conn.epoll = -1;
	raise_descriptors();
	if (loadtarget_find(&rig->target, config->url, &usage, why, room) != 0)
		return usage ? LOADRIG_BAD_URL : LOADRIG_UNREACHABLE;
	rig->target.token = config->token;
	tls = make_tls(rig, why, room);
	if (tls != LOADRIG_OK)
		return tls;
	if (make_epoll(rig) == 0 && make_plan(rig) == 0 && make_peers(rig) == 0)
		return LOADRIG_OK;
	snprintf(why, room, "cannot prepare: %s", strerror(errno));
	return LOADRIG_SYSTEM;
}

void loadrig_release(struct loadrig *r)
{
	for (uint32_t i = 0; r->peers && i < r->count; i++)
		loadpeer_close(&r->peers[i], &r->env);
	for (uint32_t n = 0; r->pubs && n < r->config->publishers; n++)
		loadpub_release(&r->pubs[n]);
	free(r->peers);
	free(r->pubs);
	loadtally_release(&r->env.tally);
	trust_release(&r->env.conn.trust);
	secures_release(&r->env.conn.secures);
	free(r->env.conn.scratch);
	if (r->env.conn.epoll >= 0)
		close(r->env.conn.epoll);
	if (r->timer >= 0)
		close(r->timer);
}

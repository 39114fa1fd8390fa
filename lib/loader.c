/* SPDX-License-Identifier: MIT */
#include "loader.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define TICK_MS 20     /* how late a deadline may be noticed */
#define CONNECTING 128 /* handshakes in flight: below any listen backlog */
#define MS ((uint64_t)1000000)

struct loader {
	struct loadrig rig;
	struct loader_result *result; /* borrowed */
	uint32_t opened;	      /* connections begun */
	uint64_t armed;		      /* when the timer rings */
	uint64_t deadline;	      /* of the whole run, ns */
	uint64_t now;		      /* of this turn, ns */
	uint64_t patience; /* progress is waited for since then, or later */
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

static int measure(struct loader *l, struct procstat *stat)
{
	char why[64];

	if (!l->rig.config->pid || procstat_read(stat, l->rig.config->pid) == 0)
		return 0;
	snprintf(why, sizeof(why), "--pid %ld: %s", (long)l->rig.config->pid,
		 strerror(errno));
	return fail(l, LOADER_USAGE, why);
}

static bool all_ready(const struct loader *l)
{
	return l->rig.env.ready == l->rig.count;
}

static void stop_publishing(struct loader *l)
{
	for (uint32_t n = 0; n < l->rig.config->publishers; n++)
		loadpub_stop(&l->rig.pubs[n]);
}

/*
 * A connection is over. Before the run that ends it, because a figure with
 * fewer subscribers than asked for would mislead; a publisher's end does too.
 * That a server does not keep who never reads is no fault.
 */
static int lose(struct loader *l, struct loadpeer *peer)
{
	bool early = !all_ready(l);

	loadconn_release(&peer->conn);
	if (early || peer->pub)
		return fail(l, LOADER_CONNECTION, l->rig.env.why);
	if (peer->stalls) {
		l->result->stalled_cut_off++;
		return 0;
	}
	loadtally_leave(&l->rig.env.tally, peer->number);
	if (++l->result->cut_off == l->rig.config->subscribers)
		stop_publishing(l);
	return 0;
}

/* One turn of the loop: all events that are there. */
static int turn(struct loader *l)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->rig.env.conn.epoll, events, EVENTS, TICK_MS);

	if (n < 0 && errno != EINTR)
		return fail_system(l);
	for (int i = 0; i < n; i++) {
		struct loadpeer *peer = events[i].data.ptr;
		uint64_t rings;

		if (!peer) {
			(void)!read(l->rig.timer, &rings, sizeof(rings));
			l->armed = 0;
			continue;
		}
		if (loadpeer_event(peer, &l->rig.env, events[i].events) != 0 &&
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
		 (unsigned)l->opened + 1, (unsigned)l->rig.count,
		 strerror(errno),
		 errno == EADDRNOTAVAIL ? " (see --source-addresses)" : "");
	return fail(l, LOADER_CONNECTION, why);
}

static int open_more(struct loader *l)
{
	while (l->opened < l->rig.count &&
	       l->opened - l->rig.env.ready < CONNECTING) {
		struct loadpeer *peer = &l->rig.peers[l->opened];

		if (loadconn_open(&peer->conn, &l->rig.env.conn, l->opened,
				  peer) != 0)
			return fail_open(l);
		l->opened++;
	}
	return 0;
}

/* Who waits for the line in vain would wait for ever. */
static int tell_ready(struct loader *l)
{
	int fd = l->rig.config->ready_fd;
	int rc = 0;

	if (fd < 0)
		return 0;
	if (dprintf(fd, "ready\n") < 0) {
		snprintf(l->result->why, sizeof(l->result->why),
			 "cannot write to --ready-fd %d: %s", fd,
			 strerror(errno));
		rc = fail(l, LOADER_SYSTEM, l->result->why);
	}
	if (fd > STDERR_FILENO)
		close(fd);
	return rc;
}

static int connect_all(struct loader *l)
{
	uint64_t start = l->now;

	while (!all_ready(l))
		if (open_more(l) != 0 || turn(l) != 0)
			return -1;
	l->result->connect_ns = l->now - start;
	if (measure(l, &l->result->ready) != 0)
		return -1;
	return tell_ready(l);
}

static void arm(struct loader *l)
{
	struct itimerspec at = {0};
	uint64_t due = UINT64_MAX;

	for (uint32_t n = 0; n < l->rig.config->publishers; n++)
		if (loadpub_due(&l->rig.pubs[n]) < due)
			due = loadpub_due(&l->rig.pubs[n]);
	if (due == UINT64_MAX || due == l->armed)
		return;
	at.it_value.tv_sec = (time_t)(due / (1000 * MS));
	at.it_value.tv_nsec = (long)(due % (1000 * MS));
	timerfd_settime(l->rig.timer, TFD_TIMER_ABSTIME, &at, NULL);
	l->armed = due;
}

static int pump_all(struct loader *l)
{
	struct loadpeer *peer = l->rig.peers + l->rig.config->subscribers;

	for (uint32_t n = 0; n < l->rig.config->publishers; n++, peer++)
		if (loadpeer_pump(peer, &l->rig.env, l->now) != 0)
			return lose(l, peer);
	if (l->rig.config->rate)
		arm(l);
	return 0;
}

static bool all_made(const struct loader *l)
{
	for (uint32_t n = 0; n < l->rig.config->publishers; n++)
		if (!loadpub_done(&l->rig.pubs[n]))
			return false;
	return true;
}

static bool all_settled(const struct loader *l)
{
	const struct loadpub_plan *plan = &l->rig.env.plan;

	if (plan->settle == LOADPUB_DELIVERED)
		return l->rig.env.tally.received >=
		       loadtally_due(&l->rig.env.tally);
	for (uint32_t n = 0; n < plan->publishers; n++)
		if (l->rig.pubs[n].settled < l->rig.pubs[n].made)
			return false;
	return true;
}

/* No progress for so long that there will be none. An open loop goes on. */
static bool stalled(const struct loader *l)
{
	uint64_t since =
		l->rig.env.last > l->patience ? l->rig.env.last : l->patience;

	return l->now - since > l->rig.config->drain_ms * MS;
}

static int publish(struct loader *l)
{
	uint64_t end = l->now + l->rig.config->duration_ms * MS;

	l->rig.env.plan.start = l->rig.env.last = l->patience = l->now;
	while (!all_made(l)) {
		if (pump_all(l) != 0 || turn(l) != 0)
			return -1;
		if ((!l->rig.config->count && l->now >= end) ||
		    (!l->rig.config->rate && stalled(l)))
			stop_publishing(l);
	}
	if (l->rig.config->rate)
		l->patience = l->now;
	while (!all_settled(l) && !stalled(l))
		if (pump_all(l) != 0 || turn(l) != 0)
			return -1;
	return 0;
}

/* Nothing is published: are the connections kept, and what do they cost? */
static int hold(struct loader *l)
{
	uint64_t end = l->now + l->rig.config->duration_ms * MS;

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

	for (uint32_t n = 0; n < l->rig.config->publishers; n++) {
		r->updates += l->rig.pubs[n].made;
		r->settled += l->rig.pubs[n].settled;
		r->rejected += l->rig.pubs[n].rejected;
	}
	r->deliveries = l->rig.env.tally.received;
	r->reordered = l->rig.env.tally.reordered;
	r->duplicated = l->rig.env.tally.duplicated;
	r->lost = l->rig.env.plan.settle == LOADPUB_DELIVERED
			  ? loadtally_lost(&l->rig.env.tally)
			  : r->updates - r->settled;
	r->foreign = l->rig.env.foreign;
	r->rejected += l->rig.env.errors;
	r->latency = l->rig.env.latency;
	if (!r->why[0])
		memcpy(r->why, l->rig.env.why, sizeof(r->why));
}

static int run(struct loader *l)
{
	uint64_t start;
	uint64_t own;
	int rc;

	if (measure(l, &l->result->before) != 0 || connect_all(l) != 0)
		return -1;
	start = l->now;
	own = own_cpu();
	rc = l->rig.config->publishers ? publish(l) : hold(l);
	l->result->own_ns = own_cpu() - own;
	l->result->run_ns =
		(l->rig.config->publishers ? l->rig.env.last : l->now) - start;
	tell(l);
	if (rc == 0)
		rc = measure(l, &l->result->after);
	return rc;
}

static enum loader_outcome outcome_of(enum loadrig_result result)
{
	switch (result) {
	case LOADRIG_BAD_URL:
		return LOADER_USAGE;
	case LOADRIG_UNREACHABLE:
		return LOADER_CONNECTION;
	case LOADRIG_OK:
	case LOADRIG_SYSTEM:
		break;
	}
	return LOADER_SYSTEM;
}

void loader_run(const struct loadrig_config *config,
		struct loader_result *result)
{
	struct loader l = {.result = result};
	enum loadrig_result rig;

	memset(result, 0, sizeof(*result));
	l.now = (uint64_t)clock_mono_ns();
	l.deadline = config->timeout_ms ? l.now + config->timeout_ms * MS
					: UINT64_MAX;
	rig = loadrig_prepare(&l.rig, config, result->why, sizeof(result->why));
	if (rig == LOADRIG_OK)
		run(&l);
	else
		result->outcome = outcome_of(rig);
	loadrig_release(&l.rig);
}

bool loader_clean(const struct loader_result *r)
{
	return !r->lost && !r->reordered && !r->duplicated && !r->rejected &&
	       !r->cut_off;
}

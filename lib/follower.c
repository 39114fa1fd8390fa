/* SPDX-License-Identifier: MIT */
#include "follower.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Who does not take what waits before its end is cut after so long. */
#define CLOSE_MS 5000

static int64_t now_of(const struct follower *f)
{
	return f->all->peers->callers->wheel.now_ms;
}

static const struct caller_times *times_of(const struct follower *f)
{
	return &f->all->peers->callers->times;
}

static struct log_subject subject_of(const struct follower *f,
				     char address[NETADDR_TEXT_MAX])
{
	return (struct log_subject){
		.connection = f->follow.number,
		.address = netaddr_show_host(&f->exchange->caller->address,
					     address),
	};
}

/* What its outlet asks for */

static long follower_send(void *conn, const struct iovec *pieces, int count)
{
	struct follower *f = conn;
	long n = exchange_stream_send(f->exchange, pieces, count);

	if (n <= 0)
		return n;
	f->sent_ms = now_of(f);
	f->all->peers->hub->counters.bytes_out += (uint64_t)n;
	return n;
}

static int follower_keep(void *conn, const char *bytes, size_t len)
{
	struct follower *f = conn;

	f->all->peers->hub->counters.bytes_out += len;
	return exchange_stream_keep(f->exchange, bytes, len);
}

static void follower_want_write(void *conn)
{
	struct follower *f = conn;

	exchange_stream_want(f->exchange);
}

static void follower_closing(void *conn)
{
	char address[NETADDR_TEXT_MAX];
	struct follower *f = conn;
	struct log_subject subject = subject_of(f, address);

	peers_log_closing(f->all->peers, &f->follow.outlet, &subject);
	f->end_ms = now_of(f) + CLOSE_MS;
	caller_due_in(f->exchange->caller, CLOSE_MS);
	if (f->follow.outlet.dead && list_empty(&f->dead))
		list_append(&f->all->dead, &f->dead);
}

static void follower_pause(void *conn, bool paused)
{
	(void)conn;
	(void)paused;
}

static void follower_said(void *conn)
{
	struct follower *f = conn;

	exchange_stream_finish(f->exchange);
}

static const struct outlet_ops ops = {
	.send = follower_send,
	.keep = follower_keep,
	.want_write = follower_want_write,
	.closing = follower_closing,
	.pause = follower_pause,
	.said = follower_said,
};

/* All of them */

void followers_init(struct followers *all, struct peers *peers)
{
	all->peers = peers;
	roster_init(&all->all);
	list_init(&all->dead);
	memset(all->counts, 0, sizeof(all->counts));
}

void followers_release(struct followers *all)
{
	roster_release(&all->all);
}

void followers_reap(struct followers *all)
{
	struct follower *f;

	while (!list_empty(&all->dead)) {
		f = list_entry(all->dead.next, struct follower, dead);
		list_remove(&f->dead);
		exchange_kill(f->exchange);
	}
}

static bool still_listed(const void *tokens, const struct grant *g)
{
	return tokens_still_listed(tokens, g);
}

void followers_revise(struct followers *all)
{
	struct follower *f = followers_above(all, 0);

	for (; f; f = followers_above(all, f->follow.number))
		follow_revise(&f->follow, still_listed,
			      all->peers->guard->tokens);
}

/* Coming and going */

static struct follower *add(struct followers *all, struct exchange *e,
			    enum stream_view view)
{
	struct peers *peers = all->peers;
	struct follower *f = calloc(1, sizeof(*f));

	if (!f || roster_add(&all->all, peers->number + 1, f) < 0) {
		free(f);
		return NULL;
	}
	f->all = all;
	f->exchange = e;
	list_init(&f->dead);
	all->counts[view]++;
	follow_init(&f->follow, peers->hub, view, ++peers->number, &ops, f);
	return f;
}

static void take_out(struct follower *f)
{
	follow_release(&f->follow);
	roster_remove(&f->all->all, f->follow.number);
	f->all->counts[f->follow.outlet.view]--;
	list_remove(&f->dead);
	free(f);
}

/*
 * Those who came together are not sent their pings together: the first one is
 * early by up to a quarter.
 */
static int64_t first_ping(const struct follower *f)
{
	uint64_t ping = times_of(f)->ping;

	return (int64_t)(ping - f->follow.number * 61 % (ping / 4 + 1));
}

static void start(struct follower *f)
{
	f->since_ms = f->all->peers->hub->now.mono_ms;
	f->sent_ms = now_of(f);
	f->took_ms = now_of(f);
	exchange_stream(f->exchange, f);
}

int follower_new(struct followers *all, struct exchange *e,
		 const struct httpreq *r, const struct buf *head,
		 struct grant *grant, struct reply *refusal)
{
	struct caller *caller = e->caller;
	struct follower *f = add(all, e, r->view);
	int64_t first;

	if (!f) {
		grant_free(grant);
		all->peers->hub->counters.refused[REFUSED_MEMORY]++;
		reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
			    "the server has too little memory");
		return -1;
	}
	if (grant)
		follow_admit(&f->follow, grant);
	if (follow_begin(&f->follow, r, head, refusal) < 0) {
		take_out(f);
		return -1;
	}
	first = grant ? 0 : first_ping(f);
	start(f);
	if (e->state == EXCHANGE_STREAM)
		caller_due_in(caller, first);
	return 0;
}

void follower_left(struct exchange *e)
{
	take_out(e->user);
}

void follower_writable(struct exchange *e)
{
	struct follower *f = e->user;

	f->relieved = true;
	outlet_writable(&f->follow.outlet);
}

/* Time */

/* Whether something waits that it has not taken for too long. */
static bool is_dead(struct follower *f)
{
	bool waited = f->uptake.queued;
	enum uptake_news news = uptake_look(&f->uptake, f->exchange->wire.fd);

	/* What was written into that room hides it from the look. */
	if (news != UPTAKE_NONE || f->relieved || !waited)
		f->took_ms = now_of(f);
	f->relieved = false;
	return (uint64_t)(now_of(f) - f->took_ms) >= times_of(f)->dead;
}

static void drop_dead(struct follower *f)
{
	char address[NETADDR_TEXT_MAX];
	struct log_subject subject = subject_of(f, address);

	f->all->peers->hub->counters.refused[REFUSED_DEAD]++;
	log_event(f->all->peers->log, LOG_DEAD_PEER, &subject,
		  "connection %" PRIu64 " is dead: it takes nothing",
		  f->follow.number);
	exchange_kill(f->exchange);
}

static void watch_silence(struct follower *f)
{
	if ((uint64_t)(now_of(f) - f->sent_ms) < times_of(f)->ping)
		return;
	f->sent_ms = now_of(f);
	f->all->peers->hub->counters.pings++;
	outlet_ping(&f->follow.outlet);
}

/* Its token ends. */
static void watch_token(struct follower *f)
{
	int64_t next = -1;

	if (f->all->peers->hub->guarded)
		next = follow_watch(&f->follow);
	if (next >= 0)
		caller_due_in(f->exchange->caller, next);
}

void followers_watch(struct followers *all)
{
	struct follower *f = followers_above(all, 0);

	for (; f; f = followers_above(all, f->follow.number))
		watch_token(f);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return b && b < a ? b : a;
}

/* When to look at it next. What waits is looked at twice at least. */
static int64_t next_due(const struct follower *f)
{
	const struct caller_times *times = times_of(f);
	int64_t next = f->sent_ms + (int64_t)times->ping;

	if (f->uptake.queued)
		next = earlier(next, now_of(f) + (int64_t)times->dead / 4 + 1);
	return earlier(next, f->end_ms);
}

void follower_due(struct exchange *e)
{
	struct follower *f = e->user;

	if (f->end_ms && now_of(f) >= f->end_ms) {
		exchange_kill(e);
		return;
	}
	if (!f->follow.outlet.closing && is_dead(f)) {
		drop_dead(f);
		return;
	}
	if (!f->follow.outlet.closing)
		watch_silence(f);
	watch_token(f);
	caller_due_in(e->caller, next_due(f) - now_of(f));
}

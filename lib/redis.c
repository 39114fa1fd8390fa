/* SPDX-License-Identifier: MIT */
/*
 * The connection is always in one state, which says what is under way: the
 * link, or only the timer. A loss is told when nothing of the old attempt is
 * left. The one timer has a meaning in each state.
 */
#include "redis.h"

#include "backoff.h"
#include "hash.h"
#include "heartbeat.h"
#include "link.h"
#include "num.h"
#include "redisverdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000
#define HEARTBEAT_MS 2000
#define TIMEOUT_MS 5000
#define BACKOFF_MS 250
#define BACKOFF_MAX_MS 30000

/* Who has lived for so long and is lost then is lost for a new reason. */
#define STEADY_MS 5000
#define COMMANDS_MAX 65536
#define PENDING_MAX (16 << 20)

/* They do not count. */
#define OWN_COMMANDS REDISGREETING_STEPS

/* One command, with its lengths; uv_buf_t counts in 32 bits. */
#define COMMAND_MAX (1U << 30)

enum state {
	DIALING,  /* link, until it is open */
	GREETING, /* link is open; AUTH … PING are under way */
	READY,	  /* link is open */
	DYING,	  /* link is to end; `failure` says why */
	WAITING,  /* the timer, until the next attempt; or final */
	CLOSING,  /* redis_close() was called */
};

struct redis {
	struct redis_config config; /* its texts are not valid */
	const struct redis_events *events;
	void *user;
	struct redisurl url; /* with user and password of the configuration */
	char shown[REDISURL_SHOW_MAX];
	char *name; /* owned; or NULL */
	enum state state;
	bool ever_ready;
	bool was_ready; /* in this attempt */
	bool paused;
	struct link link;
	struct redisreader *reader; /* owned */
	struct redisqueue queue;
	uv_timer_t timer;
	unsigned handles_open;
	uint64_t started_at; /* the attempt; uv_now() */
	struct heartbeat heartbeat;
	struct backoff backoff;
	struct failure failure;
};

static void timer_rang(uv_timer_t *timer);

static uint64_t now(const struct redis *r)
{
	return uv_now(r->timer.loop);
}

static void set_timer(struct redis *r, uint64_t ms)
{
	uv_timer_start(&r->timer, timer_rang, ms, 0);
}

/* Losing */

static uint64_t random_number(void)
{
	uint64_t n = 0;

	hash_random(&n, sizeof(n));
	return n;
}

/* The callbacks may call anything; commands are refused by now. */
static void answer_nothing(struct redis *r)
{
	struct redisqueue_entry entry;

	while (redisqueue_take(&r->queue, &entry))
		if (entry.done && r->state != CLOSING)
			entry.done(entry.user, NULL);
}

/* Nothing of the attempt is left; `failure` says why. */
static void lost(struct redis *r)
{
	bool again = r->config.patient || (r->config.retry && r->ever_ready);
	bool refused = r->failure.status == EXIT_REFUSED;
	struct redis_loss loss = {
		.text = r->failure.text,
		.status = r->failure.status,
		.connected = r->was_ready,
		.oversize = r->was_ready && redisreader_oversize(r->reader),
		/* What was a Redis is one again, unless it wants us no more. */
		.final = !again ||
			 (r->failure.final && (!r->ever_ready || refused)),
	};

	r->state = WAITING;
	uv_timer_stop(&r->timer);
	answer_nothing(r);
	if (r->state == CLOSING)
		return;
	/* Redis is well, and who reads on reads less. */
	if (loss.oversize)
		backoff_reset(&r->backoff);
	if (!loss.final) {
		loss.retry_ms = backoff_next(&r->backoff, random_number());
		set_timer(r, loss.retry_ms);
	}
	r->events->lost(r->user, &loss);
}

/* Ends the connection for the reason that `failure` has. */
static void die(struct redis *r)
{
	r->state = DYING;
	link_close(&r->link);
}

static void link_gone(void *user)
{
	struct redis *r = user;
	const char *trouble = r->link.trouble;

	if (r->state == CLOSING)
		return;
	if (r->state == DIALING)
		failure_connect(&r->failure, r->shown, false, "%s", trouble);
	else if (r->state == GREETING)
		failure_connect(&r->failure, r->shown, false, "%s",
				*trouble ? trouble
					 : "it ended without an answer");
	else if (r->state == READY)
		failure_lost(&r->failure, r->shown, "%s",
			     *trouble ? trouble : "Redis closed it");
	lost(r);
}

/* Sending */

static int add(struct redis *r, const struct redis_command *c,
	       enum redisqueue_kind kind)
{
	const struct redisqueue_entry entry = {kind, c->done, c->user,
					       c->wait_ms};
	struct buf *out = link_out(&r->link);
	size_t before = buf_len(out);

	if (redisreader_format(out, c->count, c->words, c->lens) < 0)
		return -1;
	if (redisqueue_add(&r->queue, &entry) < 0) {
		buf_truncate(out, before);
		return -1;
	}
	if (r->queue.count == 1 && r->state == READY &&
	    heartbeat_asked(&r->heartbeat, now(r), c->wait_ms))
		set_timer(r, r->heartbeat.due - now(r));
	link_flush(&r->link);
	return 0;
}

static int check_size(const struct redis_command *c)
{
	size_t bytes = 0;

	for (size_t i = 0; i < c->count; i++) {
		bytes += c->lens ? c->lens[i] : strlen(c->words[i]);
		if (bytes > COMMAND_MAX) {
			errno = E2BIG;
			return -1;
		}
	}
	return 0;
}

static int send_command(struct redis *r, const struct redis_command *c,
			enum redisqueue_kind kind)
{
	if (r->state != READY) {
		errno = ENOTCONN;
		return -1;
	}
	if (r->queue.count >= r->config.commands_max ||
	    link_pending(&r->link) >= r->config.pending_max) {
		errno = EAGAIN;
		return -1;
	}
	return check_size(c) < 0 ? -1 : add(r, c, kind);
}

static void link_sent(void *user)
{
	struct redis *r = user;

	if (r->state == READY && r->events->writable)
		r->events->writable(r->user);
}

/* The heartbeat */

static void ask_for_life(struct redis *r)
{
	static const char *const words[] = {"PING"};
	const struct redis_command ping = {.words = words, .count = 1};

	/* Out of memory: the next look tries again. */
	add(r, &ping, REDISQUEUE_PING);
}

static void no_answer(struct redis *r, uint64_t ms)
{
	char time[NUM_TEXT_MAX];

	failure_lost(&r->failure, r->shown, "no answer within %s",
		     num_show_duration(time, ms));
	die(r);
}

static void look(struct redis *r)
{
	const struct redisqueue_entry *head = redisqueue_head(&r->queue);
	uint64_t patience = head ? head->wait_ms : 0;

	if (now(r) - r->started_at > STEADY_MS)
		backoff_reset(&r->backoff);
	if (r->paused)
		heartbeat_start(&r->heartbeat, now(r));
	switch (heartbeat_look(&r->heartbeat, now(r), head, patience)) {
	case HEARTBEAT_DEAD:
		no_answer(r, r->heartbeat.timeout + patience);
		return;
	case HEARTBEAT_ASK:
		ask_for_life(r);
		break;
	case HEARTBEAT_FINE:
		break;
	}
	set_timer(r, r->heartbeat.due - now(r));
}

/* The beginning */

static void become_ready(struct redis *r)
{
	r->state = READY;
	r->ever_ready = r->was_ready = true;
	heartbeat_start(&r->heartbeat, now(r));
	set_timer(r, r->heartbeat.interval);
	link_pause(&r->link, r->paused);
	r->events->ready(r->user);
}

static void greeted(struct redis *r, enum redisgreeting_step step,
		    const struct redisreply *reply)
{
	if (!reply || r->state != GREETING)
		return;
	if (redisverdict_greeting(&r->failure, r->shown, step, reply) < 0)
		die(r);
	else if (step == REDISGREETING_PING)
		become_ready(r);
}

static void auth_done(void *user, const struct redisreply *reply)
{
	greeted(user, REDISGREETING_AUTH, reply);
}

static void select_done(void *user, const struct redisreply *reply)
{
	greeted(user, REDISGREETING_SELECT, reply);
}

static void ping_done(void *user, const struct redisreply *reply)
{
	greeted(user, REDISGREETING_PING, reply);
}

static int greet(struct redis *r)
{
	static redisqueue_done *const done[REDISGREETING_STEPS] = {
		[REDISGREETING_AUTH] = auth_done,
		[REDISGREETING_SELECT] = select_done,
		[REDISGREETING_PING] = ping_done,
	};
	struct redisgreeting greeting;
	int result = 0;

	redisgreeting_init(&greeting, &r->url, r->name);
	for (size_t i = 0; i < greeting.count && result == 0; i++) {
		const struct redis_command command = {
			.words = greeting.commands[i].words,
			.count = greeting.commands[i].count,
			.done = done[greeting.commands[i].step],
			.user = r,
		};

		result = add(r, &command, REDISQUEUE_COMMAND);
	}
	return result;
}

static void out_of_memory(struct redis *r)
{
	failure_connect(&r->failure, r->shown, false, "out of memory");
	die(r);
}

static void link_opened(void *user)
{
	struct redis *r = user;
	uint64_t spent = now(r) - r->started_at;

	r->state = GREETING;
	set_timer(r, spent < r->config.connect_ms ? r->config.connect_ms - spent
						  : 0);
	if (greet(r) < 0)
		out_of_memory(r);
}

static void not_greeted(struct redis *r)
{
	char time[NUM_TEXT_MAX];

	failure_connect(&r->failure, r->shown, false,
			"connected, but no answer within %s",
			num_show_duration(time, r->config.connect_ms));
	die(r);
}

static void dial(struct redis *r)
{
	r->state = DIALING;
	r->was_ready = false;
	r->started_at = now(r);
	redisqueue_restart(&r->queue);
	if (redisreader_restart(r->reader) < 0) {
		failure_connect(&r->failure, r->shown, false, "out of memory");
		lost(r);
		return;
	}
	link_start(&r->link, r->url.host, r->url.port, r->config.connect_ms);
}

/* Receiving */

static bool is_open(const struct redis *r)
{
	return r->state == GREETING || r->state == READY;
}

void redis_reject(struct redis *r, const char *trouble)
{
	if (!is_open(r))
		return;
	redisverdict_broken(&r->failure, r->shown, r->state == GREETING,
			    trouble);
	die(r);
}

static bool take_reply(void *user, const struct redisreply *reply)
{
	struct redis *r = user;
	struct redisqueue_entry entry;
	struct redispush push;

	switch (redisqueue_route(&r->queue, reply, &entry, &push)) {
	case REDISQUEUE_ANSWER:
		if (entry.done)
			entry.done(entry.user, reply);
		break;
	case REDISQUEUE_PUSH:
		r->events->push(r->user, &push);
		break;
	case REDISQUEUE_UNASKED:
		redis_reject(r, "nobody asked for it");
		break;
	}
	return is_open(r);
}

static void link_bytes(void *user, const char *bytes, size_t len)
{
	struct redis *r = user;

	heartbeat_heard(&r->heartbeat, now(r));
	if (redisreader_feed(r->reader, bytes, len, take_reply, r) < 0)
		redis_reject(r, redisreader_trouble(r->reader));
}

static const struct link_events link_events = {
	.open = link_opened,
	.bytes = link_bytes,
	.sent = link_sent,
	.gone = link_gone,
};

static void timer_rang(uv_timer_t *timer)
{
	struct redis *r = timer->data;

	if (r->state == GREETING)
		not_greeted(r);
	else if (r->state == READY)
		look(r);
	else if (r->state == WAITING)
		dial(r);
}

/* The interface */

static void set_defaults(struct redis_config *config)
{
	if (!config->connect_ms)
		config->connect_ms = CONNECT_MS;
	if (!config->heartbeat_ms)
		config->heartbeat_ms = HEARTBEAT_MS;
	if (!config->timeout_ms)
		config->timeout_ms = TIMEOUT_MS;
	if (!config->backoff_ms)
		config->backoff_ms = BACKOFF_MS;
	if (!config->backoff_max_ms)
		config->backoff_max_ms = BACKOFF_MAX_MS;
	if (!config->commands_max)
		config->commands_max = COMMANDS_MAX;
	if (!config->pending_max)
		config->pending_max = PENDING_MAX;
}

static const char *take_config(struct redis *r)
{
	const char *why;

	if (redisurl_parse(&r->url, r->config.url, &why) < 0)
		return why;
	if (r->url.tls)
		return "this build has no TLS for Redis (rediss://)";
	why = redisurl_login(&r->url, r->config.user, r->config.password);
	if (why)
		return why;
	redisurl_show(&r->url, r->shown);
	if (r->config.name) {
		r->name = strdup(r->config.name);
		if (!r->name)
			return "out of memory";
	}
	r->reader = redisreader_new(&r->config.limits);
	return r->reader ? NULL : "out of memory";
}

static void forget(struct redis *r)
{
	explicit_bzero(&r->url, sizeof(r->url));
	redisreader_free(r->reader);
	free(r->name);
	free(r);
}

struct redis *redis_new(uv_loop_t *uv, const struct redis_config *config,
			const struct redis_events *events, void *user,
			const char **why)
{
	struct redis *r = calloc(1, sizeof(*r));

	*why = "out of memory";
	if (!r)
		return NULL;
	r->config = *config;
	r->events = events;
	r->user = user;
	set_defaults(&r->config);
	*why = take_config(r);
	if (*why) {
		forget(r);
		return NULL;
	}
	r->heartbeat.interval = r->config.heartbeat_ms;
	r->heartbeat.timeout = r->config.timeout_ms;
	r->backoff.first_ms = r->config.backoff_ms;
	r->backoff.max_ms = r->config.backoff_max_ms;
	redisqueue_init(&r->queue, r->config.commands_max + OWN_COMMANDS);
	link_init(&r->link, uv, &link_events, r);
	uv_timer_init(uv, &r->timer);
	r->timer.data = r;
	r->handles_open = 2; /* and the one of link */
	r->state = WAITING;
	set_timer(r, 0);
	return r;
}

int redis_command(struct redis *r, const struct redis_command *command)
{
	return send_command(r, command, REDISQUEUE_COMMAND);
}

int redis_subscribe(struct redis *r, enum redisqueue_kind kind,
		    const char *name, size_t len, redisqueue_done *done,
		    void *user)
{
	static const char *const verbs[] = {
		[REDISQUEUE_SUBSCRIBE] = "SUBSCRIBE",
		[REDISQUEUE_PSUBSCRIBE] = "PSUBSCRIBE",
		[REDISQUEUE_UNSUBSCRIBE] = "UNSUBSCRIBE",
		[REDISQUEUE_PUNSUBSCRIBE] = "PUNSUBSCRIBE",
	};
	const char *const words[] = {verbs[kind], name};
	const size_t lens[] = {strlen(verbs[kind]), len};
	const struct redis_command command = {
		.words = words,
		.lens = lens,
		.count = 2,
		.done = done,
		.user = user,
	};

	return send_command(r, &command, kind);
}

void redis_pause(struct redis *r, bool paused)
{
	if (r->paused == paused)
		return;
	r->paused = paused;
	if (r->state != READY)
		return;
	heartbeat_start(&r->heartbeat, now(r));
	link_pause(&r->link, paused);
}

bool redis_is_ready(const struct redis *r)
{
	return r->state == READY;
}

const char *redis_shown(const struct redis *r)
{
	return r->shown;
}

void redis_close(struct redis *r)
{
	r->state = CLOSING;
	uv_timer_stop(&r->timer);
	link_close(&r->link);
}

bool redis_closed(const struct redis *r)
{
	return r->state == CLOSING && r->link.state == LINK_IDLE;
}

static void timer_closed(uv_handle_t *timer)
{
	struct redis *r = timer->data;

	r->handles_open--;
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	redis_close(r);
	while (!redis_closed(r))
		uv_run(r->timer.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&r->timer, timer_closed);
	link_release(&r->link, timer_closed, r);
	while (r->handles_open)
		uv_run(r->timer.loop, UV_RUN_ONCE);
	redisqueue_release(&r->queue);
	forget(r);
}

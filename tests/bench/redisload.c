/* SPDX-License-Identifier: MIT */
/*
 * redisload - a load that goes the whole way: messages into a Redis, through
 * what bridges it, out of a WebSocket server to subscribers.
 *
 *     redisload --channel job_updates --process redis=PID /run/redis.sock \
 *         ws://127.0.0.1:3000/ws
 *
 * A closed loop: never more than --window messages are on their way to the
 * slowest subscriber, so that neither Redis nor the server has a reason to cut
 * anybody off, and the rate is that at which messages arrive. Everything must
 * arrive, once and in order, or the exit status is 1 and there is no figure.
 *
 * The subscribers are wsbench's (loadpeer.h), the publisher is redisfeed.h; one
 * epoll(7) loop has both. The result is a JSON object on stdout: times in ns,
 * rates in 1/s; "busy" is the part of the time that a process had a processor.
 */
#include "clock.h"
#include "diag.h"
#include "exits.h"
#include "jsonput.h"
#include "loadrig.h"
#include "options.h"
#include "procstat.h"
#include "redisfeed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 512
#define TICK_MS 20    /* how late the end may be noticed */
#define CONNECTING 64 /* handshakes in flight */
#define PROCESSES 8
#define MS ((uint64_t)1000000)

struct settings {
	struct option_base options;
	const char *channel;
	const char *stream;
	const char *field;
	uint64_t keep;
	uint64_t subscribers;
	uint64_t window;
	uint64_t duration; /* ms */
	uint64_t drain;	   /* ms */
	struct option_texts processes;
};

/* One of those that --process names. */
struct process {
	const char *name; /* `name_len` bytes */
	size_t name_len;
	pid_t pid;
	struct procstat before, after;
};

struct load {
	struct settings settings;
	struct diag diag;
	struct loadrig_config config;
	struct loadrig rig;
	struct redisfeed feed;
	struct process processes[PROCESSES];
	size_t count; /* of them */
	uint32_t opened;
	uint64_t now, start, own_ns; /* ns */
	uint64_t progress; /* when something was heard last, or begun */
};

#define FIELD(name) .offset = offsetof(struct settings, name)

static const struct option options[] = {
	{0, "channel", OPTION_TEXT, FIELD(channel), "NAME",
	 "PUBLISH to this channel", NULL, 0, 0},
	{0, "stream", OPTION_TEXT, FIELD(stream), "NAME",
	 "XADD to this stream instead", NULL, 0, 0},
	{0, "field", OPTION_TEXT, FIELD(field), "NAME",
	 "of its entries (default data)", NULL, 0, 0},
	{0, "keep", OPTION_NUMBER, FIELD(keep), "N",
	 "entries that the stream keeps, or some more (default 100000)", NULL,
	 1, 0},
	{0, "subscribers", OPTION_NUMBER, FIELD(subscribers), "N",
	 "connections that receive (default 1)", NULL, 1, 10000},
	{0, "window", OPTION_NUMBER, FIELD(window), "N",
	 "messages that not everybody has yet (default 4000)", NULL, 2, 100000},
	{0, "duration", OPTION_DURATION, FIELD(duration), "T",
	 "publish for this long (default 5s)", NULL, 1, 3600000},
	{0, "drain-timeout", OPTION_DURATION, FIELD(drain), "T",
	 "give up when nothing has arrived for so long (default 10s)", NULL, 1,
	 3600000},
	{0, "process", OPTION_TEXTS, FIELD(processes), "NAME=PID",
	 "show the processor time of this one; repeatable", NULL, 0, 0},
	{.name = NULL},
};

static const struct option_program program = {
	.name = "redisload",
	.synopsis = "[option ...] SOCKET URL",
	.summary = "Publishes in Redis and tells how many messages a second "
		   "arrive at WebSockets.",
	.options = options,
};

static int give_up(struct load *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int give_up(struct load *l, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag(&l->diag, DIAG_ERROR, "%s", text);
	return -1;
}

/* --- Putting it up --------------------------------------------------------
 */

static int find_processes(struct load *l)
{
	const struct option_texts *texts = &l->settings.processes;

	if (texts->count > PROCESSES)
		return options_wrong(&program, "--process: at most %d",
				     PROCESSES);
	for (size_t i = 0; i < texts->count; i++) {
		struct process *p = &l->processes[i];
		char *end = NULL;

		p->name = texts->items[i];
		p->name_len = strcspn(p->name, "=");
		if (p->name[p->name_len])
			p->pid = (pid_t)strtol(p->name + p->name_len + 1, &end,
					       10);
		if (p->pid <= 0 || *end)
			return options_wrong(&program,
					     "--process: '%s' is not NAME=PID",
					     p->name);
	}
	l->count = texts->count;
	return EXIT_DONE;
}

static int prepare(struct load *l, const char *path, const char *url)
{
	const struct settings *s = &l->settings;
	struct redisfeed_config feed = {
		.path = path,
		.channel = s->stream ? NULL : s->channel,
		.stream = s->stream,
		.field = s->field,
		.keep = s->keep,
	};
	char why[256];

	l->config = (struct loadrig_config){
		.url = url,
		.subscribers = (uint32_t)s->subscribers,
		.tenants = 1,
		.prefix = REDISFEED_PREFIX,
		.size = (uint32_t)redisfeed_size(),
	};
	if (loadrig_prepare(&l->rig, &l->config, why, sizeof(why)) !=
	    LOADRIG_OK)
		return give_up(l, "%s", why);
	feed.run = l->rig.env.plan.run;
	if (redisfeed_init(&l->feed, &feed, l->rig.env.conn.epoll) != 0)
		return give_up(l, "cannot connect to '%s': %s", path,
			       strerror(errno));
	return 0;
}

static void release(struct load *l)
{
	redisfeed_release(&l->feed);
	loadrig_release(&l->rig);
}

/* --- The loop -------------------------------------------------------------
 */

static int take_redis(struct load *l, uint32_t events)
{
	char why[256];

	if (events & EPOLLOUT &&
	    redisfeed_flush(&l->feed, l->rig.env.conn.epoll) != 0)
		return give_up(l, "the Redis: %s", strerror(errno));
	if (events & ~(uint32_t)EPOLLOUT &&
	    redisfeed_read(&l->feed, why, sizeof(why)) != 0)
		return give_up(l, "%s", why);
	return 0;
}

static int take(struct load *l, const struct epoll_event *event)
{
	if (event->data.ptr == &l->feed)
		return take_redis(l, event->events);
	if (loadpeer_event(event->data.ptr, &l->rig.env, event->events) != 0)
		return give_up(l, "%s", l->rig.env.why);
	return 0;
}

/* One turn of the loop: all events that are there. */
static int turn(struct load *l)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->rig.env.conn.epoll, events, EVENTS, TICK_MS);

	if (n < 0 && errno != EINTR)
		return give_up(l, "cannot wait: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		if (take(l, &events[i]) != 0)
			return -1;
	l->now = (uint64_t)clock_mono_ns();
	if (l->rig.env.last > l->progress)
		l->progress = l->rig.env.last;
	if (l->now <= l->progress + l->settings.drain * MS)
		return 0;
	return give_up(l, "nothing arrives any more: %llu of %llu did",
		       (unsigned long long)l->rig.env.tally.received,
		       (unsigned long long)loadtally_due(&l->rig.env.tally));
}

static int connect_all(struct load *l)
{
	struct loadrig *r = &l->rig;

	while (r->env.ready < r->count) {
		while (l->opened < r->count &&
		       l->opened - r->env.ready < CONNECTING) {
			struct loadpeer *peer = &r->peers[l->opened];

			if (loadconn_open(&peer->conn, &r->env.conn, l->opened,
					  peer) != 0)
				return give_up(l, "cannot connect: %s",
					       strerror(errno));
			l->opened++;
		}
		if (turn(l) != 0)
			return -1;
	}
	return 0;
}

static int publish_more(struct load *l)
{
	struct loadtally *tally = &l->rig.env.tally;
	uint32_t room = loadtally_room(tally, 0, (uint32_t)l->settings.window);

	while (room-- && buf_len(&l->feed.out) < REDISFEED_BATCH)
		redisfeed_add(&l->feed, loadtally_publish(tally, 0), l->now);
	if (redisfeed_flush(&l->feed, l->rig.env.conn.epoll) != 0)
		return give_up(l, "the Redis: %s", strerror(errno));
	return 0;
}

static bool all_there(const struct load *l)
{
	const struct loadtally *tally = &l->rig.env.tally;

	return tally->received >= loadtally_due(tally) &&
	       l->feed.answered == tally->flow[0].published;
}

static int publish(struct load *l)
{
	uint64_t end = l->start + l->settings.duration * MS;

	while (l->now < end)
		if (publish_more(l) != 0 || turn(l) != 0)
			return -1;
	while (!all_there(l))
		if (turn(l) != 0)
			return -1;
	return 0;
}

static int measure(struct load *l, bool after)
{
	for (size_t i = 0; i < l->count; i++) {
		struct process *p = &l->processes[i];

		if (procstat_read(after ? &p->after : &p->before, p->pid) != 0)
			return give_up(l, "--process %s: %s", p->name,
				       strerror(errno));
	}
	return 0;
}

/* What arrived twice or late would make a fine rate. */
static int check(struct load *l)
{
	const struct loadpeer_env *env = &l->rig.env;

	if (!loadtally_lost(&env->tally) && !env->tally.reordered &&
	    !env->tally.duplicated && !env->foreign && !env->errors)
		return 0;
	return give_up(l,
		       "lost %llu, reordered %llu, duplicated %llu, foreign "
		       "%llu, errors %llu",
		       (unsigned long long)loadtally_lost(&env->tally),
		       (unsigned long long)env->tally.reordered,
		       (unsigned long long)env->tally.duplicated,
		       (unsigned long long)env->foreign,
		       (unsigned long long)env->errors);
}

static int run(struct load *l)
{
	struct procstat before, after;

	l->now = l->progress = (uint64_t)clock_mono_ns();
	if (connect_all(l) != 0 || measure(l, false) != 0 ||
	    procstat_read(&before, getpid()) != 0)
		return -1;
	l->start = l->now = l->progress = (uint64_t)clock_mono_ns();
	if (publish(l) != 0 || measure(l, true) != 0 ||
	    procstat_read(&after, getpid()) != 0)
		return -1;
	l->own_ns = after.cpu_ns - before.cpu_ns;
	return check(l);
}

/* --- The result -----------------------------------------------------------
 */

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void put_real(struct buf *b, const char *name, double value)
{
	jsonput_name(b, name);
	buf_printf(b, "%.3f", value);
}

/* `name` is not ended by a NUL. */
static void put_process(struct buf *b, const char *name, size_t len,
			uint64_t cpu, uint64_t messages, uint64_t ns)
{
	jsonput_comma(b);
	buf_printf(b, "\"%.*s\":{", (int)len, name);
	jsonput_u64(b, "cpuNs", cpu);
	put_real(b, "cpuNsPerMessage", ratio(cpu, messages));
	put_real(b, "busy", ratio(cpu, ns));
	buf_putc(b, '}');
}

static void put_processes(struct buf *b, const struct load *l, uint64_t ns)
{
	uint64_t messages = l->rig.env.tally.flow[0].published;

	jsonput_name(b, "processes");
	buf_putc(b, '{');
	put_process(b, "load", 4, l->own_ns, messages, ns);
	for (size_t i = 0; i < l->count; i++) {
		const struct process *p = &l->processes[i];

		put_process(b, p->name, p->name_len,
			    p->after.cpu_ns - p->before.cpu_ns, messages, ns);
	}
	buf_putc(b, '}');
}

static void put_result(struct buf *b, const struct load *l)
{
	const struct loadpeer_env *env = &l->rig.env;
	uint64_t messages = env->tally.flow[0].published;
	uint64_t ns = env->last - l->start;

	buf_putc(b, '{');
	jsonput_u64(b, "subscribers", l->settings.subscribers);
	jsonput_u64(b, "window", l->settings.window);
	jsonput_u64(b, "messages", messages);
	jsonput_u64(b, "deliveries", env->tally.received);
	jsonput_u64(b, "runNs", ns);
	put_real(b, "messagesPerSecond", ratio(messages, ns) * 1e9);
	jsonput_name(b, "latencyNs");
	buf_putc(b, '{');
	jsonput_u64(b, "p50", histogram_quantile(&env->latency, 500000));
	jsonput_u64(b, "p99", histogram_quantile(&env->latency, 990000));
	buf_putc(b, '}');
	put_processes(b, l, ns);
	buf_puts(b, "}\n");
}

static int tell(struct load *l)
{
	struct buf b;
	int rc = -1;

	buf_init(&b);
	put_result(&b, l);
	if (!b.failed &&
	    fwrite(buf_bytes(&b), 1, buf_len(&b), stdout) == buf_len(&b) &&
	    fflush(stdout) == 0)
		rc = 0;
	buf_release(&b);
	return rc == 0 ? 0 : give_up(l, "cannot write the result");
}

static int load(struct load *l, const char *path, const char *url)
{
	int rc = find_processes(l);

	if (rc != EXIT_DONE)
		return rc;
	if (!l->settings.channel == !l->settings.stream)
		return options_wrong(&program,
				     "needs one of --channel and --stream");
	if (prepare(l, path, url) == 0 && run(l) == 0 && tell(l) == 0)
		rc = EXIT_DONE;
	else
		rc = EXIT_OTHER;
	release(l);
	return rc;
}

int main(int argc, char **argv)
{
	static struct load l = {
		.settings = {.field = "data",
			     .keep = 100000,
			     .subscribers = 1,
			     .window = 4000,
			     .duration = 5000,
			     .drain = 10000},
		.diag = {"redisload", DIAG_WARN},
		.feed.fd = -1,
	};
	int operands;
	int rc;

	if (!options_begin(&program, argc, argv, &l.settings.options, &operands,
			   &rc))
		return rc;
	if (argc - operands == 2)
		rc = load(&l, argv[operands], argv[operands + 1]);
	else
		rc = options_wrong(&program, "needs a socket and a URL");
	options_release(&program, &l.settings.options);
	return rc;
}

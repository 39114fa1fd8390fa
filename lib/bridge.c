/* SPDX-License-Identifier: MIT */
#include "bridge.h"

#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_MS 10000 /* for what is in flight at the end */

static uint64_t held(const struct bridge_figures *f)
{
	return f->received - f->published - f->rejected - f->lost;
}

/* Ending */

static void finish(struct bridge *b, enum exits status)
{
	if (b->done)
		return;
	b->done = b->stopping = true;
	b->status = status;
	b->sink.ops->stop(b->sink.self);
	loop_stop(b->loop);
}

static void finish_if_drained(struct bridge *b)
{
	if (b->stopping && b->sink.ops->drained(b->sink.self) &&
	    b->source.ops->idle(b->source.self))
		finish(b, b->status);
}

static void on_draining(uv_timer_t *timer)
{
	struct bridge *b = timer->data;

	finish(b, b->status == EXIT_DONE ? EXIT_REJECTED : b->status);
}

/* Takes no more, and ends when what is in flight is acknowledged. */
static void stop(struct bridge *b, enum exits status)
{
	if (b->stopping)
		return;
	b->stopping = true;
	b->status = status;
	b->source.ops->stop(b->source.self);
	uv_timer_start(&b->draining, on_draining, DRAIN_MS, 0);
	finish_if_drained(b);
}

/* What the source says */

static void settle(struct bridge *b, const struct origin *origin, bool done)
{
	if (b->source.ops->settle)
		b->source.ops->settle(b->source.self, origin, done);
}

static void reject(struct bridge *b, const char *why,
		   const struct origin *origin)
{
	b->figures.rejected++;
	rejects_add(&b->rejects, why, origin);
	settle(b, origin, true);
}

/* It could not be put; where Redis keeps it, it comes again. */
static void lose(struct bridge *b, const struct origin *origin)
{
	b->figures.lost++;
	settle(b, origin, false);
}

/* How many more are to be taken of those that were asked for. */
static uint64_t wanted(const struct bridge *b)
{
	uint64_t taken = b->figures.published + held(&b->figures);

	if (!b->config->count)
		return UINT64_MAX;
	return taken < b->config->count ? b->config->count - taken : 0;
}

/* Reads on, or leaves in Redis what is not wanted now. */
static void steer(struct bridge *b)
{
	uint64_t n = b->sink.ops->room(b->sink.self);

	if (n > wanted(b))
		n = wanted(b);
	b->source.ops->allow(b->source.self, b->stopping ? 0 : (size_t)n);
}

static void take(struct bridge *b, const struct origin *message)
{
	struct origin origin = *message;
	struct document doc;
	char why[ROUTING_WHY_MAX];

	switch (routing_read(&b->routing, &origin, &doc, why)) {
	case ROUTING_OK:
		if (!b->sink.ops->put(b->sink.self, &doc, &origin))
			lose(b, &origin);
		break;
	case ROUTING_BAD:
		reject(b, why, &origin);
		break;
	case ROUTING_NO_MEMORY:
		lose(b, &origin);
		break;
	}
}

static void on_message(void *user, const struct origin *origin)
{
	struct bridge *b = user;

	if (b->stopping || !wanted(b)) {
		settle(b, origin, false);
		return;
	}
	b->figures.received++;
	take(b, origin);
	steer(b); /* at once: the link reads many times in a turn */
}

static void on_unfit(void *user, const struct origin *origin, const char *why)
{
	struct bridge *b = user;

	b->figures.received++;
	reject(b, why, origin);
}

static void write_ready(struct bridge *b)
{
	int fd = b->config->ready_fd;

	if (fd < 0)
		return;
	if (dprintf(fd, "subscribed\n") < 0) {
		diag(b->config->diag, DIAG_ERROR,
		     "cannot write to --ready-fd %d: %s", fd, strerror(errno));
		stop(b, EXIT_OTHER);
	}
	if (fd > STDERR_FILENO)
		close(fd);
}

static void on_source_ready(void *user, bool missed)
{
	struct bridge *b = user;

	if (missed)
		b->sink.ops->missed(b->sink.self, 0, true);
	if (!b->ready)
		write_ready(b);
	b->ready = true;
}

/* Nobody knows what was published meanwhile, or will be until it is back. */
static void on_broken(void *user, bool missed)
{
	struct bridge *b = user;

	b->figures.breaks++;
	if (missed)
		b->sink.ops->missed(b->sink.self, 0, false);
}

static void on_lost(void *user, uint64_t count)
{
	struct bridge *b = user;

	b->figures.received += count;
	b->figures.lost += count;
	b->sink.ops->missed(b->sink.self, count, false);
}

static void on_idle(void *user)
{
	finish_if_drained(user);
}

static void on_failed(void *user, enum exits status)
{
	stop(user, status);
}

static const struct source_events source_events = {
	.message = on_message,
	.unfit = on_unfit,
	.ready = on_source_ready,
	.broken = on_broken,
	.lost = on_lost,
	.changed = on_idle,
	.failed = on_failed,
};

/* What the sink says */

/*
 * A wsd that one comes back to may be another, which knows no keys. What the
 * old one acknowledged must not come again behind what follows it, should the
 * bridge be killed before Redis knows of it: so Redis hears of it first.
 */
static void hold(struct bridge *b, bool held)
{
	if (b->held == held)
		return;
	b->held = held;
	b->sink.ops->hold(b->sink.self, held);
	if (held)
		diag(b->config->diag, DIAG_NOTE,
		     "Redis is told what was acknowledged, before more is sent");
}

static bool told(const struct bridge *b)
{
	return !b->source.ops->told || b->source.ops->told(b->source.self);
}

static void on_sink_ready(void *user, uint64_t max)
{
	struct bridge *b = user;
	enum exits status;

	routing_limit(&b->routing, max);
	if (b->started && b->sink.ops->hold)
		hold(b, !told(b));
	if (b->started || b->stopping)
		return;
	b->started = true;
	status = b->source.ops->start(b->source.self, &b->loop->uv);
	if (status != EXIT_DONE)
		stop(b, status);
}

static void on_settled(void *user, const struct origin *origin,
		       enum sink_fate fate, const char *why)
{
	struct bridge *b = user;

	switch (fate) {
	case SINK_DONE:
		b->figures.published++;
		settle(b, origin, true);
		break;
	case SINK_REFUSED:
		reject(b, why, origin);
		break;
	case SINK_LOST:
		rejects_tell(&b->rejects, why, origin);
		lose(b, origin);
		break;
	}
}

static void on_changed(void *user)
{
	struct bridge *b = user;

	if (b->config->count && b->figures.published >= b->config->count)
		stop(b, EXIT_DONE);
	finish_if_drained(b);
}

static void on_ended(void *user, enum exits status, int signum)
{
	struct bridge *b = user;

	if (!b->signal)
		b->signal = signum;
	finish(b, status);
}

static const struct sink_events sink_events = {
	.ready = on_sink_ready,
	.settled = on_settled,
	.changed = on_changed,
	.ended = on_ended,
};

/* The loop is about to wait: what came in this turn leaves together. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct bridge *b = prepare->data;

	if (b->done)
		return;
	if (b->held)
		hold(b, !told(b));
	b->sink.ops->flush(b->sink.self);
	if (b->source.ops->flush)
		b->source.ops->flush(b->source.self);
	if (b->started)
		steer(b);
}

/* Beginning and end */

static int init_source(struct bridge *b)
{
	const struct bridge_config *c = b->config;

	if (c->streams.read.count) {
		b->source = (struct source){&streams_ops, &b->streams};
		return streams_init(&b->streams, &c->streams, &source_events,
				    b);
	}
	b->source = (struct source){&pubsub_ops, &b->pubsub};
	pubsub_init(&b->pubsub, &c->pubsub, &source_events, b);
	return 0;
}

static int init_sink(struct bridge *b)
{
	const struct bridge_config *config = b->config;

	if (config->print || config->dry_run) {
		b->sink = (struct sink){&printer_ops, &b->printer};
		printer_init(&b->printer, config->diag, &sink_events, b);
		return 0;
	}
	b->sink = (struct sink){&delivery_ops, &b->delivery};
	return delivery_init(&b->delivery, &config->delivery, &sink_events, b);
}

int bridge_init(struct bridge *b, const struct bridge_config *config,
		struct loop *loop)
{
	int result;

	memset(b, 0, sizeof(*b));
	b->config = config;
	b->loop = loop;
	rejects_init(&b->rejects, config->dry_run ? NULL : config->rejects,
		     config->diag);
	result = routing_init(&b->routing, &config->routing);
	if (init_source(b) != 0)
		result = -1;
	return init_sink(b) != 0 ? -1 : result;
}

static void on_deadline(uv_timer_t *timer)
{
	struct bridge *b = timer->data;
	uint64_t ms = b->config->timeout_ms;
	const char *why = b->sink.ops->why_not(b->sink.self, ms);
	char time[NUM_TEXT_MAX];

	if (why)
		diag(b->config->diag, DIAG_ERROR, "%s", why);
	else
		diag(b->config->diag, DIAG_ERROR,
		     "time is up after %s; published: %" PRIu64 "%s",
		     num_show_duration(time, ms), b->figures.published,
		     b->ready ? ""
			      : "; Redis has not confirmed a subscription");
	finish(b, EXIT_TIMEOUT);
}

/* A second one does not wait for what is in flight. */
static void on_signal(void *user, int signum)
{
	struct bridge *b = user;

	b->signal = signum;
	if (b->stopping)
		finish(b, EXIT_OTHER);
	else
		stop(b, EXIT_DONE);
}

static void on_usr1(uv_signal_t *handle, int signum)
{
	struct bridge *b = handle->data;
	struct bridge_figures figures;

	(void)signum;
	bridge_figures(b, &figures);
	b->config->report(b->config->user, &figures);
}

static int open_handles(struct bridge *b)
{
	uv_loop_t *uv = &b->loop->uv;
	int error = uv_signal_init(uv, &b->usr1);

	if (error) {
		errno = -error;
		return -1;
	}
	uv_prepare_init(uv, &b->prepare);
	uv_timer_init(uv, &b->deadline);
	uv_timer_init(uv, &b->draining);
	b->prepare.data = b->deadline.data = b->draining.data = b;
	b->usr1.data = b;
	b->handles = true;
	uv_prepare_start(&b->prepare, on_prepare);
	if (b->config->timeout_ms)
		uv_timer_start(&b->deadline, on_deadline, b->config->timeout_ms,
			       0);
	error = uv_signal_start(&b->usr1, on_usr1, SIGUSR1);
	errno = -error;
	return error ? -1 : 0;
}

static void close_handles(struct bridge *b)
{
	if (!b->handles)
		return;
	b->handles = false;
	uv_close((uv_handle_t *)&b->prepare, NULL);
	uv_close((uv_handle_t *)&b->deadline, NULL);
	uv_close((uv_handle_t *)&b->draining, NULL);
	uv_close((uv_handle_t *)&b->usr1, NULL);
}

int bridge_start(struct bridge *b)
{
	if (rejects_open(&b->rejects) != 0) {
		diag(b->config->diag, DIAG_ERROR, "cannot open '%s': %s",
		     b->config->rejects, strerror(errno));
		b->status = EXIT_USAGE;
		return -1;
	}
	if (open_handles(b) != 0 ||
	    loop_catch_signals(b->loop, on_signal, b) != 0) {
		diag(b->config->diag, DIAG_ERROR, "cannot catch signals: %s",
		     strerror(errno));
		b->status = EXIT_OTHER;
		return -1;
	}
	b->status = b->sink.ops->start(b->sink.self, b->loop);
	return b->status == EXIT_DONE ? 0 : -1;
}

void bridge_release(struct bridge *b)
{
	uint64_t left = held(&b->figures);

	b->done = b->stopping = true;
	b->source.ops->release(b->source.self);
	b->sink.ops->close(b->sink.self);
	/* A reader that has left wants no more. */
	if (left && b->signal != SIGPIPE)
		diag(b->config->diag, DIAG_ERROR,
		     "%" PRIu64 " message%s not %s", left,
		     left == 1 ? " was" : "s were", b->sink.ops->done);
	b->figures.lost += left;
	close_handles(b);
	rejects_release(&b->rejects);
	b->sink.ops->release(b->sink.self);
	routing_release(&b->routing);
}

void bridge_figures(const struct bridge *b, struct bridge_figures *figures)
{
	struct sink_figures sink;

	b->sink.ops->figures(b->sink.self, &sink);
	*figures = b->figures;
	figures->held = held(&b->figures);
	figures->gaps = sink.gaps;
	figures->reconnects = sink.reconnects;
}

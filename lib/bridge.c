/* SPDX-License-Identifier: MIT */
#include "bridge.h"

#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Messages for which the window has room beyond max_messages: what had been
 * read when reading stopped, and GAPs.
 */
#define EXTRA_MESSAGES 8192

#define DRAIN_MS 10000 /* for what is in flight at the end */

/* Until a refused GAP is tried again; it doubles with each that is refused. */
#define AGAIN_MS 250
#define AGAIN_MAX_MS 30000

/* What is kept of the memory for a message from one to the next. */
#define TEXT_KEPT (256 * 1024)

/* The sources that the uplink's lines are given. */
enum { MESSAGE, GAP };

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
	uplink_stop(&b->uplink);
	loop_stop(b->loop);
}

static void finish_if_drained(struct bridge *b)
{
	if (b->stopping && !seen_first_owed(&b->seen) &&
	    uplink_drained(&b->uplink))
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
	pubsub_close(&b->pubsub);
	uv_timer_start(&b->draining, on_draining, DRAIN_MS, 0);
	finish_if_drained(b);
}

/* Rejecting */

static void reject(struct bridge *b, const char *why,
		   const struct origin *origin)
{
	b->figures.rejected++;
	rejects_add(&b->rejects, why, origin);
}

/* Into the window */

static bool full(const struct bridge *b)
{
	const struct window *w = &b->uplink.window;

	return w->next - w->first >= b->config->max_messages ||
	       buf_len(&w->bytes) >= b->config->max_buffer;
}

/* Whether the wsd takes what it is sent, if not at once. */
static bool flowing(const struct bridge *b)
{
	return b->uplink.ready && !b->uplink.draining;
}

/* Tells a tenant that it missed something. False when there is no room. */
static bool put_gap(struct bridge *b, struct seen_tenant *t)
{
	const struct origin origin = {.tenant = {t->id, t->len}};
	const struct uplink_message gap = {
		.tenant = origin.tenant,
		.source = GAP,
	};

	origin_put(&b->uplink.window.origins, &origin, false);
	if (uplink_put(&b->uplink, &gap) != 0)
		return false;
	seen_settle(&b->seen, t);
	return true;
}

/* Those that are owed a GAP get it as soon as there is room. */
static void put_gaps(struct bridge *b)
{
	struct seen_tenant *t;

	if (uv_is_active((uv_handle_t *)&b->again))
		return;
	while (!full(b) && (t = seen_first_owed(&b->seen)))
		if (!put_gap(b, t))
			return;
}

static void lose(struct bridge *b, struct seen_tenant *t)
{
	b->figures.lost++;
	b->dropped++;
	if (t)
		seen_owe(&b->seen, t);
	if (b->dropping)
		return;
	b->dropping = true;
	diag(b->config->diag, DIAG_WARN,
	     "no room for more messages: they are lost until '%s' takes some",
	     b->config->url);
}

static bool put_message(struct bridge *b, const struct document *doc,
			const struct origin *origin)
{
	const struct uplink_message message = {
		.tenant = doc->tenant,
		.data = doc->data,
		.len = doc->len,
		.number = origin->channel.len,
		.source = MESSAGE,
	};

	origin_put(&b->uplink.window.origins, origin, b->config->rejects);
	return uplink_put(&b->uplink, &message) == 0;
}

static void take(struct bridge *b, const struct document *doc,
		 struct origin *origin)
{
	struct seen_tenant *t = seen_touch(&b->seen, doc->tenant);

	origin->tenant = doc->tenant;
	if ((full(b) && !flowing(b)) || (t && t->owed && !put_gap(b, t)) ||
	    !put_message(b, doc, origin))
		lose(b, t);
}

/* What Redis says */

/* The tenant that the channel names. False when it was rejected. */
static bool route(struct bridge *b, const struct origin *origin)
{
	enum channel_result result;
	char why[DOCUMENT_WHY_MAX];

	if (!b->config->tenant_channel)
		return true;
	result = channel_tenant(&b->template, origin->channel.bytes,
				origin->channel.len, &b->rules.tenant);
	if (result == CHANNEL_OK)
		return true;
	snprintf(why, sizeof(why), "the channel %s", channel_strerror(result));
	reject(b, why, origin);
	return false;
}

static void reject_fault(struct bridge *b, const struct document_fault *fault,
			 const struct origin *origin)
{
	char why[DOCUMENT_WHY_MAX + 40];

	if (fault->offset)
		snprintf(why, sizeof(why), "column %zu: %s", fault->offset + 1,
			 fault->why);
	else
		snprintf(why, sizeof(why), "%s", fault->why);
	reject(b, why, origin);
}

/* What is taken and not rejected or lost is as many as asked for. */
static bool enough(const struct bridge *b)
{
	const struct bridge_figures *f = &b->figures;

	return b->config->count && f->published + held(f) >= b->config->count;
}

/* Reads on, or leaves in Redis what there is no room for. */
static void steer(struct bridge *b)
{
	pubsub_pause(&b->pubsub, enough(b) || (full(b) && flowing(b)));
}

static void on_message(void *user, const struct redispush *push)
{
	struct bridge *b = user;
	struct origin origin = {
		.channel = {push->channel->text, push->channel->len},
		.message = {push->payload->text, push->payload->len},
	};
	struct document_fault fault;
	struct document doc;

	if (b->stopping || enough(b))
		return;
	b->figures.received++;
	if (!route(b, &origin))
		return;
	/* A copy, as the document is made in place. */
	buf_clear(&b->text, TEXT_KEPT);
	buf_append(&b->text, origin.message.bytes, origin.message.len);
	buf_putc(&b->text, '\0');
	if (b->text.failed)
		lose(b, NULL);
	else if (document_read(&doc, &b->rules, buf_bytes(&b->text),
			       origin.message.len, &b->scratch, &fault) == 0)
		take(b, &doc, &origin);
	else
		reject_fault(b, &fault, &origin);
	steer(b); /* at once: the link reads many times in a turn */
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

static void on_subscribed(void *user, bool early)
{
	struct bridge *b = user;

	/* Of one channel something may have come before another was there. */
	if (early && b->ready)
		seen_owe_all(&b->seen);
	if (!b->ready)
		write_ready(b);
	b->ready = true;
	put_gaps(b);
}

/* Nobody knows what was published meanwhile, or will be until it is back. */
static void on_broken(void *user)
{
	struct bridge *b = user;

	b->figures.breaks++;
	seen_owe_all(&b->seen);
	put_gaps(b);
}

static void on_failed(void *user, enum exits status)
{
	stop(user, status);
}

static const struct pubsub_events pubsub_events = {
	.message = on_message,
	.subscribed = on_subscribed,
	.broken = on_broken,
	.failed = on_failed,
};

/* What the uplink says */

static void on_tell(void *user, enum diag_level level, const char *text)
{
	diag(((struct bridge *)user)->config->diag, level, "%s", text);
}

static void on_ready(void *user, uint64_t max)
{
	struct bridge *b = user;
	enum exits status;

	b->rules.max = max;
	if (b->pubsub.redis || b->stopping)
		return;
	status = pubsub_start(&b->pubsub, &b->loop->uv);
	if (status != EXIT_DONE)
		stop(b, status);
}

static void on_settled(void *user, uint64_t first, uint64_t last,
		       const struct answer *ack)
{
	struct bridge *b = user;
	struct window_line line;

	(void)ack;
	for (uint64_t id = first; id <= last; id++) {
		if (!window_line(&b->uplink.window, id, &line))
			continue;
		if (line.source == MESSAGE) {
			b->figures.published++;
		} else {
			b->figures.gaps++;
			b->again_ms = AGAIN_MS;
		}
	}
}

/* It may be taken later; for a message that is too late. */
static bool is_passing(enum proto_code code)
{
	return code == PROTO_RATE_LIMITED || code == PROTO_OVER_CAPACITY;
}

static void on_again(uv_timer_t *timer)
{
	struct bridge *b = timer->data;

	put_gaps(b);
	uplink_flush(&b->uplink);
}

/* Its tenant is to be told, again, but not at once. */
static void owe_later(struct bridge *b, struct request_text tenant)
{
	struct seen_tenant *t = seen_touch(&b->seen, tenant);

	if (t)
		seen_owe(&b->seen, t);
	if (uv_is_active((uv_handle_t *)&b->again))
		return;
	uv_timer_start(&b->again, on_again, b->again_ms, 0);
	b->again_ms *= 2;
	if (b->again_ms > AGAIN_MAX_MS)
		b->again_ms = AGAIN_MAX_MS;
}

static void on_rejected(void *user, const struct window_line *line,
			enum proto_code code, const char *why)
{
	struct bridge *b = user;
	struct origin origin;

	origin_of(&origin, line->origin, line->origin_len,
		  (size_t)line->number);
	if (line->source == MESSAGE && !is_passing(code)) {
		reject(b, why, &origin);
		return;
	}
	if (line->source == MESSAGE) {
		rejects_tell(&b->rejects, why, &origin);
		b->figures.lost++;
	} else if (!is_passing(code)) {
		diag(b->config->diag, DIAG_WARN, "a GAP: %s", why);
		return;
	}
	owe_later(b, origin.tenant);
}

static void on_complaint(void *user, enum proto_code code, const char *why)
{
	struct bridge *b = user;

	diag(b->config->diag, DIAG_ERROR, "%s", why);
	finish(b, proto_code_forbids(code) ? EXIT_REFUSED : EXIT_REJECTED);
}

static void tell_room(struct bridge *b)
{
	if (!b->dropping || full(b))
		return;
	b->dropping = false;
	diag(b->config->diag, DIAG_WARN, "there is room again; lost: %" PRIu64,
	     b->dropped);
	b->dropped = 0;
}

static void on_changed(void *user)
{
	struct bridge *b = user;

	put_gaps(b);
	tell_room(b);
	if (b->config->count && b->figures.published >= b->config->count)
		stop(b, EXIT_DONE);
	finish_if_drained(b);
}

static void on_ended(void *user, enum exits status)
{
	finish(user, status);
}

static const struct uplink_events uplink_events = {
	.tell = on_tell,
	.ready = on_ready,
	.settled = on_settled,
	.rejected = on_rejected,
	.complaint = on_complaint,
	.changed = on_changed,
	.ended = on_ended,
};

/* The loop is about to wait: what came in this turn leaves together. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct bridge *b = prepare->data;

	if (b->done)
		return;
	uplink_flush(&b->uplink);
	steer(b);
}

/* Beginning and end */

static int init_rules(struct bridge *b)
{
	const struct bridge_config *c = b->config;

	if (c->tenant_channel &&
	    channel_init(&b->template, c->tenant_channel) != 0)
		return -1;
	return route_init(&b->rules.route, c->tenant_field, NULL);
}

int bridge_init(struct bridge *b, const struct bridge_config *config,
		struct loop *loop)
{
	memset(b, 0, sizeof(*b));
	b->config = config;
	b->loop = loop;
	b->again_ms = AGAIN_MS;
	b->uplink_config = (struct uplink_config){
		.url = config->url,
		.acks = true,
		.needs = "acknowledgements",
		.retry = true,
		.max_lines = (size_t)config->max_messages + EXTRA_MESSAGES,
		.max_bytes = (size_t)config->max_buffer,
	};
	pubsub_init(&b->pubsub, &config->source, &pubsub_events, b);
	buf_init(&b->text);
	buf_init(&b->scratch);
	rejects_init(&b->rejects, config->rejects, config->diag);
	if (seen_init(&b->seen, BRIDGE_TENANTS_MAX) != 0)
		return -1;
	if (uplink_init(&b->uplink, &b->uplink_config, &uplink_events, b) != 0)
		return -1;
	return init_rules(b);
}

static void on_deadline(uv_timer_t *timer)
{
	struct bridge *b = timer->data;
	uint64_t ms = b->config->timeout_ms;
	const char *why = uplink_why_not(&b->uplink, ms);
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
	uv_timer_init(uv, &b->again);
	b->prepare.data = b->deadline.data = b->draining.data = b;
	b->again.data = b->usr1.data = b;
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
	uv_close((uv_handle_t *)&b->again, NULL);
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
	b->status = uplink_start(&b->uplink, b->loop);
	return b->status == EXIT_DONE ? 0 : -1;
}

void bridge_release(struct bridge *b)
{
	uint64_t left = held(&b->figures);

	b->done = b->stopping = true;
	pubsub_release(&b->pubsub);
	uplink_close(&b->uplink);
	if (left)
		diag(b->config->diag, DIAG_ERROR,
		     "%" PRIu64 " message%s not acknowledged", left,
		     left == 1 ? " was" : "s were");
	b->figures.lost += left;
	close_handles(b);
	rejects_release(&b->rejects);
	uplink_release(&b->uplink);
	seen_release(&b->seen);
	buf_release(&b->text);
	buf_release(&b->scratch);
}

void bridge_figures(const struct bridge *b, struct bridge_figures *figures)
{
	*figures = b->figures;
	figures->held = held(&b->figures);
	figures->reconnects = b->uplink.reconnects;
}

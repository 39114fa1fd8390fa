/* SPDX-License-Identifier: MIT */
#include "publisher.h"

#include "clock.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BYTES (4 << 20)

/* For a message: no line of progress is in its way. */
static const struct diag *out(struct publisher *p)
{
	progress_clear(&p->progress);
	return p->config->diag;
}

static void finish(struct publisher *p, enum exits status)
{
	if (p->done)
		return;
	p->done = true;
	p->status = status;
	p->cut = !p->feed.ended;
	uplink_stop(&p->uplink);
	feed_stop(&p->feed);
	loop_stop(p->loop);
}

static enum exits status_of(const struct publisher *p)
{
	if (p->feed.status != EXIT_DONE)
		return p->feed.status;
	if (p->refused)
		return EXIT_REFUSED;
	return p->feed.refused ? EXIT_REJECTED : EXIT_DONE;
}

static void finish_if_drained(struct publisher *p)
{
	if (p->feed.ended && uplink_drained(&p->uplink))
		finish(p, status_of(p));
}

/* What the uplink says */

static void on_tell(void *user, enum diag_level level, const char *text)
{
	diag(out(user), level, "%s", text);
}

static void start_feed(struct publisher *p, uint64_t max)
{
	if (feed_start(&p->feed, p->loop, max) == 0)
		return;
	diag(out(p), DIAG_ERROR, "cannot read input: %s", strerror(errno));
	finish(p, EXIT_OTHER);
}

static void on_ready(void *user, uint64_t max)
{
	struct publisher *p = user;

	if (p->feed.started)
		feed_limit(&p->feed, max);
	else
		start_feed(p, max);
}

static void on_settled(void *user, uint64_t first, uint64_t last,
		       const struct answer *ack)
{
	struct progress_ack *note = &((struct publisher *)user)->last;

	(void)first;
	(void)last;
	if (!ack)
		return;
	snprintf(note->tenant, sizeof(note->tenant), "%s", ack->tenant);
	snprintf(note->epoch, sizeof(note->epoch), "%s", ack->epoch);
	note->seq = ack->seq;
	note->subscribers = ack->subscribers;
	note->duplicate = ack->duplicate;
}

/* A tenant among others that is forbidden is a refusal like any other. */
static bool forbids_all(const struct publisher *p, enum proto_code code)
{
	return p->config->feed.tenant && proto_code_forbids(code);
}

static void on_rejected(void *user, const struct window_line *line,
			enum proto_code code, const char *why)
{
	struct publisher *p = user;

	p->refused |= forbids_all(p, code);
	feed_refuse(&p->feed, line, why);
}

static void on_complaint(void *user, enum proto_code code, const char *why)
{
	struct publisher *p = user;

	p->refused |= forbids_all(p, code);
	diag(out(p), DIAG_ERROR, "%s", why);
	feed_count_refused(&p->feed);
	/* Without a producer, resending would publish twice. */
	if (p->uplink.acked)
		finish(p,
		       proto_code_forbids(code) ? EXIT_REFUSED : EXIT_REJECTED);
}

static void on_moved(void *user)
{
	struct publisher *p = user;

	feed_resume(&p->feed);
	finish_if_drained(p);
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
	.changed = on_moved,
	.ended = on_ended,
};

/* What the feed says */

static void on_fed(void *user)
{
	struct publisher *p = user;

	uplink_flush(&p->uplink);
	finish_if_drained(p);
}

static void on_refused(void *user, const char *text)
{
	diag(out(user), DIAG_ERROR, "%s", text);
}

static const struct feed_events feed_events = {
	.changed = on_fed,
	.refused = on_refused,
};

/* Beginning and end */

/* What a server without wsd.v1 does not have and would have to. */
static const char *needs_v1(const struct publisher_config *config)
{
	if (config->acks == PUBLISHER_ACKS_NEEDED)
		return "acknowledgements";
	return config->feed.key_field ? "keys" : NULL;
}

int publisher_init(struct publisher *p, const struct publisher_config *config,
		   struct loop *loop)
{
	memset(p, 0, sizeof(*p));
	p->config = config;
	p->loop = loop;
	p->began_ms = clock_mono_ms();
	p->uplink_config = (struct uplink_config){
		.url = config->url,
		.acks = config->acks != PUBLISHER_NO_ACKS,
		.needs = needs_v1(config),
		.login = config->login,
		.retry = !config->no_retry,
		.max_lines = (size_t)config->window,
		.max_bytes = WINDOW_BYTES,
	};
	if (feed_init(&p->feed, &config->feed, &feed_events, p, &p->uplink))
		return -1;
	return uplink_init(&p->uplink, &p->uplink_config, &uplink_events, p);
}

/* What the time went by with; of unread input tell_unread() speaks. */
static const char *awaited(const struct publisher *p)
{
	if (p->uplink.window.open)
		return p->uplink.acked ? "; the server has not acknowledged all"
				       : "; the server has not taken all";
	return p->feed.ended ? "; the server has not said that all arrived"
			     : "";
}

static void on_deadline(uv_timer_t *timer)
{
	struct publisher *p = timer->data;
	uint64_t ms = p->config->timeout_ms;
	const char *why = uplink_why_not(&p->uplink, ms);
	char time[NUM_TEXT_MAX];

	if (why)
		diag(out(p), DIAG_ERROR, "%s", why);
	else
		diag(out(p), DIAG_ERROR, "time is up after %s%s",
		     num_show_duration(time, ms), awaited(p));
	finish(p, EXIT_TIMEOUT);
}

static void start_deadline(struct publisher *p)
{
	if (!p->config->timeout_ms)
		return;
	uv_timer_init(&p->loop->uv, &p->deadline);
	p->deadline.data = p;
	p->timed = true;
	uv_timer_start(&p->deadline, on_deadline, p->config->timeout_ms, 0);
}

static void on_signal(void *user, int signum)
{
	struct publisher *p = user;

	if (p->done)
		return;
	p->signal = signum;
	finish(p, EXIT_OTHER);
}

static void look(void *user, struct progress_figures *figures)
{
	publisher_figures(user, figures);
}

int publisher_start(struct publisher *p)
{
	p->status = uplink_start(&p->uplink, p->loop);
	if (p->status != EXIT_DONE)
		return -1;
	start_deadline(p);
	if (p->config->progress ||
	    (isatty(STDERR_FILENO) && p->config->diag->level > DIAG_ERROR))
		progress_start(&p->progress, &p->loop->uv,
			       p->config->diag->program, p->config->progress,
			       look, p);
	if (loop_catch_signals(p->loop, on_signal, p) == 0)
		return 0;
	diag(p->config->diag, DIAG_ERROR, "cannot catch signals: %s",
	     strerror(errno));
	p->status = EXIT_OTHER;
	return -1;
}

static void tell_unacknowledged(struct publisher *p)
{
	const struct window *w = &p->uplink.window;
	char place[FEED_PLACE_MAX];
	struct window_line line;

	if (!window_line(w, w->first, &line))
		return;
	diag(out(p), DIAG_ERROR, "%zu update%s not %s, from %s on", w->open,
	     w->open == 1 ? " was" : "s were",
	     p->uplink.acked ? "acknowledged" : "sent",
	     feed_place(&p->feed, place, line.source, line.number));
}

/*
 * Input that goes on and on is ended by a signal: then what follows is no loss,
 * unless it is known to be there.
 */
static void tell_unread(struct publisher *p)
{
	const struct feed *feed = &p->feed;
	char place[FEED_PLACE_MAX];

	if (!p->cut || (p->signal && !lineio_size(&feed->lines)))
		return;
	if (feed->at.number)
		diag(out(p), DIAG_ERROR,
		     "what follows %s was not read, and not published",
		     feed_place(feed, place, feed->at.source, feed->at.number));
	else
		diag(out(p), DIAG_ERROR, "nothing was published");
}

void publisher_release(struct publisher *p)
{
	progress_stop(&p->progress);
	uplink_close(&p->uplink);
	tell_unacknowledged(p);
	tell_unread(p);
	if (feed_release(&p->feed) != 0) {
		diag(out(p), DIAG_ERROR, "cannot write '%s': %s",
		     p->config->feed.rejects, strerror(errno));
		p->status = EXIT_OTHER;
	}
	if (p->timed)
		uv_close((uv_handle_t *)&p->deadline, NULL);
	p->timed = false;
	uplink_release(&p->uplink);
}

void publisher_figures(const struct publisher *p,
		       struct progress_figures *figures)
{
	*figures = (struct progress_figures){
		.read = p->feed.read,
		.bytes = p->feed.bytes,
		.total = lineio_size(&p->feed.lines),
		.acknowledged = p->uplink.acknowledged,
		.duplicates = p->uplink.duplicates,
		.rejected = p->feed.refused,
		.unacknowledged = p->uplink.window.open,
		.reconnects = p->uplink.reconnects,
		.unasked = !p->uplink.acked,
		.last = p->last,
		.ms = (uint64_t)(clock_mono_ms() - p->began_ms),
	};
}

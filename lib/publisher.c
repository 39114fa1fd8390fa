/* SPDX-License-Identifier: MIT */
#include "publisher.h"

#include "clock.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BYTES (4 << 20)

/* A server forgets a producer that was away for longer. */
#define PRODUCER_KEPT_MS (10 * 60 * 1000)

static const struct client_events client_events;
static const struct feed_events feed_events;

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
	feed_stop(&p->feed);
	loop_stop(p->loop);
}

/* Sending */

static void out_of_memory(struct publisher *p)
{
	diag(out(p), DIAG_ERROR, "%s", strerror(ENOMEM));
	finish(p, EXIT_OTHER);
}

/*
 * Takes out what the server would close the connection for. It is checked
 * late, since a server that one comes back to may have other limits.
 */
static void refuse_stuck(struct publisher *p)
{
	struct window_line line;

	while (sender_stuck(&p->sender, &line)) {
		feed_refuse(&p->feed, &line,
			    "larger than a frame of the server may be");
		window_reject(&p->window, line.id);
	}
}

static void flush(struct publisher *p)
{
	if (!p->ready || p->done || p->draining)
		return;
	refuse_stuck(p);
	if (sender_flush(&p->sender) != 0)
		out_of_memory(p);
}

/*
 * Without ACKs, a PONG tells that all before it has arrived, and that no ERROR
 * is on its way.
 */
static void ping(struct publisher *p)
{
	if (p->ready && sender_ping(&p->sender) != 0)
		out_of_memory(p);
}

static enum exits status_of(const struct publisher *p)
{
	if (p->feed.status != EXIT_DONE)
		return p->feed.status;
	if (p->refused)
		return EXIT_REFUSED;
	return p->feed.refused ? EXIT_REJECTED : EXIT_DONE;
}

/* Does what can be done now; called whenever something has changed. */
static void advance(struct publisher *p)
{
	flush(p);
	if (!p->feed.ended || p->window.open)
		return;
	if (!p->acked && !p->plain && !p->ponged)
		ping(p);
	else
		finish(p, status_of(p));
}

/* What the server says */

/* The part of an epoch before the dot is of one run of a server. */
static void look_at_epoch(struct publisher *p, const char *epoch)
{
	size_t len = strcspn(epoch, ".");
	bool same = strlen(p->run) == len && !memcmp(p->run, epoch, len);

	if (p->run[0] && !same && p->resent)
		diag(out(p), DIAG_WARN,
		     "the server was restarted: what it had not acknowledged "
		     "was sent again (%" PRIu64
		     ") and may have been published before",
		     p->resent);
	p->resent = 0;
	if (same)
		return;
	memcpy(p->run, epoch, len);
	p->run[len] = '\0';
}

static void note(struct progress_ack *last, const struct answer *answer)
{
	snprintf(last->tenant, sizeof(last->tenant), "%s", answer->tenant);
	snprintf(last->epoch, sizeof(last->epoch), "%s", answer->epoch);
	last->seq = answer->seq;
	last->subscribers = answer->subscribers;
	last->duplicate = answer->duplicate;
}

/*
 * A resent message is a duplicate of itself. An ACK settles many ids, and tells
 * this of the one that it names; so there may be more.
 */
static void count_duplicate(struct publisher *p, const struct answer *answer)
{
	if (answer->duplicate && answer->id >= p->fresh)
		p->duplicates++;
}

static void on_ack(struct publisher *p, const struct answer *answer)
{
	p->acknowledged += window_ack(&p->window, answer->id);
	count_duplicate(p, answer);
	note(&p->last, answer);
	look_at_epoch(p, answer->epoch);
	feed_resume(&p->feed);
}

static bool is_refusal(enum proto_code code)
{
	return code == PROTO_AUTH_REQUIRED || code == PROTO_AUTH_FAILED ||
	       code == PROTO_TOKEN_EXPIRED || code == PROTO_FORBIDDEN;
}

/* An ERROR about no line that we know. */
static void on_other_error(struct publisher *p, const char *text)
{
	diag(out(p), DIAG_ERROR, "%s", text);
	feed_count_refused(&p->feed);
	/* Without a producer, resending would publish twice. */
	if (p->acked)
		finish(p, p->refused ? EXIT_REFUSED : EXIT_REJECTED);
}

static void on_error(struct publisher *p, const struct answer *answer)
{
	uint64_t id = sender_subject(&p->sender, answer);
	struct window_line line;
	char message[300];
	char text[400];
	long n = 0;

	if (answer->code == PROTO_DRAINING && p->acked) {
		/* Not for good: the server that comes back will take it. */
		window_defer(&p->window, id);
		p->draining = true;
		return;
	}
	if (answer->message.text)
		n = json_unescape(&answer->message, message, sizeof(message));
	snprintf(text, sizeof(text), "the server refuses: %s: %.*s",
		 answer->code_name, n > 0 ? (int)n : 0, message);
	p->refused |= is_refusal(answer->code);
	if (!window_line(&p->window, id, &line)) {
		on_other_error(p, text);
		return;
	}
	feed_refuse(&p->feed, &line, text);
	window_reject(&p->window, id);
	feed_resume(&p->feed);
}

static void on_drain(struct publisher *p, const struct answer *answer)
{
	diag(out(p), DIAG_NOTE, "the server is shutting down");
	p->draining = true;
	client_delay(p->client, answer->reconnect_after_ms);
}

static void on_message(void *user, const char *text, size_t len)
{
	struct publisher *p = user;
	struct answer answer;

	if (p->done || answer_parse(&answer, text, len) != JSON_OK)
		return;
	switch (answer.type) {
	case ANSWER_ACK:
		on_ack(p, &answer);
		break;
	case ANSWER_ERROR:
		on_error(p, &answer);
		break;
	case ANSWER_DRAIN:
		on_drain(p, &answer);
		break;
	case ANSWER_PONG:
		p->ponged = p->sender.pinged;
		break;
	default:
		break;
	}
	advance(p);
}

/* Coming and going */

static const char *needs_acks(const struct publisher *p)
{
	if (p->config->acks == PUBLISHER_ACKS_NEEDED)
		return "acknowledgements";
	return p->config->feed.key_field ? "keys" : NULL;
}

/* A server without wsd.v1: false when that will not do. */
static bool fall_back(struct publisher *p)
{
	const char *need = needs_acks(p);

	if (need) {
		diag(out(p), DIAG_ERROR,
		     "'%s' does not speak wsd.v1, and so has no %s",
		     p->config->url, need);
		finish(p, EXIT_USAGE);
		return false;
	}
	if (!p->plain && p->config->acks == PUBLISHER_ACKS)
		diag(out(p), DIAG_WARN,
		     "'%s' does not speak wsd.v1: publishing without "
		     "acknowledgements",
		     p->config->url);
	p->plain = true;
	p->acked = false;
	return true;
}

static bool start_feed(struct publisher *p, uint64_t max)
{
	if (feed_start(&p->feed, p->loop, p->acked, max) == 0)
		return true;
	diag(out(p), DIAG_ERROR, "cannot read input: %s", strerror(errno));
	finish(p, EXIT_OTHER);
	return false;
}

static void come_back(struct publisher *p, uint64_t max)
{
	p->reconnects++;
	feed_limit(&p->feed, max);
	p->fresh = p->window.unsent > p->fresh ? p->window.unsent : p->fresh;
	p->resent = window_rewind(&p->window);
	diag(out(p), DIAG_NOTE, "connected again; to send again: %" PRIu64,
	     p->resent);
	if (p->resent && clock_mono_ms() - p->lost_ms > PRODUCER_KEPT_MS)
		diag(out(p), DIAG_WARN,
		     "away for more than 10 minutes: what is sent again (%" PRIu64
		     ") may have been published before",
		     p->resent);
}

static void on_late(void *user)
{
	struct publisher *p = user;

	diag(out(p), DIAG_NOTE, "waiting for WELCOME from '%s'",
	     p->config->url);
}

static void on_ready(void *user, enum client_dialect dialect,
		     const struct answer *welcome)
{
	struct publisher *p = user;
	uint64_t max = welcome ? welcome->limits.message : 0;

	if (dialect == CLIENT_PLAIN && !fall_back(p))
		return;
	p->ready = true;
	p->draining = p->ponged = false;
	sender_begin(&p->sender, p->client, p->plain, p->acked,
		     welcome ? welcome->limits.frame : 0);
	if (p->feed.started)
		come_back(p, max);
	else if (!start_feed(p, max))
		return;
	feed_resume(&p->feed);
	advance(p);
}

static void on_writable(void *user)
{
	struct publisher *p = user;

	if (!p->acked) {
		window_forget(&p->window);
		feed_resume(&p->feed);
	}
	advance(p);
}

/* Nobody can tell how much of it arrived. */
static void forget_unacked(struct publisher *p)
{
	if (p->acked || !p->sender.frames)
		return;
	window_forget(&p->window);
	diag(out(p), DIAG_WARN,
	     "what was sent last may be lost, for want of acknowledgements");
}

static void on_lost(void *user, const struct client_loss *loss)
{
	struct publisher *p = user;
	char time[NUM_TEXT_MAX];

	if (p->ready) {
		p->ready = false;
		p->lost_ms = clock_mono_ms();
		forget_unacked(p);
	}
	if (loss->final) {
		diag(out(p), DIAG_ERROR, "%s", loss->text);
		finish(p, loss->status);
		return;
	}
	diag(out(p), DIAG_WARN, "%s; trying again in %s", loss->text,
	     num_show_duration(time, loss->retry_ms));
}

static const struct client_events client_events = {
	.late = on_late,
	.ready = on_ready,
	.message = on_message,
	.writable = on_writable,
	.lost = on_lost,
};

static void on_changed(void *user)
{
	advance(user);
}

static void on_refused(void *user, const char *text)
{
	diag(out(user), DIAG_ERROR, "%s", text);
}

static const struct feed_events feed_events = {
	.changed = on_changed,
	.refused = on_refused,
};

/* Beginning and end */

int publisher_init(struct publisher *p, const struct publisher_config *config,
		   struct loop *loop)
{
	memset(p, 0, sizeof(*p));
	p->config = config;
	p->loop = loop;
	p->acked = config->acks != PUBLISHER_NO_ACKS;
	p->began_ms = clock_mono_ms();
	if (feed_init(&p->feed, &config->feed, &feed_events, p, &p->window))
		return -1;
	if (sender_init(&p->sender, &p->window) != 0)
		return -1;
	return window_init(&p->window, WINDOW_BYTES, (size_t)config->window);
}

/* What the time went by with; of unread input tell_unread() speaks. */
static const char *awaited(const struct publisher *p)
{
	if (p->window.open)
		return p->acked ? "; the server has not acknowledged all"
				: "; the server has not taken all";
	return p->feed.ended ? "; the server has not said that all arrived"
			     : "";
}

static void on_deadline(uv_timer_t *timer)
{
	struct publisher *p = timer->data;
	uint64_t ms = p->config->timeout_ms;
	const char *why = client_why_not(p->client, ms);
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
	const char *why = NULL;

	p->client_config = (struct client_config){
		.url = p->config->url,
		.protocol = PROTO_V1_BULK,
		.retry = !p->config->no_retry,
	};
	p->client =
		client_new(p->loop, &p->client_config, &client_events, p, &why);
	if (!p->client) {
		diag(p->config->diag, DIAG_ERROR, "'%s': %s", p->config->url,
		     why ? why : strerror(ENOMEM));
		p->status = why ? EXIT_USAGE : EXIT_OTHER;
		return -1;
	}
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
	char place[FEED_PLACE_MAX];
	struct window_line line;

	if (!window_line(&p->window, p->window.first, &line))
		return;
	diag(out(p), DIAG_ERROR, "%zu update%s not %s, from %s on",
	     p->window.open, p->window.open == 1 ? " was" : "s were",
	     p->acked ? "acknowledged" : "sent",
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
	client_free(p->client);
	p->client = NULL;
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
	window_release(&p->window);
	sender_release(&p->sender);
}

void publisher_figures(const struct publisher *p,
		       struct progress_figures *figures)
{
	*figures = (struct progress_figures){
		.read = p->feed.read,
		.bytes = p->feed.bytes,
		.total = lineio_size(&p->feed.lines),
		.acknowledged = p->acknowledged,
		.duplicates = p->duplicates,
		.rejected = p->feed.refused,
		.unacknowledged = p->window.open,
		.reconnects = p->reconnects,
		.unasked = !p->acked,
		.last = p->last,
		.ms = (uint64_t)(clock_mono_ms() - p->began_ms),
	};
}

/* SPDX-License-Identifier: MIT */
#include "uplink.h"

#include "clock.h"
#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A server forgets a producer that was away for longer. */
#define PRODUCER_KEPT_MS (10 * 60 * 1000)

static const struct client_events client_events;

static void tell(struct uplink *u, enum diag_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct uplink *u, enum diag_level level, const char *fmt, ...)
{
	char text[DIAG_MESSAGE_MAX + 8]; /* so that diag() sees it is cut */
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	u->events->tell(u->user, level, text);
}

static void end(struct uplink *u, enum exits status)
{
	if (u->stopped)
		return;
	u->stopped = true;
	u->events->ended(u->user, status);
}

/* Sending */

static void out_of_memory(struct uplink *u)
{
	tell(u, DIAG_ERROR, "%s", strerror(ENOMEM));
	end(u, EXIT_OTHER);
}

int uplink_put(struct uplink *u, const struct uplink_message *m)
{
	struct window *w = &u->window;
	uint64_t id = u->acked ? w->next : 0;

	if (m->data)
		request_put_publish(&w->bytes, id, m->tenant, m->key, m->data,
				    m->len);
	else
		request_put_gap(&w->bytes, id, m->tenant, "source");
	buf_putc(&w->bytes, '\n');
	return window_commit(w, m->number, m->source);
}

static void reject(struct uplink *u, const struct window_line *line,
		   enum proto_code code, const char *why)
{
	uint64_t id = line->id;

	u->events->rejected(u->user, line, code, why);
	window_reject(&u->window, id);
}

/*
 * Takes out what the server would close the connection for. It is checked
 * late, since a server that one comes back to may have other limits. Whether
 * there was any.
 */
static bool refuse_stuck(struct uplink *u)
{
	struct window_line line;
	bool any = false;

	while (!u->stopped && sender_stuck(&u->sender, &line)) {
		reject(u, &line, PROTO_TOO_LARGE,
		       "larger than a frame of the server may be");
		any = true;
	}
	return any;
}

/* Whether that made room. */
static bool flush(struct uplink *u)
{
	bool room;

	if (!u->ready || u->stopped || u->draining || u->held)
		return false;
	room = refuse_stuck(u);
	if (!u->stopped && sender_flush(&u->sender) != 0)
		out_of_memory(u);
	return room;
}

/* The owner may have ended it while it was told something. */
static void tell_changed(struct uplink *u)
{
	if (!u->stopped)
		u->events->changed(u->user);
}

void uplink_flush(struct uplink *u)
{
	if (flush(u))
		tell_changed(u);
}

static void advance(struct uplink *u)
{
	flush(u);
	tell_changed(u);
}

/*
 * Without ACKs, a PONG tells that all before it has arrived, and that no ERROR
 * is on its way.
 */
bool uplink_drained(struct uplink *u)
{
	if (u->window.open)
		return false;
	if (u->acked || u->plain || u->ponged)
		return true;
	if (u->ready && !u->stopped && sender_ping(&u->sender) != 0)
		out_of_memory(u);
	return false;
}

/* What the server says */

/* Settles what was sent up to `id`; the owner hears of it run by run. */
static uint64_t settle(struct uplink *u, uint64_t id, const struct answer *ack)
{
	uint64_t sent = u->window.unsent - 1;
	uint64_t end_id = id < sent ? id : sent;
	uint64_t first = u->window.first;
	uint64_t last;

	while (!u->stopped && window_run(&u->window, &first, &last, end_id)) {
		u->events->settled(u->user, first, last, ack);
		first = last + 1;
	}
	return window_ack(&u->window, end_id);
}

/* For want of acknowledgements. */
static void settle_sent(struct uplink *u)
{
	settle(u, UINT64_MAX, NULL);
}

/* The part of an epoch before the dot is of one run of a server. */
static void look_at_epoch(struct uplink *u, const char *epoch)
{
	size_t len = strcspn(epoch, ".");
	bool same = strlen(u->run) == len && !memcmp(u->run, epoch, len);

	if (u->run[0] && !same && u->resent)
		tell(u, DIAG_WARN,
		     "the server was restarted: what it had not acknowledged "
		     "was sent again (%" PRIu64
		     ") and may have been published before",
		     u->resent);
	u->resent = 0;
	if (same)
		return;
	memcpy(u->run, epoch, len);
	u->run[len] = '\0';
}

/*
 * A resent message is a duplicate of itself. An ACK settles many ids, and tells
 * this of the one that it names; so there may be more.
 */
static void count_duplicate(struct uplink *u, const struct answer *ack)
{
	if (ack->duplicate && ack->id >= u->fresh)
		u->duplicates++;
}

static void on_ack(struct uplink *u, const struct answer *ack)
{
	u->acknowledged += settle(u, ack->id, ack);
	count_duplicate(u, ack);
	look_at_epoch(u, ack->epoch);
}

/*
 * Nothing was published, and nothing is settled: it is sent again when the
 * server knows who we are.
 */
static void on_denied(struct uplink *u, enum proto_code code, const char *why)
{
	char text[600];

	snprintf(text, sizeof(text), "'%.150s': %s", u->config->url, why);
	client_deny(u->client, code, text);
}

static void on_error(struct uplink *u, const struct answer *answer)
{
	uint64_t id = sender_subject(&u->sender, answer);
	struct window_line line;
	char error[ANSWER_ERROR_MAX];
	char text[ANSWER_ERROR_MAX + 50];

	if (answer->code == PROTO_DRAINING && u->acked) {
		/* Not for good: the server that comes back will take it. */
		window_defer(&u->window, id);
		u->draining = true;
		return;
	}
	snprintf(text, sizeof(text), "the server refuses: %s",
		 answer_show_error(answer, error));
	if (proto_code_denies(answer->code))
		on_denied(u, answer->code, text);
	else if (window_line(&u->window, id, &line))
		reject(u, &line, answer->code, text);
	else
		u->events->complaint(u->user, answer->code, text);
}

static void on_drain(struct uplink *u, const struct answer *answer)
{
	tell(u, DIAG_NOTE, "the server is shutting down");
	u->draining = true;
	client_delay(u->client, answer->reconnect_after_ms);
}

static void on_message(void *user, const char *text, size_t len)
{
	struct uplink *u = user;
	struct answer answer;

	if (u->stopped || answer_parse(&answer, text, len) != JSON_OK)
		return;
	if (answer.type != ANSWER_ACK && client_answer(u->client, &answer))
		return;
	switch (answer.type) {
	case ANSWER_ACK:
		on_ack(u, &answer);
		break;
	case ANSWER_ERROR:
		on_error(u, &answer);
		break;
	case ANSWER_DRAIN:
		on_drain(u, &answer);
		break;
	case ANSWER_PONG:
		u->ponged = u->sender.pinged;
		break;
	default:
		break;
	}
	advance(u);
}

/* Coming and going */

/* A server without wsd.v1: false when that will not do. */
static bool fall_back(struct uplink *u)
{
	const struct uplink_config *config = u->config;

	if (config->needs) {
		tell(u, DIAG_ERROR,
		     "'%s' does not speak wsd.v1, and so has no %s",
		     config->url, config->needs);
		end(u, EXIT_USAGE);
		return false;
	}
	if (!u->plain && config->acks)
		tell(u, DIAG_WARN,
		     "'%s' does not speak wsd.v1: publishing without "
		     "acknowledgements",
		     config->url);
	u->plain = true;
	u->acked = false;
	return true;
}

static void come_back(struct uplink *u)
{
	u->reconnects++;
	u->fresh = u->window.unsent > u->fresh ? u->window.unsent : u->fresh;
	u->resent = window_rewind(&u->window);
	tell(u, DIAG_NOTE, "connected again; to send again: %" PRIu64,
	     u->resent);
	if (u->resent && clock_mono_ms() - u->lost_ms > PRODUCER_KEPT_MS)
		tell(u, DIAG_WARN,
		     "away for more than 10 minutes: what is sent again (%" PRIu64
		     ") may have been published before",
		     u->resent);
}

static void on_late(void *user)
{
	struct uplink *u = user;

	tell(u, DIAG_NOTE, "waiting for WELCOME from '%s'", u->config->url);
}

static void on_ready(void *user, enum client_dialect dialect,
		     const struct answer *welcome)
{
	struct uplink *u = user;

	if (u->stopped || (dialect == CLIENT_PLAIN && !fall_back(u)))
		return;
	u->ready = true;
	u->draining = u->ponged = false;
	sender_begin(&u->sender, u->client, u->plain, u->acked,
		     welcome ? welcome->limits.frame : 0);
	if (u->began)
		come_back(u);
	u->began = true;
	u->events->ready(u->user, welcome ? welcome->limits.message : 0);
	advance(u);
}

static void on_writable(void *user)
{
	struct uplink *u = user;

	if (u->stopped)
		return;
	if (!u->acked)
		settle_sent(u);
	advance(u);
}

/* Nobody can tell how much of it arrived. */
static void forget_unacked(struct uplink *u)
{
	if (u->acked || !u->sender.any)
		return;
	settle_sent(u);
	tell(u, DIAG_WARN,
	     "what was sent last may be lost, for want of acknowledgements");
}

static void on_lost(void *user, const struct client_loss *loss)
{
	struct uplink *u = user;
	char time[NUM_TEXT_MAX];

	if (u->stopped)
		return;
	if (u->ready) {
		u->ready = false;
		u->lost_ms = clock_mono_ms();
		forget_unacked(u);
	}
	if (loss->final) {
		tell(u, DIAG_ERROR, "%s", loss->text);
		end(u, loss->status);
		return;
	}
	tell(u, DIAG_WARN, "%s; trying again in %s", loss->text,
	     num_show_duration(time, loss->retry_ms));
}

static void on_warn(void *user, const char *text)
{
	tell(user, DIAG_WARN, "%s", text);
}

static const struct client_events client_events = {
	.late = on_late,
	.ready = on_ready,
	.message = on_message,
	.writable = on_writable,
	.lost = on_lost,
	.warn = on_warn,
};

/* Beginning and end */

int uplink_init(struct uplink *u, const struct uplink_config *config,
		const struct uplink_events *events, void *user)
{
	memset(u, 0, sizeof(*u));
	u->config = config;
	u->events = events;
	u->user = user;
	u->acked = config->acks;
	if (sender_init(&u->sender, &u->window) != 0)
		return -1;
	return window_init(&u->window, config->max_bytes, config->max_lines);
}

enum exits uplink_start(struct uplink *u, struct loop *loop)
{
	const char *why = NULL;

	u->client_config = (struct client_config){
		.url = u->config->url,
		.protocol = PROTO_V1_BULK,
		.login = u->config->login,
		.retry = u->config->retry,
		.patient = u->config->patient,
	};
	u->client =
		client_new(loop, &u->client_config, &client_events, u, &why);
	if (u->client)
		return EXIT_DONE;
	tell(u, DIAG_ERROR, "'%s': %s", u->config->url, why);
	return EXIT_USAGE;
}

void uplink_renew(struct uplink *u)
{
	if (u->ready && !u->stopped)
		client_renew(u->client);
}

void uplink_stop(struct uplink *u)
{
	u->stopped = true;
}

const char *uplink_why_not(const struct uplink *u, uint64_t ms)
{
	return client_why_not(u->client, ms);
}

void uplink_close(struct uplink *u)
{
	uplink_stop(u);
	client_free(u->client);
	u->client = NULL;
}

void uplink_release(struct uplink *u)
{
	uplink_close(u);
	window_release(&u->window);
	sender_release(&u->sender);
}

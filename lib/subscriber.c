/* SPDX-License-Identifier: MIT */
#include "subscriber.h"

#include "num.h"
#include "tenant.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAVE_MS 1000
#define FRAME_BYTES (1 << 16) /* requests in one frame */
#define REQUEST_BYTES 512     /* more than one has */

/* Ending */

static void stop_when_written(struct subscriber *s)
{
	if (output_is_empty(&s->output) || s->output.dead)
		loop_stop(s->loop);
}

/* What was put out is still written; nothing more is read. */
static void finish(struct subscriber *s, enum exits status)
{
	if (s->done)
		return;
	s->done = true;
	s->status = status;
	uv_timer_stop(&s->idle);
	if (s->client)
		client_close(s->client);
	output_flush(&s->output);
	stop_when_written(s);
}

static void on_deadline(uv_timer_t *timer)
{
	struct subscriber *s = timer->data;
	const struct subscriber_config *config = s->config;
	const char *why = client_why_not(s->client, config->timeout_ms);
	char time[NUM_TEXT_MAX];

	if (why)
		diag(config->diag, DIAG_ERROR, "%s", why);
	else
		diag(config->diag, DIAG_ERROR,
		     "time is up after %s; updates: %" PRIu64,
		     num_show_duration(time, config->timeout_ms), s->updates);
	s->done = true;
	s->status = EXIT_TIMEOUT;
	loop_stop(s->loop);
}

static void on_signal(void *user, int signum)
{
	struct subscriber *s = user;

	s->done = true;
	s->signal = signum;
	loop_release_signals(s->loop); /* a second one ends it at once */
	output_flush(&s->output);
	loop_stop(s->loop);
}

/* Silence */

static void watch_silence(struct subscriber *s)
{
	if (!s->config->idle_ms)
		return;
	s->last_update = uv_now(&s->loop->uv);
	uv_timer_start(&s->idle, s->idle.timer_cb, s->config->idle_ms, 0);
}

static void on_idle(uv_timer_t *timer)
{
	struct subscriber *s = timer->data;
	uint64_t silent = uv_now(&s->loop->uv) - s->last_update;

	if (!output_is_empty(&s->output))
		silent = 0; /* it is not the server that is slow */
	if (silent >= s->config->idle_ms)
		finish(s, EXIT_DONE);
	else
		uv_timer_start(timer, on_idle, s->config->idle_ms - silent, 0);
}

/* The state file */

static void save_state(struct subscriber *s)
{
	if (s->unsaved)
		return; /* that was told */
	subscriptions_note(&s->all, s->output.appended, s->output.written);
	if (subscriptions_save(&s->all, &s->state, s->config->url) < 0)
		return;
	if (s->state.changed)
		output_sync(&s->output);
	if (state_save(&s->state) == 0)
		return;
	s->unsaved = true;
	diag(s->config->diag, DIAG_ERROR, "cannot write '%s': %s",
	     s->state.path, strerror(errno));
	finish(s, EXIT_OTHER);
	if (s->status == EXIT_DONE)
		s->status = EXIT_OTHER;
}

static void on_save(uv_timer_t *timer)
{
	save_state(timer->data);
}

/* Output */

static void output_full(void *user, bool full)
{
	struct subscriber *s = user;

	client_pause(s->client, full);
}

static void output_written(void *user)
{
	struct subscriber *s = user;

	if (s->done)
		stop_when_written(s);
}

/* The reader that left is no error: `wssub t | head -1`. */
static void output_failed(void *user, int error)
{
	struct subscriber *s = user;

	if (error == EPIPE)
		s->signal = SIGPIPE;
	else
		diag(s->config->diag, DIAG_ERROR, "cannot write to stdout: %s",
		     strerror(error));
	s->done = true;
	s->status = EXIT_OTHER;
	loop_stop(s->loop);
}

static const struct output_events output_events = {
	.full = output_full,
	.written = output_written,
	.failed = output_failed,
};

static void put(struct subscriber *s, const char *text, size_t len)
{
	if (output_line(&s->output, text, len) == 0)
		return;
	diag(s->config->diag, DIAG_ERROR, "out of memory");
	finish(s, EXIT_OTHER);
}

static void put_update(struct subscriber *s, const char *text, size_t len)
{
	put(s, text, len);
	s->updates++;
	s->last_update = uv_now(&s->loop->uv);
	if (s->updates == s->config->count)
		finish(s, EXIT_DONE);
}

/* Subscribing */

/* Who waits for the line in vain would wait for ever. */
static void write_ready(struct subscriber *s)
{
	int fd = s->config->ready_fd;

	if (dprintf(fd, "subscribed\n") < 0) {
		diag(s->config->diag, DIAG_ERROR,
		     "cannot write to --ready-fd %d: %s", fd, strerror(errno));
		finish(s, EXIT_OTHER);
	}
	if (fd > STDERR_FILENO)
		close(fd);
}

static void tell_ready(struct subscriber *s)
{
	if (!s->was_ready && s->config->ready_fd >= 0)
		write_ready(s);
	s->was_ready = true;
	if (!s->done)
		watch_silence(s);
}

/* As many as go in a frame; in plain one, as its servers expect. */
static void send_subscriptions(struct subscriber *s)
{
	size_t most = s->plain ? 1 : s->frame_max;

	if (s->asked == s->all.count || !client_can_send(s->client))
		return;
	subscriptions_ask(&s->all, &s->asked, &s->frame, most, s->plain);
	if (s->frame.failed || client_send(s->client, &s->frame) < 0) {
		diag(s->config->diag, DIAG_ERROR, "out of memory");
		finish(s, EXIT_OTHER);
	}
	if (s->plain && s->asked == s->all.count)
		tell_ready(s);
}

/* What was asked for and needs wsd.v1; NULL: nothing. */
static const char *needs_v1(const struct subscriber_config *config)
{
	return config->since_given		       ? "--since"
	       : config->state			       ? "--state"
	       : config->strict			       ? "--strict"
	       : !strcmp(*config->tenants, TENANT_ALL) ? "'" TENANT_ALL "'"
	       : config->envelope		       ? "--envelope"
						       : NULL;
}

static void fall_back(struct subscriber *s)
{
	const struct subscriber_config *config = s->config;
	const char *what = needs_v1(config);

	if (what) {
		diag(config->diag, DIAG_ERROR,
		     "%s: '%s' does not speak %s, which this needs", what,
		     config->url, PROTO_V1);
		finish(s, EXIT_USAGE);
	} else if (!s->was_plain) {
		diag(config->diag, DIAG_WARN,
		     "'%s' does not speak %s: gaps will not be noticed",
		     config->url, PROTO_V1);
	}
	s->was_plain = true;
}

/* A frame is begun with another request as long as that surely fits. */
static size_t frame_max(const struct answer *welcome)
{
	uint64_t max = welcome ? welcome->limits.frame : 0;

	if (!max || max > FRAME_BYTES)
		return FRAME_BYTES;
	return max > REQUEST_BYTES ? (size_t)max - REQUEST_BYTES : 1;
}

static void client_late(void *user)
{
	const struct subscriber_config *config =
		((struct subscriber *)user)->config;

	diag(config->diag, DIAG_NOTE, "waiting for WELCOME from '%s'",
	     config->url);
}

static void client_ready(void *user, enum client_dialect dialect,
			 const struct answer *welcome)
{
	struct subscriber *s = user;

	s->plain = dialect == CLIENT_PLAIN;
	s->frame_max = frame_max(welcome);
	s->asked = 0;
	s->unconfirmed = s->all.count;
	for (size_t i = 0; i < s->all.count; i++)
		s->all.items[i].confirmed = false;
	if (s->plain)
		fall_back(s);
	else
		diag(s->config->diag, DIAG_NOTE, "connected to '%s', %.*s",
		     s->config->url, (int)welcome->server.len,
		     welcome->server.text ? welcome->server.text : "");
	if (!s->done)
		send_subscriptions(s);
}

static void client_writable(void *user)
{
	send_subscriptions(user);
}

/* Gaps */

static void tell_gap(struct subscriber *s, const char *tenant, uint64_t from,
		     uint64_t to, const char *reason)
{
	losses_tell(&s->losses, s->config->diag, tenant, from, to, reason);
	if (s->config->strict)
		finish(s, EXIT_LOST);
}

/* What came between two connections, where nothing is sent again. */
static void tell_missed(struct subscriber *s, const struct answer *a,
			uint64_t from)
{
	struct answer_stream name = {a->tenant, strlen(a->tenant), a->epoch};
	const char *reason = from ? "history" : "restart";
	uint64_t to = a->next - 1;
	struct buf text;

	buf_init(&text);
	answer_put_gap(&text, &name, from, to, reason);
	if (s->config->envelope && !text.failed)
		put(s, buf_bytes(&text), buf_len(&text));
	buf_release(&text);
	tell_gap(s, a->tenant, from, to, reason);
}

/* Whether the message is new to us; a jump is told as a gap. */
static bool is_new(struct subscriber *s, struct subscription *item,
		   const struct answer *a)
{
	uint64_t from;

	switch (resume_update(&item->seen, a, &from)) {
	case RESUME_OLD:
		return false;
	case RESUME_JUMP:
		tell_gap(s, item->tenant, from, a->seq - 1,
			 "the server did not tell why");
		return !s->done;
	case RESUME_NEXT:
		break;
	}
	return true;
}

static void on_gap(struct subscriber *s, struct subscription *item,
		   const struct answer *a, const char *text, size_t len)
{
	if (a->seq && !is_new(s, item, a))
		return;
	if (!a->seq)
		resume_gap(&item->seen, a);
	if (s->config->envelope)
		put(s, text, len);
	tell_gap(s, a->tenant, a->from, a->to,
		 *a->reason ? a->reason : "no reason given");
}

/* Messages */

static void on_subscribed(struct subscriber *s, struct subscription *item,
			  const struct answer *a)
{
	uint64_t from;
	bool missed = resume_subscribed(&item->seen, a, &from) == RESUME_JUMP;

	diag(s->config->diag, DIAG_NOTE,
	     "subscribed to '%s', next is %s:%" PRIu64, item->tenant, a->epoch,
	     a->next);
	if (missed)
		tell_missed(s, a, from);
	if (item->confirmed || s->done)
		return;
	item->confirmed = true;
	if (--s->unconfirmed == 0)
		tell_ready(s);
}

static void on_update(struct subscriber *s, struct subscription *item,
		      const struct answer *a, const char *text, size_t len)
{
	if (!is_new(s, item, a))
		return;
	if (s->config->envelope)
		put_update(s, text, len);
	else
		put_update(s, a->data.text, a->data.len);
}

static enum exits error_status(enum proto_code code)
{
	if (proto_code_forbids(code))
		return EXIT_REFUSED;
	switch (code) {
	case PROTO_OVER_CAPACITY:
	case PROTO_RATE_LIMITED:
	case PROTO_DRAINING:
		return EXIT_CONNECTION;
	default:
		return EXIT_REJECTED;
	}
}

static void on_error(struct subscriber *s, const struct answer *a)
{
	const char *tenant = a->id && a->id <= s->all.count
				     ? s->all.items[a->id - 1].tenant
				     : NULL;
	char error[ANSWER_ERROR_MAX];
	char text[2 * ANSWER_ERROR_MAX];

	snprintf(text, sizeof(text), "%s%s%sthe server says %s",
		 tenant ? "cannot subscribe to '" : "", tenant ? tenant : "",
		 tenant ? "': " : "", answer_show_error(a, error));
	if (proto_code_denies(a->code)) {
		client_deny(s->client, a->code, text);
		return;
	}
	diag(s->config->diag, DIAG_ERROR, "%s", text);
	finish(s, error_status(a->code));
}

static void on_answer(struct subscriber *s, const struct answer *a,
		      const char *text, size_t len)
{
	struct subscription *item = NULL;

	if (a->type != ANSWER_UPDATE && client_answer(s->client, a))
		return;
	if (*a->tenant)
		item = subscriptions_find(&s->all, a->tenant);
	if (a->type == ANSWER_UPDATE && item && a->data.text)
		on_update(s, item, a, text, len);
	else if (a->type == ANSWER_GAP && item)
		on_gap(s, item, a, text, len);
	else if (a->type == ANSWER_SUBSCRIBED && item)
		on_subscribed(s, item, a);
	else if (a->type == ANSWER_ERROR)
		on_error(s, a);
	else if (a->type == ANSWER_DRAIN)
		client_delay(s->client, a->reconnect_after_ms);
}

static void client_message(void *user, const char *text, size_t len)
{
	struct subscriber *s = user;
	struct answer answer;
	enum json_result result;

	if (s->done)
		return;
	if (s->plain) {
		put_update(s, text, len);
		return;
	}
	result = answer_parse(&answer, text, len);
	if (result == JSON_OK)
		on_answer(s, &answer, text, len);
	else
		diag(s->config->diag, DIAG_WARN,
		     "the server sent a message that is none: %s",
		     json_strerror(result));
}

static void client_lost(void *user, const struct client_loss *loss)
{
	struct subscriber *s = user;
	char time[NUM_TEXT_MAX];

	uv_timer_stop(&s->idle);
	buf_clear(&s->frame, FRAME_BYTES);
	if (loss->final) {
		diag(s->config->diag, DIAG_ERROR, "%s", loss->text);
		finish(s, loss->status);
		return;
	}
	s->reconnects += loss->connected;
	diag(s->config->diag, DIAG_WARN, "%s; trying again in %s%s", loss->text,
	     num_show_duration(time, loss->retry_ms),
	     loss->connected && s->plain ? ", updates may be missing" : "");
}

static void client_warn(void *user, const char *text)
{
	const struct subscriber *s = user;

	diag(s->config->diag, DIAG_WARN, "%s", text);
}

static const struct client_events client_events = {
	.late = client_late,
	.ready = client_ready,
	.message = client_message,
	.writable = client_writable,
	.lost = client_lost,
	.warn = client_warn,
};

/* Beginning and end */

static int fail(struct subscriber *s, enum exits status, const char *what,
		const char *why)
{
	diag(s->config->diag, DIAG_ERROR, "%s: %s", what, why);
	s->done = true;
	s->status = status;
	return -1;
}

static int open_state(struct subscriber *s)
{
	char why[STATE_WHY_MAX];
	char what[STATE_WHY_MAX];
	enum state_result result;

	if (!s->config->state)
		return 0;
	result = state_open(&s->state, s->config->state, why);
	s->has_state = result == STATE_OK;
	if (s->has_state)
		return 0;
	snprintf(what, sizeof(what), "--state: %s '%s'",
		 result == STATE_CORRUPT ? "this is no state file:"
					 : "cannot use",
		 s->config->state);
	return fail(s, result == STATE_BUSY ? EXIT_OTHER : EXIT_USAGE, what,
		    why);
}

static void init_timer(struct subscriber *s, uv_timer_t *timer, uv_timer_cb on,
		       uint64_t ms, uint64_t repeat)
{
	uv_timer_init(&s->loop->uv, timer);
	timer->data = s;
	uv_timer_start(timer, on, ms, repeat);
}

static void init_timers(struct subscriber *s)
{
	init_timer(s, &s->deadline, on_deadline, s->config->timeout_ms, 0);
	init_timer(s, &s->idle, on_idle, s->config->idle_ms, 0);
	init_timer(s, &s->save, on_save, SAVE_MS, SAVE_MS);
	uv_timer_stop(&s->idle); /* until all is confirmed */
	if (!s->config->timeout_ms)
		uv_timer_stop(&s->deadline);
	if (!s->has_state)
		uv_timer_stop(&s->save);
	s->timers = true;
}

static int start_client(struct subscriber *s)
{
	const char *why;

	s->client_config = (struct client_config){
		.url = s->config->url,
		.protocol = PROTO_V1,
		.login = s->config->login,
		.retry = !s->config->no_reconnect,
	};
	s->client =
		client_new(s->loop, &s->client_config, &client_events, s, &why);
	if (s->client)
		return 0;
	return fail(s, EXIT_USAGE, s->config->url, why);
}

int subscriber_init(struct subscriber *s,
		    const struct subscriber_config *config, struct loop *loop)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	s->loop = loop;
	s->output.epoll = -1;
	buf_init(&s->frame);
	if (open_state(s) < 0)
		return -1;
	if (subscriptions_init(&s->all, config->tenants, config->tenants_count,
			       &config->since, s->has_state ? &s->state : NULL,
			       config->url) < 0)
		return fail(s, EXIT_OTHER, "cannot begin", strerror(errno));
	if (output_init(&s->output, &loop->uv, STDOUT_FILENO, &output_events,
			s) < 0)
		return fail(s, EXIT_OTHER, "cannot write to stdout",
			    strerror(errno));
	init_timers(s);
	if (loop_catch_signals(loop, on_signal, s) < 0)
		return fail(s, EXIT_OTHER, "cannot catch signals",
			    strerror(errno));
	return start_client(s);
}

void subscriber_release(struct subscriber *s)
{
	if (s->has_state) {
		save_state(s);
		state_release(&s->state);
	}
	client_free(s->client);
	output_close(&s->output);
	if (s->timers) {
		uv_close((uv_handle_t *)&s->deadline, NULL);
		uv_close((uv_handle_t *)&s->idle, NULL);
		uv_close((uv_handle_t *)&s->save, NULL);
	}
	buf_release(&s->frame);
	subscriptions_release(&s->all);
}

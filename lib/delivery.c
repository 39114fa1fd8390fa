/* SPDX-License-Identifier: MIT */
#include "delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/*
 * Messages for which the window has room beyond max_messages: what had been
 * read when reading stopped, and GAPs.
 */
#define EXTRA_MESSAGES 8192

/* Until a refused GAP is tried again; it doubles with each that is refused. */
#define AGAIN_MS 250
#define AGAIN_MAX_MS 30000

/* Tenants of which it is told that they are forbidden, and how often all. */
#define FORBIDDEN_TOLD 100
#define REMIND_MS (10 * 60 * 1000)

/* Messages of one tenant that are tried again at a time. */
#define BURST 64

/*
 * The sources that the uplink's lines are given. The number of a MESSAGE is its
 * serial, that of one that is tried AGAIN its struct deferred_message.
 */
enum { MESSAGE, AGAIN, GAP };

/* Room */

/* Those that are tried again are in the window too. */
static uint64_t waiting(const struct delivery *d)
{
	return d->uplink.window.next - d->uplink.window.first +
	       d->deferred.count - d->deferred.flying;
}

static bool full(const struct delivery *d)
{
	return waiting(d) >= d->config->max_messages ||
	       buf_len(&d->uplink.window.bytes) + d->deferred.bytes >=
		       d->config->max_bytes;
}

/* Whether the wsd takes what it is sent, if not at once. */
static bool flowing(const struct delivery *d)
{
	return d->uplink.ready && !d->uplink.draining;
}

/*
 * Where nothing is kept, what comes while the wsd is away must be seen, so that
 * it can be told what was lost.
 */
static size_t room(const void *self)
{
	const struct delivery *d = self;

	if (!d->config->keep)
		return full(d) && flowing(d) ? 0 : SIZE_MAX;
	return full(d) ? 0 : (size_t)(d->config->max_messages - waiting(d));
}

/* GAPs */

/* Tells a tenant that it missed something. False when there is no room. */
static bool put_gap(struct delivery *d, struct seen_tenant *t)
{
	const struct origin origin = {.tenant = {t->id, t->len}};
	const struct uplink_message gap = {
		.tenant = origin.tenant,
		.source = GAP,
	};

	origin_put(&d->uplink.window.origins, &origin, false);
	if (uplink_put(&d->uplink, &gap) != 0)
		return false;
	seen_settle(&d->seen, t);
	return true;
}

/* Those that are owed a GAP get it as soon as there is room. */
static void put_gaps(struct delivery *d)
{
	struct seen_tenant *t;

	if (d->handles && uv_is_active((uv_handle_t *)&d->again))
		return;
	while (!full(d) && (t = seen_first_owed(&d->seen)))
		if (!put_gap(d, t))
			return;
}

static void missed(void *self, uint64_t count, bool again)
{
	struct delivery *d = self;

	(void)count;
	(void)again;
	seen_owe_all(&d->seen);
	put_gaps(d);
}

/* What was refused for now */

static bool fly(void *user, const struct deferred_message *m)
{
	struct delivery *d = user;
	const struct uplink_message message = {
		.tenant = deferred_tenant_of(m),
		.key = m->key,
		.data = m->data.bytes,
		.len = m->data.len,
		.number = (uintptr_t)m,
		.source = AGAIN,
	};

	seen_touch(&d->seen, message.tenant);
	buf_append(&d->uplink.window.origins, m->origin.bytes, m->origin.len);
	return uplink_put(&d->uplink, &message) == 0;
}

static void put_deferred(struct delivery *d)
{
	if (!uv_is_active((uv_handle_t *)&d->again))
		deferred_try(&d->deferred, BURST, fly, d);
}

/* Nothing else would be heard of what waits for somebody to change rights. */
static void remind(struct delivery *d)
{
	uint64_t now = uv_now(d->again.loop);

	if (!d->forbidden || !d->deferred.count ||
	    now - d->reminded_ms < REMIND_MS)
		return;
	d->reminded_ms = now;
	diag(d->config->diag, DIAG_WARN,
	     "messages that wait until they may be published: %zu",
	     d->deferred.count);
}

static void on_again(uv_timer_t *timer)
{
	struct delivery *d = timer->data;

	if (d->forbidden)
		uplink_renew(&d->uplink);
	put_gaps(d);
	put_deferred(d);
	remind(d);
	uplink_flush(&d->uplink);
}

static void try_again(struct delivery *d)
{
	if (uv_is_active((uv_handle_t *)&d->again))
		return;
	uv_timer_start(&d->again, on_again, d->again_ms, 0);
	d->again_ms *= 2;
	if (d->again_ms > AGAIN_MAX_MS)
		d->again_ms = AGAIN_MAX_MS;
}

/* Its tenant is to be told, again, but not at once. */
static void owe_later(struct delivery *d, struct request_text tenant)
{
	struct seen_tenant *t = seen_touch(&d->seen, tenant);

	if (t)
		seen_owe(&d->seen, t);
	try_again(d);
}

/* Messages */

static void drop(struct delivery *d, struct seen_tenant *t)
{
	d->dropped++;
	if (t)
		seen_owe(&d->seen, t);
	if (d->dropping)
		return;
	d->dropping = true;
	diag(d->config->diag, DIAG_WARN,
	     "no room for more messages: they are lost until '%s' takes some",
	     d->config->url);
}

static bool put_message(struct delivery *d, const struct document *doc,
			const struct origin *origin)
{
	const struct uplink_message message = {
		.tenant = doc->tenant,
		.key = doc->key,
		.data = doc->data,
		.len = doc->len,
		.number = d->serial,
		.source = MESSAGE,
	};

	origin_put(&d->uplink.window.origins, origin, d->config->whole);
	return uplink_put(&d->uplink, &message) == 0;
}

/* It goes behind those of its tenant that wait to be tried again. */
static bool put_behind(struct delivery *d, const struct document *doc,
		       const struct origin *origin)
{
	struct deferred_parts parts = {
		.tenant = doc->tenant,
		.key = doc->key,
		.data = {doc->data, doc->len},
	};
	struct buf kept;
	int result = -1;

	buf_init(&kept);
	origin_put(&kept, origin, d->config->whole);
	parts.origin = (struct request_text){buf_bytes(&kept), buf_len(&kept)};
	if (!kept.failed)
		result = deferred_add(&d->deferred, d->serial, &parts);
	buf_release(&kept);
	return result == 0;
}

static bool put(void *self, const struct document *doc,
		const struct origin *origin)
{
	struct delivery *d = self;
	struct seen_tenant *t = seen_touch(&d->seen, doc->tenant);
	bool no_room = !d->config->keep && full(d) && !flowing(d);

	d->serial++;
	if (deferred_has(&d->deferred, doc->tenant))
		return put_behind(d, doc, origin);
	if (!no_room && (!t || !t->owed || put_gap(d, t)) &&
	    put_message(d, doc, origin))
		return true;
	drop(d, t);
	return false;
}

/* What the uplink says */

static void on_tell(void *user, enum diag_level level, const char *text)
{
	diag(((struct delivery *)user)->config->diag, level, "%s", text);
}

static void on_ready(void *user, uint64_t max)
{
	struct delivery *d = user;

	d->events->ready(d->user, max);
}

static struct deferred_message *deferred_of(const struct window_line *line)
{
	return line->source == AGAIN ? (void *)(uintptr_t)line->number : NULL;
}

static void settle(struct delivery *d, const struct window_line *line)
{
	struct origin origin;

	if (line->source == GAP)
		d->gaps++;
	if (line->source != MESSAGE)
		d->again_ms = AGAIN_MS;
	if (line->source == GAP)
		return;
	origin_of(&origin, line->origin, line->origin_len);
	d->events->settled(d->user, &origin, SINK_DONE, NULL);
	if (deferred_of(line))
		deferred_remove(&d->deferred, deferred_of(line));
}

static void on_settled(void *user, uint64_t first, uint64_t last,
		       const struct answer *ack)
{
	struct delivery *d = user;
	struct window_line line;

	(void)ack;
	for (uint64_t id = first; id <= last; id++)
		if (window_line(&d->uplink.window, id, &line))
			settle(d, &line);
}

/*
 * It may be taken later; for a message that is not kept that is too late. What
 * nobody knows the meaning of counts as INTERNAL. What is FORBIDDEN is so until
 * somebody changes the rights, and must not be gone by then.
 */
static bool is_passing(const struct delivery *d, enum proto_code code)
{
	return code == PROTO_RATE_LIMITED || code == PROTO_OVER_CAPACITY ||
	       (d->config->keep &&
		(code == PROTO_INTERNAL || code == PROTO_FORBIDDEN));
}

static void on_gap_rejected(struct delivery *d, struct request_text tenant,
			    enum proto_code code, const char *why)
{
	if (is_passing(d, code))
		owe_later(d, tenant);
	else
		diag(d->config->diag, DIAG_WARN, "a GAP: %s", why);
}

/* A message that is sent for the first time, with all that it is made of. */
static int defer_first(struct delivery *d, const struct window_line *line)
{
	struct request_fault fault;
	struct request request;

	if (request_parse(&request, line->message, line->len, &fault) != 0) {
		errno = EINVAL;
		return -1;
	}
	return deferred_add(
		&d->deferred, line->number,
		&(struct deferred_parts){
			.tenant = request.tenant,
			.key = request.key,
			.data = {request.data.text, request.data.len},
			.origin = {line->origin, line->origin_len},
		});
}

/* What is forbidden is told of each tenant, as somebody has to do something. */
static void tell_deferred(struct delivery *d, struct request_text tenant,
			  enum proto_code code, const char *why)
{
	if (!d->deferred.count) {
		d->forbidden = 0;
		d->reminded_ms = uv_now(d->again.loop);
	}
	if (code != PROTO_FORBIDDEN && !d->deferred.count)
		diag(d->config->diag, DIAG_WARN,
		     "%s; it is tried again until it is taken", why);
	if (code != PROTO_FORBIDDEN || deferred_has(&d->deferred, tenant) ||
	    d->forbidden++ >= FORBIDDEN_TOLD)
		return;
	diag(d->config->diag, DIAG_WARN,
	     "cannot publish to '%.*s': %s; what is for it stays in Redis and "
	     "is tried again until it is taken",
	     (int)tenant.len, tenant.bytes, why);
}

/* 0, or -1 when it can't be kept. */
static int defer(struct delivery *d, const struct window_line *line,
		 struct request_text tenant, enum proto_code code,
		 const char *why)
{
	if (deferred_of(line)) {
		deferred_land(&d->deferred, deferred_of(line));
	} else {
		tell_deferred(d, tenant, code, why);
		if (defer_first(d, line) != 0)
			return -1;
	}
	try_again(d);
	return 0;
}

static void on_rejected(void *user, const struct window_line *line,
			enum proto_code code, const char *why)
{
	struct delivery *d = user;
	struct origin origin;

	origin_of(&origin, line->origin, line->origin_len);
	if (line->source == GAP) {
		on_gap_rejected(d, origin.tenant, code, why);
		return;
	}
	if (is_passing(d, code) && d->config->keep &&
	    defer(d, line, origin.tenant, code, why) == 0)
		return;
	d->events->settled(d->user, &origin,
			   is_passing(d, code) ? SINK_LOST : SINK_REFUSED, why);
	if (deferred_of(line))
		deferred_remove(&d->deferred, deferred_of(line));
	else if (is_passing(d, code))
		owe_later(d, origin.tenant);
}

static void on_complaint(void *user, enum proto_code code, const char *why)
{
	struct delivery *d = user;

	diag(d->config->diag, DIAG_ERROR, "%s", why);
	d->events->ended(
		d->user,
		proto_code_forbids(code) ? EXIT_REFUSED : EXIT_REJECTED, 0);
}

static void tell_room(struct delivery *d)
{
	if (!d->dropping || full(d))
		return;
	d->dropping = false;
	diag(d->config->diag, DIAG_WARN, "there is room again; lost: %" PRIu64,
	     d->dropped);
	d->dropped = 0;
}

static void on_changed(void *user)
{
	struct delivery *d = user;

	put_gaps(d);
	if (!d->deferred.flying)
		put_deferred(d);
	tell_room(d);
	d->events->changed(d->user);
}

static void on_ended(void *user, enum exits status)
{
	struct delivery *d = user;

	d->events->ended(d->user, status, 0);
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

/* Beginning and end */

int delivery_init(struct delivery *d, const struct delivery_config *config,
		  const struct sink_events *events, void *user)
{
	memset(d, 0, sizeof(*d));
	d->config = config;
	d->events = events;
	d->user = user;
	d->again_ms = AGAIN_MS;
	d->uplink_config = (struct uplink_config){
		.url = config->url,
		.acks = true,
		.needs = "acknowledgements",
		.login = config->login,
		.retry = true,
		.patient = true,
		.max_lines = (size_t)config->max_messages + EXTRA_MESSAGES,
		.max_bytes = (size_t)config->max_bytes,
	};
	if (seen_init(&d->seen, DELIVERY_TENANTS_MAX) != 0 ||
	    deferred_init(&d->deferred) != 0)
		return -1;
	return uplink_init(&d->uplink, &d->uplink_config, &uplink_events, d);
}

static enum exits start(void *self, struct loop *loop)
{
	struct delivery *d = self;

	uv_timer_init(&loop->uv, &d->again);
	d->again.data = d;
	d->handles = true;
	return uplink_start(&d->uplink, loop);
}

static void hold(void *self, bool held)
{
	struct delivery *d = self;

	d->uplink.held = held;
}

static void flush(void *self)
{
	struct delivery *d = self;

	if (!d->deferred.flying)
		put_deferred(d);
	uplink_flush(&d->uplink);
}

static bool drained(void *self)
{
	struct delivery *d = self;

	return !seen_first_owed(&d->seen) && !d->deferred.count &&
	       uplink_drained(&d->uplink);
}

static const char *why_not(const void *self, uint64_t ms)
{
	return uplink_why_not(&((const struct delivery *)self)->uplink, ms);
}

static void figures(const void *self, struct sink_figures *figures)
{
	const struct delivery *d = self;

	figures->gaps = d->gaps;
	figures->reconnects = d->uplink.reconnects;
}

static void stop(void *self)
{
	uplink_stop(&((struct delivery *)self)->uplink);
}

static void close_all(void *self)
{
	struct delivery *d = self;

	uplink_close(&d->uplink);
	if (d->handles)
		uv_close((uv_handle_t *)&d->again, NULL);
	d->handles = false;
}

static void release(void *self)
{
	struct delivery *d = self;

	uplink_release(&d->uplink);
	deferred_release(&d->deferred);
	seen_release(&d->seen);
}

const struct sink_ops delivery_ops = {
	.done = "acknowledged",
	.start = start,
	.put = put,
	.missed = missed,
	.room = room,
	.hold = hold,
	.flush = flush,
	.drained = drained,
	.why_not = why_not,
	.figures = figures,
	.stop = stop,
	.close = close_all,
	.release = release,
};

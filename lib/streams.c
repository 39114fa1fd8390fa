/* SPDX-License-Identifier: MIT */
#include "streams.h"

#include "num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* After a refusal that passes; it doubles with each. */
#define AGAIN_MS 1000
#define AGAIN_MAX_MS 30000

/* When nothing was settled for so long, no more is claimed. */
#define STANDSTILL_MS 5000

/* Settled entries of which Redis does not want to hear; then none is read. */
#define UNTOLD_MAX 100000

/* What is kept of the memory for a message from one to the next. */
#define MESSAGE_KEPT (256 * 1024)

static void stop(void *self)
{
	struct streams *s = self;

	s->stopped = true;
	streamreader_stop(&s->streamreader);
	if (s->reader)
		redis_close(s->reader);
}

static void fail(struct streams *s, enum exits status)
{
	if (s->stopped)
		return;
	stop(s);
	s->failed = true;
	s->events->failed(s->user, status);
}

static void on_out_of_memory(void *user)
{
	struct streams *s = user;

	diag(s->config->diag, DIAG_ERROR, "%s", strerror(ENOMEM));
	fail(s, EXIT_OTHER);
}

static bool idle(const void *self)
{
	const struct streams *s = self;

	return s->failed || !s->underway.count;
}

static bool told(const void *self)
{
	const struct streams *s = self;

	return s->failed || teller_rests(&s->teller);
}

/* What Redis refuses */

static void on_again(uv_timer_t *timer)
{
	struct streams *s = timer->data;

	teller_resume(&s->teller);
	streamreader_resume(&s->streamreader);
}

static void try_again(struct streams *s)
{
	if (uv_is_active((uv_handle_t *)&s->again))
		return;
	uv_timer_start(&s->again, on_again, s->again_ms, 0);
	s->again_ms *= 2;
	if (s->again_ms > AGAIN_MAX_MS)
		s->again_ms = AGAIN_MAX_MS;
}

static void works(struct streams *s)
{
	s->refused = false;
	s->again_ms = AGAIN_MS;
}

/*
 * Of an error that another try will not change; EXIT_DONE: it passes, as any
 * does where it has `worked` before.
 */
static enum exits status_of(const struct redisreply *error, bool worked)
{
	if (worked)
		return EXIT_DONE;
	if (redisreply_is_error(error, "NOPERM") ||
	    redisreply_is_error(error, "NOAUTH"))
		return EXIT_REFUSED;
	if (redisreply_is_error(error, "WRONGTYPE") ||
	    redisreply_is_error(error, "ERR"))
		return EXIT_USAGE;
	return EXIT_DONE;
}

static void refused(struct streams *s, const struct redisreply *error,
		    bool worked)
{
	enum exits status = status_of(error, worked);
	enum diag_level level = s->refused ? DIAG_NOTE : DIAG_WARN;

	diag(s->config->diag, status ? DIAG_ERROR : level, "'%s' refuses: %.*s",
	     redis_shown(s->reader), (int)error->len, error->text);
	s->refused = true;
	if (status)
		fail(s, status);
	else
		try_again(s);
}

static void on_read_refused(void *user, const struct redisreply *error)
{
	struct streams *s = user;

	refused(s, error, s->streamreader.worked);
}

static void on_ack_refused(void *user, const struct redisreply *error)
{
	struct streams *s = user;

	refused(s, error, s->acked);
}

static void on_reader_nonsense(void *user)
{
	redis_reject(((struct streams *)user)->reader, "not an entry");
}

/* Entries */

static void give(struct streams *s, size_t stream,
		 const struct streamentry *entry)
{
	const char *name = s->config->read.streams[stream];
	enum streamentry_result result;
	struct origin origin;

	buf_clear(&s->message, MESSAGE_KEPT);
	result = streamentry_message(entry, s->config->field, &s->message);
	if (result != STREAMENTRY_OK)
		streamentry_show(entry, &s->message);
	buf_clear(&s->key, MESSAGE_KEPT);
	streamentry_key(entry->id, s->config->source, name, &s->key);
	if (s->message.failed || s->key.failed) {
		on_out_of_memory(s);
		return;
	}
	origin = (struct origin){
		.channel = {name, strlen(name)},
		.message = {buf_bytes(&s->message), buf_len(&s->message)},
		.key = {buf_bytes(&s->key), buf_len(&s->key)},
		.entry = entry->id,
		.stream = (uint32_t)stream,
	};
	if (result == STREAMENTRY_OK)
		s->events->message(s->user, &origin);
	else
		s->events->unfit(s->user, &origin,
				 streamentry_strerror(result));
}

static void tell_later(struct streams *s, size_t stream, struct entryid id)
{
	if (!s->config->read.peek && teller_add(&s->teller, stream, id) != 0)
		on_out_of_memory(s);
}

/*
 * Deleted before it was dealt with. Tenants are told of many in a row together:
 * each GAP goes to all of them.
 */
static void add_gone(struct streams *s, size_t stream, struct entryid id)
{
	if (!s->gone++) {
		s->gone_stream = stream;
		s->gone_id = id;
	}
}

static void tell_gone(struct streams *s)
{
	uint64_t n = s->gone;
	char text[ENTRYID_TEXT_MAX];

	if (!n)
		return;
	s->gone = 0;
	entryid_show(text, s->gone_id);
	diag(s->config->diag, DIAG_WARN,
	     "deleted before they were published: %" PRIu64
	     ", the first is entry %s of '%s'",
	     n, text, s->config->read.streams[s->gone_stream]);
	s->events->lost(s->user, n);
}

/* Whether it is not on its way already; now it is. */
static bool set_out(struct streams *s, size_t stream, struct entryid id)
{
	if (s->config->read.peek)
		return true;
	switch (entryset_add(&s->underway, (uint32_t)stream, id)) {
	case ENTRYSET_ADDED:
		return true;
	case ENTRYSET_THERE:
		return false;
	case ENTRYSET_NO_MEMORY:
		break;
	}
	on_out_of_memory(s);
	return false;
}

static void on_entry(void *user, size_t stream, const struct streamentry *entry)
{
	struct streams *s = user;

	if (!set_out(s, stream, entry->id))
		return;
	if (!entry->fields) {
		add_gone(s, stream, entry->id);
		tell_later(s, stream, entry->id);
		return;
	}
	tell_gone(s);
	give(s, stream, entry);
}

static void on_given(void *user)
{
	struct streams *s = user;

	works(s);
	tell_gone(s);
}

static void on_too_large(void *user, size_t stream, struct entryid id)
{
	struct streams *s = user;
	const char *name = s->config->read.streams[stream];
	const struct origin origin = {
		.channel = {name, strlen(name)},
		.message = {"", 0},
		.entry = id,
		.stream = (uint32_t)stream,
	};

	if (set_out(s, stream, id))
		s->events->unfit(s->user, &origin,
				 "the entry is larger than a reply may be");
}

static void on_ready(void *user)
{
	struct streams *s = user;

	diag(s->config->diag, DIAG_NOTE, "reading from '%s'",
	     redis_shown(s->reader));
	if (!s->ready)
		s->events->ready(s->user, false);
	s->ready = true;
}

static bool oldest(void *user, size_t stream, struct entryid *id)
{
	const struct streams *s = user;

	return entryset_least(&s->underway, (uint32_t)stream, id);
}

static void remove_late(struct streams *s)
{
	struct streams_late late;

	while (buf_len(&s->late) >= sizeof(late)) {
		memcpy(&late, buf_bytes(&s->late), sizeof(late));
		buf_consume(&s->late, sizeof(late));
		entryset_remove(&s->underway, late.stream, late.id);
	}
	buf_clear(&s->late, MESSAGE_KEPT);
}

/* What comes from the new group is not what it was told of. */
static void on_gone(void *user)
{
	struct streams *s = user;

	remove_late(s);

	diag(s->config->diag, DIAG_WARN,
	     "'%s' has no group '%s' any more: it is made again",
	     redis_shown(s->reader), s->config->read.group);
}

static const struct streamreader_events streamreader_events = {
	.entry = on_entry,
	.given = on_given,
	.too_large = on_too_large,
	.ready = on_ready,
	.oldest = oldest,
	.gone = on_gone,
	.refused = on_read_refused,
	.nonsense = on_reader_nonsense,
	.out_of_memory = on_out_of_memory,
};

/* The connections */

static void tell_loss(struct streams *s, const struct redis_loss *loss,
		      enum diag_level level)
{
	char time[NUM_TEXT_MAX];

	if (loss->final)
		diag(s->config->diag, DIAG_ERROR, "%s", loss->text);
	else
		diag(s->config->diag, level, "%s; trying again in %s",
		     loss->text, num_show_duration(time, loss->retry_ms));
}

static void on_reader_ready(void *user)
{
	struct streams *s = user;

	s->refused = false;
	streamreader_connect(&s->streamreader, s->reader);
}

static void on_reader_lost(void *user, const struct redis_loss *loss)
{
	struct streams *s = user;

	tell_loss(s, loss, DIAG_WARN);
	if (loss->connected)
		s->events->broken(s->user, false);
	if (loss->final)
		fail(s, loss->status);
	else if (loss->oversize && s->config->read.peek)
		fail(s, EXIT_OTHER); /* nobody can pass it over */
	else if (loss->oversize)
		streamreader_too_large(&s->streamreader);
}

static const struct redis_events reader_events = {
	.ready = on_reader_ready,
	.lost = on_reader_lost,
};

/* What the teller says */

/*
 * What is being read again may have been put together before Redis was told,
 * and then has this one in it: that is not to be taken for another.
 */
static void on_told(void *user, size_t stream, struct entryid id)
{
	const struct streams_late late = {(uint32_t)stream, id};
	struct streams *s = user;

	if (!streamreader_rereads(&s->streamreader)) {
		entryset_remove(&s->underway, late.stream, id);
		return;
	}
	buf_append(&s->late, &late, sizeof(late));
	if (s->late.failed)
		on_out_of_memory(s);
}

static void on_acked(void *user)
{
	struct streams *s = user;

	works(s);
	s->acked = true;
	s->events->changed(s->user);
}

/* What is claimed while nothing moves would only wait here, and not there. */
static size_t room(void *user)
{
	const struct streams *s = user;
	const struct streamreader *r = &s->streamreader;
	uint64_t still = uv_now(s->again.loop) - s->moved_ms;

	if (s->stopped || !s->ready || !streamreader_caught_up(r) ||
	    (s->underway.count && still > STANDSTILL_MS))
		return 0;
	return r->allowed < r->batch ? r->allowed : r->batch;
}

static void on_claim_gone(void *user, size_t stream, struct entryid id)
{
	add_gone(user, stream, id);
}

static void on_claims_ended(void *user)
{
	tell_gone(user);
}

static void on_again_wanted(void *user)
{
	struct streams *s = user;

	streamreader_again(&s->streamreader);
}

static void on_cut(void *user, uint64_t count)
{
	struct streams *s = user;

	if (!s->stopped)
		s->events->lost(s->user, count);
}

static void on_position(void *user, size_t stream, struct entryid id)
{
	struct streams *s = user;

	streamreader_know(&s->streamreader, stream, id);
}

static void on_teller_lost(void *user, const struct redis_loss *loss)
{
	struct streams *s = user;

	if (loss->oversize)
		streamreader_begin_small(&s->streamreader);
	/* That the reader has lost the same Redis was told. */
	tell_loss(s, loss, redis_is_ready(s->reader) ? DIAG_WARN : DIAG_NOTE);
	if (loss->final)
		fail(s, loss->status);
}

static const struct teller_events teller_events = {
	.told = on_told,
	.acked = on_acked,
	.refused = on_ack_refused,
	.room = room,
	.claimed = on_entry,
	.gone = on_claim_gone,
	.ended = on_claims_ended,
	.again = on_again_wanted,
	.cut = on_cut,
	.position = on_position,
	.lost = on_teller_lost,
};

/* What the bridge asks */

static void allow(void *self, size_t messages)
{
	struct streams *s = self;

	if (teller_waiting(&s->teller) > UNTOLD_MAX)
		messages = 0;
	streamreader_allow(&s->streamreader, messages);
}

static void settle(void *self, const struct origin *origin, bool done)
{
	struct streams *s = self;

	s->moved_ms = uv_now(s->again.loop);
	if (done) {
		tell_later(s, origin->stream, origin->entry);
		return;
	}
	entryset_remove(&s->underway, origin->stream, origin->entry);
	if (s->stopped)
		return;
	streamreader_again(&s->streamreader);
	streamreader_hold(&s->streamreader);
	try_again(s);
}

static void flush(void *self)
{
	struct streams *s = self;

	if (!streamreader_rereads(&s->streamreader))
		remove_late(s);
	teller_flush(&s->teller);
}

/* Beginning and end */

int streams_init(struct streams *s, const struct streams_config *config,
		 const struct source_events *events, void *user)
{
	const struct streamreader_config *read = &config->read;

	memset(s, 0, sizeof(*s));
	s->config = config;
	s->events = events;
	s->user = user;
	s->again_ms = AGAIN_MS;
	buf_init(&s->late);
	buf_init(&s->message);
	buf_init(&s->key);
	s->teller_config = (struct teller_config){
		.streams = read->streams,
		.count = read->count,
		.group = read->group,
		.consumer = read->consumer,
		.claim_ms = config->claim_ms,
		.diag = config->diag,
	};
	if (teller_init(&s->teller, &s->teller_config, &teller_events, s) !=
		    0 ||
	    entryset_init(&s->underway) != 0)
		return -1;
	return streamreader_init(&s->streamreader, read, &streamreader_events,
				 s);
}

static void configure(const struct streams *s, struct redis_config *redis)
{
	*redis = (struct redis_config){
		.url = s->config->url,
		.user = s->config->user,
		.password = s->config->password,
		.name = s->config->name,
		.retry = true,
	};
}

static enum exits start(void *self, uv_loop_t *uv)
{
	struct streams *s = self;
	struct redis_config redis;
	const char *why = NULL;

	uv_timer_init(uv, &s->again);
	s->again.data = s;
	s->handles = true;
	configure(s, &redis);
	s->reader = redis_new(uv, &redis, &reader_events, s, &why);
	redis.patient = true;
	if (s->reader && (s->config->read.peek ||
			  teller_start(&s->teller, uv, &redis, &why) == 0))
		return EXIT_DONE;
	/* Without the URL, which may have a password. */
	diag(s->config->diag, DIAG_ERROR, "cannot connect to Redis: %s", why);
	return EXIT_USAGE;
}

static void release(void *self)
{
	struct streams *s = self;
	size_t untold = teller_waiting(&s->teller);

	s->stopped = true;
	streamreader_stop(&s->streamreader);
	if (untold)
		diag(s->config->diag, DIAG_WARN,
		     "Redis could not be told of %zu that were published: they "
		     "come again, and are published once",
		     untold);
	if (s->handles)
		uv_close((uv_handle_t *)&s->again, NULL);
	s->handles = false;
	redis_free(s->reader);
	s->reader = NULL;
	teller_release(&s->teller);
	streamreader_release(&s->streamreader);
	entryset_release(&s->underway);
	buf_release(&s->late);
	buf_release(&s->message);
	buf_release(&s->key);
}

const struct source_ops streams_ops = {
	.start = start,
	.allow = allow,
	.settle = settle,
	.flush = flush,
	.idle = idle,
	.told = told,
	.stop = stop,
	.release = release,
};

/* SPDX-License-Identifier: MIT */
#include "ingest.h"

#include "jsonput.h"
#include "num.h"
#include "reclaim.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* When to come back after there was no room: soon, as that passes. */
#define FULL_MS 1000

/* While more of a tenant waits to be written, nothing is published for it. */
#define UNWRITTEN_HIGH (128 * 1024)

/* Room is made for so many times what came. */
#define AHEAD 4

/* Room for a piece, at least, where so much is still to come. */
#define ROOM_MIN ((size_t)32 * 1024)

/* A piece of the body. */
struct span {
	const char *at;
	size_t len;
};

void ingest_init(struct ingest *in, struct hub *hub, const char *tenant,
		 size_t tenant_len, const char *key, size_t key_len)
{
	memset(in, 0, sizeof(*in));
	in->hub = hub;
	buf_init(&in->body);
	meter_holder_init(&in->holder, NULL);
	memcpy(in->id, tenant, tenant_len);
	in->id_len = (uint8_t)tenant_len;
	in->keyed = key != NULL;
	if (key)
		in->hash =
			keys_hash(&hub->keys, tenant, tenant_len, key, key_len);
}

static void count(struct ingest *in)
{
	struct meter *m = &in->hub->meter;

	if (in->whole)
		meter_set(m, METER_BODIES, &in->metered, in->body.cap);
	else
		meter_hold(m, &in->holder, METER_ASSEMBLY, &in->metered,
			   in->body.cap);
}

/* What is whole does not wait any more. */
static void count_whole(struct ingest *in)
{
	meter_hold(&in->hub->meter, &in->holder, METER_ASSEMBLY, &in->metered,
		   0);
	in->whole = true;
	count(in);
}

void ingest_release(struct ingest *in)
{
	if (!in->hub)
		return;
	if (in->tenant)
		hub_unpin(in->hub, in->tenant);
	in->tenant = NULL;
	buf_release(&in->body);
	count(in);
}

/* Checking */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trimmed(const char *at, size_t len)
{
	while (len && is_blank(*at)) {
		at++;
		len--;
	}
	while (len && is_blank(at[len - 1]))
		len--;
	return (struct span){at, len};
}

static int refuse_memory(struct reply *refusal)
{
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
		    "the server has too little memory");
	reply_retry(refusal, FULL_MS);
	return -1;
}

/* The machine's memory; of its own limit the reclaimer keeps count. */
static int no_memory(struct ingest *in, struct reply *refusal)
{
	in->hub->counters.refused[REFUSED_MEMORY]++;
	return refuse_memory(refusal);
}

static int refuse_json(const struct ingest *in, enum json_result result,
		       struct reply *refusal)
{
	bool several = result == JSON_TRAILING && !in->lines;

	reply_fault(refusal, 400, PROTO_BAD_JSON, "%s%s", json_strerror(result),
		    several ? "; several updates, one a line, are "
			      "application/x-ndjson"
			    : "");
	return -1;
}

static int refuse_large(struct ingest *in, size_t len, struct reply *refusal)
{
	char may[NUM_TEXT_MAX];

	in->hub->counters.refused[REFUSED_TOO_LARGE]++;
	reply_fault(refusal, 413, PROTO_TOO_LARGE,
		    "an update of %zu bytes, the server takes %s", len,
		    num_show_size(may, in->hub->config.message_max));
	return -1;
}

/* One update, or a line that may be blank; `line` is its number. */
static int check_update(struct ingest *in, const char *at, size_t len,
			uint64_t line, struct reply *refusal)
{
	struct span update = trimmed(at, len);
	enum json_result result;
	size_t where = 0, column, lines;

	if (!update.len)
		return 0;
	in->count++;
	if (update.len > in->hub->config.message_max) {
		refuse_large(in, update.len, refusal);
		refusal->line = line;
		return -1;
	}
	result = json_check(update.at, update.len, &where);
	if (result == JSON_OK)
		return 0;
	refuse_json(in, result, refusal);
	json_position(at, (size_t)(update.at - at) + where, &lines, &column);
	refusal->line = line + lines - 1;
	refusal->column = column;
	return -1;
}

/*
 * Checks the lines of `text` behind those that were checked; the last one, if
 * nothing ends it, only when it is `whole`.
 */
static int check_lines(struct ingest *in, const char *text, size_t len,
		       bool whole, struct reply *refusal)
{
	const char *newline;
	size_t end;

	while (in->checked < len) {
		newline = memchr(text + in->searched, '\n', len - in->searched);
		if (!newline && !whole)
			break;
		end = newline ? (size_t)(newline - text) : len;
		if (check_update(in, text + in->checked, end - in->checked,
				 ++in->line, refusal) < 0)
			return -1;
		in->checked = in->searched = newline ? end + 1 : len;
	}
	in->searched = len;
	return 0;
}

/*
 * Makes room for the rest of the body at once, as copying it when it grows
 * takes time; but in proportion to what came, as saying is not sending.
 */
static void reserve(struct ingest *in, size_t len)
{
	size_t had = buf_len(&in->body), room = AHEAD * (had + len);

	if (in->length > had && in->length - had < room)
		room = (size_t)in->length - had;
	if (room > len && in->length)
		buf_reserve(&in->body, room);
}

char *ingest_room(struct ingest *in, size_t *len)
{
	struct buf *body = &in->body;
	uint64_t left = in->length - buf_len(body);
	size_t least = left < ROOM_MIN ? (size_t)left : ROOM_MIN;

	if (body->cap - body->end < least)
		reserve(in, least);
	if (!buf_reserve(body, least))
		return NULL;
	*len = body->cap - body->end;
	return body->base + body->end;
}

/* What was put where ingest_room() says is there already. */
static void append(struct buf *body, const char *bytes, size_t len)
{
	if (body->base && bytes == body->base + body->end)
		buf_added(body, len);
	else
		buf_append(body, bytes, len);
}

static int keep(struct ingest *in, const char *bytes, size_t len,
		struct reply *refusal)
{
	size_t before = in->metered;

	if (in->body.cap - in->body.end < len)
		reserve(in, len);
	append(&in->body, bytes, len);
	count(in);
	if (in->body.failed)
		return no_memory(in, refusal);
	if (!in->whole && in->metered > before &&
	    !meter_yield(&in->hub->meter, &in->holder))
		return no_memory(in, refusal);
	if (in->metered > before && !reclaim_room(in->hub, 0))
		return refuse_memory(refusal);
	in->text = buf_bytes(&in->body);
	in->len = buf_len(&in->body);
	return 0;
}

int ingest_take(struct ingest *in, const char *bytes, size_t len,
		struct reply *refusal)
{
	if (keep(in, bytes, len, refusal) < 0)
		return -1;
	return in->lines ? check_lines(in, in->text, in->len, false, refusal)
			 : 0;
}

static int check_rest(struct ingest *in, struct reply *refusal)
{
	int result = in->lines
			     ? check_lines(in, in->text, in->len, true, refusal)
			     : check_update(in, in->text, in->len, 1, refusal);

	if (result == 0 && in->count == 0) {
		refuse_json(in, JSON_EMPTY, refusal);
		return -1;
	}
	return result;
}

/* Keys */

/* What a body is known by; never 0. */
static uint32_t checksum(const struct ingest *in)
{
	uint64_t hash = hash_bytes(&in->hub->hash_key, in->text, in->len);
	uint32_t check = (uint32_t)(hash ^ hash >> 32) ^ in->lines;

	return check ? check : 1;
}

static enum ingest_result refuse_key(struct reply *refusal)
{
	reply_error(refusal, 422, "KEY_REUSED",
		    "this Idempotency-Key came with another body before");
	return INGEST_REFUSED;
}

/*
 * It was published before: as which number, if that is still known. What went
 * out at once has numbers without holes.
 */
static enum ingest_result repeat(struct ingest *in,
				 const struct keys_entry *entry)
{
	const struct hub_tenant *t = hub_find(in->hub, in->id, in->id_len);

	in->repeated = true;
	in->done = in->count;
	in->hub->counters.duplicates++;
	if (!t || t->generation != entry->generation)
		return INGEST_DONE;
	in->first = entry->seq;
	if (in->len <= INGEST_SLICE)
		in->last = entry->seq + in->count - 1;
	return INGEST_DONE;
}

static void remember(struct ingest *in)
{
	struct keys_entry *entry =
		keys_add(&in->hub->keys, &in->hash, in->tenant->generation,
			 in->first, in->hub->now.mono_ms);

	entry->check = checksum(in);
}

/* Publishing */

static enum ingest_result refuse_draining(struct ingest *in,
					  struct reply *refusal)
{
	in->hub->counters.refused[REFUSED_DRAINING]++;
	reply_fault(refusal, 503, PROTO_DRAINING, "the server shuts down");
	reply_retry(refusal, FULL_MS);
	return INGEST_REFUSED;
}

static int find_tenant(struct ingest *in, struct reply *refusal)
{
	in->tenant = hub_tenant(in->hub, in->id, in->id_len);
	if (in->tenant) {
		hub_pin(in->tenant);
		return 0;
	}
	if (errno != ENOSPC)
		return no_memory(in, refusal);
	in->hub->counters.refused[REFUSED_TENANTS]++;
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
		    "the server has too many tenants");
	reply_retry(refusal, FULL_MS);
	return -1;
}

/* It ended in the middle: nobody may take it for done. */
static enum ingest_result give_up(struct ingest *in, struct reply *refusal)
{
	refuse_memory(refusal);
	if (!in->done)
		return INGEST_REFUSED;
	if (in->keyed)
		keys_forget(&in->hub->keys, &in->hash, in->hub->now.mono_ms);
	reply_fault(refusal, 503, PROTO_OVER_CAPACITY,
		    "out of memory: only the first %" PRIu64 " of %" PRIu64
		    " updates were published, as numbers %" PRIu64
		    " to %" PRIu64,
		    in->done, in->count, in->first, in->last);
	reply_retry(refusal, FULL_MS);
	return INGEST_REFUSED;
}

static enum ingest_result refuse_rate(struct reply *refusal, int64_t wait_ms)
{
	reply_fault(refusal, 429, PROTO_RATE_LIMITED,
		    "the tenant has more updates than are allowed");
	reply_retry(refusal, (uint64_t)wait_ms);
	return INGEST_REFUSED;
}

/* The rate is asked once; then all goes out, and those who come next wait. */
static enum ingest_result publish(struct ingest *in, struct span update,
				  struct reply *refusal)
{
	struct hub_update what = {update.at, update.len, NULL, in->done > 0};
	struct hub_receipt receipt;
	enum hub_result result;

	if (!reclaim_room(in->hub, update.len))
		return give_up(in, refusal);
	result = hub_publish(in->hub, in->tenant, &what, &receipt);
	if (result == HUB_RATE_LIMITED)
		return refuse_rate(refusal, receipt.wait_ms);
	if (result != HUB_PUBLISHED) {
		in->hub->counters.refused[REFUSED_MEMORY]++;
		return give_up(in, refusal);
	}
	in->last = receipt.seq;
	in->subscribers = receipt.subscribers;
	if (in->done++ == 0) {
		in->first = receipt.seq;
		if (in->keyed)
			remember(in);
	}
	return INGEST_MORE;
}

/* Takes the next update off what is to be published. */
static struct span next_update(struct ingest *in)
{
	const char *at = in->text + in->at;
	size_t left = in->len - in->at, n = left;
	const char *newline = in->lines ? memchr(at, '\n', left) : NULL;

	if (newline)
		n = (size_t)(newline - at);
	in->at += n + (newline != NULL);
	return trimmed(at, n);
}

/* For all of it, so that it rarely ends in the middle. */
static int make_room(struct ingest *in, struct reply *refusal)
{
	if (!reclaim_room(in->hub, in->len))
		return refuse_memory(refusal);
	if (in->keyed && keys_reserve(&in->hub->keys, in->hub->now.mono_ms) < 0)
		return no_memory(in, refusal);
	return 0;
}

/* Lets the request in, or answers it by what is known of its key. */
static enum ingest_result begin(struct ingest *in, struct reply *refusal)
{
	const struct keys_entry *entry = NULL;
	int64_t now = in->hub->now.mono_ms;

	in->begun = true;
	if (in->keyed)
		entry = keys_find(&in->hub->keys, &in->hash, now);
	if (entry && entry->check && entry->check != checksum(in))
		return refuse_key(refusal);
	if (entry)
		return repeat(in, entry);
	if (in->hub->draining)
		return refuse_draining(in, refusal);
	if (make_room(in, refusal) < 0 || find_tenant(in, refusal) < 0)
		return INGEST_REFUSED;
	return INGEST_MORE;
}

/* Whether those who read its tenant lack much already. */
static bool outruns(const struct ingest *in)
{
	const struct hub_tenant *t =
		in->tenant ? in->tenant : hub_find(in->hub, in->id, in->id_len);

	return hub_outrun(in->hub, t ? t->stream : NULL, UNWRITTEN_HIGH);
}

/* Where nobody has to follow, only other tenants wait. */
static size_t slice_of(const struct ingest *in)
{
	const struct stream *s = in->tenant ? in->tenant->stream : NULL;

	return in->hub->overview.stream || (s && stream_readers(s))
		       ? INGEST_SLICE
		       : 4 * INGEST_SLICE;
}

enum ingest_result ingest_step(struct ingest *in, struct reply *refusal)
{
	size_t from = in->at, slice;
	enum ingest_result result;
	struct span update;

	if (outruns(in))
		return INGEST_MORE;
	if (!in->begun) {
		result = begin(in, refusal);
		if (result != INGEST_MORE)
			return result;
	}
	slice = slice_of(in);
	while (in->done < in->count) {
		if (in->at - from >= slice)
			return INGEST_MORE;
		update = next_update(in);
		if (update.len &&
		    publish(in, update, refusal) == INGEST_REFUSED)
			return INGEST_REFUSED;
	}
	return INGEST_DONE;
}

enum ingest_result ingest_end(struct ingest *in, const char *bytes, size_t len,
			      struct reply *refusal)
{
	enum ingest_result result;

	in->text = bytes ? bytes : "";
	in->len = len;
	count_whole(in);
	if ((buf_len(&in->body) || len > INGEST_SLICE) &&
	    keep(in, bytes, len, refusal) < 0)
		return INGEST_REFUSED;
	if (check_rest(in, refusal) < 0)
		return INGEST_REFUSED;
	result = ingest_step(in, refusal);
	/* Then nothing was published yet. */
	if (result == INGEST_MORE && !buf_len(&in->body) &&
	    keep(in, bytes, len, refusal) < 0)
		return INGEST_REFUSED;
	return result;
}

void ingest_put(const struct ingest *in, struct buf *b)
{
	char epoch[PROTO_EPOCH_MAX + 1] = "";
	const struct hub_tenant *t = hub_find(in->hub, in->id, in->id_len);
	uint64_t subscribers = in->subscribers;

	buf_putc(b, '{');
	jsonput_text(b, "tenantId", in->id, in->id_len);
	if (t) {
		hub_epoch(in->hub, t, epoch);
		jsonput_text(b, "epoch", epoch, strlen(epoch));
	}
	if (in->first)
		jsonput_u64(b, "first", in->first);
	if (in->last)
		jsonput_u64(b, "last", in->last);
	jsonput_u64(b, "count", in->count);
	if (in->repeated)
		subscribers = t && t->stream ? stream_readers(t->stream) : 0;
	jsonput_u64(b, "subscribers", subscribers);
	if (in->repeated)
		jsonput_bool(b, "duplicate", true);
	buf_puts(b, "}\n");
}

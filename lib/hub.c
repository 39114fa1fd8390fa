/* SPDX-License-Identifier: MIT */
#include "hub.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tenants that one search for room looks at. */
#define ROOM_SEARCH 64

#define MINUTE_MS (60 * UINT64_C(1000))

const struct hub_config hub_defaults = {
	.history = {.count = 1000, .bytes = 1 << 20, .age_ms = 10 * MINUTE_MS},
	.max_lag = 16 << 20,
	.message_max = 1 << 20,
	.frame_max = 2 << 20,
	.subscriptions_max = 1000,
	.tenants_max = 100 * 1000,
	.record_age_ms = 24 * 60 * MINUTE_MS,
	.keys_max = 1000 * 1000,
	.producers_max = 100 * 1000,
	.memory_ms = 10 * MINUTE_MS,
	.flush_ns = 2 * 1000 * 1000,
};

/* 8 characters of 5 bits: runs do not meet. */
static int make_run(struct hub *h)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t random[8];

	if (hash_random(random, sizeof(random)) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(random); i++)
		h->run[i] = digits[random[i] & 31];
	h->run[sizeof(random)] = '\0';
	return 0;
}

static void set_config(struct hub *h, const struct hub_config *config)
{
	h->config = *config;
	h->meter.max = config->max_memory;
}

int hub_init(struct hub *h, const struct hub_config *config)
{
	memset(h, 0, sizeof(*h));
	meter_init(&h->meter);
	set_config(h, config);
	list_init(&h->live);
	list_init(&h->unread);
	list_init(&h->idle);
	list_init(&h->unused);
	list_init(&h->dirty);
	list_init(&h->ready);
	overview_init(&h->overview);
	if (hash_random(&h->hash_key, sizeof(h->hash_key)) < 0 ||
	    make_run(h) < 0 || map_init(&h->tenants) < 0 ||
	    map_init(&h->subscriptions) < 0 ||
	    producers_init(&h->producers, &h->hash_key, config->producers_max,
			   (int64_t)config->memory_ms) < 0) {
		map_release(&h->subscriptions);
		map_release(&h->tenants);
		return -1;
	}
	keys_init(&h->keys, &h->hash_key, (uint32_t)config->keys_max,
		  (int64_t)config->memory_ms);
	return 0;
}

void hub_reconfigure(struct hub *h, const struct hub_config *config)
{
	set_config(h, config);
	h->keys.max = (uint32_t)config->keys_max;
	h->producers.max = config->producers_max;
}

static void move_to(struct list *tenants, struct hub_tenant *t)
{
	list_remove(&t->list);
	list_append(tenants, &t->list);
}

static void free_stream(struct hub *h, struct hub_tenant *t)
{
	t->seq = t->stream->seq;
	stream_release(t->stream);
	free(t->stream);
	t->stream = NULL;
	meter_add(&h->meter, METER_TENANTS, -(int64_t)sizeof(struct stream));
}

static void free_tenant(struct hub *h, struct hub_tenant *t)
{
	map_remove(&h->tenants, &t->node);
	list_remove(&t->list);
	free(t);
}

void hub_release(struct hub *h)
{
	struct map_node *node;
	struct hub_tenant *t;
	size_t bucket = 0;

	while ((node = map_any(&h->tenants, &bucket))) {
		t = map_entry(node, struct hub_tenant, node);
		if (t->stream)
			free_stream(h, t);
		free_tenant(h, t);
	}
	if (h->all && h->all->stream)
		free_stream(h, h->all);
	free(h->all);
	map_release(&h->tenants);
	map_release(&h->subscriptions);
	keys_release(&h->keys);
	producers_release(&h->producers);
}

void hub_epoch(const struct hub *h, const struct hub_tenant *t,
	       char out[PROTO_EPOCH_MAX + 1])
{
	snprintf(out, PROTO_EPOCH_MAX + 1, "%s.%u", h->run,
		 (unsigned)t->generation);
}

/* A tenant that had updates leaves a mark: the next generation. */
static void forget(struct hub *h, struct hub_tenant *t)
{
	if (t->seq)
		h->generation = t->generation + 1 > h->generation
					? t->generation + 1
					: h->generation;
	free_tenant(h, t);
}

/*
 * Becomes idle: may be forgotten, unless it is pinned. Those that never had an
 * update are the first to go.
 */
static void rest(struct hub *h, struct hub_tenant *t)
{
	t->idle_ms = h->now.mono_ms;
	list_remove(&t->list);
	if (!t->pins)
		list_append(t->seq ? &h->idle : &h->unused, &t->list);
}

static void shrink(struct hub *h, struct hub_tenant *t)
{
	free_stream(h, t);
	rest(h, t);
}

static struct hub_tenant *first_of(const struct list *tenants)
{
	return list_empty(tenants)
		       ? NULL
		       : list_entry(tenants->next, struct hub_tenant, list);
}

/*
 * A tenant that is retained, but that nobody reads and nobody publishes to.
 * What is passed over is in use: it goes to the end.
 */
static struct hub_tenant *find_unread(struct hub *h)
{
	struct hub_tenant *t;

	for (int i = 0; i < ROOM_SEARCH && (t = first_of(&h->unread)); i++) {
		if (!t->pins)
			return t;
		move_to(&h->unread, t);
	}
	return NULL;
}

/* Makes room for a new tenant where there are too many. */
static bool make_room(struct hub *h)
{
	struct hub_tenant *t;

	if (h->tenants.count < h->config.tenants_max)
		return true;
	t = first_of(&h->unused);
	if (!t)
		t = first_of(&h->idle);
	if (!t)
		t = find_unread(h);
	if (!t)
		return false;
	if (t->stream)
		free_stream(h, t);
	forget(h, t);
	return true;
}

static struct hub_tenant *make_tenant(const char *id, size_t len)
{
	struct hub_tenant *t = malloc(sizeof(*t) + len);

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	memcpy(t->id, id, len);
	t->id_len = (uint8_t)len;
	list_init(&t->list);
	return t;
}

static struct hub_tenant *add_tenant(struct hub *h, const char *id, size_t len,
				     uint64_t hash)
{
	struct hub_tenant *t;

	if (!make_room(h)) {
		errno = ENOSPC;
		return NULL;
	}
	t = make_tenant(id, len);
	if (!t)
		return NULL;
	t->generation = h->generation;
	rest(h, t);
	map_insert(&h->tenants, &t->node, hash);
	return t;
}

/* Not in the map, and pinned: so it is never forgotten for another. */
struct hub_tenant *hub_all(struct hub *h)
{
	struct hub_tenant *t = h->all;

	if (!t) {
		t = make_tenant(TENANT_ALL, strlen(TENANT_ALL));
		if (!t)
			return NULL;
		t->pins = 1;
		h->all = t;
	}
	return t;
}

static struct hub_tenant *find_tenant(const struct hub *h, const char *id,
				      size_t len, uint64_t hash)
{
	struct map_node *node = map_first(&h->tenants, hash);
	struct hub_tenant *t;

	for (; node; node = map_next(node)) {
		t = map_entry(node, struct hub_tenant, node);
		if (t->id_len == len && memcmp(t->id, id, len) == 0)
			return t;
	}
	return NULL;
}

struct hub_tenant *hub_tenant(struct hub *h, const char *id, size_t len)
{
	uint64_t hash = hub_hash(h, id, len);
	struct hub_tenant *t = find_tenant(h, id, len, hash);

	return t ? t : add_tenant(h, id, len, hash);
}

struct hub_tenant *hub_find(const struct hub *h, const char *id, size_t len)
{
	return find_tenant(h, id, len, hub_hash(h, id, len));
}

void hub_pin(struct hub_tenant *t)
{
	if (t->pins++ == 0 && !t->stream)
		list_remove(&t->list);
}

void hub_unpin(struct hub *h, struct hub_tenant *t)
{
	if (--t->pins == 0 && !t->stream)
		rest(h, t);
}

static struct stream *make_stream(struct hub *h, struct hub_tenant *t)
{
	char epoch[PROTO_EPOCH_MAX + 1];

	t->stream = malloc(sizeof(*t->stream));
	if (!t->stream)
		return NULL;
	meter_add(&h->meter, METER_TENANTS, sizeof(struct stream));
	hub_epoch(h, t, epoch);
	stream_init(t->stream, t->id, t->id_len, epoch, t->seq, &h->meter);
	move_to(&h->unread, t);
	return t->stream;
}

struct stream *hub_stream(struct hub *h, struct hub_tenant *t)
{
	return t->stream ? t->stream : make_stream(h, t);
}

static uint64_t append(struct hub *h, struct stream *s,
		       const struct hub_update *update)
{
	if (list_empty(&s->dirty))
		s->round.flushed = s->views[STREAM_PLAIN].end;
	if (!update->data)
		return stream_append_gap(s, &h->config.history, &h->now);
	return stream_append(s, &h->config.history, update->data, update->len,
			     &h->now);
}

/* Its readers are due an update; without any it has been touched. */
static inline void mark_dirty(struct hub *h, struct hub_tenant *t)
{
	struct stream *s = t->stream;
	size_t readers = stream_readers(s);

	if (!readers) {
		move_to(&h->unread, t);
		return;
	}
	h->counters.due += readers;
	if (!list_empty(&s->dirty))
		return;
	s->round.since_ns = clock_mono_ns();
	list_append(&h->dirty, &s->dirty);
}

/*
 * The same where somebody reads the overview, which then shows it too. Out of
 * line, so that it costs a branch while nobody does.
 */
__attribute__((noinline)) static uint64_t append_shown(
	struct hub *h, struct stream *s, const struct hub_update *update)
{
	struct stream *all = h->overview.stream;
	uint64_t seq;

	if (overview_reserve(&h->overview, update->len, h->now.mono_ms) < 0)
		return 0;
	seq = append(h, s, update);
	if (!seq)
		return 0;
	if (list_empty(&all->dirty))
		all->round.flushed = all->views[STREAM_PLAIN].end;
	overview_show(&h->overview, s, update->data, update->len, &h->now);
	mark_dirty(h, h->all);
	return seq;
}

/* How long an update must wait for the rate of its tenant; 0: not at all. */
static int64_t rate_wait(const struct hub *h, const struct stream *s,
			 const struct hub_update *update)
{
	if (!h->config.tenant_rate || update->begun)
		return 0;
	return bucket_wait(&s->rate, h->config.tenant_rate, h->now.mono_ms);
}

/* Whether the key was published before; then as which number, if known. */
static bool is_duplicate(struct hub *h, const struct hub_tenant *t,
			 const struct hub_update *update,
			 struct hub_receipt *receipt)
{
	const struct keys_entry *entry;

	entry = keys_find(&h->keys, update->key, h->now.mono_ms);
	if (!entry)
		return false;
	receipt->seq = entry->generation == t->generation ? entry->seq : 0;
	h->counters.duplicates++;
	return true;
}

enum hub_result hub_publish(struct hub *h, struct hub_tenant *t,
			    const struct hub_update *update,
			    struct hub_receipt *receipt)
{
	struct stream *s = hub_stream(h, t);

	if (!s)
		return HUB_NO_MEMORY;
	receipt->subscribers = stream_readers(s);
	if (update->key && is_duplicate(h, t, update, receipt))
		return HUB_DUPLICATE;
	receipt->wait_ms = rate_wait(h, s, update);
	if (receipt->wait_ms) {
		h->counters.refused[REFUSED_TENANT_RATE]++;
		return HUB_RATE_LIMITED;
	}
	if (update->key && keys_reserve(&h->keys, h->now.mono_ms) < 0)
		return HUB_NO_MEMORY;
	receipt->seq = h->overview.stream ? append_shown(h, s, update)
					  : append(h, s, update);
	if (!receipt->seq)
		return HUB_NO_MEMORY;
	if (update->key)
		keys_add(&h->keys, update->key, t->generation, receipt->seq,
			 h->now.mono_ms);
	if (h->config.tenant_rate)
		bucket_take(&s->rate, h->config.tenant_rate, 1, h->now.mono_ms);
	h->counters.published++;
	h->counters.published_bytes += update->len;
	mark_dirty(h, t);
	return HUB_PUBLISHED;
}

void hub_joined(struct hub *h, struct hub_tenant *t)
{
	if (t == h->all)
		overview_begin(&h->overview, t->stream);
	else if (stream_readers(t->stream) == 1)
		h->watched++;
	move_to(&h->live, t);
}

/* False when nothing is retained and nobody there: then it is idle now. */
static bool trim(struct hub *h, struct hub_tenant *t)
{
	struct stream *s = t->stream;

	stream_trim(s, &h->config.history, h->now.mono_ms);
	if (stream_readers(s) || s->first <= s->seq)
		return true;
	shrink(h, t);
	return false;
}

/* What nobody saw has no numbers, so those of a later one are others. */
static void end_overview(struct hub *h)
{
	overview_end(&h->overview);
	shrink(h, h->all);
	h->all->seq = 0;
	h->all->generation++;
}

void hub_left(struct hub *h, struct hub_tenant *t)
{
	if (!stream_readers(t->stream)) {
		if (t == h->all) {
			end_overview(h);
			return;
		}
		h->watched--;
		move_to(&h->unread, t);
	}
	trim(h, t);
}

bool hub_drop_unread(struct hub *h)
{
	struct hub_tenant *t = first_of(&h->unread);

	if (!t)
		return false;
	shrink(h, t);
	return true;
}

static void forget_old(struct hub *h, struct list *idle)
{
	int64_t age = (int64_t)h->config.record_age_ms;
	struct hub_tenant *t;

	while ((t = first_of(idle)) && h->now.mono_ms - t->idle_ms > age)
		forget(h, t);
}

/* Records beyond a limit that was lowered. */
static void forget_excess(struct hub *h, size_t count)
{
	struct hub_tenant *t;

	while (h->tenants.count > h->config.tenants_max && count--) {
		t = first_of(&h->unused);
		if (!t)
			t = first_of(&h->idle);
		if (!t)
			break;
		forget(h, t);
	}
}

/* Round the tenants with readers. */
static void sweep_live(struct hub *h, size_t count)
{
	struct hub_tenant *t;

	while (count-- && (t = first_of(&h->live))) {
		move_to(&h->live, t);
		stream_drop_unread(t->stream);
		trim(h, t);
	}
}

/* From those that are untouched for longest: they have expired first. */
static void sweep_unread(struct hub *h, size_t count)
{
	struct hub_tenant *t;

	list_for_each_safe (node, &h->unread) {
		if (count-- == 0)
			break;
		t = list_entry(node, struct hub_tenant, list);
		stream_drop_unread(t->stream);
		trim(h, t);
	}
}

void hub_sweep(struct hub *h, size_t count)
{
	size_t all = h->tenants.count;

	forget_excess(h, count);
	sweep_live(h, count < all ? count : all);
	sweep_unread(h, count);
	producers_expire(&h->producers, h->now.mono_ms);
	forget_old(h, &h->unused);
	forget_old(h, &h->idle);
}

/* SPDX-License-Identifier: MIT */
#include "streamreader.h"

#include "num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long Redis waits for an entry before it says that there is none. */
#define BLOCK_MS 2000
#define BLOCK_TEXT "2000"

/*
 * Entries that are read at once: at first, at most, and about as many bytes and
 * elements of a reply.
 */
#define BATCH_FIRST 16
#define BATCH_MAX 1000
#define BATCH_BYTES (1 << 20)
#define BATCH_ELEMENTS (1 << 16)

#define WORDS_MAX 16 /* of a command that reads, beside streams and ids */

static void make_groups(struct streamreader *r);
static void read_on(struct streamreader *r, size_t in_hand);

int streamreader_init(struct streamreader *r,
		      const struct streamreader_config *config,
		      const struct streamreader_events *events, void *user)
{
	memset(r, 0, sizeof(*r));
	r->config = config;
	r->events = events;
	r->user = user;
	r->batch = BATCH_FIRST;
	r->places = calloc(config->count, sizeof(*r->places));
	r->words = calloc(WORDS_MAX + 2 * config->count, sizeof(*r->words));
	r->ids = calloc(config->count, sizeof(*r->ids));
	return r->places && r->words && r->ids ? 0 : -1;
}

void streamreader_release(struct streamreader *r)
{
	free(r->places);
	free(r->words);
	free(r->ids);
	r->places = NULL;
	r->words = NULL;
	r->ids = NULL;
}

void streamreader_stop(struct streamreader *r)
{
	r->stopped = true;
	r->reading = false;
}

bool streamreader_rereads(const struct streamreader *r)
{
	return r->reading && r->old;
}

static void out_of_memory(struct streamreader *r)
{
	r->stopped = true;
	r->events->out_of_memory(r->user);
}

static void refuse(struct streamreader *r, const struct redisreply *error)
{
	r->on_hold = true;
	r->events->refused(r->user, error);
}

bool streamreader_caught_up(const struct streamreader *r)
{
	if (r->reread)
		return false;
	for (size_t i = 0; i < r->config->count; i++)
		if (!r->places[i].caught_up)
			return false;
	return true;
}

/* Groups */

static void become_ready(struct streamreader *r)
{
	r->events->ready(r->user);
	read_on(r, 0);
}

static void on_made(void *user, const struct redisreply *reply)
{
	struct streamreader *r = user;

	r->making--;
	if (!reply || r->stopped)
		return;
	if (redisreply_is(reply, "OK") ||
	    redisreply_is_error(reply, "BUSYGROUP"))
		r->made++;
	else if (reply->type == REDISREPLY_ERROR)
		refuse(r, reply);
	else
		r->events->nonsense(r->user);
	if (r->stopped || r->making)
		return;
	if (r->made == r->config->count)
		become_ready(r);
	else if (!r->on_hold)
		make_groups(r); /* it was to resume while they were made */
}

/* Behind which entry it begins. */
static const char *beginning(struct streamreader *r, size_t stream)
{
	const struct streamreader_place *place = &r->places[stream];
	struct entryid id;

	if (!place->any && !place->known)
		return r->config->begin;
	if (r->events->oldest(r->user, stream, &id))
		id = entryid_before(id);
	else
		id = place->any ? place->last : place->given;
	entryid_show(r->ids[stream], id);
	return r->ids[stream];
}

static void make_group(struct streamreader *r, size_t stream)
{
	const char *const words[] = {
		"XGROUP",
		"CREATE",
		r->config->streams[stream],
		r->config->group,
		beginning(r, stream),
		"MKSTREAM",
	};
	const struct redis_command command = {
		.words = words,
		.count = sizeof(words) / sizeof(words[0]),
		.done = on_made,
		.user = r,
	};

	if (redis_command(r->redis, &command) == 0)
		r->making++;
	else if (errno == ENOMEM)
		out_of_memory(r);
}

static void make_groups(struct streamreader *r)
{
	r->made = 0;
	r->useful = false;
	for (size_t i = 0; i < r->config->count && !r->stopped; i++)
		make_group(r, i);
}

/* What a read gave */

/* Hands over one; its id is in `id` then. 0, or -1 when it is none. */
static int give(struct streamreader *r, size_t stream,
		const struct redisreply *reply, struct entryid *id)
{
	struct streamentry entry;

	if (streamentry_read(&entry, reply) != 0)
		return -1;
	*id = entry.id;
	r->events->entry(r->user, stream, &entry);
	return 0;
}

/* 0, or -1 when something in it is no entry. */
static int give_list(struct streamreader *r, size_t stream,
		     const struct streamentry_list *list)
{
	struct streamreader_place *place = &r->places[stream];
	struct entryid *at = place->fresh ? &place->last : &place->again;

	if (!list->count)
		place->caught_up = true;
	else if (place->fresh)
		place->any = true;
	for (size_t i = 0; i < list->count && !r->stopped; i++)
		if (give(r, stream, &list->items[i], at) != 0)
			return -1;
	return 0;
}

static size_t find(const struct streamreader *r, const struct redisreply *name)
{
	for (size_t i = 0; i < r->config->count; i++)
		if (redisreply_is(name, r->config->streams[i]))
			return i;
	return SIZE_MAX;
}

static int give_lists(struct streamreader *r, const struct redisreply *reply)
{
	struct streamentry_list list;
	size_t stream;

	for (size_t i = 0; i < reply->count && !r->stopped; i++) {
		if (streamentry_read_list(&list, &reply->items[i]) != 0)
			return -1;
		stream = find(r, list.name);
		if (stream == SIZE_MAX || give_list(r, stream, &list) != 0)
			return -1;
	}
	return 0;
}

static void give_all(struct streamreader *r, const struct redisreply *reply)
{
	int result;

	r->giving = true;
	result = give_lists(r, reply);
	r->giving = false;
	if (r->stopped)
		return;
	r->events->given(r->user);
	if (result != 0)
		r->events->nonsense(r->user);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many entries there are in the reply; sets how many to ask for next: at
 * most twice as many, since large ones may follow small ones.
 */
static size_t measure(struct streamreader *r, const struct redisreply *reply)
{
	struct streamentry_weight w;

	streamentry_weigh(reply, &w);
	if (!w.entries)
		return 0;
	r->batch = least(2 * r->batch, BATCH_MAX);
	r->batch = least(r->batch, BATCH_BYTES / (w.bytes / w.entries + 1));
	r->batch =
		least(r->batch, BATCH_ELEMENTS / (w.elements / w.entries + 1));
	if (!r->batch)
		r->batch = 1;
	return w.entries;
}

/*
 * On to the next stream, while they are read one by one. What came in between
 * may have been passed over.
 */
static void take_turn(struct streamreader *r)
{
	if (!r->careful)
		return;
	r->turn = (r->turn + 1) % r->config->count;
	if (--r->careful == 0)
		r->reread = true;
}

static void take_reply(struct streamreader *r, const struct redisreply *reply)
{
	size_t n = measure(r, reply);

	r->useful = r->worked = true;
	/* Where the next page begins is known only when this one is read. */
	if (n && !r->careful && streamreader_caught_up(r) && !r->config->peek)
		read_on(r, n);
	give_all(r, reply);
}

/* Time is up; old entries are there at once, or the list of them is empty. */
static void take_nothing(struct streamreader *r)
{
	size_t first = r->careful ? r->turn : 0;
	size_t count = r->careful ? 1 : r->config->count;

	r->useful = r->worked = true;
	for (size_t i = first; i < first + count; i++)
		if (!r->places[i].fresh) {
			r->events->nonsense(r->user);
			return;
		}
}

/* At once, but not if that is all that it does. */
static void make_again(struct streamreader *r, const struct redisreply *error)
{
	r->events->gone(r->user);
	r->made = 0;
	if (r->useful)
		make_groups(r);
	else
		refuse(r, error);
}

static void on_read(void *user, const struct redisreply *reply)
{
	struct streamreader *r = user;

	r->reading = false;
	if (!reply || r->stopped)
		return;
	if (reply->type == REDISREPLY_ARRAY)
		take_reply(r, reply);
	else if (reply->type == REDISREPLY_NIL)
		take_nothing(r);
	else if (redisreply_is_error(reply, "NOGROUP"))
		make_again(r, reply);
	else if (reply->type != REDISREPLY_ERROR)
		r->events->nonsense(r->user);
	else if (!redisreply_is_error(reply, "UNBLOCKED"))
		refuse(r, reply); /* of that the next try tells more */
	take_turn(r);
	read_on(r, 0);
}

/* Reading */

static size_t put_head(struct streamreader *r, const char *count, bool block)
{
	size_t n = 0;

	if (r->config->peek) {
		r->words[n++] = "XREAD";
	} else {
		r->words[n++] = "XREADGROUP";
		r->words[n++] = "GROUP";
		r->words[n++] = r->config->group;
		r->words[n++] = r->config->consumer;
	}
	r->words[n++] = "COUNT";
	r->words[n++] = count;
	if (block) {
		r->words[n++] = "BLOCK";
		r->words[n++] = BLOCK_TEXT;
	}
	r->words[n++] = "STREAMS";
	return n;
}

/* Where to read on in a stream. */
static const char *position(struct streamreader *r, size_t stream)
{
	const struct streamreader_place *place = &r->places[stream];

	if (r->config->peek && !place->any)
		return r->config->begin;
	if (!r->config->peek && place->caught_up)
		return ">";
	entryid_show(r->ids[stream],
		     place->caught_up ? place->last : place->again);
	return r->ids[stream];
}

static void read_some(struct streamreader *r, size_t limit)
{
	size_t first = r->careful ? r->turn : 0;
	size_t count = r->careful ? 1 : r->config->count;
	size_t batch = r->careful ? 1 : r->batch;
	/* One by one, nobody waits for one stream while another has more. */
	bool block = streamreader_caught_up(r) &&
		     (!r->careful || r->config->count == 1);
	struct redis_command command = {
		.words = r->words,
		.wait_ms = block ? BLOCK_MS : 0,
		.done = on_read,
		.user = r,
	};
	char text[24];
	size_t n;

	r->old = !block && !streamreader_caught_up(r);
	/* It holds for each of the streams. */
	limit = limit / count ? limit / count : 1;
	text[num_put_u64(text, limit < batch ? limit : batch)] = '\0';
	n = put_head(r, text, block);
	for (size_t i = 0; i < count; i++) {
		r->words[n + i] = r->config->streams[first + i];
		r->words[n + count + i] = position(r, first + i);
		r->places[first + i].fresh = r->places[first + i].caught_up;
	}
	command.count = n + 2 * count;
	r->reading = redis_command(r->redis, &command) == 0;
	if (!r->reading && errno == ENOMEM)
		out_of_memory(r);
}

/* Which entry is too large */

/* It came, so it is not; or it is not there any more. */
static void on_suspect(void *user, const struct redisreply *reply)
{
	struct streamreader *r = user;

	r->reading = false;
	if (!reply || r->stopped)
		return;
	r->proving = r->stuck = false;
	read_on(r, 0);
}

static void ask(struct streamreader *r, const char *const *words, size_t count,
		redisqueue_done *done)
{
	const struct redis_command command = {
		.words = words,
		.count = count,
		.done = done,
		.user = r,
	};

	r->old = false;
	r->reading = redis_command(r->redis, &command) == 0;
}

static void prove(struct streamreader *r)
{
	const char *id = r->ids[r->turn];
	const char *const words[] = {"XRANGE", r->config->streams[r->turn], id,
				     id};

	r->proving = true;
	entryid_show(r->ids[r->turn], r->suspect);
	ask(r, words, 4, on_suspect);
}

static void on_next(void *user, const struct redisreply *reply)
{
	struct streamreader *r = user;
	const struct redisreply *item = reply ? reply->items : NULL;

	r->reading = false;
	if (!reply || r->stopped)
		return;
	if (reply->type == REDISREPLY_ARRAY && reply->count == 1 &&
	    item->type == REDISREPLY_ARRAY && item->count &&
	    item->items[0].type == REDISREPLY_BULK &&
	    entryid_parse(&r->suspect, item->items[0].text,
			  item->items[0].len) == 0) {
		prove(r);
		return;
	}
	r->stuck = false;
	read_on(r, 0);
}

/* Ranges that exclude their ends are known from Redis 6.2 on only. */
static void ask_next(struct streamreader *r)
{
	struct entryid from = r->places[r->turn].again;
	const char *const words[] = {
		"XPENDING",
		r->config->streams[r->turn],
		r->config->group,
		r->ids[r->turn],
		"+",
		"1",
		r->config->consumer,
	};

	if (++from.seq == 0)
		from.ms++;
	entryid_show(r->ids[r->turn], from);
	ask(r, words, sizeof(words) / sizeof(words[0]), on_next);
}

static void accuse(struct streamreader *r)
{
	r->guilty = false;
	r->places[r->turn].again = r->suspect;
	r->events->too_large(r->user, r->turn, r->suspect);
}

/* What a reply had that did not come is behind the last that was read. */
static void step_back(struct streamreader *r)
{
	for (size_t i = 0; i < r->config->count; i++) {
		struct streamreader_place *place = &r->places[i];

		if (place->caught_up)
			place->again = place->last;
		place->caught_up = r->config->peek;
	}
}

/*
 * It was among those behind the last that was read. Of those that this consumer
 * was given before, read one by one, it is the next.
 */
void streamreader_too_large(struct streamreader *r)
{
	r->guilty = r->proving;
	r->stuck = !r->guilty && r->careful && !r->places[r->turn].fresh;
	step_back(r);
	r->careful = BATCH_MAX * r->config->count;
	r->batch = 1;
}

void streamreader_know(struct streamreader *r, size_t stream, struct entryid id)
{
	struct streamreader_place *place = &r->places[stream];

	place->given = id;
	place->known = true;
}

void streamreader_begin_small(struct streamreader *r)
{
	r->batch = 1;
}

static void begin_again(struct streamreader *r)
{
	r->reread = false;
	for (size_t i = 0; i < r->config->count; i++) {
		r->places[i].again = (struct entryid){0};
		r->places[i].caught_up = r->config->peek;
	}
}

/* Reads more, when that is possible and wanted, beside what is `in_hand`. */
static void read_on(struct streamreader *r, size_t in_hand)
{
	if (r->reading || r->making || r->giving || r->stopped || r->on_hold ||
	    r->allowed <= in_hand || !r->redis || !redis_is_ready(r->redis) ||
	    (!r->config->peek && r->made < r->config->count))
		return;
	if (r->reread && !r->careful)
		begin_again(r);
	if (r->guilty)
		accuse(r);
	if (r->stuck)
		ask_next(r);
	else
		read_some(r, r->allowed - in_hand);
}

/* What the owner asks */

void streamreader_again(struct streamreader *r)
{
	r->reread = !r->config->peek;
}

/* While entries are read one by one it goes on where it was. */
void streamreader_connect(struct streamreader *r, struct redis *redis)
{
	r->redis = redis;
	r->on_hold = r->proving = false;
	if (r->careful)
		step_back(r);
	else
		begin_again(r);
	if (r->config->peek)
		become_ready(r);
	else
		make_groups(r);
}

void streamreader_allow(struct streamreader *r, size_t entries)
{
	r->allowed = entries;
	read_on(r, 0);
}

void streamreader_hold(struct streamreader *r)
{
	r->on_hold = true;
}

void streamreader_resume(struct streamreader *r)
{
	r->on_hold = false;
	if (r->making || !r->redis || !redis_is_ready(r->redis) || r->stopped)
		return;
	if (!r->config->peek && r->made < r->config->count)
		make_groups(r);
	else
		read_on(r, 0);
}

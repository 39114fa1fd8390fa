/* SPDX-License-Identifier: MIT */
#include "streamreader.h"

#include "num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long Redis waits for an entry before it says that there is none. */
#define BLOCK_MS 2000
#define BLOCK_TEXT "2000"

/* Entries that are read at once: at first, at most, and about as many bytes. */
#define BATCH_FIRST 16
#define BATCH_MAX 1000
#define BATCH_BYTES (1 << 20)

#define WORDS_MAX 16 /* of a command that reads, beside streams and ids */

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
}

static void nonsense(struct streamreader *r)
{
	r->stopped = true;
	r->events->nonsense(r->user);
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
		nonsense(r);
	if (r->made == r->config->count && !r->stopped)
		become_ready(r);
}

static void make_group(struct streamreader *r, size_t stream)
{
	const struct streamreader_place *place = &r->places[stream];
	const char *const words[] = {
		"XGROUP",
		"CREATE",
		r->config->streams[stream],
		r->config->group,
		place->any ? r->ids[stream] : r->config->begin,
		"MKSTREAM",
	};
	const struct redis_command command = {
		.words = words,
		.count = sizeof(words) / sizeof(words[0]),
		.done = on_made,
		.user = r,
	};

	if (place->any)
		entryid_show(r->ids[stream], place->last);
	if (redis_command(r->redis, &command) == 0)
		r->making++;
	else
		out_of_memory(r);
}

static void make_groups(struct streamreader *r)
{
	r->made = 0;
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

static void give_list(struct streamreader *r, size_t stream,
		      const struct streamentry_list *list)
{
	struct streamreader_place *place = &r->places[stream];
	bool new = place->caught_up;

	if (!list->count)
		place->caught_up = true;
	else if (new)
		place->any = true;
	for (size_t i = 0; i < list->count && !r->stopped; i++)
		if (give(r, stream, &list->items[i],
			 new ? &place->last : &place->again) != 0)
			nonsense(r);
}

static size_t find(const struct streamreader *r, const struct redisreply *name)
{
	for (size_t i = 0; i < r->config->count; i++)
		if (redisreply_is(name, r->config->streams[i]))
			return i;
	return SIZE_MAX;
}

static void give_all(struct streamreader *r, const struct redisreply *reply)
{
	struct streamentry_list list;
	size_t stream;

	r->giving = true;
	for (size_t i = 0; i < reply->count && !r->stopped; i++) {
		if (streamentry_read_list(&list, &reply->items[i]) != 0 ||
		    (stream = find(r, list.name)) == SIZE_MAX)
			nonsense(r);
		else
			give_list(r, stream, &list);
	}
	r->giving = false;
}

static size_t bytes_of(const struct redisreply *reply)
{
	size_t bytes = reply->len;

	for (size_t i = 0; i < reply->count; i++)
		bytes += bytes_of(&reply->items[i]);
	return bytes;
}

/* How many entries there are in the reply; sets how many to ask for next. */
static size_t measure(struct streamreader *r, const struct redisreply *reply)
{
	struct streamentry_list list;
	size_t n = 0;

	for (size_t i = 0; i < reply->count; i++)
		if (streamentry_read_list(&list, &reply->items[i]) == 0)
			n += list.count;
	if (!n)
		return 0;
	r->batch = BATCH_BYTES / (bytes_of(reply) / n + 1);
	if (r->batch > BATCH_MAX)
		r->batch = BATCH_MAX;
	if (!r->batch)
		r->batch = 1;
	return n;
}

/* On to the next stream, while they are read one by one. */
static void take_turn(struct streamreader *r)
{
	if (!r->careful)
		return;
	r->careful--;
	r->turn = (r->turn + 1) % r->config->count;
}

static void take_reply(struct streamreader *r, const struct redisreply *reply)
{
	size_t n = measure(r, reply);

	/* Where the next page begins is known only when this one is read. */
	if (n && !r->careful && streamreader_caught_up(r) && !r->config->peek)
		read_on(r, n);
	give_all(r, reply);
}

static void on_read(void *user, const struct redisreply *reply)
{
	struct streamreader *r = user;

	r->reading = false;
	if (!reply || r->stopped)
		return;
	take_turn(r);
	if (reply->type == REDISREPLY_ARRAY) {
		take_reply(r, reply);
	} else if (redisreply_is_error(reply, "NOGROUP")) {
		r->events->gone(r->user);
		make_groups(r);
	} else if (reply->type == REDISREPLY_ERROR) {
		refuse(r, reply);
	} else if (reply->type != REDISREPLY_NIL) {
		nonsense(r);
	}
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

	/* It holds for each of the streams. */
	limit = limit / count ? limit / count : 1;
	text[num_put_u64(text, limit < batch ? limit : batch)] = '\0';
	n = put_head(r, text, block);
	for (size_t i = 0; i < count; i++) {
		r->words[n + i] = r->config->streams[first + i];
		r->words[n + count + i] = position(r, first + i);
	}
	command.count = n + 2 * count;
	r->reading = redis_command(r->redis, &command) == 0;
	if (!r->reading && errno == ENOMEM)
		out_of_memory(r);
}

/* Which entry is too large: the oldest that this consumer was given. */

static void on_oldest(void *user, const struct redisreply *reply)
{
	struct streamreader *r = user;
	const struct redisreply *item = reply ? reply->items : NULL;
	struct entryid id;

	r->reading = false;
	if (!reply || r->stopped)
		return;
	if (reply->type == REDISREPLY_ARRAY && reply->count == 1 &&
	    item->type == REDISREPLY_ARRAY && item->count &&
	    item->items[0].type == REDISREPLY_BULK &&
	    entryid_parse(&id, item->items[0].text, item->items[0].len) == 0)
		r->events->too_large(r->user, r->turn, id);
	r->stuck = false;
	streamreader_again(r);
	read_on(r, 0);
}

static void ask_oldest(struct streamreader *r)
{
	const char *const words[] = {
		"XPENDING",
		r->config->streams[r->turn],
		r->config->group,
		"-",
		"+",
		"1",
		r->config->consumer,
	};
	const struct redis_command command = {
		.words = words,
		.count = sizeof(words) / sizeof(words[0]),
		.done = on_oldest,
		.user = r,
	};

	r->reading = redis_command(r->redis, &command) == 0;
}

/* Only of what was given before is it known which one it is. */
void streamreader_too_large(struct streamreader *r)
{
	if (r->careful && !r->places[r->turn].caught_up)
		r->stuck = true;
	r->careful = BATCH_MAX * r->config->count;
}

/* Reads more, when that is possible and wanted, beside what is `in_hand`. */
static void read_on(struct streamreader *r, size_t in_hand)
{
	if (r->reading || r->making || r->stopped || r->on_hold ||
	    r->allowed <= in_hand || !r->redis || !redis_is_ready(r->redis) ||
	    (!r->config->peek && r->made < r->config->count))
		return;
	if (r->held && !r->events->settled(r->user))
		return;
	r->held = false;
	if (r->stuck)
		ask_oldest(r);
	else
		read_some(r, r->allowed - in_hand);
}

/* What the owner asks */

void streamreader_again(struct streamreader *r)
{
	for (size_t i = 0; i < r->config->count; i++) {
		r->places[i].again = (struct entryid){0};
		r->places[i].caught_up = r->config->peek;
	}
	r->held = !r->config->peek;
}

void streamreader_connect(struct streamreader *r, struct redis *redis)
{
	r->redis = redis;
	r->on_hold = false;
	streamreader_again(r);
	if (r->config->peek)
		become_ready(r);
	else
		make_groups(r);
}

void streamreader_allow(struct streamreader *r, size_t entries)
{
	r->allowed = entries;
	if (!r->giving)
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

void streamreader_go_on(struct streamreader *r)
{
	read_on(r, 0);
}

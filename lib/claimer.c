/* SPDX-License-Identifier: MIT */
#include "claimer.h"

#include "num.h"
#include "streamentry.h"

#include <string.h>

static void ask_stream(struct claimer *c);
static void ask_consumer(struct claimer *c);
static void ask_missing(struct claimer *c);

void claimer_init(struct claimer *c, const struct claimer_config *config,
		  const struct claimer_events *events, void *user)
{
	memset(c, 0, sizeof(*c));
	c->config = config;
	c->events = events;
	c->user = user;
	buf_init(&c->others);
	c->idle[num_put_u64(c->idle, config->idle_ms)] = '\0';
}

void claimer_release(struct claimer *c)
{
	buf_release(&c->others);
}

static const char *name(const struct claimer *c)
{
	return c->config->streams[c->stream];
}

static void end(struct claimer *c, const struct redisreply *error)
{
	c->busy = false;
	c->events->ended(c->user, error);
}

static void ask(struct claimer *c, const char *const *words, size_t count,
		redisqueue_done *done)
{
	const struct redis_command command = {
		.words = words,
		.count = count,
		.done = done,
		.user = c,
	};

	if (redis_command(c->redis, &command) != 0)
		end(c, NULL);
}

static void next_stream(struct claimer *c)
{
	c->stream++;
	if (c->stream < c->config->count)
		ask_stream(c);
	else
		end(c, NULL);
}

static void next_consumer(struct claimer *c)
{
	buf_consume(&c->others, strlen(buf_bytes(&c->others)) + 1);
	if (buf_len(&c->others))
		ask_consumer(c);
	else
		next_stream(c);
}

/* Whether there is a reply of the type that is needed; else the round ends. */
static bool has_array(struct claimer *c, const struct redisreply *reply)
{
	if (reply && reply->type == REDISREPLY_ARRAY)
		return true;
	end(c, redisreply_is_error(reply, NULL) ? reply : NULL);
	return false;
}

/* Fourth: whether what did not come is there at all */

static void on_range(void *user, const struct redisreply *reply)
{
	struct claimer *c = user;

	if (!has_array(c, reply))
		return;
	if (!reply->count) {
		c->moved = true;
		c->events->gone(c->user, c->stream, c->ids[c->asked]);
	}
	c->asked++;
	ask_missing(c);
}

static void ask_missing(struct claimer *c)
{
	const char *const words[] = {"XRANGE", name(c), c->texts[0],
				     c->texts[0]};

	if (c->asked < c->count) {
		entryid_show(c->texts[0], c->ids[c->asked]);
		ask(c, words, 4, on_range);
	} else if (c->more && c->moved) {
		ask_consumer(c);
	} else {
		next_consumer(c);
	}
}

/* Third: XCLAIM */

static bool has(const struct redisreply *entries, struct entryid id)
{
	struct streamentry entry;

	for (size_t i = 0; i < entries->count; i++)
		if (streamentry_read(&entry, &entries->items[i]) == 0 &&
		    entryid_compare(entry.id, id) == 0)
			return true;
	return false;
}

/* An older Redis has NIL for it, and keeps it. */
static bool has_nil(const struct redisreply *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].type == REDISREPLY_NIL)
			return true;
	return false;
}

/* Keeps the ids of those that did not come. */
static void find_missing(struct claimer *c, const struct redisreply *entries)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count && !has_nil(entries); i++)
		if (!has(entries, c->ids[i]))
			c->ids[n++] = c->ids[i];
	c->count = n;
	c->asked = 0;
}

static void on_claimed(void *user, const struct redisreply *reply)
{
	struct claimer *c = user;

	if (!reply)
		c->events->missed(c->user);
	if (!has_array(c, reply))
		return;
	find_missing(c, reply);
	c->moved = reply->count > 0;
	if (reply->count)
		c->events->claimed(c->user, c->stream, reply,
				   buf_bytes(&c->others));
	ask_missing(c);
}

static void claim(struct claimer *c)
{
	const char *words[5 + CLAIMER_BATCH] = {
		"XCLAIM", name(c), c->config->group, c->config->consumer,
		c->idle,
	};

	for (size_t i = 0; i < c->count; i++) {
		entryid_show(c->texts[i], c->ids[i]);
		words[5 + i] = c->texts[i];
	}
	ask(c, words, 5 + c->count, on_claimed);
}

/* Second: what one consumer has */

/* id, consumer, ms since it was given, how often: whether it is to be had. */
static bool is_old(const struct claimer *c, const struct redisreply *item,
		   struct entryid *id)
{
	return item->type == REDISREPLY_ARRAY && item->count == 4 &&
	       item->items[0].type == REDISREPLY_BULK &&
	       item->items[2].type == REDISREPLY_INTEGER &&
	       item->items[2].integer >= 0 &&
	       (uint64_t)item->items[2].integer >= c->config->idle_ms &&
	       entryid_parse(id, item->items[0].text, item->items[0].len) == 0;
}

static void on_list(void *user, const struct redisreply *reply)
{
	struct claimer *c = user;
	size_t room = c->events->room(c->user);
	size_t old = 0;

	if (!has_array(c, reply))
		return;
	c->count = 0;
	for (size_t i = 0; i < reply->count; i++) {
		struct entryid id;

		if (!is_old(c, &reply->items[i], &id))
			continue;
		if (old++ < room && c->count < CLAIMER_BATCH)
			c->ids[c->count++] = id;
	}
	/* What was claimed or is gone does not come in the next list. */
	c->more = old && (reply->count >= CLAIMER_BATCH || old > c->count);
	if (old && !room)
		end(c, NULL);
	else if (old)
		claim(c);
	else
		next_consumer(c);
}

static void ask_consumer(struct claimer *c)
{
	const char *const words[] = {
		"XPENDING", name(c), c->config->group,	    "-",
		"+",	    "100",   buf_bytes(&c->others),
	};

	ask(c, words, sizeof(words) / sizeof(words[0]), on_list);
}

/* First: who has something */

static void add_other(struct claimer *c, const struct redisreply *item)
{
	const struct redisreply *consumer = item->items;

	if (item->type != REDISREPLY_ARRAY || item->count != 2 ||
	    consumer->type != REDISREPLY_BULK ||
	    redisreply_is(consumer, c->config->consumer) ||
	    memchr(consumer->text, '\0', consumer->len))
		return;
	buf_append(&c->others, consumer->text, consumer->len + 1);
}

/* count, first and last id, and an array of consumer and count */
static void on_summary(void *user, const struct redisreply *reply)
{
	struct claimer *c = user;
	const struct redisreply *list;

	if (!has_array(c, reply))
		return;
	list = reply->count == 4 ? &reply->items[3] : NULL;
	buf_clear(&c->others, 4096);
	if (list && list->type == REDISREPLY_ARRAY)
		for (size_t i = 0; i < list->count; i++)
			add_other(c, &list->items[i]);
	if (buf_len(&c->others) && !c->others.failed)
		ask_consumer(c);
	else
		next_stream(c);
}

static void ask_stream(struct claimer *c)
{
	const char *const words[] = {"XPENDING", name(c), c->config->group};

	ask(c, words, 3, on_summary);
}

void claimer_begin(struct claimer *c, struct redis *redis)
{
	if (c->busy)
		return;
	c->redis = redis;
	c->stream = 0;
	c->busy = true;
	ask_stream(c);
}

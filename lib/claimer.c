/* SPDX-License-Identifier: MIT */
#include "claimer.h"

#include "num.h"

#include <string.h>

static void ask_stream(struct claimer *c);
static void ask_consumer(struct claimer *c);

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

static void ask(struct claimer *c, const char *const *words, size_t count,
		redisqueue_done *done)
{
	const struct redis_command command = {
		.words = words,
		.count = count,
		.done = done,
		.user = c,
	};

	c->busy = redis_command(c->redis, &command) == 0;
}

static void next_stream(struct claimer *c)
{
	c->stream++;
	if (c->stream < c->config->count)
		ask_stream(c);
	else
		c->busy = false;
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
	c->busy = reply && reply->type == REDISREPLY_ARRAY;
	return c->busy;
}

/* Third: XCLAIM */

static void on_claimed(void *user, const struct redisreply *reply)
{
	struct claimer *c = user;

	if (!has_array(c, reply))
		return;
	if (reply->count)
		c->events->claimed(c->user, c->stream, reply,
				   buf_bytes(&c->others));
	if (c->listed == CLAIMER_BATCH && reply->count)
		ask_consumer(c);
	else
		next_consumer(c);
}

static void claim(struct claimer *c, size_t count)
{
	const char *words[5 + CLAIMER_BATCH] = {
		"XCLAIM", name(c), c->config->group, c->config->consumer,
		c->idle,
	};

	for (size_t i = 0; i < count; i++)
		words[5 + i] = c->texts[i];
	ask(c, words, 5 + count, on_claimed);
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
	struct entryid id;
	size_t old = 0;

	if (!has_array(c, reply))
		return;
	c->listed = reply->count;
	for (size_t i = 0; i < reply->count && old < CLAIMER_BATCH; i++)
		if (is_old(c, &reply->items[i], &id))
			entryid_show(c->texts[old++], id);
	if (old && !c->events->room(c->user))
		c->busy = false;
	else if (old)
		claim(c, old);
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
	ask_stream(c);
}

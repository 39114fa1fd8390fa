/* SPDX-License-Identifier: MIT */
#include "trimwatch.h"

#include <stdlib.h>
#include <string.h>

static void ask_group(struct trimwatch *t);

int trimwatch_init(struct trimwatch *t, const char *const *streams,
		   size_t count, const char *group,
		   const struct trimwatch_events *events, void *user)
{
	*t = (struct trimwatch){
		.streams = streams,
		.count = count,
		.group = group,
		.events = events,
		.user = user,
	};
	t->places = calloc(count, sizeof(*t->places));
	return t->places ? 0 : -1;
}

void trimwatch_release(struct trimwatch *t)
{
	free(t->places);
	t->places = NULL;
}

static void ask(struct trimwatch *t, const char *const *words, size_t count,
		redisqueue_done *done)
{
	const struct redis_command command = {
		.words = words,
		.count = count,
		.done = done,
		.user = t,
	};

	t->busy = redis_command(t->redis, &command) == 0;
}

static void next_stream(struct trimwatch *t)
{
	t->stream++;
	t->asked = false;
	if (t->stream < t->count)
		ask_group(t);
	else
		t->busy = false;
}

/* A value in a list of names and values; NULL when there is none. */
static const struct redisreply *value(const struct redisreply *list,
				      const char *name)
{
	for (size_t i = 0; i + 1 < list->count; i += 2)
		if (redisreply_is(&list->items[i], name))
			return &list->items[i + 1];
	return NULL;
}

static bool number(const struct redisreply *list, const char *name,
		   uint64_t *out)
{
	const struct redisreply *item = value(list, name);

	if (!item || item->type != REDISREPLY_INTEGER || item->integer < 0)
		return false;
	*out = (uint64_t)item->integer;
	return true;
}

static bool id(const struct redisreply *list, const char *name,
	       struct entryid *out)
{
	const struct redisreply *item = value(list, name);

	return item && item->type == REDISREPLY_BULK &&
	       entryid_parse(out, item->text, item->len) == 0;
}

/* First and third: what the group has read */

static const struct redisreply *find_group(const struct redisreply *groups,
					   const char *name)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct redisreply *group = &groups->items[i];

		if (group->type == REDISREPLY_ARRAY && group->count >= 2 &&
		    redisreply_is(&group->items[0], "name") &&
		    redisreply_is(&group->items[1], name))
			return group;
	}
	return NULL;
}

/* The group was given all up to `given`; `read` is its counter. */
static void compare(struct trimwatch *t, struct entryid given, uint64_t read)
{
	struct trimwatch_place *place = &t->places[t->stream];
	const struct trimwatch_stream *now = &t->now;
	bool any = now->added > now->gone;
	uint64_t lost;

	if (entryid_compare(given, now->last) >= 0) {
		place->unread = now->added > read ? now->added - read : 0;
		return;
	}
	read += place->unread;
	if ((any && entryid_compare(now->first, given) <= 0) ||
	    now->gone <= read)
		return;
	if (entryid_compare(place->told_at, given) != 0)
		place->told = 0;
	lost = now->gone - read;
	if (lost <= place->told)
		return;
	t->events->lost(t->user, t->stream, lost - place->told);
	place->told_at = given;
	place->told = lost;
}

static void ask_stream(struct trimwatch *t);

static void look(struct trimwatch *t, const struct redisreply *group)
{
	struct entryid given;
	uint64_t read, lag;

	if (!id(group, "last-delivered-id", &given)) {
		next_stream(t);
		return;
	}
	t->events->position(t->user, t->stream, given);
	if (!number(group, "entries-read", &read)) {
		next_stream(t);
	} else if (t->asked) {
		compare(t, given, read);
		next_stream(t);
	} else if (number(group, "lag", &lag) && lag == 0) {
		t->places[t->stream].unread = 0;
		next_stream(t);
	} else {
		ask_stream(t);
	}
}

static void on_groups(void *user, const struct redisreply *reply)
{
	struct trimwatch *t = user;
	const struct redisreply *group;

	t->busy = reply && reply->type == REDISREPLY_ARRAY;
	if (!t->busy)
		return;
	group = find_group(reply, t->group);
	if (group)
		look(t, group);
	else
		next_stream(t);
}

static void ask_group(struct trimwatch *t)
{
	const char *const words[] = {"XINFO", "GROUPS", t->streams[t->stream]};

	ask(t, words, 3, on_groups);
}

/* Second, and before the third: what is read meanwhile counts as read. */

static void on_stream(void *user, const struct redisreply *reply)
{
	struct trimwatch *t = user;
	uint64_t length;

	t->unanswered = !reply;
	t->busy = reply && reply->type == REDISREPLY_ARRAY;
	if (!t->busy)
		return;
	if (!number(reply, "entries-added", &t->now.added) ||
	    !number(reply, "length", &length) || t->now.added < length ||
	    !id(reply, "last-generated-id", &t->now.last) ||
	    !id(reply, "recorded-first-entry-id", &t->now.first)) {
		next_stream(t);
		return;
	}
	t->now.gone = t->now.added - length;
	t->asked = true;
	ask_group(t);
}

static void ask_stream(struct trimwatch *t)
{
	const char *const words[] = {"XINFO", "STREAM", t->streams[t->stream]};

	ask(t, words, 3, on_stream);
}

void trimwatch_begin(struct trimwatch *t, struct redis *redis)
{
	if (t->busy)
		return;
	t->redis = redis;
	t->stream = 0;
	t->asked = false;
	ask_group(t);
}

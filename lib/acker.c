/* SPDX-License-Identifier: MIT */
#include "acker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of the memory for ids when all were told. */
#define IDS_KEPT 65536

int acker_init(struct acker *a, const char *group, const char *const *names,
	       size_t count, const struct acker_events *events, void *user)
{
	memset(a, 0, sizeof(*a));
	a->events = events;
	a->user = user;
	a->group = group;
	a->streams = calloc(count, sizeof(*a->streams));
	if (!a->streams)
		return -1;
	a->count = count;
	for (size_t i = 0; i < count; i++) {
		a->streams[i].acker = a;
		a->streams[i].name = names[i];
		buf_init(&a->streams[i].ids);
	}
	return 0;
}

void acker_release(struct acker *a)
{
	for (size_t i = 0; i < a->count; i++)
		buf_release(&a->streams[i].ids);
	free(a->streams);
	a->streams = NULL;
	a->count = 0;
}

int acker_add(struct acker *a, size_t stream, struct entryid id)
{
	struct buf *ids = &a->streams[stream].ids;

	buf_append(ids, &id, sizeof(id));
	if (ids->failed) {
		errno = ENOMEM;
		return -1;
	}
	a->waiting++;
	return 0;
}

static size_t waiting(const struct acker_stream *s)
{
	return buf_len(&s->ids) / sizeof(struct entryid);
}

static struct entryid nth(const struct acker_stream *s, size_t n)
{
	struct entryid id;

	memcpy(&id, buf_bytes(&s->ids) + n * sizeof(id), sizeof(id));
	return id;
}

static void forget(struct acker_stream *s, size_t n)
{
	struct acker *a = s->acker;

	for (size_t i = 0; i < n; i++)
		a->events->told(a->user, (size_t)(s - a->streams), nth(s, i));
	a->waiting -= n;
	buf_consume(&s->ids, n * sizeof(struct entryid));
	if (!waiting(s))
		buf_clear(&s->ids, IDS_KEPT);
}

/* A group that is gone has no entry to be told of. */
static bool is_done(const struct redisreply *reply)
{
	return reply->type == REDISREPLY_INTEGER ||
	       redisreply_is_error(reply, "NOGROUP");
}

static void on_answer(void *user, const struct redisreply *reply)
{
	struct acker_stream *s = user;
	struct acker *a = s->acker;
	size_t told = s->under_way;

	s->under_way = 0;
	if (!reply)
		return;
	if (is_done(reply)) {
		forget(s, told);
		acker_flush(a);
		a->events->acked(a->user);
		return;
	}
	a->refused = true;
	if (reply->type == REDISREPLY_ERROR)
		a->events->refused(a->user, reply);
	else
		a->events->nonsense(a->user);
}

static void tell(struct acker_stream *s)
{
	struct acker *a = s->acker;
	size_t n = waiting(s) < ACKER_BATCH ? waiting(s) : ACKER_BATCH;
	const struct redis_command command = {
		.words = a->words,
		.count = 3 + n,
		.done = on_answer,
		.user = s,
	};

	a->words[0] = "XACK";
	a->words[1] = s->name;
	a->words[2] = a->group;
	for (size_t i = 0; i < n; i++) {
		entryid_show(a->texts[i], nth(s, i));
		a->words[3 + i] = a->texts[i];
	}
	/* What cannot be sent now is with the next call. */
	if (redis_command(a->redis, &command) == 0)
		s->under_way = n;
}

void acker_connect(struct acker *a, struct redis *redis)
{
	a->redis = redis;
	a->refused = false;
}

void acker_resume(struct acker *a)
{
	a->refused = false;
}

void acker_flush(struct acker *a)
{
	for (size_t i = 0; i < a->count && a->redis && !a->refused; i++)
		if (waiting(&a->streams[i]) && !a->streams[i].under_way)
			tell(&a->streams[i]);
}

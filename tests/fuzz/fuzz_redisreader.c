/* SPDX-License-Identifier: MIT */
/*
 * The reply path without a socket: whatever comes from a Redis, however it is
 * cut, redisreader makes replies of it that keep their limits, or refuses; and
 * redisqueue gives each to a command that waits, or takes it for a push, or
 * says that it is unasked. Cut in another way, the same comes out. What in a
 * reply is an entry of a stream has a message, which is JSON when it is made of
 * all fields.
 *
 * The first byte says how long the slices are, the second how many commands
 * wait; their kinds come from it too.
 */
#include "json.h"
#include "redisqueue.h"
#include "redisreader.h"
#include "streamentry.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 2000
#define ELEMENTS_MAX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct redisqueue queue;
	bool ended;	 /* the connection would be closed */
	size_t elements; /* of the reply at hand */
	uint64_t sum;	 /* of all that was seen */
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void add(struct run *run, uint64_t n)
{
	run->sum = run->sum * 31 + n;
}

/* Touches all of a reply. */
static void check(struct run *run, const struct redisreply *r, unsigned depth)
{
	add(run, (uint64_t)r->type);
	add(run, (uint64_t)r->integer);
	must(depth <= REDISREADER_DEPTH_MAX + 1);
	must(!r->text ==
	     (r->type == REDISREPLY_NIL || r->type == REDISREPLY_INTEGER ||
	      r->type == REDISREPLY_ARRAY));
	must(r->len < BYTES_MAX && (!r->text || r->text[r->len] == '\0'));
	for (size_t i = 0; i < r->len; i++)
		add(run, (unsigned char)r->text[i]);
	must(r->type == REDISREPLY_ARRAY || !r->items);
	must(!r->items == !r->count);
	run->elements += r->count;
	must(run->elements <= ELEMENTS_MAX);
	for (size_t i = 0; i < r->count; i++)
		check(run, &r->items[i], depth + 1);
}

static void check_message(struct run *run, const struct streamentry *entry,
			  const char *field)
{
	enum streamentry_result result;
	struct buf out;

	buf_init(&out);
	result = streamentry_message(entry, field, &out);
	add(run, result);
	add(run, buf_len(&out));
	must(result != STREAMENTRY_TWICE || field);
	must(result == STREAMENTRY_OK || !buf_len(&out));
	if (result == STREAMENTRY_OK && !field)
		must(json_check(buf_bytes(&out), buf_len(&out), NULL) ==
		     JSON_OK);
	streamentry_show(entry, &out);
	must(buf_len(&out) >= 2);
	buf_release(&out);
}

static void check_entry(struct run *run, const struct redisreply *reply)
{
	struct streamentry entry;

	if (streamentry_read(&entry, reply) != 0)
		return;
	must(!entry.fields == !entry.count && entry.count % 2 == 0);
	add(run, entry.id.ms);
	add(run, entry.id.seq);
	if (!entry.fields)
		return;
	check_message(run, &entry, NULL);
	check_message(run, &entry, "data");
}

/* Each part of a reply may be an entry or the entries of a stream. */
static void check_entries(struct run *run, const struct redisreply *r)
{
	struct streamentry_list list;

	check_entry(run, r);
	if (streamentry_read_list(&list, r) == 0) {
		must(list.name->text && !list.items == !list.count);
		add(run, list.count);
	}
	for (size_t i = 0; i < r->count; i++)
		check_entries(run, &r->items[i]);
}

static void check_push(struct run *run, const struct redispush *push)
{
	bool message = push->kind == REDISPUSH_MESSAGE;

	must(message ? push->channel && push->payload : !push->payload);
	must(message || !push->channel != !push->pattern);
	if (message)
		must(push->channel->text && push->payload->text);
	add(run, push->kind);
}

static bool take(void *user, const struct redisreply *reply)
{
	struct run *run = user;
	size_t waiting = run->queue.count;
	struct redisqueue_entry entry;
	struct redispush push;
	enum redisqueue_route route;

	run->elements = 0;
	check(run, reply, 1);
	check_entries(run, reply);
	route = redisqueue_route(&run->queue, reply, &entry, &push);
	add(run, route);
	must(run->queue.count == waiting - (route == REDISQUEUE_ANSWER));
	if (route == REDISQUEUE_PUSH)
		check_push(run, &push);
	run->ended = route == REDISQUEUE_UNASKED;
	return !run->ended;
}

static void fill(struct redisqueue *q, uint8_t seed)
{
	static const enum redisqueue_kind kinds[] = {
		REDISQUEUE_SUBSCRIBE,  REDISQUEUE_PING,
		REDISQUEUE_PSUBSCRIBE, REDISQUEUE_UNSUBSCRIBE,
		REDISQUEUE_PING,       REDISQUEUE_PUNSUBSCRIBE,
		REDISQUEUE_COMMAND,    REDISQUEUE_COMMAND,
	};

	for (unsigned i = 0; i < seed % 32U; i++) {
		const struct redisqueue_entry entry = {
			.kind = kinds[(i + seed / 32U) % 8]};

		redisqueue_add(q, &entry);
	}
}

/* What came out of it, as a number. */
static uint64_t run(const char *bytes, size_t len, size_t slice, uint8_t seed)
{
	const struct redisreader_limits limits = {BYTES_MAX, ELEMENTS_MAX};
	struct redisreader *reader = redisreader_new(&limits);
	struct run run = {.sum = 0};

	redisqueue_init(&run.queue, 32);
	fill(&run.queue, seed);
	for (size_t n; reader && len && !run.ended; bytes += n, len -= n) {
		n = len < slice ? len : slice;
		if (redisreader_feed(reader, bytes, n, take, &run) < 0) {
			must(*redisreader_trouble(reader));
			must(redisreader_feed(reader, "", 0, take, &run) < 0);
			break;
		}
	}
	redisqueue_release(&run.queue);
	redisreader_free(reader);
	return run.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 2;

	if (size < 3)
		return 0;
	must(run(bytes, size - 2, size, data[1]) ==
	     run(bytes, size - 2, data[0] + 1U, data[1]));
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "redisreader.h"

#include "num.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What createArray() gets as the number of elements. */
#if HIREDIS_MAJOR >= 1
#define ELEMENTS size_t
#else
#define ELEMENTS int
#endif

/*
 * hiredis moves its whole buffer down for each KiB that it has consumed, so it
 * is given little at a time.
 */
#define SLICE 8192

/* hiredis keeps an empty buffer up to this. */
#define KEPT (1 << 20)

#define CHUNK 65536
#define ALIGNMENT 8

#define TROUBLE_MAX 160

/* A piece of the arena; the bytes follow it. */
struct chunk {
	struct chunk *next; /* older */
	size_t used;
	size_t size;
};

struct redisreader {
	redisReader *hiredis; /* owned */
	struct redisreader_limits limits;
	struct chunk *chunks; /* owned; the newest first */
	size_t bytes;	      /* of the reply at hand */
	size_t elements;      /* of the reply at hand */
	struct redisreply root;
	bool oversize;
	char trouble[TROUBLE_MAX];
};

/* Says what is wrong; hiredis then ends with an error of its own. */
static __attribute__((format(printf, 2, 3))) void *refuse(
	struct redisreader *reader, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reader->trouble, sizeof(reader->trouble), fmt, ap);
	va_end(ap);
	return NULL;
}

static void *refuse_size(struct redisreader *reader)
{
	char limit[NUM_TEXT_MAX];

	reader->oversize = true;
	return refuse(reader, "a reply of more than %s",
		      num_show_size(limit, reader->limits.bytes));
}

/* The arena */

static void *take_from(struct chunk *chunk, size_t n)
{
	char *at = (char *)(chunk + 1) + chunk->used;

	chunk->used += n;
	return at;
}

static struct chunk *add_chunk(struct redisreader *reader, size_t n)
{
	size_t size = n > CHUNK ? n : CHUNK;
	struct chunk *chunk = malloc(sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	*chunk = (struct chunk){reader->chunks, 0, size};
	reader->chunks = chunk;
	return chunk;
}

/* Memory of the reply at hand, within its limit. */
static void *allot(struct redisreader *reader, size_t n)
{
	struct chunk *chunk = reader->chunks;

	if (n > reader->limits.bytes - reader->bytes)
		return refuse_size(reader);
	reader->bytes += n;
	n = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!chunk || chunk->size - chunk->used < n)
		chunk = add_chunk(reader, n);
	return chunk ? take_from(chunk, n) : refuse(reader, "out of memory");
}

/* The reply was given out: keeps one chunk of the usual size. */
static void forget_reply(struct redisreader *reader)
{
	struct chunk *chunk = reader->chunks;

	while (chunk && (chunk->next || chunk->size > CHUNK)) {
		reader->chunks = chunk->next;
		free(chunk);
		chunk = reader->chunks;
	}
	if (chunk)
		chunk->used = 0;
	reader->bytes = reader->elements = 0;
}

/* What hiredis calls to build a reply */

static struct redisreader *reader_of(const redisReadTask *task)
{
	return task->privdata;
}

/* Where the element goes. The root's task has no parent. */
static struct redisreply *place(const redisReadTask *task)
{
	struct redisreply *parent;

	if (!task->parent)
		return &reader_of(task)->root;
	parent = task->parent->obj;
	return &parent->items[task->idx];
}

static struct redisreply *put(const redisReadTask *task,
			      enum redisreply_type type)
{
	struct redisreply *reply = place(task);

	*reply = (struct redisreply){.type = type};
	return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t len)
{
	struct redisreader *reader = reader_of(task);
	struct redisreply *reply;
	char *copy;

	if (task->type == REDIS_REPLY_STRING)
		reply = put(task, REDISREPLY_BULK);
	else if (task->type == REDIS_REPLY_STATUS)
		reply = put(task, REDISREPLY_STATUS);
	else if (task->type == REDIS_REPLY_ERROR)
		reply = put(task, REDISREPLY_ERROR);
	else
		return refuse(reader, "RESP3, which was not asked for");
	/* hiredis has looked only for the bytes to be there. */
	if (reply->type == REDISREPLY_BULK && memcmp(text + len, "\r\n", 2))
		return refuse(reader, "a string that is longer than it says");
	copy = allot(reader, len + 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	reply->text = copy;
	reply->len = len;
	return reply;
}

static size_t depth_of(const redisReadTask *task)
{
	size_t depth = 1;

	while ((task = task->parent))
		depth++;
	return depth;
}

static void *create_array(const redisReadTask *task, ELEMENTS elements)
{
	struct redisreader *reader = reader_of(task);
	struct redisreply *reply = put(task, REDISREPLY_ARRAY);
	size_t count = (size_t)elements;

	if (task->type != REDIS_REPLY_ARRAY)
		return refuse(reader, "RESP3, which was not asked for");
	if (depth_of(task) > REDISREADER_DEPTH_MAX)
		return refuse(reader, "arrays within arrays, more than %d deep",
			      REDISREADER_DEPTH_MAX);
	if (count > reader->limits.elements - reader->elements) {
		reader->oversize = true;
		return refuse(reader, "a reply of more than %zu elements",
			      reader->limits.elements);
	}
	reader->elements += count;
	if (!count)
		return reply;
	reply->items = allot(reader, count * sizeof(*reply->items));
	if (!reply->items)
		return NULL;
	reply->count = count;
	return reply;
}

static void *create_integer(const redisReadTask *task, long long value)
{
	struct redisreply *reply = put(task, REDISREPLY_INTEGER);

	reply->integer = value;
	return reply;
}

/* Of RESP2 they are a kind of string or array. */
static void *create_nil(const redisReadTask *task)
{
	if (task->type == REDIS_REPLY_NIL)
		return refuse(reader_of(task),
			      "RESP3, which was not asked for");
	return put(task, REDISREPLY_NIL);
}

#if HIREDIS_MAJOR >= 1
static void *create_double(const redisReadTask *task, double value, char *text,
			   size_t len)
{
	(void)value;
	(void)text;
	(void)len;
	return refuse(reader_of(task), "RESP3, which was not asked for");
}

static void *create_bool(const redisReadTask *task, int value)
{
	(void)value;
	return refuse(reader_of(task), "RESP3, which was not asked for");
}
#endif

/* All is in the arena. */
static void free_nothing(void *reply)
{
	(void)reply;
}

/* hiredis wants it writable and does not write to it. */
static const redisReplyObjectFunctions functions = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = create_double,
	.createBool = create_bool,
#endif
	.freeObject = free_nothing,
};

/* The interface */

struct redisreader *redisreader_new(const struct redisreader_limits *limits)
{
	struct redisreader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	if (limits)
		reader->limits = *limits;
	if (!reader->limits.bytes)
		reader->limits.bytes = REDISREADER_BYTES_MAX;
	if (!reader->limits.elements)
		reader->limits.elements = REDISREADER_ELEMENTS_MAX;
	if (redisreader_restart(reader) == 0)
		return reader;
	free(reader);
	return NULL;
}

static void release_hiredis(struct redisreader *reader)
{
	if (reader->hiredis)
		redisReaderFree(reader->hiredis);
	reader->hiredis = NULL;
}

void redisreader_free(struct redisreader *reader)
{
	if (!reader)
		return;
	release_hiredis(reader);
	forget_reply(reader);
	free(reader->chunks);
	free(reader);
}

int redisreader_restart(struct redisreader *reader)
{
	release_hiredis(reader);
	forget_reply(reader);
	*reader->trouble = '\0';
	reader->oversize = false;
	reader->hiredis = redisReaderCreateWithFunctions(
		(redisReplyObjectFunctions *)&functions);
	if (!reader->hiredis)
		return -1;
	reader->hiredis->privdata = reader;
	reader->hiredis->maxbuf = KEPT;
	return 0;
}

/* hiredis looks through a line from its beginning each time bytes come. */
static bool endless_line(const redisReader *hiredis)
{
	size_t left = hiredis->len - hiredis->pos;

	return left > REDISREADER_LINE_MAX &&
	       !memchr(hiredis->buf + hiredis->pos, '\n', REDISREADER_LINE_MAX);
}

/* Of a reply that is not whole, what is there may not be too much either. */
static int check_rest(struct redisreader *reader)
{
	const redisReader *hiredis = reader->hiredis;

	if (endless_line(hiredis))
		refuse(reader, "a line of more than %d bytes",
		       REDISREADER_LINE_MAX);
	else if (hiredis->len - hiredis->pos >
		 reader->limits.bytes - reader->bytes + SLICE)
		refuse_size(reader);
	else
		return 0;
	return -1;
}

/* 1 when a reply was given out, 0 when none is whole, -1. */
static int next_reply(struct redisreader *reader, redisreader_each *each,
		      void *user, bool *more)
{
	void *reply;

	if (redisReaderGetReply(reader->hiredis, &reply) != REDIS_OK) {
		if (!*reader->trouble)
			refuse(reader, "%s", reader->hiredis->errstr);
		return -1;
	}
	if (!reply)
		return check_rest(reader);
	*more = each(user, reply);
	forget_reply(reader);
	return 1;
}

int redisreader_feed(struct redisreader *reader, const char *bytes, size_t len,
		     redisreader_each *each, void *user)
{
	bool more = true;
	int got = 0;

	if (*reader->trouble)
		return -1;
	for (size_t n; more && len; bytes += n, len -= n) {
		n = len < SLICE ? len : SLICE;
		if (redisReaderFeed(reader->hiredis, bytes, n) != REDIS_OK) {
			refuse(reader, "out of memory");
			return -1;
		}
		do
			got = next_reply(reader, each, user, &more);
		while (got > 0 && more);
		if (got < 0)
			return -1;
	}
	return 0;
}

const char *redisreader_trouble(const struct redisreader *reader)
{
	return reader->trouble;
}

bool redisreader_oversize(const struct redisreader *reader)
{
	return reader->oversize;
}

/* Commands */

int redisreader_format(struct buf *out, size_t count, const char *const *words,
		       const size_t *lens)
{
	char *command = NULL;
	size_t before = buf_len(out);
	long long len =
		count > INT_MAX
			? -1
			: redisFormatCommandArgv(&command, (int)count,
						 (const char **)words, lens);

	if (len >= 0) {
		buf_append(out, command, (size_t)len);
		redisFreeCommand(command);
	}
	if (len >= 0 && !out->failed)
		return 0;
	buf_truncate(out, before);
	out->failed = false; /* what was there is whole */
	errno = ENOMEM;
	return -1;
}

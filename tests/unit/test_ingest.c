/* SPDX-License-Identifier: MIT */
/*
 * What ingest promises: all of a body or nothing of it, however it comes; large
 * ones in slices; a key stands for one body.
 */
#include "fakeconn.h"
#include "ingest.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a body comes. */
struct way {
	bool lines;
	const char *key;
	size_t piece;  /* bytes at a time; 0: all at once */
	bool in_place; /* put where ingest_room() says */
};

static const struct way json = {.lines = false};
static const struct way ndjson = {.lines = true};
static const struct way bytewise = {.lines = true, .piece = 1};

/* What became of one. */
static struct reply refusal;
static char told[512];
static unsigned steps;

/* Who is written to between the slices; NULL: nobody. */
static struct fakeconn *reader;

/* Memory ends at this allocation of the next body; 0: never. */
static long oom_at;
static long refusals; /* how often it had ended */

/* A piece of the body, or where it was put. */
static const char *place(struct ingest *in, const char *bytes, size_t len)
{
	size_t room = 0;
	char *out = in->length ? ingest_room(in, &room) : NULL;

	return out && room >= len ? memcpy(out, bytes, len) : bytes;
}

/* Takes all but the last piece. */
static int take(struct ingest *in, const char *body, size_t len, size_t piece)
{
	for (; len > piece; body += piece, len -= piece)
		if (ingest_take(in, place(in, body, piece), piece, &refusal) <
		    0)
			return -1;
	return 0;
}

static void tell(const struct ingest *in)
{
	struct buf b;

	buf_init(&b);
	ingest_put(in, &b);
	for (size_t i = 0; i < buf_len(&b); i++)
		if (buf_bytes(&b)[i] == '"')
			buf_bytes(&b)[i] = '\'';
	snprintf(told, sizeof(told), "%.*s", (int)buf_len(&b) - 1,
		 buf_bytes(&b));
	buf_release(&b);
}

static enum ingest_result run(struct ingest *in, const char *body, size_t len,
			      const struct way *way)
{
	size_t piece = way->piece ? way->piece : len;
	size_t last = len && piece ? (len - 1) % piece + 1 : 0;
	enum ingest_result result;

	in->lines = way->lines;
	in->length = way->in_place ? len : 0;
	if (take(in, body, len, piece) < 0)
		return INGEST_REFUSED;
	body = last ? place(in, body + len - last, last) : NULL;
	result = ingest_end(in, body, last, &refusal);
	for (steps = 1; result == INGEST_MORE; steps++) {
		if (reader)
			fakeconn_settle(in->hub, reader, 1);
		result = ingest_step(in, &refusal);
	}
	return result;
}

/* The status of a body for tenant "t"; 200: `told` has the answer. */
static unsigned post_bytes(struct hub *h, const char *body, size_t len,
			   const struct way *way)
{
	struct ingest in;
	enum ingest_result result;
	char *copy = malloc(len + 1); /* so that a sanitizer sees its end */

	memcpy(copy, body, len);
	copy = realloc(copy, len ? len : 1);
	memset(&refusal, 0, sizeof(refusal));
	*told = '\0';
	ingest_init(&in, h, "t", 1, way->key, way->key ? strlen(way->key) : 0);
	if (oom_at)
		oom_after(oom_at);
	result = run(&in, copy, len, way);
	refusals = oom_off();
	oom_at = 0;
	if (result == INGEST_DONE)
		tell(&in);
	ingest_release(&in);
	free(copy);
	return result == INGEST_DONE ? 200 : refusal.status;
}

static unsigned post(struct hub *h, const char *body, const struct way *way)
{
	return post_bytes(h, body, strlen(body), way);
}

static bool tells(const char *want)
{
	if (strcmp(told, want) != 0)
		printf("# told %s\n", told);
	return strcmp(told, want) == 0;
}

static void open_world(struct hub *h, struct fakeconn *f)
{
	struct hub_config config = hub_defaults;

	config.message_max = 100000;
	config.tenants_max = 1;
	fakeconn_hub(h, &config);
	fakeconn_open(f, h, SESSION_PLAIN);
	fakeconn_say(f, "{'type':'SUBSCRIBE','tenantId':'t'}");
	reader = f;
}

static void close_world(struct hub *h, struct fakeconn *f)
{
	fakeconn_close(f);
	hub_release(h);
	reader = NULL;
}

static bool hears(struct hub *h, struct fakeconn *f, const char *want)
{
	fakeconn_settle(h, f, 1);
	return fakeconn_hears(f, want);
}

static void one_update(struct hub *h, struct fakeconn *f)
{
	ok(post(h, "{\"n\":1.10}", &json) == 200 && hears(h, f, "{'n':1.10}\n"),
	   "one JSON text is one update, byte for byte");
	ok(tells("{'tenantId':'t','epoch':'run.0','first':1,'last':1,"
		 "'count':1,'subscribers':1}"),
	   "and is told with its number");
	ok(post(h, "\r\n [1,\n2 ]\t\n", &json) == 200 &&
		   hears(h, f, "[1, 2 ]\n"),
	   "blanks around it go, newlines in it become spaces");
	ok(post(h, "1 2", &json) == 400 && strstr(refusal.message, "ndjson") &&
		   hears(h, f, ""),
	   "two are refused with a hint");
}

static void many_updates(struct hub *h, struct fakeconn *f)
{
	ok(post(h, "1\n2\r\n\n  \t\n 3 \n4", &ndjson) == 200 &&
		   hears(h, f, "1\n2\n3\n4\n"),
	   "NDJSON is an update a line, but for blank ones");
	ok(tells("{'tenantId':'t','epoch':'run.0','first':3,'last':6,"
		 "'count':4,'subscribers':1}"),
	   "and is told from the first to the last");
	ok(post(h, "1\n2\r\n\n  \t\n 3 \n4\n", &bytewise) == 200 &&
		   hears(h, f, "1\n2\n3\n4\n"),
	   "also when it comes byte by byte");
	ok(post(h, "{\"a\":\n1}", &ndjson) == 400 && refusal.line == 1 &&
		   refusal.column == 6,
	   "a text of several lines is none");
}

/* Whether a body is refused there, and nothing of it published. */
static bool refused_at(struct hub *h, struct fakeconn *f, const char *body,
		       const struct way *way, uint64_t line, uint64_t column)
{
	uint64_t published = h->counters.published;
	bool same = post(h, body, way) == 400 && refusal.line == line &&
		    refusal.column == column;

	if (!same)
		printf("# %u at %lu:%lu\n", refusal.status,
		       (unsigned long)refusal.line,
		       (unsigned long)refusal.column);
	return same && h->counters.published == published && hears(h, f, "");
}

static void faults(struct hub *h, struct fakeconn *f)
{
	ok(refused_at(h, f, "{\"a\":\n  tru}", &json, 2, 6),
	   "bad JSON is told by line and column");
	ok(refused_at(h, f, "1\n\n  {\"a\":x}\n2\n", &ndjson, 3, 8) &&
		   refused_at(h, f, "1\n\n  {\"a\":x}\n2\n", &bytewise, 3, 8),
	   "so it is in a line, blank ones counted");
	ok(refused_at(h, f, "1\n2\n[", &ndjson, 3, 2) &&
		   refused_at(h, f, "1\n2\n[", &bytewise, 3, 2),
	   "the last line too, and those before it are not published");
	ok(refused_at(h, f, "1\n\"\xff\"\n", &ndjson, 2, 2),
	   "what is not UTF-8 is no JSON");
	ok(refused_at(h, f, "", &json, 0, 0) &&
		   refused_at(h, f, "", &ndjson, 0, 0) &&
		   refused_at(h, f, " \r\n\t", &json, 0, 0) &&
		   refused_at(h, f, "\n \n\r\n", &bytewise, 0, 0),
	   "a body with nothing in it is refused");
	ok(post_bytes(h, "1\0", 2, &json) == 400 &&
		   post_bytes(h, "\0\n1", 3, &ndjson) == 400,
	   "so is a NUL");
}

/* A JSON string of `len` bytes. */
static char *text_of(size_t len, const char *behind)
{
	char *text = malloc(len + strlen(behind) + 1);

	memset(text, 'x', len);
	text[0] = text[len - 1] = '"';
	strcpy(text + len, behind);
	return text;
}

static void large_updates(struct hub *h, struct fakeconn *f)
{
	size_t max = h->config.message_max;
	uint64_t refused = h->counters.refused[REFUSED_TOO_LARGE];
	const struct way pieces = {.lines = true, .piece = 4096};
	char *fits = text_of(max, "\n"), *beyond = text_of(max + 1, "\n1");

	ok(post(h, fits, &json) == 200 && post(h, fits, &pieces) == 200,
	   "an update as large as it may be");
	fakeconn_settle(h, f, 1);
	fakeconn_sound(f);
	buf_clear(&f->heard, 0);
	ok(post(h, beyond, &pieces) == 413 && refusal.line == 1 &&
		   hears(h, f, ""),
	   "one byte more is 413, and which line it was");
	beyond[max + 1] = '\0';
	ok(post(h, beyond, &json) == 413, "in JSON too");
	ok(h->counters.refused[REFUSED_TOO_LARGE] == refused + 2,
	   "and is counted");
	free(fits);
	free(beyond);
}

#define MANY 50000

/* The numbers 0 to MANY - 1, a line each. */
static void put_numbers(struct buf *b)
{
	for (int i = 0; i < MANY; i++)
		buf_printf(b, "%d\n", i);
}

/* What was heard is that. */
static bool heard_numbers(struct fakeconn *f, const struct buf *want)
{
	bool same = fakeconn_sound(f) && buf_len(&f->heard) == buf_len(want) &&
		    memcmp(buf_bytes(&f->heard), buf_bytes(want),
			   buf_len(want)) == 0;

	buf_clear(&f->heard, 0);
	return same;
}

static void large_bodies(struct hub *h, struct fakeconn *f)
{
	const struct way pieces = {.lines = true, .piece = 60000};
	const struct way in_place = {
		.lines = true, .piece = 20000, .in_place = true};
	struct buf body;
	uint64_t seq = h->counters.published;

	buf_init(&body);
	put_numbers(&body);
	ok(post_bytes(h, buf_bytes(&body), buf_len(&body), &pieces) == 200 &&
		   steps == buf_len(&body) / INGEST_SLICE + 1,
	   "a large body is published in slices");
	fakeconn_settle(h, f, 1);
	ok(heard_numbers(f, &body), "whole, and in order");
	ok(h->counters.published == seq + MANY, "each line once");
	ok(post_bytes(h, buf_bytes(&body), buf_len(&body), &ndjson) == 200 &&
		   steps > 1,
	   "also when it came in one piece");
	fakeconn_settle(h, f, 1);
	ok(heard_numbers(f, &body), "and is the same");
	ok(post_bytes(h, buf_bytes(&body), buf_len(&body), &in_place) == 200,
	   "also when its pieces were put where they stay");
	fakeconn_settle(h, f, 1);
	ok(heard_numbers(f, &body), "which is the same again");
	buf_bytes(&body)[buf_len(&body) - 1] = '[';
	seq = h->counters.published;
	ok(post_bytes(h, buf_bytes(&body), buf_len(&body), &pieces) == 400 &&
		   refusal.line == MANY && h->counters.published == seq,
	   "with a fault at its end nothing of it");
	buf_release(&body);
}

static void keys(struct hub *h, struct fakeconn *f)
{
	struct way keyed = {.lines = true, .key = "k"};
	uint64_t duplicates = h->counters.duplicates;
	char first[512];

	ok(post(h, "1\n2\n3", &keyed) == 200 && hears(h, f, "1\n2\n3\n"),
	   "with a key it is published");
	strcpy(first, told);
	ok(post(h, "1\n2\n3", &keyed) == 200 && hears(h, f, "") &&
		   h->counters.duplicates == duplicates + 1,
	   "but once");
	strcpy(first + strlen(first) - 1, ",'duplicate':true}");
	ok(tells(first), "and is answered as before");
	keyed.piece = 1;
	ok(post(h, "1\n2\n3", &keyed) == 200 && tells(first),
	   "however it comes");
	ok(post(h, "1\n2\n4", &keyed) == 422 && hears(h, f, ""),
	   "another body with the same key is refused");
	keyed.lines = false;
	ok(post(h, "1\n2\n3", &keyed) == 400, "after it was checked");
	keyed.key = "other";
	ok(post(h, "1", &keyed) == 200 && hears(h, f, "1\n"),
	   "another key is another request");
	keyed.lines = true;
	ok(post(h, "1", &keyed) == 422 && hears(h, f, ""),
	   "lines are another body than one text");
	hub_set_time(h, h->now.mono_ms + (int64_t)h->config.memory_ms + 1, 0);
	ok(post(h, "2", &keyed) == 200 && hears(h, f, "2\n"),
	   "a key counts for its time");
	h->draining = true;
	ok(post(h, "2", &keyed) == 200 && hears(h, f, ""),
	   "what was published is told while the server drains");
	keyed.key = "new";
	ok(post(h, "2", &keyed) == 503 && refusal.retry_s &&
		   strcmp(refusal.code, "DRAINING") == 0 && hears(h, f, ""),
	   "but nothing new is taken");
	h->draining = false;
	ok(post(h, "2", &keyed) == 200 && hears(h, f, "2\n"),
	   "what was refused has left no key");
}

static void protocol_keys(struct hub *h, struct fakeconn *f)
{
	const struct way keyed = {.key = "shared"};

	fakeconn_say(f, "{'type':'PUBLISH','tenantId':'t','key':'shared',"
			"'data':7}");
	ok(hears(h, f, "7\n") && post(h, "7", &keyed) == 200 &&
		   hears(h, f, "") && strstr(told, "duplicate"),
	   "a key of the WebSocket protocol is the same key");
}

static void large_keyed(struct hub *h, struct fakeconn *f)
{
	const struct way keyed = {.lines = true, .key = "big"};
	struct buf body;

	buf_init(&body);
	put_numbers(&body);
	ok(post_bytes(h, buf_bytes(&body), buf_len(&body), &keyed) == 200 &&
		   strstr(told, "'last'"),
	   "a large body with a key");
	ok(post_bytes(h, buf_bytes(&body), buf_len(&body), &keyed) == 200 &&
		   strstr(told, "duplicate") && strstr(told, "'first'") &&
		   !strstr(told, "'last'"),
	   "is known again, but not which number was its last");
	fakeconn_settle(h, f, 1);
	ok(heard_numbers(f, &body), "and was published once");
	buf_release(&body);
}

static void no_room(void)
{
	struct hub_config config = hub_defaults;
	struct hub h;
	struct fakeconn f;
	const struct way keyed = {.key = "k"};

	config.tenants_max = 1;
	fakeconn_hub(&h, &config);
	fakeconn_open(&f, &h, SESSION_PLAIN);
	fakeconn_say(&f, "{'type':'SUBSCRIBE','tenantId':'other'}");
	ok(post(&h, "x", &keyed) == 400 && h.tenants.count == 1,
	   "what is refused makes no tenant");
	ok(post(&h, "1", &keyed) == 503 && refusal.retry_s &&
		   strcmp(refusal.code, "OVER_CAPACITY") == 0 &&
		   h.counters.refused[REFUSED_TENANTS] == 1,
	   "503 where there are too many tenants");
	fakeconn_say(&f, "{'type':'UNSUBSCRIBE','tenantId':'other'}");
	ok(post(&h, "1", &keyed) == 200 && !strstr(told, "duplicate"),
	   "and it can be sent again with its key");
	close_world(&h, &f);
}

/* However early memory ends: all, or it is said how much. */
static void no_memory(void)
{
	const struct way keyed = {.lines = true, .key = "k", .piece = 900};
	bool told_how_many = true, all = false, again = true;
	struct buf body;
	unsigned partial = 0;

	buf_init(&body);
	for (int i = 0; i < 300; i++)
		buf_printf(&body, "\"update %d\"\n", i);
	for (long n = 1; n < 100 && !all; n++) {
		struct hub h;
		struct fakeconn f;
		uint64_t published;
		unsigned status;

		open_world(&h, &f);
		oom_at = n;
		status = post_bytes(&h, buf_bytes(&body), buf_len(&body),
				    &keyed);
		all = refusals == 0;
		published = h.counters.published;
		partial += published && published < 300;
		told_how_many =
			told_how_many &&
			(published == 300 ? status == 200 : status == 503);
		status = post_bytes(&h, buf_bytes(&body), buf_len(&body),
				    &keyed);
		again = again && status == 200 &&
			h.counters.published ==
				(published == 300 ? 300 : published + 300);
		close_world(&h, &f);
	}
	ok(told_how_many && all, "without memory it is 503");
	ok(partial > 0, "also when some was published before");
	ok(again, "what was not published to its end leaves no key");
	buf_release(&body);
}

/* A tenant of which history and key went. */
static void forgotten(void)
{
	struct hub_config config = hub_defaults;
	const struct way keyed = {.key = "k"};
	struct hub h;

	config.tenants_max = 1;
	fakeconn_hub(&h, &config);
	post(&h, "1", &keyed);
	hub_tenant(&h, "other", 5);
	ok(!hub_find(&h, "t", 1) && post(&h, "1", &keyed) == 200 &&
		   tells("{'tenantId':'t','count':1,'subscribers':0,"
			 "'duplicate':true}") &&
		   !hub_find(&h, "t", 1),
	   "of a forgotten tenant no number is told, nor is it made anew");
	hub_tenant(&h, "t", 1);
	ok(post(&h, "1", &keyed) == 200 &&
		   tells("{'tenantId':'t','epoch':'run.1','count':1,"
			 "'subscribers':0,'duplicate':true}"),
	   "and none of another epoch");
	hub_release(&h);
}

/* One who goes in the middle leaves the rest unpublished only if told to. */
static void abandoned(void)
{
	struct hub h;
	struct fakeconn f;
	struct ingest in;
	struct buf body;

	open_world(&h, &f);
	buf_init(&body);
	put_numbers(&body);
	ingest_init(&in, &h, "t", 1, NULL, 0);
	in.lines = true;
	ok(ingest_end(&in, buf_bytes(&body), buf_len(&body), &refusal) ==
			   INGEST_MORE &&
		   in.tenant->pins == 1,
	   "in the middle of a body its tenant stays");
	ingest_release(&in);
	ok(hub_find(&h, "t", 1)->pins == 0, "and is let go");
	ok(h.counters.published > 0 && h.counters.published < MANY,
	   "whatever was published");
	buf_release(&body);
	close_world(&h, &f);
}

/* A request may be larger than a second's worth; the next one waits. */
static void rates(void)
{
	struct hub h;
	struct fakeconn f;

	open_world(&h, &f);
	h.config.tenant_rate = 10;
	ok(post(&h, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n",
		&ndjson) == 200 &&
		   h.counters.published == 15,
	   "what was let in goes out whole, above the rate of its tenant");
	ok(post(&h, "1", &json) == 429 && refusal.retry_s == 1 &&
		   h.counters.refused[REFUSED_TENANT_RATE] == 1,
	   "the next one is 429, with the time to wait");
	hub_set_time(&h, h.now.mono_ms + 1000, 0);
	ok(post(&h, "1", &json) == 200, "and is taken after that");
	close_world(&h, &f);
}

static void bounded_memory(void)
{
	const struct way pieces = {.lines = true, .piece = 4096};
	struct hub h;
	struct fakeconn f;
	struct ingest in;
	struct buf body;

	open_world(&h, &f);
	buf_init(&body);
	put_numbers(&body);
	h.meter.max = 100000;
	ok(post_bytes(&h, buf_bytes(&body), buf_len(&body), &pieces) == 503 &&
		   h.counters.published == 0 &&
		   h.counters.refused[REFUSED_MEMORY] == 1,
	   "a body for which there is no room is 503");
	ok(h.meter.used[METER_ASSEMBLY] == 0, "and its memory is given back");
	ok(post(&h, "1\n2\n", &bytewise) == 200, "a small one fits");
	ingest_init(&in, &h, "t", 1, NULL, 0);
	ingest_take(&in, "[1,", 3, &refusal);
	ok(h.meter.used[METER_ASSEMBLY] == in.body.cap,
	   "what waits for its end is counted");
	ingest_release(&in);
	ok(h.meter.used[METER_ASSEMBLY] == 0, "as long as it waits");
	buf_release(&body);
	close_world(&h, &f);
}

/* Nobody is written to: what comes has to wait. */
static void outrunning(void)
{
	const struct way keyed = {.lines = true, .key = "k"};
	struct ingest a, b;
	struct hub h;
	struct fakeconn f;
	char *large = text_of(99999, "");

	open_world(&h, &f);
	for (int i = 0; i < 2; i++)
		post(&h, large, &json);
	ingest_init(&a, &h, "t", 1, "k", 1);
	ingest_init(&b, &h, "t", 1, "k", 1);
	ok(ingest_end(&a, "1", 1, &refusal) == INGEST_MORE &&
		   ingest_end(&b, "1", 1, &refusal) == INGEST_MORE &&
		   ingest_step(&a, &refusal) == INGEST_MORE &&
		   h.counters.published == 2,
	   "nothing is published while its tenant waits to be written");
	fakeconn_settle(&h, &f, 1);
	ok(ingest_step(&a, &refusal) == INGEST_DONE &&
		   h.counters.published == 3,
	   "then it is");
	ok(ingest_step(&b, &refusal) == INGEST_DONE && b.repeated &&
		   h.counters.published == 3,
	   "but once, where two with one key had waited");
	ingest_release(&a);
	ingest_release(&b);
	ok(post(&h, "1", &keyed) == 422, "and is known then");
	free(large);
	close_world(&h, &f);
}

int main(void)
{
	struct hub h;
	struct fakeconn f;

	open_world(&h, &f);
	one_update(&h, &f);
	many_updates(&h, &f);
	faults(&h, &f);
	large_updates(&h, &f);
	large_bodies(&h, &f);
	keys(&h, &f);
	protocol_keys(&h, &f);
	large_keyed(&h, &f);
	ok(fakeconn_ledger(&h), "the ledger adds up");
	close_world(&h, &f);
	no_room();
	no_memory();
	forgotten();
	abandoned();
	rates();
	bounded_memory();
	outrunning();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What streamentry promises: only entries are entries, and their message. */
#include "streamentry.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Replies */

static struct redisreply bytes(const char *text, size_t len)
{
	return (struct redisreply){
		.type = REDISREPLY_BULK, .text = text, .len = len};
}

static struct redisreply bulk(const char *text)
{
	return bytes(text, strlen(text));
}

static struct redisreply status(const char *text)
{
	struct redisreply r = bulk(text);

	r.type = REDISREPLY_STATUS;
	return r;
}

static struct redisreply array(struct redisreply *items, size_t count)
{
	return (struct redisreply){.type = REDISREPLY_ARRAY,
				   .items = count ? items : NULL,
				   .count = count};
}

static const struct redisreply nil = {.type = REDISREPLY_NIL};
static const struct redisreply one = {.type = REDISREPLY_INTEGER, .integer = 1};

#define FIELDS_MAX 8

/* An entry of fields that are strings. */
struct sample {
	struct redisreply fields[FIELDS_MAX];
	struct redisreply parts[2];
	struct redisreply reply;
};

static const struct redisreply *sample(struct sample *s,
				       const char *const *fields)
{
	size_t n = 0;

	for (; fields[n]; n++)
		s->fields[n] = bulk(fields[n]);
	s->parts[0] = bulk("7-1");
	s->parts[1] = array(s->fields, n);
	s->reply = array(s->parts, 2);
	return &s->reply;
}

#define SAMPLE(s, ...) sample(s, (const char *const[]){__VA_ARGS__, NULL})

/* Shapes */

static bool reads(struct redisreply id, struct redisreply fields)
{
	struct redisreply parts[2] = {id, fields};
	struct redisreply reply = array(parts, 2);
	struct streamentry entry;

	return streamentry_read(&entry, &reply) == 0;
}

static void entries(void)
{
	struct streamentry entry;
	struct sample s;

	ok(streamentry_read(&entry, SAMPLE(&s, "a", "1", "b", "2")) == 0 &&
		   entry.id.ms == 7 && entry.id.seq == 1 && entry.count == 4 &&
		   entry.fields == s.fields,
	   "an entry has an id, and fields with values");
	s.parts[1] = nil;
	ok(streamentry_read(&entry, &s.reply) == 0 && !entry.fields &&
		   entry.count == 0 && entry.id.ms == 7,
	   "one that was deleted has an id alone");
}

static void no_entries(void)
{
	struct redisreply two[2] = {bulk("f"), bulk("v")};
	struct redisreply three[3] = {bulk("f"), bulk("v"), bulk("w")};
	struct redisreply fields = array(two, 2);
	struct redisreply parts[3] = {bulk("7-1"), fields, nil};
	struct redisreply reply = array(parts, 2);
	struct streamentry entry;

	ok(reads(bulk("7-1"), fields), "(this is one)");
	ok(!reads(bulk("7"), fields) && !reads(bulk(""), fields) &&
		   !reads(bulk("$"), fields),
	   "without a whole id it is none");
	ok(!reads(one, fields) && !reads(nil, fields) && !reads(fields, fields),
	   "an id is a string");
	ok(!reads(bulk("7-1"), array(three, 3)), "a field has a value");
	ok(!reads(bulk("7-1"), array(NULL, 0)), "there is at least one field");
	ok(!reads(bulk("7-1"), one) && !reads(bulk("7-1"), bulk("f")),
	   "fields are a list");
	two[0] = nil;
	ok(!reads(bulk("7-1"), fields), "of strings: no field is NIL");
	two[0] = bulk("f");
	two[1] = one;
	ok(!reads(bulk("7-1"), fields), "no value is a number");
	two[1] = array(three, 2);
	ok(!reads(bulk("7-1"), fields), "and none a list");
	two[1] = bulk("v");
	reply.count = 1;
	ok(streamentry_read(&entry, &reply) != 0, "an id alone is none");
	reply.count = 3;
	ok(streamentry_read(&entry, &reply) != 0, "nor is one with a third");
	reply = array(NULL, 0);
	ok(streamentry_read(&entry, &reply) != 0 &&
		   streamentry_read(&entry, &nil) != 0 &&
		   streamentry_read(&entry, &one) != 0 &&
		   streamentry_read(&entry, &parts[0]) != 0,
	   "nor is nothing, or what is no list");
}

static bool lists(struct redisreply name, struct redisreply items)
{
	struct redisreply parts[2] = {name, items};
	struct redisreply reply = array(parts, 2);
	struct streamentry_list list;

	return streamentry_read_list(&list, &reply) == 0;
}

static void of_streams(void)
{
	struct redisreply items[2] = {nil, one};
	struct redisreply parts[3] = {bulk("jobs"), array(items, 2), nil};
	struct redisreply reply = array(parts, 2);
	struct streamentry_list list;

	ok(streamentry_read_list(&list, &reply) == 0 &&
		   redisreply_is(list.name, "jobs") && list.items == items &&
		   list.count == 2,
	   "a stream has a name, and what may be entries");
	ok(lists(bulk("jobs"), array(NULL, 0)), "it may have none");
	ok(!lists(nil, parts[1]) && !lists(one, parts[1]) &&
		   !lists(status("jobs"), parts[1]),
	   "a name is a string");
	ok(!lists(bulk("jobs"), nil) && !lists(bulk("jobs"), one) &&
		   !lists(bulk("jobs"), bulk("x")),
	   "entries are a list");
	reply.count = 1;
	ok(streamentry_read_list(&list, &reply) != 0, "a name alone is none");
	reply.count = 3;
	ok(streamentry_read_list(&list, &reply) != 0, "nor is one with more");
	ok(streamentry_read_list(&list, &nil) != 0 &&
		   streamentry_read_list(&list, &parts[0]) != 0,
	   "nor is what is no list");
}

/* Messages */

static bool gives(const struct redisreply *reply, const char *field,
		  enum streamentry_result result, const char *want)
{
	struct streamentry entry;
	struct buf out;
	bool right;

	buf_init(&out);
	buf_puts(&out, ">");
	right = streamentry_read(&entry, reply) == 0 &&
		streamentry_message(&entry, field, &out) == result;
	if (right && result == STREAMENTRY_OK)
		right = buf_len(&out) == strlen(want) + 1 &&
			memcmp(buf_bytes(&out) + 1, want, strlen(want)) == 0;
	if (!right)
		printf("# '%.*s'\n", (int)buf_len(&out), buf_bytes(&out));
	buf_release(&out);
	return right;
}

static void by_field(void)
{
	struct sample s;

	SAMPLE(&s, "data", "{\"a\": 1}", "x", "data");
	ok(gives(&s.reply, "data", STREAMENTRY_OK, "{\"a\": 1}"),
	   "the value of a field, as it is");
	ok(gives(&s.reply, "x", STREAMENTRY_OK, "data"),
	   "a value is not taken for a field");
	ok(gives(&s.reply, "dat", STREAMENTRY_NO_FIELD, NULL) &&
		   gives(&s.reply, "data2", STREAMENTRY_NO_FIELD, NULL) &&
		   gives(&s.reply, "", STREAMENTRY_NO_FIELD, NULL),
	   "one of nearly that name is another");
	s.fields[0] = bytes("data\0", 5);
	ok(gives(&s.reply, "data", STREAMENTRY_NO_FIELD, NULL),
	   "also behind a NUL");
	SAMPLE(&s, "data", "1", "data", "1");
	ok(gives(&s.reply, "data", STREAMENTRY_TWICE, NULL),
	   "which of two would it be?");
	SAMPLE(&s, "a", "1", "a", "2", "data", "3");
	ok(gives(&s.reply, "data", STREAMENTRY_OK, "3"),
	   "another may be there twice");
	SAMPLE(&s, "\xff", "1", "data", "\xfe");
	ok(gives(&s.reply, "data", STREAMENTRY_OK, "\xfe"),
	   "bytes are for who parses it");
	SAMPLE(&s, "data", "");
	ok(gives(&s.reply, "data", STREAMENTRY_OK, ""), "it may be empty");
}

static void of_all(void)
{
	struct sample s;

	SAMPLE(&s, "tenantId", "t-1", "progress", "42");
	ok(gives(&s.reply, NULL, STREAMENTRY_OK,
		 "{\"tenantId\":\"t-1\",\"progress\":\"42\"}"),
	   "all fields, in their order");
	SAMPLE(&s, "b", "1", "a", "2", "b", "3");
	ok(gives(&s.reply, NULL, STREAMENTRY_OK,
		 "{\"b\":\"1\",\"a\":\"2\",\"b\":\"3\"}"),
	   "also one that is there twice");
	SAMPLE(&s, "a\"b\\", "\n\t\x01/\xc3\xa4\xf0\x9f\x98\x80");
	ok(gives(&s.reply, NULL, STREAMENTRY_OK,
		 "{\"a\\\"b\\\\\":\"\\n\\t\\u0001/\xc3\xa4"
		 "\xf0\x9f\x98\x80\"}"),
	   "what JSON wants escaped is, the rest is as it was");
	s.fields[1] = bytes("a\0b", 3);
	ok(gives(&s.reply, NULL, STREAMENTRY_OK,
		 "{\"a\\\"b\\\\\":\"a\\u0000b\"}"),
	   "a NUL too");
	SAMPLE(&s, "", "");
	ok(gives(&s.reply, NULL, STREAMENTRY_OK, "{\"\":\"\"}"),
	   "empty strings");
	SAMPLE(&s, "a", "1", "b", "x\xff");
	ok(gives(&s.reply, NULL, STREAMENTRY_BINARY, NULL),
	   "a value that is not UTF-8 is no JSON");
	SAMPLE(&s, "\xed\xa0\x80", "1");
	ok(gives(&s.reply, NULL, STREAMENTRY_BINARY, NULL),
	   "nor is such a field: half of a character");
}

static void shown(void)
{
	struct streamentry entry;
	struct sample s;
	struct buf out;

	buf_init(&out);
	SAMPLE(&s, "a", "x\xffy", "\xfe", "1");
	if (streamentry_read(&entry, &s.reply) != 0)
		abort();
	streamentry_show(&entry, &out);
	buf_putc(&out, '\0');
	ok(strcmp(buf_bytes(&out), "{\"a\":\"x\xef\xbf\xbdy\","
				   "\"\xef\xbf\xbd\":\"1\"}") == 0,
	   "for people bytes become U+FFFD");
	buf_release(&out);
	for (int i = STREAMENTRY_OK; i <= STREAMENTRY_BINARY; i++)
		ok(strlen(streamentry_strerror((enum streamentry_result)i)) > 3,
		   "each result has a text");
}

static void no_memory(void)
{
	struct streamentry entry;
	struct sample s;
	struct buf out;

	buf_init(&out);
	SAMPLE(&s, "a", "1");
	if (streamentry_read(&entry, &s.reply) != 0)
		abort();
	oom_after(1);
	streamentry_message(&entry, NULL, &out);
	ok(out.failed, "out of memory is seen in what it appended to");
	streamentry_message(&entry, "a", &out);
	ok(out.failed, "which may have failed before");
	oom_off();
	buf_release(&out);
}

static void key(void)
{
	struct buf out;

	buf_init(&out);
	streamentry_key((struct entryid){1700000000000, 7}, "redis://h", "jobs",
			&out);
	buf_putc(&out, '\0');
	ok(!strcmp(buf_bytes(&out), "redis://h:jobs:1700000000000-7"),
	   "the key of an entry");
	buf_release(&out);
}

static void weighs(void)
{
	static const char *const fields[] = {"a", "12", NULL};
	struct streamentry_weight w;
	struct redisreply entries[2], list[2], lists[1], reply;
	struct sample s;

	entries[0] = entries[1] = *sample(&s, fields);
	list[0] = bulk("jobs");
	list[1] = array(entries, 2);
	lists[0] = array(list, 2);
	reply = array(lists, 1);
	streamentry_weigh(&reply, &w);
	ok(w.entries == 2, "entries of a reply");
	ok(w.bytes == 4 + 2 * (3 + 1 + 2), "the bytes of its texts");
	ok(w.elements == 1 + 2 + 2 + 2 * (2 + 2), "its elements");
	streamentry_weigh(&nil, &w);
	ok(!w.entries && !w.bytes && !w.elements, "NIL weighs nothing");
}

int main(void)
{
	entries();
	no_entries();
	of_streams();
	by_field();
	of_all();
	shown();
	no_memory();
	key();
	weighs();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What bookmarks and escape promise, one line a promise. */
#include "bookmarks.h"
#include "escape.h"
#include "tap.h"

#include <string.h>

#define WS "ws://localhost:3000/ws"

static bool has(const struct bookmarks *b, const char *url, const char *tenant,
		const char *epoch, uint64_t seq)
{
	const struct bookmark *item = bookmarks_find(b, url, tenant);

	return item && item->seq == seq && strcmp(item->epoch, epoch) == 0;
}

static const char *why_not(const char *text)
{
	struct bookmarks b;
	const char *why = NULL;

	bookmarks_init(&b);
	if (bookmarks_parse(&b, text, strlen(text), &why) == 0)
		why = "";
	bookmarks_release(&b);
	return why;
}

static bool refused(const char *text)
{
	return *why_not(text);
}

static void table(void)
{
	struct bookmarks b;

	bookmarks_init(&b);
	ok(!bookmarks_find(&b, WS, "t"), "an empty table has nothing");
	ok(bookmarks_put(&b, WS, "t", "a.0", 1) == 1 &&
		   bookmarks_put(&b, WS, "s", "a.0", 2) == 1 &&
		   bookmarks_put(&b, "ws://b/ws", "t", "b.0", 3) == 1 &&
		   bookmarks_put(&b, "ws://a/ws", "t", "c.0", 4) == 1,
	   "bookmarks are put");
	ok(has(&b, WS, "t", "a.0", 1) && has(&b, WS, "s", "a.0", 2) &&
		   has(&b, "ws://b/ws", "t", "b.0", 3) &&
		   has(&b, "ws://a/ws", "t", "c.0", 4),
	   "each URL and tenant has its own");
	ok(bookmarks_put(&b, WS, "t", "a.0", 1) == 0, "the same is no change");
	ok(bookmarks_put(&b, WS, "t", "d.0", 1) == 1 &&
		   has(&b, WS, "t", "d.0", 1) && b.count == 4,
	   "another epoch replaces it");
	bookmarks_release(&b);
}

static void round_trip(void)
{
	static const char whole[] =
		"{\"version\":1,\"urls\":{\n"
		"\"ws+unix:/run/\\\"x\\\".sock\":{\n"
		"\"t\":{\"epoch\":\"a.0\",\"seq\":9007199254740991}},\n"
		"\"ws://localhost:3000/ws\":{\n"
		"\"s\":{\"epoch\":\"a.0\",\"seq\":0},\n"
		"\"t\":{\"epoch\":\"a.0\",\"seq\":1}}}}\n";
	static const char empty[] = "{\"version\":1,\"urls\":{}}\n";
	struct bookmarks b;
	const char *why;
	struct buf out;

	bookmarks_init(&b);
	buf_init(&out);
	bookmarks_write(&b, &out);
	ok(buf_len(&out) == sizeof(empty) - 1 &&
		   memcmp(buf_bytes(&out), empty, sizeof(empty) - 1) == 0,
	   "an empty table is written");
	buf_clear(&out, 0);
	ok(bookmarks_parse(&b, whole, sizeof(whole) - 1, &why) == 0 &&
		   b.count == 3,
	   "what was written is read");
	bookmarks_write(&b, &out);
	ok(buf_len(&out) == sizeof(whole) - 1 &&
		   memcmp(buf_bytes(&out), whole, sizeof(whole) - 1) == 0,
	   "and written again the same");
	buf_release(&out);
	bookmarks_release(&b);
}

static void bad_files(void)
{
	ok(!refused("{\"urls\":{},\"new\":[1],\"version\":1}"),
	   "members that are not known are ignored");
	ok(refused("{}") && refused("{\"name\":\"x\"}") &&
		   refused("{\"urls\":{}}") && refused("{\"version\":1}"),
	   "what anybody's JSON may be");
	ok(refused("") && refused("null") && refused("{\"urls\":{}"),
	   "no JSON, no object, half an object");
	ok(refused("{\"version\":2,\"urls\":{}}") &&
		   refused("{\"version\":\"1\",\"urls\":{}}"),
	   "another version");
	ok(refused("{\"version\":1,\"urls\":[]}") &&
		   refused("{\"version\":1,\"urls\":{\"u\":1}}"),
	   "other types");
	ok(refused("{\"version\":1,\"urls\":{\"u\":{\"bad id\":{\"epoch\":\"a\","
		   "\"seq\":1}}}}"),
	   "a bad tenant id");
	ok(refused("{\"version\":1,\"urls\":{\"u\":{\"t\":{\"epoch\":\"a\"}}}}") &&
		   refused("{\"version\":1,\"urls\":{\"u\":{\"t\":{\"seq\":1}}}}") &&
		   refused("{\"version\":1,\"urls\":{\"u\":{\"t\":{\"epoch\":\"\","
			   "\"seq\":1}}}}") &&
		   refused("{\"version\":1,\"urls\":{\"u\":{\"t\":{\"epoch\":\"a\","
			   "\"seq\":-1}}}}"),
	   "an epoch or a seq that is missing or wrong");
	ok(refused("{\"version\":1,\"urls\":{\"u\\u0000v\":{}}}"),
	   "a NUL in a URL");
}

static void out_of_memory(void)
{
	struct bookmarks b;

	bookmarks_init(&b);
	bookmarks_put(&b, WS, "t", "a.0", 1);
	oom_after(1);
	ok(bookmarks_put(&b, WS, "u", "a.0", 2) < 0, "out of memory is told");
	oom_off();
	ok(b.count == 1 && has(&b, WS, "t", "a.0", 1),
	   "and leaves the table as it was");
	bookmarks_release(&b);
}

static bool shows(const char *text, size_t len, const char *want)
{
	struct buf out;
	bool same;

	buf_init(&out);
	escape_controls(&out, text, len);
	same = buf_len(&out) == strlen(want) &&
	       (!*want || memcmp(buf_bytes(&out), want, strlen(want)) == 0);
	buf_release(&out);
	return same;
}

static void escaping(void)
{
	ok(shows("", 0, "") &&
		   shows("{\"a\":\"\xc3\xa4\"}", 10, "{\"a\":\"\xc3\xa4\"}"),
	   "what is harmless stays");
	ok(shows("\x1b[2J", 4, "\\u001b[2J") && shows("a\0b", 3, "a\\u0000b"),
	   "C0");
	ok(shows("\x7f", 1, "\\u007f") && shows("\xc2\x9b", 2, "\\u009b"),
	   "DEL and C1");
	ok(shows("x\xe2\x80\xae", 4, "x\\u202e") &&
		   shows("\xe2\x81\xa6y", 4, "\\u2066y"),
	   "bidirectional controls");
	ok(shows("\xff\xc3", 2, "\\ufffd\\ufffd"), "what is not UTF-8");
}

int main(void)
{
	table();
	round_trip();
	bad_files();
	out_of_memory();
	escaping();
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/*
 * What stream promises: numbers, exact history, every `since`, and a v1 view
 * that is made and dropped as readers come and go.
 */
#include "stream.h"
#include "tap.h"
#include "wsframe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct stream_limits wide = {1000, 1 << 20, 600000};
static struct stream_time epoch_start;

static void init(struct stream *s)
{
	stream_init(s, "t", 1, "run.0", 0, NULL);
}

/* Updates 1, 2, 3, … as their own numbers, one each 10 ms. */
static void fill(struct stream *s, const struct stream_limits *limits, int n)
{
	for (int i = 0; i < n; i++) {
		int64_t ms = 10 * (int64_t)(s->seq + 1);
		struct stream_time now = {.mono_ms = ms, .wall_ms = ms};
		char text[24];

		snprintf(text, sizeof(text), "%d", (int)s->seq + 1);
		stream_append(s, limits, text, strlen(text), &now);
	}
}

/* All that a reader has to read, as lines; then it stands at the end. */
static void read_all(struct cursor *c, struct buf *out)
{
	struct iovec pieces[4];
	struct view_rest rest;
	struct wsframe frame;
	size_t bytes;
	int n;

	while (!cursor_at_end(c)) {
		n = cursor_gather(c, pieces, 4, 1000, &bytes);
		for (int i = 0; i < n; i++) {
			const char *at = pieces[i].iov_base;
			size_t left = pieces[i].iov_len;

			while (left) {
				wsframe_decode(&frame, (const uint8_t *)at,
					       left);
				buf_append(out, at + frame.header,
					   (size_t)frame.payload);
				buf_putc(out, '\n');
				at += frame.header + frame.payload;
				left -= frame.header + (size_t)frame.payload;
			}
		}
		cursor_advance(c, bytes, &rest);
	}
}

/* Whether a reader from `seq` on reads this; ' for ". */
static bool reads(struct stream *s, enum stream_view view, uint64_t seq,
		  const char *want)
{
	struct cursor c;
	struct buf out;
	bool same;

	buf_init(&out);
	if (stream_join(s, view, &c, seq) < 0)
		return false;
	read_all(&c, &out);
	stream_leave(s, view, &c);
	for (size_t i = 0; i < buf_len(&out); i++)
		if (buf_bytes(&out)[i] == '"')
			buf_bytes(&out)[i] = '\'';
	same = buf_len(&out) == strlen(want) &&
	       (!*want || memcmp(buf_bytes(&out), want, buf_len(&out)) == 0);
	if (!same)
		printf("# read: %.*s\n", (int)buf_len(&out),
		       buf_len(&out) ? buf_bytes(&out) : "");
	buf_release(&out);
	return same;
}

static void appending(void)
{
	struct stream s;

	init(&s);
	ok(s.seq == 0 && s.first == 1 && !stream_memory(&s),
	   "a new stream is empty and costs no heap");
	ok(stream_append(&s, &wide, "{}", 2, &epoch_start) == 1 &&
		   stream_append(&s, &wide, "[1,\n2\r\n]", 8, &epoch_start) ==
			   2,
	   "numbers begin at 1");
	ok(reads(&s, STREAM_PLAIN, 1, "{}\n[1, 2  ]\n"),
	   "an update is one line: newlines become spaces");
	ok(stream_append_gap(&s, &wide, &epoch_start) == 3 &&
		   reads(&s, STREAM_PLAIN, 2, "[1, 2  ]\n"),
	   "a GAP of a source takes a number, and is empty in plain");
	ok(reads(&s, STREAM_V1, 1,
		 "{'type':'UPDATE','tenantId':'t','epoch':'run.0','seq':1,"
		 "'time':'1970-01-01T00:00:00.000Z','data':{}}\n"
		 "{'type':'UPDATE','tenantId':'t','epoch':'run.0','seq':2,"
		 "'time':'1970-01-01T00:00:00.000Z','data':[1, 2  ]}\n"
		 "{'type':'GAP','tenantId':'t','epoch':'run.0','seq':3,"
		 "'reason':'source'}\n"),
	   "v1 shows all of them in envelopes");
	stream_release(&s);
	stream_init(&s, "t", 1, "run.4", 99, NULL);
	ok(stream_append(&s, &wide, "1", 1, &epoch_start) == 100,
	   "a stream that was idle goes on where it was");
	stream_release(&s);
}

/* Of an update of so many bytes with a line's end at `at`, what is read. */
static bool is_one_line(struct stream *s, size_t len, size_t at)
{
	char text[64], want[65];
	uint64_t seq;

	memset(text, '7', len);
	text[at] = len % 2 ? '\n' : '\r';
	seq = stream_append(s, &wide, text, len, &epoch_start);
	memcpy(want, text, len);
	want[at] = ' ';
	strcpy(want + len, "\n");
	return reads(s, STREAM_PLAIN, seq, want);
}

static void one_line(void)
{
	bool all = true;
	struct stream s;

	init(&s);
	for (size_t len = 1; len <= 50; len++)
		for (size_t at = 0; at < len; at++)
			all = all && is_one_line(&s, len, at);
	ok(all, "and they do so wherever they are");
	stream_release(&s);
}

static uint64_t first_after(struct stream *s, struct stream_limits limits,
			    int64_t mono_ms)
{
	stream_trim(s, &limits, mono_ms);
	return s->first;
}

static void trimming(void)
{
	struct stream s;

	init(&s);
	fill(&s, &wide, 9);
	ok(first_after(&s, wide, 90) == 1, "within the limits all stays");
	ok(first_after(&s, (struct stream_limits){7, 99, 99}, 90) == 3,
	   "history is bounded by count");
	ok(first_after(&s, (struct stream_limits){9, 18, 99}, 90) == 4,
	   "by bytes of frames");
	ok(first_after(&s, (struct stream_limits){9, 99, 40}, 90) == 5,
	   "by age");
	ok(first_after(&s, (struct stream_limits){9, 99, 40}, 91) == 6,
	   "exactly");
	ok(first_after(&s, wide, 90) == 6, "what was forgotten stays so");
	ok(first_after(&s, (struct stream_limits){0, 99, 99}, 90) == 10 &&
		   !stream_memory(&s),
	   "with nothing left there is no memory in use");
	fill(&s, &wide, 1);
	ok(s.seq == 10 && reads(&s, STREAM_PLAIN, 10, "10\n"),
	   "and numbers go on");
	stream_release(&s);
}

static bool memory_is_bounded(void)
{
	struct stream_limits limits = {100, 1 << 20, 600000};
	struct stream s;
	bool good;

	init(&s);
	fill(&s, &limits, 100000);
	good = stream_memory(&s) < 3 * SEGMENT_MAX;
	stream_trim(&s, &limits, 0);
	good = good && s.first == 99901;
	stream_release(&s);
	return good;
}

static bool starts(const struct stream *s, struct proto_since since,
		   uint64_t next)
{
	struct stream_start start;

	stream_start(s, &since, 100, &start);
	return start.next == next && start.recovered && !start.reason &&
	       !start.from && !start.to;
}

static bool misses(const struct stream *s, struct proto_since since,
		   const char *reason, uint64_t from, uint64_t to)
{
	struct stream_start start;

	stream_start(s, &since, 100, &start);
	return !start.recovered && start.reason &&
	       strcmp(start.reason, reason) == 0 && start.next == s->first &&
	       start.from == from && start.to == to;
}

static struct proto_since point(const char *epoch, uint64_t seq)
{
	struct proto_since since = {.kind = PROTO_SINCE_SEQ, .number = seq};

	strcpy(since.epoch, epoch);
	return since;
}

/* Updates 4 to 10 are retained, at 40 to 100 ms; it is 100 ms. */
static void starting(void)
{
	struct proto_since head = {.kind = PROTO_SINCE_HEAD},
			   all = {.kind = PROTO_SINCE_ALL},
			   last = {.kind = PROTO_SINCE_LAST, .number = 3},
			   age = {.kind = PROTO_SINCE_AGE, .number = 25};
	struct stream s;

	init(&s);
	fill(&s, &wide, 10);
	first_after(&s, (struct stream_limits){7, 9999, 9999}, 100);
	ok(starts(&s, head, 11), "without since: at the head");
	ok(starts(&s, all, 4), "all: from the oldest one retained");
	ok(starts(&s, last, 8), "a number: that many last ones");
	last.number = 7;
	ok(starts(&s, last, 4), "as many as there are");
	last.number = PROTO_NUMBER_MAX;
	ok(starts(&s, last, 4), "more than there are");
	last.number = 0;
	ok(starts(&s, last, 11), "none");
	ok(starts(&s, age, 8), "an age: not older than that");
	age.number = 20;
	ok(starts(&s, age, 8), "that old exactly");
	age.number = 1000;
	ok(starts(&s, age, 4), "older than everything");
	age.number = UINT64_MAX;
	ok(starts(&s, age, 4), "older than time itself");
	ok(starts(&s, point("run.0", 7), 8), "a point: what follows it");
	ok(starts(&s, point("run.0", 10), 11), "the head");
	ok(starts(&s, point("run.0", 3), 4), "just before the oldest");
	ok(misses(&s, point("run.0", 2), "history", 3, 3) &&
		   misses(&s, point("run.0", 0), "history", 1, 3),
	   "before that: a GAP with numbers, then everything retained");
	ok(misses(&s, point("run.0", 11), "restart", 0, 0),
	   "beyond the head: a GAP without, then everything retained");
	ok(misses(&s, point("run.1", 7), "restart", 0, 0) &&
		   misses(&s, point("run", 7), "restart", 0, 0),
	   "of another epoch: the same");
	stream_release(&s);
	init(&s);
	age.number = 5;
	ok(starts(&s, head, 1) && starts(&s, all, 1) && starts(&s, last, 1) &&
		   starts(&s, age, 1) && starts(&s, point("run.0", 0), 1),
	   "an empty stream starts at 1");
	ok(misses(&s, point("run.0", 1), "restart", 0, 0),
	   "and has not had any other");
	stream_release(&s);
}

static void views(void)
{
	struct cursor late, early;
	struct stream s;
	size_t plain;

	init(&s);
	fill(&s, &wide, 500);
	plain = stream_memory(&s);
	ok(plain == s.views[STREAM_PLAIN].memory,
	   "without readers there is no v1 view");
	stream_join(&s, STREAM_V1, &late, 501);
	ok(stream_memory(&s) < plain + 1024,
	   "a reader at the head has nothing made");
	fill(&s, &wide, 1);
	stream_join(&s, STREAM_V1, &early, 499);
	ok(view_first(&s.views[STREAM_V1]) == 499,
	   "it reaches only as far back as readers ask");
	ok(view_lag(&s.views[STREAM_V1], &early) >
			   view_lag(&s.views[STREAM_V1], &late) &&
		   cursor_seq(&late) == 501,
	   "who was there is not disturbed");
	stream_leave(&s, STREAM_V1, &late);
	stream_leave(&s, STREAM_V1, &early);
	ok(s.views[STREAM_V1].memory > 0 && stream_readers(&s) == 0,
	   "it stays for a while when its last reader has left");
	stream_drop_unread(&s);
	ok(s.views[STREAM_V1].memory == 0 && s.prefix.base == NULL,
	   "and then it goes");
	ok(reads(&s, STREAM_V1, 501,
		 "{'type':'UPDATE','tenantId':'t','epoch':'run.0','seq':501,"
		 "'time':'1970-01-01T00:00:05.010Z','data':501}\n"),
	   "made again, it is as it was: numbers, times");
	fill(&s, &wide, 2);
	stream_join(&s, STREAM_V1, &early, 502);
	ok(view_first(&s.views[STREAM_V1]) == 501 &&
		   s.views[STREAM_V1].next == s.seq + 1 &&
		   cursor_seq(&early) == 502,
	   "and goes on from there when one comes back");
	stream_drop_unread(&s);
	ok(s.views[STREAM_V1].memory > 0, "it is not dropped under a reader");
	stream_leave(&s, STREAM_V1, &early);
	stream_release(&s);
}

#define AT(seq, second)                                                        \
	"{'type':'UPDATE','tenantId':'t','epoch':'run.0','seq':" seq           \
	",'time':'1970-01-01T00:00:0" second ".000Z','data':0}\n"

/* With a clock that stands, goes on, is set back, and is at its first ms. */
static void times(void)
{
	static const int64_t wall[] = {1000, 1000, 2000, 1000, 0};
	static const char want[] = AT("1", "1") AT("2", "1") AT("3", "2")
		AT("4", "1") AT("5", "0");
	struct stream_time now = {.mono_ms = 0};
	struct cursor c;
	struct stream s;

	init(&s);
	stream_join(&s, STREAM_V1, &c, 1);
	for (size_t i = 0; i < sizeof(wall) / sizeof(*wall); i++) {
		now.wall_ms = wall[i];
		stream_append(&s, &wide, "0", 1, &now);
	}
	ok(reads(&s, STREAM_V1, 1, want), "each update has its own time");
	stream_leave(&s, STREAM_V1, &c);
	stream_drop_unread(&s);
	ok(reads(&s, STREAM_V1, 1, want), "also when it is shown later");
	stream_release(&s);
}

/* Whether `try` fails cleanly with each allocation, then succeeds. */
static bool survives(int (*try)(struct stream *), struct stream *s)
{
	uint64_t seq = s->seq;
	size_t readers = stream_readers(s), v1 = s->views[STREAM_V1].memory;

	for (long n = 1; n < 100; n++) {
		int result;

		oom_after(n);
		errno = 0;
		result = try(s);
		if (oom_off() == 0)
			return result == 0 && n > 1;
		if (result != -1 || errno != ENOMEM || s->seq != seq ||
		    stream_readers(s) != readers ||
		    (!readers &&
		     (s->views[STREAM_V1].memory != v1 || s->prefix.base)))
			return false;
	}
	return false;
}

static int try_append(struct stream *s)
{
	static char text[70000];
	uint64_t seq = s->seq;

	memset(text, '1', sizeof(text));
	if (stream_append(s, &wide, text, sizeof(text), &epoch_start))
		return 0;
	return s->seq == seq ? -1 : -2;
}

static int try_append_gap(struct stream *s)
{
	return stream_append_gap(s, &wide, &epoch_start) ? 0 : -1;
}

static int try_join(struct stream *s)
{
	struct cursor c;

	if (stream_join(s, STREAM_V1, &c, 1) < 0)
		return -1;
	stream_leave(s, STREAM_V1, &c);
	stream_drop_unread(s);
	return 0;
}

static int try_join_head(struct stream *s)
{
	struct cursor c;

	if (stream_join(s, STREAM_V1, &c, s->seq + 1) < 0)
		return -1;
	stream_leave(s, STREAM_V1, &c);
	stream_drop_unread(s);
	return 0;
}

static void no_memory(void)
{
	struct cursor c;
	struct stream s;

	init(&s);
	ok(survives(try_append, &s), "append: no number without memory");
	stream_release(&s);
	init(&s);
	fill(&s, &wide, 200);
	ok(survives(try_join, &s), "join: no half view is left");
	ok(survives(try_join_head, &s), "join at the head");
	stream_join(&s, STREAM_V1, &c, 100);
	ok(survives(try_join, &s), "nor when there is one already");
	ok(survives(try_append, &s), "append to two views");
	ok(survives(try_append_gap, &s), "append a GAP");
	stream_leave(&s, STREAM_V1, &c);
	stream_drop_unread(&s);
	ok(stream_memory(&s) == s.views[STREAM_PLAIN].memory, "all adds up");
	stream_release(&s);
}

int main(void)
{
	appending();
	one_line();
	trimming();
	ok(memory_is_bounded(), "memory is bounded by the history");
	starting();
	views();
	times();
	no_memory();
	return tap_end();
}

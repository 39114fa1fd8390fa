/* SPDX-License-Identifier: MIT */
/*
 * The stream and its cursors beside a naive list: random appends, trims,
 * joins, partial writes, stalls, leaves, resumes and failing allocations. What
 * each reader receives must be exactly what the list says.
 *
 * MODEL_SEED repeats a run, MODEL_ROUNDS makes it longer.
 */
#include "hash.h"
#include "num.h"
#include "stream.h"
#include "tap.h"
#include "wsframe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 40
#define STEPS 1500
#define READERS 12
#define DATA_MAX (200 * 1000)

/* What the list knows of an update. */
struct entry {
	size_t len;   /* of its data; 0: a GAP of a source */
	size_t plain; /* bytes of its frame */
	int64_t ms;   /* when it was appended, on both clocks */
};

struct reader {
	bool here;
	enum stream_view view;
	struct cursor cursor;
	uint64_t next; /* by what it received */
	struct buf in; /* received, perhaps part of a frame at its end */
};

struct model {
	uint64_t random;
	const char *failure; /* NULL: none yet */
	struct stream stream;
	struct stream_limits limits;
	struct stream_time now;
	struct entry *list; /* list[seq]; [0] is not used */
	uint64_t first;	    /* what the list retains, after a trim */
	struct reader readers[READERS];
	unsigned long frames; /* that were read */
};

static char scratch[DATA_MAX];

static void must(struct model *m, bool condition, const char *what)
{
	if (!condition && !m->failure)
		m->failure = what;
}

/* xorshift64*: from 0 to n - 1. */
static uint64_t below(struct model *m, uint64_t n)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (m->random * UINT64_C(2685821657736338717) >> 11) % n;
}

static bool one_in(struct model *m, uint64_t n)
{
	return below(m, n) == 0;
}

/* The data of an update: JSON, known by its number and length. */
static const char *data_of(uint64_t seq, size_t len, char newline)
{
	if (len < 8) {
		memset(scratch, '1' + (int)(seq % 9), len);
		return scratch;
	}
	memset(scratch, 'a' + (int)(seq % 26), len);
	scratch[0] = '[';
	scratch[1] = newline;
	scratch[2] = '"';
	scratch[len - 3] = '"';
	scratch[len - 2] = newline;
	scratch[len - 1] = ']';
	return scratch;
}

static size_t frame_of(size_t payload)
{
	return payload + (payload < 126 ? 2 : payload < 65536 ? 4 : 10);
}

/* Bytes of the message that has it in v1. */
static size_t envelope_of(uint64_t seq, size_t len)
{
	static const char around[] =
		"{\"type\":\"UPDATE\",\"tenantId\":\"t\",\"epoch\":\"run.0\","
		"\"seq\":,\"time\":\"2026-01-01T00:00:00.000Z\",\"data\":}";
	static const char gap[] =
		"{\"type\":\"GAP\",\"tenantId\":\"t\",\"epoch\":\"run.0\","
		"\"seq\":,\"reason\":\"source\"}";
	char digits[20];
	size_t n = num_put_u64(digits, seq);

	return n + (len ? sizeof(around) - 1 + len : sizeof(gap) - 1);
}

/* What stands in an event before the update, or the GAP. */
static int event_head(char out[64], uint64_t seq, bool gap)
{
	return snprintf(out, 64,
			"id: run.0:%llu\n%sdata: ", (unsigned long long)seq,
			gap ? "event: gap\n" : "");
}

/* Bytes that an entry has in a view. */
static size_t size_in(enum stream_view view, uint64_t seq, size_t len)
{
	char head[64];

	switch (view) {
	case STREAM_PLAIN:
		return len ? frame_of(len) : 0;
	case STREAM_V1:
		return frame_of(envelope_of(seq, len));
	case STREAM_EVENTS:
		return (size_t)event_head(head, seq, !len) +
		       (len ? len : envelope_of(seq, 0)) + 2;
	case STREAM_LINES:
		return len ? len + 1 : 0;
	default:
		return envelope_of(seq, len) + 1;
	}
}

static size_t random_size(struct model *m)
{
	if (one_in(m, 50))
		return 1 + below(m, DATA_MAX);
	return 1 + below(m, one_in(m, 5) ? 5000 : 150);
}

static void append(struct model *m)
{
	uint64_t seq = m->stream.seq + 1, got;
	size_t len = one_in(m, 10) ? 0 : random_size(m);
	const char *data = data_of(seq, len, seq % 2 ? '\n' : '\r');
	bool poor = one_in(m, 20); /* no memory */

	m->now.mono_ms += (int64_t)below(m, 30);
	m->now.wall_ms = m->now.mono_ms;
	if (poor)
		oom_once(1 + (long)below(m, 3));
	got = len ? stream_append(&m->stream, &m->limits, data, len, &m->now)
		  : stream_append_gap(&m->stream, &m->limits, &m->now);
	if (poor && oom_off()) {
		must(m, !got && m->stream.seq == seq - 1,
		     "append without memory changes nothing");
		return;
	}
	must(m, got == seq, "append numbers in order");
	m->list[seq] = (struct entry){
		.len = len,
		.plain = len ? frame_of(len) : 0,
		.ms = m->now.mono_ms,
	};
}

/* What the list forgets. */
static void trim(struct model *m)
{
	uint64_t seq = m->stream.seq, bytes = 0, first = seq + 1;

	while (first > m->first && seq + 1 - first < m->limits.count &&
	       bytes + m->list[first - 1].plain <= m->limits.bytes &&
	       m->now.mono_ms - m->list[first - 1].ms <=
		       (int64_t)m->limits.age_ms)
		bytes += m->list[--first].plain;
	m->first = first;
	stream_trim(&m->stream, &m->limits, m->now.mono_ms);
	must(m, m->stream.first == first, "history is exact");
}

static struct proto_since random_since(struct model *m, const struct reader *r)
{
	struct proto_since since = {.kind = (enum proto_since_kind)below(m, 5)};

	switch (since.kind) {
	case PROTO_SINCE_LAST:
		since.number = below(m, m->stream.seq + 5);
		break;
	case PROTO_SINCE_AGE:
		since.number = 1 + below(m, 2000);
		break;
	case PROTO_SINCE_SEQ:
		strcpy(since.epoch, one_in(m, 10) ? "run.1" : "run.0");
		since.number = r->next && !one_in(m, 4)
				       ? r->next - 1
				       : below(m, m->stream.seq + 3);
		break;
	default:
		break;
	}
	return since;
}

/* Where a reader begins, by the list; `*gap` is what it misses, or
 * NULL. */
static uint64_t start_of(const struct model *m, const struct proto_since *since,
			 const char **gap)
{
	uint64_t seq = m->stream.seq, next = seq + 1;

	*gap = NULL;
	switch (since->kind) {
	case PROTO_SINCE_HEAD:
		return next;
	case PROTO_SINCE_ALL:
		return m->first;
	case PROTO_SINCE_LAST:
		while (next > m->first && seq + 1 - next < since->number)
			next--;
		return next;
	case PROTO_SINCE_AGE:
		while (next > m->first &&
		       m->now.mono_ms - m->list[next - 1].ms <=
			       (int64_t)since->number)
			next--;
		return next;
	case PROTO_SINCE_SEQ:
		if (strcmp(since->epoch, "run.0") || since->number > seq)
			*gap = "restart";
		else if (since->number + 1 >= m->first)
			return since->number + 1;
		else
			*gap = "history";
		return m->first;
	}
	return 0;
}

static void join(struct model *m, struct reader *r)
{
	struct proto_since since = random_since(m, r);
	bool poor = one_in(m, 10); /* no memory */
	struct stream_start start;
	const char *gap;
	uint64_t want;
	int result;

	trim(m);
	want = start_of(m, &since, &gap);
	stream_start(&m->stream, &since, m->now.mono_ms, &start);
	must(m, start.next == want && start.recovered == !gap,
	     "a subscription starts where it asks to");
	must(m,
	     gap ? start.reason && !strcmp(gap, start.reason) : !start.reason,
	     "a GAP is told when there is one");
	if (gap && *gap == 'h')
		must(m,
		     start.from == since.number + 1 && start.to == m->first - 1,
		     "a GAP of history has its numbers");
	r->view = (enum stream_view)below(m, STREAM_VIEWS);
	if (poor)
		oom_once(1 + (long)below(m, 3));
	result = stream_join(&m->stream, r->view, &r->cursor, start.next);
	must(m, (poor && oom_off() > 0) == (result < 0),
	     "joining needs its memory");
	if (result < 0)
		return;
	r->here = true;
	r->next = start.next;
	must(m, cursor_seq(&r->cursor) == start.next,
	     "a cursor is where it is");
}

static void leave(struct model *m, struct reader *r)
{
	stream_leave(&m->stream, r->view, &r->cursor);
	buf_release(&r->in);
	r->here = false;
	if (one_in(m, 2))
		r->next = 0;
}

static void check_envelope(struct model *m, const struct entry *e, uint64_t seq,
			   const char *text, size_t len)
{
	char time[NUM_TIME_LEN];
	struct answer a;

	must(m,
	     answer_parse(&a, text, len) == JSON_OK &&
		     a.type == (e->len ? ANSWER_UPDATE : ANSWER_GAP) &&
		     a.seq == seq && strcmp(a.tenant, "t") == 0 &&
		     strcmp(a.epoch, "run.0") == 0,
	     "an envelope says which update it is");
	if (m->failure || !e->len)
		return;
	num_put_time(time, e->ms);
	must(m,
	     a.time.len == sizeof(time) + 2 &&
		     memcmp(a.time.text + 1, time, sizeof(time)) == 0,
	     "and when it was");
	must(m,
	     a.data.len == e->len &&
		     memcmp(a.data.text, data_of(seq, e->len, ' '), e->len) ==
			     0,
	     "and has its data");
}

/* An event is what an envelope is for others. */
static bool is_event(const struct entry *e, uint64_t seq, const char *text,
		     size_t len)
{
	char head[64];
	size_t n = (size_t)event_head(head, seq, !e->len);
	struct answer a;

	if (len < n || memcmp(text, head, n) != 0)
		return false;
	if (e->len)
		return len - n == e->len &&
		       memcmp(text + n, data_of(seq, e->len, ' '), e->len) == 0;
	return answer_parse(&a, text + n, len - n) == JSON_OK &&
	       a.type == ANSWER_GAP && a.seq == seq;
}

static bool shows_gaps(const struct reader *r)
{
	return r->view != STREAM_PLAIN && r->view != STREAM_LINES;
}

static void check_payload(struct model *m, struct reader *r, const char *text,
			  size_t len)
{
	const struct entry *e;

	while (!shows_gaps(r) && r->next <= m->stream.seq &&
	       !m->list[r->next].len)
		r->next++;
	must(m, r->next <= m->stream.seq, "nothing comes out of nothing");
	if (m->failure)
		return;
	e = &m->list[r->next];
	if (r->view == STREAM_V1 || r->view == STREAM_ENVELOPES)
		check_envelope(m, e, r->next, text, len);
	else if (r->view == STREAM_EVENTS)
		must(m, is_event(e, r->next, text, len),
		     "an event is what was appended");
	else
		must(m,
		     len == e->len &&
			     memcmp(text, data_of(r->next, len, ' '), len) == 0,
		     "an update is what was appended");
	r->next++;
	m->frames++;
}

/* Reads the lines, or events, that came; they are whole. */
static void decode_text(struct model *m, struct reader *r)
{
	const char *end = r->view == STREAM_EVENTS ? "\n\n" : "\n", *at;
	size_t len = strlen(end);

	while (buf_len(&r->in) && !m->failure) {
		at = memmem(buf_bytes(&r->in), buf_len(&r->in), end, len);
		must(m, at != NULL, "lines are whole");
		if (m->failure)
			return;
		len = (size_t)(at - buf_bytes(&r->in));
		check_payload(m, r, buf_bytes(&r->in), len);
		buf_consume(&r->in, len + strlen(end));
		len = strlen(end);
	}
}

/* Reads the frames that came; they are whole. */
static void decode(struct model *m, struct reader *r)
{
	struct wsframe frame;

	if (r->view > STREAM_V1) {
		decode_text(m, r);
		return;
	}
	while (buf_len(&r->in) && !m->failure) {
		const char *at = buf_bytes(&r->in);

		must(m,
		     wsframe_decode(&frame, (const uint8_t *)at,
				    buf_len(&r->in)) == WSFRAME_OK &&
			     frame.opcode == WSFRAME_TEXT && frame.fin &&
			     frame.payload <= buf_len(&r->in) - frame.header,
		     "frames are whole");
		if (m->failure)
			return;
		check_payload(m, r, at + frame.header, (size_t)frame.payload);
		buf_consume(&r->in, frame.header + (size_t)frame.payload);
	}
}

/* The bytes behind a cursor, by the list. */
static uint64_t lag_of(const struct model *m, const struct reader *r)
{
	uint64_t bytes = 0;

	for (uint64_t i = cursor_seq(&r->cursor); i <= m->stream.seq; i++)
		bytes += size_in(r->view, i, m->list[i].len);
	return bytes;
}

static void receive(struct reader *r, const struct iovec *pieces, int n,
		    size_t written)
{
	for (int i = 0; i < n; i++) {
		size_t take = pieces[i].iov_len < written ? pieces[i].iov_len
							  : written;

		buf_append(&r->in, pieces[i].iov_base, take);
		written -= take;
	}
}

/* A write of which the connection takes some part. */
static void write_some(struct model *m, struct reader *r, bool all)
{
	uint64_t before = cursor_seq(&r->cursor), passed;
	struct iovec pieces[16];
	struct view_rest rest;
	size_t bytes, written;
	int n;

	must(m, view_lag(&m->stream.views[r->view], &r->cursor) == lag_of(m, r),
	     "the lag is exact");
	n = cursor_gather(&r->cursor, pieces, all ? 16 : 1 + (int)below(m, 16),
			  all ? 1 << 18 : below(m, 300000), &bytes);
	written = all || one_in(m, 3) ? bytes : below(m, bytes + 1);
	if (one_in(m, 4) && !all)
		written = written < 3 ? written : 3;
	receive(r, pieces, n, written);
	passed = cursor_advance(&r->cursor, written, &rest);
	if (rest.len)
		buf_append(&r->in, rest.bytes, rest.len);
	decode(m, r);
	while (!shows_gaps(r) && r->next < cursor_seq(&r->cursor) &&
	       !m->list[r->next].len)
		r->next++;
	must(m, r->next == cursor_seq(&r->cursor) && passed == r->next - before,
	     "a cursor knows how far it came");
}

static void check_memory(struct model *m)
{
	for (int i = 0; i < STREAM_VIEWS; i++) {
		const struct view *v = &m->stream.views[i];
		size_t memory = 0, cursors = 0;

		for (const struct segment *s = v->oldest; s; s = s->next) {
			memory += segment_memory(s);
			cursors += s->cursors;
			must(m,
			     !s->next || s->next->first == s->first + s->count,
			     "a chain has no holes");
		}
		must(m, memory == v->memory && cursors == v->readers,
		     "memory and readers add up");
		must(m,
		     !v->oldest || v->oldest->cursors ||
			     v->oldest->first + v->oldest->count >
				     m->stream.first,
		     "after a trim nothing useless is kept");
	}
	if (one_in(m, 50))
		stream_drop_unread(&m->stream);
}

static void step(struct model *m)
{
	struct reader *r = &m->readers[below(m, READERS)];

	switch (below(m, 8)) {
	case 0:
	case 1:
	case 2:
		append(m);
		break;
	case 3:
		trim(m);
		check_memory(m);
		break;
	case 4:
		if (!r->here)
			join(m, r);
		else if (one_in(m, 4))
			leave(m, r);
		break;
	default:
		/* Some readers are slower than others. */
		if (r->here && !one_in(m, 1 + (uint64_t)(r - m->readers)))
			write_some(m, r, false);
		break;
	}
}

static void finish(struct model *m)
{
	for (struct reader *r = m->readers; r < m->readers + READERS; r++) {
		while (r->here && !m->failure && !cursor_at_end(&r->cursor))
			write_some(m, r, true);
		if (!r->here)
			continue;
		must(m, r->next == m->stream.seq + 1, "all is read in the end");
		leave(m, r);
	}
	m->limits.count = 0;
	if (!m->failure)
		trim(m);
	must(m, stream_memory(&m->stream) == 0, "all memory is given back");
	stream_release(&m->stream);
}

/* One stream, from its beginning to its end. */
static void play(struct model *m)
{
	memset(m->readers, 0, sizeof(m->readers));
	stream_init(&m->stream, "t", 1, "run.0", 0, NULL);
	memset(&m->now, 0, sizeof(m->now));
	m->first = 1;
	m->limits.count = 1 + below(m, 500);
	m->limits.bytes = 1 + below(m, one_in(m, 2) ? 1 << 20 : 10000);
	m->limits.age_ms = 1 + below(m, 10000);
	for (int i = 0; i < STEPS && !m->failure; i++)
		step(m);
	finish(m);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value;

	if (text && num_parse_u64(text, strlen(text), &value) == 0)
		return value;
	return otherwise;
}

int main(void)
{
	static struct model m;
	uint64_t rounds = from_environment("MODEL_ROUNDS", ROUNDS), seed = 1;

	hash_random(&seed, sizeof(seed));
	seed = from_environment("MODEL_SEED", seed);
	printf("# MODEL_SEED=%llu\n", (unsigned long long)seed);
	m.list = calloc(STEPS + 1, sizeof(*m.list));
	m.random = seed ? seed : 1;
	for (uint64_t i = 0; i < rounds && !m.failure; i++)
		play(&m);
	free(m.list);
	printf("# %lu frames were read\n", m.frames);
	ok(!m.failure,
	   m.failure ? m.failure : "what readers get is what the list says");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include "wsframe.h"

#include <string.h>

/* An entry of the plain view: the update without its frame header. */
struct payload {
	const char *bytes;
	size_t len; /* 0: a GAP that a publisher told */
};

void stream_init(struct stream *s, const char *tenant, size_t len,
		 const char *epoch, uint64_t seq, struct meter *meter)
{
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < STREAM_VIEWS; i++)
		view_init(&s->views[i], seq + 1, meter);
	list_init(&s->subscribers);
	list_init(&s->dirty);
	buf_init(&s->prefix);
	s->seq = seq;
	s->first = seq + 1;
	s->tenant = tenant;
	s->tenant_len = (uint8_t)len;
	strncpy(s->epoch, epoch, PROTO_EPOCH_MAX);
}

void stream_release(struct stream *s)
{
	for (int i = 0; i < STREAM_VIEWS; i++)
		view_release(&s->views[i]);
	buf_release(&s->prefix);
	list_remove(&s->dirty);
}

/* Writes a frame header for `payload` bytes; returns where these go. */
static char *put_header(char *out, size_t payload)
{
	return out + wsframe_encode((uint8_t *)out, WSFRAME_TEXT, payload);
}

static size_t frame_size(size_t payload)
{
	uint8_t header[WSFRAME_HEADER_MAX];

	return wsframe_encode(header, WSFRAME_TEXT, payload) + payload;
}

#define LANES 16

/* Sixteen bytes, with spaces for what ends a line. */
static inline void put_lanes(char *out, const char *in)
{
	__attribute__((vector_size(LANES))) signed char bytes, ends;

	memcpy(&bytes, in, LANES);
	ends = (bytes == '\n') | (bytes == '\r');
	bytes = (bytes & ~ends) | (ends & ' ');
	memcpy(out, &bytes, LANES);
}

/* In one pass; the last lanes may overlap those before them. */
void stream_put_line(char *out, const char *in, size_t len)
{
	size_t i = 0;

	for (; i + LANES <= len; i += LANES)
		put_lanes(out + i, in + i);
	if (i < len && len >= LANES)
		put_lanes(out + len - LANES, in + len - LANES);
	else
		for (; i < len; i++)
			out[i] = in[i] == '\n' || in[i] == '\r' ? ' ' : in[i];
}

static void add_plain(struct stream *s, const struct payload *update,
		      const struct stream_time *now)
{
	struct view *v = &s->views[STREAM_PLAIN];
	size_t size = update->len ? frame_size(update->len) : 0;
	char *out = view_add(v, size, now->mono_ms, now->wall_ms);

	if (!size)
		return;
	stream_put_line(put_header(out, update->len), update->bytes,
			update->len);
}

/* What the v1 view shows of an entry: before and behind the update. */
struct envelope {
	char middle[ANSWER_UPDATE_MIDDLE];
	size_t middle_len;
	size_t payload; /* bytes of the whole message */
};

static void make_envelope(const struct stream *s, uint64_t seq,
			  const struct payload *update, int64_t wall_ms,
			  struct envelope *e)
{
	e->middle_len = answer_update_middle(e->middle, seq, wall_ms);
	e->payload = buf_len(&s->prefix) + e->middle_len + update->len + 1;
}

static int add_update_v1(struct stream *s, struct view *v,
			 const struct payload *update,
			 const struct stream_time *now)
{
	size_t prefix = buf_len(&s->prefix), size;
	struct envelope e;
	char *out;

	make_envelope(s, v->next, update, now->wall_ms, &e);
	size = frame_size(e.payload);
	if (view_reserve(v, size, now->mono_ms) < 0)
		return -1;
	out = view_add(v, size, now->mono_ms, now->wall_ms);
	out = put_header(out, e.payload);
	memcpy(out, buf_bytes(&s->prefix), prefix);
	memcpy(out + prefix, e.middle, e.middle_len);
	out += prefix + e.middle_len;
	stream_put_line(out, update->bytes, update->len);
	out[update->len] = '}';
	return 0;
}

static int add_gap_v1(const struct stream *s, struct view *v,
		      const struct stream_time *now)
{
	struct answer_stream name = stream_name(s);
	struct buf text;
	int result = -1;
	size_t size;
	char *out;

	buf_init(&text);
	answer_put_source_gap(&text, &name, v->next);
	size = frame_size(buf_len(&text));
	if (!text.failed && view_reserve(v, size, now->mono_ms) == 0) {
		out = view_add(v, size, now->mono_ms, now->wall_ms);
		out = put_header(out, buf_len(&text));
		memcpy(out, buf_bytes(&text), buf_len(&text));
		result = 0;
	}
	buf_release(&text);
	return result;
}

static int add_v1(struct stream *s, struct view *v,
		  const struct payload *update, const struct stream_time *now)
{
	if (!update->len)
		return add_gap_v1(s, v, now);
	return add_update_v1(s, v, update, now);
}

static bool v1_needed(const struct stream *s)
{
	return s->views[STREAM_V1].readers > 0;
}

static uint64_t append(struct stream *s, const struct stream_limits *limits,
		       const struct payload *update,
		       const struct stream_time *now)
{
	struct view *plain = &s->views[STREAM_PLAIN];
	struct segment *newest = plain->newest;
	size_t size = update->len ? frame_size(update->len) : 0;

	if (view_reserve(plain, size, now->mono_ms) < 0)
		return 0;
	if (v1_needed(s) && add_v1(s, &s->views[STREAM_V1], update, now) < 0)
		return 0;
	add_plain(s, update, now);
	s->seq++;
	if (plain->newest != newest)
		stream_trim(s, limits, now->mono_ms);
	return s->seq;
}

uint64_t stream_append(struct stream *s, const struct stream_limits *limits,
		       const char *data, size_t len,
		       const struct stream_time *now)
{
	struct payload update = {data, len};

	return append(s, limits, &update, now);
}

uint64_t stream_append_gap(struct stream *s, const struct stream_limits *limits,
			   const struct stream_time *now)
{
	struct payload gap = {NULL, 0};

	return append(s, limits, &gap, now);
}

/* Bytes of plain frames from a place to the end. */
static uint64_t bytes_from(const struct view *plain, const struct place *at)
{
	return (uint64_t)(plain->end - at->segment->base -
			  segment_offset(at->segment, at->index));
}

static bool older_than(const struct place *at, uint64_t age_ms, int64_t mono_ms)
{
	int64_t age = mono_ms - segment_mono(at->segment, at->index);

	return age > 0 && (uint64_t)age > age_ms;
}

static bool exceeds(const struct stream *s, const struct place *at,
		    const struct stream_limits *limits, int64_t mono_ms)
{
	return bytes_from(&s->views[STREAM_PLAIN], at) > limits->bytes ||
	       older_than(at, limits->age_ms, mono_ms);
}

/* Moves `first` behind what is too old or too much. */
static void expire(struct stream *s, const struct stream_limits *limits,
		   int64_t mono_ms)
{
	struct place at;

	if (s->seq - s->first + 1 > limits->count)
		s->first = s->seq - limits->count + 1;
	if (s->first > s->seq)
		return;
	at = view_locate(&s->views[STREAM_PLAIN], s->first);
	for (; s->first <= s->seq && exceeds(s, &at, limits, mono_ms);
	     s->first++)
		place_step(&at);
}

void stream_trim(struct stream *s, const struct stream_limits *limits,
		 int64_t mono_ms)
{
	expire(s, limits, mono_ms);
	for (int i = 0; i < STREAM_VIEWS; i++)
		view_trim(&s->views[i], s->first);
}

void stream_forget(struct stream *s)
{
	s->first = s->seq + 1;
	for (int i = 0; i < STREAM_VIEWS; i++)
		view_trim(&s->views[i], s->first);
}

/* The first retained update that is at most `age_ms` old. */
static uint64_t since_age(const struct stream *s, uint64_t age_ms,
			  int64_t mono_ms)
{
	uint64_t seq = s->first;
	struct place at;

	if (seq > s->seq)
		return seq;
	at = view_locate(&s->views[STREAM_PLAIN], seq);
	for (; seq <= s->seq && older_than(&at, age_ms, mono_ms); seq++)
		place_step(&at);
	return seq;
}

static void since_seq(const struct stream *s, const struct proto_since *since,
		      struct stream_start *start)
{
	start->next = s->first;
	if (strcmp(since->epoch, s->epoch) != 0 || since->number > s->seq) {
		start->recovered = false;
		start->reason = "restart";
	} else if (since->number + 1 < s->first) {
		start->recovered = false;
		start->reason = "history";
		start->from = since->number + 1;
		start->to = s->first - 1;
	} else {
		start->next = since->number + 1;
	}
}

void stream_start(const struct stream *s, const struct proto_since *since,
		  int64_t mono_ms, struct stream_start *start)
{
	uint64_t retained = s->seq + 1 - s->first;

	memset(start, 0, sizeof(*start));
	start->recovered = true;
	start->next = s->seq + 1;
	switch (since->kind) {
	case PROTO_SINCE_HEAD:
		break;
	case PROTO_SINCE_ALL:
		start->next = s->first;
		break;
	case PROTO_SINCE_LAST:
		start->next -=
			since->number < retained ? since->number : retained;
		break;
	case PROTO_SINCE_AGE:
		start->next = since_age(s, since->number, mono_ms);
		break;
	case PROTO_SINCE_SEQ:
		since_seq(s, since, start);
		break;
	}
}

/* The update at a place of the plain view. */
static struct payload plain_payload(const struct place *at)
{
	const struct segment *seg = at->segment;
	uint32_t offset = segment_offset(seg, at->index);
	struct payload update = {segment_bytes(seg) + offset,
				 segment_offset(seg, at->index + 1) - offset};
	struct wsframe frame;

	if (update.len) {
		wsframe_decode(&frame, (const uint8_t *)update.bytes,
			       update.len);
		update.bytes += frame.header;
		update.len -= frame.header;
	}
	return update;
}

/* Encodes what the plain view has from v->next up to, not including, `end`. */
static int encode_range(struct stream *s, struct view *v, uint64_t end)
{
	struct stream_time time;
	struct payload update;
	struct place at;

	if (v->next < end)
		at = view_locate(&s->views[STREAM_PLAIN], v->next);
	while (v->next < end) {
		update = plain_payload(&at);
		time.mono_ms = segment_mono(at.segment, at.index);
		time.wall_ms = segment_entry(at.segment, at.index)->wall_ms;
		if (add_v1(s, v, &update, &time) < 0)
			return -1;
		place_step(&at);
	}
	return 0;
}

/* Whether what the v1 view holds can be continued with what is retained. */
static bool v1_continues(const struct stream *s)
{
	return !s->prefix.failed && buf_len(&s->prefix) &&
	       s->views[STREAM_V1].next >= view_first(&s->views[STREAM_PLAIN]);
}

/* Without readers nothing was added to the v1 view: that is made up for. */
static int revive_v1(struct stream *s)
{
	struct view *v1 = &s->views[STREAM_V1];
	struct answer_stream name = stream_name(s);

	if (v1_continues(s))
		return encode_range(s, v1, s->seq + 1);
	view_release(v1);
	view_init(v1, s->seq + 1, v1->meter);
	buf_clear(&s->prefix, SIZE_MAX);
	answer_put_update_prefix(&s->prefix, &name);
	return s->prefix.failed ? -1 : 0;
}

/* Makes the v1 view reach back to `seq`. */
static int cover(struct stream *s, uint64_t seq)
{
	struct view *v1 = &s->views[STREAM_V1];
	struct view older;

	if (!v1_needed(s) && revive_v1(s) < 0)
		return -1;
	if (seq >= view_first(v1))
		return 0;
	view_init(&older, seq, v1->meter);
	if (encode_range(s, &older, view_first(v1)) < 0) {
		view_release(&older);
		return -1;
	}
	view_prepend(v1, &older);
	return 0;
}

void stream_drop_unread(struct stream *s)
{
	if (v1_needed(s))
		return;
	view_release(&s->views[STREAM_V1]);
	buf_release(&s->prefix);
}

int stream_join(struct stream *s, enum stream_view view, struct cursor *c,
		uint64_t seq)
{
	if ((view == STREAM_V1 && cover(s, seq) < 0) ||
	    view_enter(&s->views[view], c, seq) < 0) {
		stream_drop_unread(s);
		return -1;
	}
	return 0;
}

void stream_leave(struct stream *s, enum stream_view view, struct cursor *c)
{
	view_leave(&s->views[view], c);
}

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
		 const char *epoch, uint64_t seq)
{
	memset(s, 0, sizeof(*s));
	for (int i = 0; i < STREAM_VIEWS; i++)
		view_init(&s->views[i], seq + 1);
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

static void flatten(char *text, size_t len, char newline)
{
	char *end = text + len;

	while ((text = memchr(text, newline, (size_t)(end - text))))
		*text++ = ' ';
}

static void add_plain(struct stream *s, const struct payload *update,
		      const struct stream_time *now)
{
	struct view *v = &s->views[STREAM_PLAIN];
	size_t size = update->len ? frame_size(update->len) : 0;
	char *out = view_add(v, size, now->mono_ms, now->wall_ms);

	if (!size)
		return;
	out = put_header(out, update->len);
	memcpy(out, update->bytes, update->len);
	flatten(out, update->len, '\n');
	flatten(out, update->len, '\r');
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
	memcpy(out, update->bytes, update->len);
	flatten(out, update->len, '\n');
	flatten(out, update->len, '\r');
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

/* Bytes of plain frames from entry `i` of `seg` to the end. */
static uint64_t bytes_from(const struct view *plain, const struct segment *seg,
			   uint32_t i)
{
	return (uint64_t)(plain->end - seg->base - segment_offset(seg, i));
}

static bool older_than(const struct segment *seg, uint32_t i, uint64_t age_ms,
		       int64_t mono_ms)
{
	int64_t age = mono_ms - segment_mono(seg, i);

	return age > 0 && (uint64_t)age > age_ms;
}

static bool exceeds(const struct stream *s, const struct segment *seg,
		    uint32_t i, const struct stream_limits *limits,
		    int64_t mono_ms)
{
	return bytes_from(&s->views[STREAM_PLAIN], seg, i) > limits->bytes ||
	       older_than(seg, i, limits->age_ms, mono_ms);
}

/* Moves `first` behind what is too old or too much. */
static void expire(struct stream *s, const struct stream_limits *limits,
		   int64_t mono_ms)
{
	struct segment *seg;
	uint32_t i;

	if (s->seq - s->first + 1 > limits->count)
		s->first = s->seq - limits->count + 1;
	if (s->first > s->seq)
		return;
	seg = view_locate(&s->views[STREAM_PLAIN], s->first, &i);
	while (s->first <= s->seq) {
		if (i == seg->count) {
			seg = seg->next;
			i = 0;
			continue;
		}
		if (!exceeds(s, seg, i, limits, mono_ms))
			break;
		s->first++;
		i++;
	}
}

void stream_trim(struct stream *s, const struct stream_limits *limits,
		 int64_t mono_ms)
{
	expire(s, limits, mono_ms);
	for (int i = 0; i < STREAM_VIEWS; i++)
		view_trim(&s->views[i], s->first);
}

/* The first retained update that is at most `age_ms` old. */
static uint64_t since_age(const struct stream *s, uint64_t age_ms,
			  int64_t mono_ms)
{
	uint64_t seq = s->first;
	struct segment *seg;
	uint32_t i;

	if (seq > s->seq)
		return seq;
	for (seg = view_locate(&s->views[STREAM_PLAIN], seq, &i); seg;
	     seg = seg->next, i = 0)
		for (; i < seg->count; i++, seq++)
			if (!older_than(seg, i, age_ms, mono_ms))
				return seq;
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

/* The update in entry `i` of the plain view. */
static struct payload plain_payload(const struct segment *seg, uint32_t i)
{
	uint32_t at = segment_offset(seg, i);
	struct payload update = {segment_bytes(seg) + at,
				 segment_offset(seg, i + 1) - at};
	struct wsframe frame;

	if (update.len) {
		wsframe_decode(&frame, (const uint8_t *)update.bytes,
			       update.len);
		update.bytes += frame.header;
		update.len -= frame.header;
	}
	return update;
}

/* Encodes what the plain view has from `seq` up to number v->next of `end`. */
static int encode_range(struct stream *s, struct view *v, uint64_t end)
{
	struct payload update;
	struct segment *seg;
	uint32_t i;

	if (v->next == end)
		return 0;
	seg = view_locate(&s->views[STREAM_PLAIN], v->next, &i);
	while (v->next < end) {
		if (i == seg->count) {
			seg = seg->next;
			i = 0;
			continue;
		}
		update = plain_payload(seg, i);
		if (add_v1(s, v, &update,
			   &(struct stream_time){
				   segment_mono(seg, i),
				   segment_entry(seg, i)->wall_ms}) < 0)
			return -1;
		i++;
	}
	return 0;
}

/* Makes the v1 view reach back to `seq`. */
static int cover(struct stream *s, uint64_t seq)
{
	struct view *v1 = &s->views[STREAM_V1];
	struct answer_stream name = stream_name(s);
	struct view older;

	if (!v1_needed(s)) {
		view_release(v1);
		view_init(v1, s->seq + 1);
		buf_clear(&s->prefix, SIZE_MAX);
		answer_put_update_prefix(&s->prefix, &name);
	}
	if (s->prefix.failed)
		return -1;
	if (seq >= view_first(v1))
		return 0;
	view_init(&older, seq);
	if (encode_range(s, &older, view_first(v1)) < 0) {
		view_release(&older);
		return -1;
	}
	view_prepend(v1, &older);
	return 0;
}

/* After the last reader, or when the first could not come. */
static void drop_unread_v1(struct stream *s)
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
		drop_unread_v1(s);
		return -1;
	}
	return 0;
}

void stream_leave(struct stream *s, enum stream_view view, struct cursor *c)
{
	view_leave(&s->views[view], c);
	drop_unread_v1(s);
}

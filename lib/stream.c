/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <string.h>

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

/* Bytes of an update in the plain view, where a GAP has none. */
static size_t plain_size(size_t len)
{
	return len ? encoding_frame_size(len) : 0;
}

/* Returns where the update is, as one line; NULL for a GAP. */
static const char *add_plain(struct stream *s, const char *data, size_t len,
			     const struct stream_time *now)
{
	char *out = view_add(&s->views[STREAM_PLAIN], plain_size(len),
			     now->mono_ms, now->wall_ms);

	if (!len)
		return NULL;
	out = encoding_put_header(out, len);
	encoding_put_line(out, data, len);
	return out;
}

static struct encoding_stream encoding_of(const struct stream *s)
{
	return (struct encoding_stream){stream_name(s), &s->prefix};
}

/* Makes an entry, and room for it; 0, or -1 with ENOMEM. */
static int reserve(const struct stream *s, enum stream_view view,
		   struct view *v, const struct encoding_update *u,
		   int64_t mono_ms, struct encoded *entry)
{
	struct encoding_stream in = encoding_of(s);

	encoded_make(entry, view, &in, u);
	return view_reserve(v, entry->size, mono_ms);
}

static void add(struct view *v, const struct encoded *entry,
		const struct stream_time *now)
{
	char *out = view_add(v, entry->size, now->mono_ms, now->wall_ms);

	encoded_write(entry, out);
}

static bool is_read(const struct stream *s, int view)
{
	return s->derived & 1u << view;
}

/* Takes one out of some views, of which there is a bit for each. */
static enum stream_view take_view(unsigned *views)
{
	enum stream_view view = (enum stream_view)__builtin_ctz(*views);

	*views &= *views - 1;
	return view;
}

/*
 * Adds an update, or a GAP where `data` is NULL, to the plain view and all
 * others that are read, or to none. 0, or -1 with ENOMEM.
 */
static int add_everywhere(struct stream *s, const char *data,
			  struct encoding_update *u,
			  const struct stream_time *now)
{
	struct encoded entries[STREAM_VIEWS];
	enum stream_view view;
	const char *line;

	for (unsigned left = s->derived; left;) {
		view = take_view(&left);
		if (reserve(s, view, &s->views[view], u, now->mono_ms,
			    &entries[view]) < 0)
			return -1;
	}
	line = add_plain(s, data, data ? u->len : 0, now);
	if (data)
		u->bytes = line;
	for (unsigned left = s->derived; left;) {
		view = take_view(&left);
		add(&s->views[view], &entries[view], now);
	}
	return 0;
}

/* Out of line, so that it costs a branch while nobody reads other views. */
__attribute__((noinline)) static int add_derived(struct stream *s,
						 const char *data, size_t len,
						 struct stream_time *now)
{
	struct encoding_update u = {
		.len = len,
		.seq = s->seq + 1,
		.time = stream_time_text(now),
	};
	struct answer_stream name = stream_name(s);
	struct buf gap;
	int result;

	if (data)
		return add_everywhere(s, data, &u, now);
	buf_init(&gap);
	result = encoding_tell_gap(&u, &name, &gap);
	if (result == 0)
		result = add_everywhere(s, NULL, &u, now);
	buf_release(&gap);
	return result;
}

static uint64_t append(struct stream *s, const struct stream_limits *limits,
		       const char *data, size_t len, struct stream_time *now)
{
	struct view *plain = &s->views[STREAM_PLAIN];
	struct segment *newest = plain->newest;

	if (view_reserve(plain, plain_size(len), now->mono_ms) < 0)
		return 0;
	if (!s->derived)
		add_plain(s, data, len, now);
	else if (add_derived(s, data, len, now) < 0)
		return 0;
	s->seq++;
	if (plain->newest != newest)
		stream_trim(s, limits, now->mono_ms);
	return s->seq;
}

uint64_t stream_append(struct stream *s, const struct stream_limits *limits,
		       const char *data, size_t len, struct stream_time *now)
{
	return append(s, limits, data, len, now);
}

uint64_t stream_append_gap(struct stream *s, const struct stream_limits *limits,
			   struct stream_time *now)
{
	return append(s, limits, NULL, 0, now);
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

/* The update at a place of the plain view; of a GAP there is nothing in that.
 */
static struct encoding_update plain_update(const struct place *at, uint64_t seq)
{
	const struct segment *seg = at->segment;
	uint32_t offset = segment_offset(seg, at->index);
	struct encoding_update u = {
		.bytes = segment_bytes(seg) + offset,
		.len = segment_offset(seg, at->index + 1) - offset,
		.seq = seq,
	};
	struct wsframe frame;

	if (u.len) {
		wsframe_decode(&frame, (const uint8_t *)u.bytes, u.len);
		u.bytes += frame.header;
		u.len -= frame.header;
	}
	return u;
}

/* What encode_range() keeps from one update to the next. */
struct encoder {
	struct place at; /* in the plain view */
	struct stream_time time;
	struct buf gap;
};

/* Encodes the next one. 0, or -1 with ENOMEM. */
static int encode(struct encoder *e, const struct stream *s,
		  enum stream_view view, struct view *v)
{
	struct encoding_update update = plain_update(&e->at, v->next);
	struct answer_stream name = stream_name(s);
	struct encoded entry;

	e->time.mono_ms = segment_mono(e->at.segment, e->at.index);
	e->time.wall_ms = segment_entry(e->at.segment, e->at.index)->wall_ms;
	update.time = stream_time_text(&e->time);
	if ((!update.len && encoding_tell_gap(&update, &name, &e->gap) < 0) ||
	    reserve(s, view, v, &update, e->time.mono_ms, &entry) < 0)
		return -1;
	add(v, &entry, &e->time);
	place_step(&e->at);
	return 0;
}

/* Encodes what the plain view has from v->next up to, not including, `end`. */
static int encode_range(const struct stream *s, enum stream_view view,
			struct view *v, uint64_t end)
{
	struct encoder e = {.time = {0}};
	int result = 0;

	if (v->next >= end)
		return 0;
	buf_init(&e.gap);
	e.at = view_locate(&s->views[STREAM_PLAIN], v->next);
	while (v->next < end && result == 0)
		result = encode(&e, s, view, v);
	buf_release(&e.gap);
	return result;
}

static int have_prefix(struct stream *s)
{
	struct answer_stream name = stream_name(s);

	if (!s->prefix.failed && buf_len(&s->prefix))
		return 0;
	buf_clear(&s->prefix, SIZE_MAX);
	answer_put_update_prefix(&s->prefix, &name);
	return s->prefix.failed ? -1 : 0;
}

/* Whether what a view holds can be continued with what is retained. */
static bool continues(const struct stream *s, const struct view *v)
{
	return v->oldest && v->next >= view_first(&s->views[STREAM_PLAIN]);
}

/* Without readers nothing was added to a view: that is made up for. */
static int revive(struct stream *s, enum stream_view view)
{
	struct view *v = &s->views[view];

	if (encoding_has_prefix(view) && have_prefix(s) < 0)
		return -1;
	if (continues(s, v))
		return encode_range(s, view, v, s->seq + 1);
	view_release(v);
	view_init(v, s->seq + 1, v->meter);
	return 0;
}

/* Makes a view reach back to `seq`. */
static int cover(struct stream *s, enum stream_view view, uint64_t seq)
{
	struct view *v = &s->views[view];
	struct view older;

	if (!is_read(s, view) && revive(s, view) < 0)
		return -1;
	if (seq >= view_first(v))
		return 0;
	view_init(&older, seq, v->meter);
	if (encode_range(s, view, &older, view_first(v)) < 0) {
		view_release(&older);
		return -1;
	}
	view_prepend(v, &older);
	return 0;
}

void stream_drop_unread(struct stream *s)
{
	bool prefix = false;

	for (int i = STREAM_PLAIN + 1; i < STREAM_VIEWS; i++)
		if (is_read(s, i))
			prefix |= encoding_has_prefix((enum stream_view)i);
		else
			view_release(&s->views[i]);
	if (!prefix)
		buf_release(&s->prefix);
}

int stream_join(struct stream *s, enum stream_view view, struct cursor *c,
		uint64_t seq)
{
	if ((view != STREAM_PLAIN && cover(s, view, seq) < 0) ||
	    view_enter(&s->views[view], c, seq) < 0) {
		stream_drop_unread(s);
		return -1;
	}
	s->readers++;
	if (view != STREAM_PLAIN)
		s->derived |= 1u << view;
	return 0;
}

void stream_leave(struct stream *s, enum stream_view view, struct cursor *c)
{
	view_leave(&s->views[view], c);
	s->readers--;
	if (!s->views[view].readers)
		s->derived &= ~(1u << view);
}

/* SPDX-License-Identifier: MIT */
#include "overview.h"

#include <errno.h>
#include <string.h>

/* Room for an envelope with the longest names and numbers, but its update. */
#define AROUND 512

void overview_init(struct overview *o)
{
	o->stream = NULL;
	buf_init(&o->text);
}

void overview_begin(struct overview *o, struct stream *all)
{
	o->stream = all;
}

void overview_end(struct overview *o)
{
	o->stream = NULL;
	buf_release(&o->text);
}

int overview_reserve(struct overview *o, size_t len, int64_t mono_ms)
{
	buf_clear(&o->text, SIZE_MAX);
	if (!buf_reserve(&o->text, AROUND)) {
		errno = ENOMEM;
		return -1;
	}
	return view_reserve(&o->stream->views[STREAM_V1], AROUND + len,
			    mono_ms);
}

/* An entry of `len` bytes; returns where they go. */
static char *add(struct overview *o, size_t len, const struct stream_time *now)
{
	struct stream *all = o->stream;
	struct view *v = &all->views[STREAM_V1];
	char *out = view_add(v, len, now->mono_ms, now->wall_ms);

	all->views[STREAM_PLAIN].end = v->end;
	all->seq++;
	all->first = all->seq + 1;
	return out;
}

/* The frame that a view got last: somebody reads it from there too. */
static void copy_last(struct overview *o, const struct view *v,
		      const struct stream_time *now)
{
	const struct segment *s = v->newest;
	uint32_t offset = segment_offset(s, s->count - 1);
	size_t len = s->used - offset;

	memcpy(add(o, len, now), segment_bytes(s) + offset, len);
}

/* Where nobody reads the tenant by itself. */
static void add_frame(struct overview *o, const struct stream *s,
		      const char *data, size_t len, struct stream_time *now)
{
	struct encoding_stream in = {stream_name(s), &o->text};
	struct encoding_update u = {data, len, s->seq, stream_time_text(now),
				    false};
	struct encoded frame;
	char *at;

	if (data)
		answer_put_update_prefix(&o->text, &in.name);
	else
		encoding_tell_gap(&u, &in.name, &o->text);
	encoded_make(&frame, STREAM_V1, &in, &u);
	at = encoded_write(&frame, add(o, frame.size, now));
	if (data)
		encoding_put_line(at, at, len);
}

void overview_show(struct overview *o, const struct stream *s, const char *data,
		   size_t len, struct stream_time *now)
{
	if (s->views[STREAM_V1].readers)
		copy_last(o, &s->views[STREAM_V1], now);
	else
		add_frame(o, s, data, len, now);
}

/* SPDX-License-Identifier: MIT */
#include "overview.h"

#include "wsframe.h"

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

/* The text of the message, up to its update. */
static void put_text(struct buf *text, const struct stream *s, bool gap,
		     int64_t wall_ms)
{
	struct answer_stream name = stream_name(s);
	char middle[ANSWER_UPDATE_MIDDLE];

	if (gap) {
		answer_put_source_gap(text, &name, s->seq);
		return;
	}
	answer_put_update_prefix(text, &name);
	buf_append(text, middle, answer_update_middle(middle, s->seq, wall_ms));
}

static void make_frame(struct overview *o, const struct stream *s,
		       const char *data, size_t len,
		       const struct stream_time *now)
{
	uint8_t header[WSFRAME_HEADER_MAX];
	size_t text, payload, header_len;
	char *out;

	put_text(&o->text, s, !data, now->wall_ms);
	text = buf_len(&o->text);
	payload = text + (data ? len + 1 : 0);
	header_len = wsframe_encode(header, WSFRAME_TEXT, payload);
	out = add(o, header_len + payload, now);
	memcpy(out, header, header_len);
	memcpy(out + header_len, buf_bytes(&o->text), text);
	if (!data)
		return;
	encoding_put_line(out + header_len + text, data, len);
	out[header_len + payload - 1] = '}';
}

void overview_show(struct overview *o, const struct stream *s, const char *data,
		   size_t len, const struct stream_time *now)
{
	if (s->views[STREAM_V1].readers)
		copy_last(o, &s->views[STREAM_V1], now);
	else
		make_frame(o, s, data, len, now);
}

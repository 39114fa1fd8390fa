/* SPDX-License-Identifier: MIT */
#include "encoding.h"

#include "num.h"

#include <errno.h>

#define PING_PAYLOAD "wsd"

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
void encoding_put_line(char *out, const char *in, size_t len)
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

/* Entries */

int encoding_tell_gap(struct encoding_update *u, const struct answer_stream *s,
		      struct buf *text)
{
	buf_clear(text, SIZE_MAX);
	answer_put_source_gap(text, s, u->seq);
	if (text->failed) {
		errno = ENOMEM;
		return -1;
	}
	u->gap = true;
	u->bytes = buf_bytes(text);
	u->len = buf_len(text);
	return 0;
}

/* What stands behind an update, or a GAP, in a view. */
struct encoding_end {
	uint8_t len;
	char bytes[2];
};

static const struct encoding_end ends[STREAM_VIEWS][2] = {
	[STREAM_V1] = {{1, "}"}, {0, ""}},
	[STREAM_EVENTS] = {{2, "\n\n"}, {2, "\n\n"}},
	[STREAM_LINES] = {{1, "\n"}, {0, ""}},
	[STREAM_ENVELOPES] = {{2, "}\n"}, {1, "\n"}},
};

static size_t put(char *out, const char *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return len;
}

static size_t put_text(char *out, const char *text)
{
	return put(out, text, strlen(text));
}

/* "id: EPOCH:SEQ\n" */
static size_t put_point(char *out, const struct answer_stream *s, uint64_t seq)
{
	size_t len = put_text(out, "id: ");

	len += put_text(out + len, s->epoch);
	out[len++] = ':';
	len += num_put_u64(out + len, seq);
	out[len++] = '\n';
	return len;
}

/* What comes before the update, but for a frame header. */
static void make_middle(struct encoded *e, enum stream_view view,
			const struct encoding_stream *s)
{
	const struct encoding_update *u = e->update;

	if (encoding_has_prefix(view) && !u->gap) {
		e->prefix = s->prefix;
		e->middle_len =
			answer_update_middle(e->middle, u->seq, u->time);
	} else if (view == STREAM_EVENTS) {
		e->middle_len = put_point(e->middle, &s->name, u->seq);
		e->middle_len +=
			put_text(e->middle + e->middle_len,
				 u->gap ? "event: gap\ndata: " : "data: ");
	}
}

/* Whether it is seen in a view. */
static bool is_shown(enum stream_view view, const struct encoding_update *u)
{
	return !u->gap || encoding_shows_gaps(view);
}

void encoded_make(struct encoded *e, enum stream_view view,
		  const struct encoding_stream *s,
		  const struct encoding_update *u)
{
	e->update = u;
	e->framed = encoding_is_framed(view);
	e->prefix = NULL;
	e->middle_len = 0;
	e->end = &ends[view][u->gap];
	e->size = 0;
	if (!is_shown(view, u))
		return;
	make_middle(e, view, s);
	e->payload = (e->prefix ? buf_len(e->prefix) : 0) + e->middle_len +
		     u->len + e->end->len;
	e->size = e->framed ? encoding_frame_size(e->payload) : e->payload;
}

char *encoded_write(const struct encoded *e, char *out)
{
	const struct encoding_update *u = e->update;

	char *end;

	if (!e->size)
		return out;
	if (e->framed)
		out = encoding_put_header(out, e->payload);
	if (e->prefix)
		out += put(out, buf_bytes(e->prefix), buf_len(e->prefix));
	out += put(out, e->middle, e->middle_len);
	end = out + put(out, u->bytes, u->len);
	for (uint8_t i = 0; i < e->end->len; i++)
		end[i] = e->end->bytes[i];
	return out;
}

/* Messages */

static void put_frame(struct buf *b, enum wsframe_opcode opcode,
		      const void *payload, size_t len)
{
	uint8_t header[WSFRAME_HEADER_MAX];
	size_t header_len = wsframe_encode(header, opcode, len);

	buf_append(b, header, header_len);
	buf_append(b, payload, len);
}

static void put_event(struct buf *b, const struct encoding_message *m)
{
	char point[2 * ANSWER_UPDATE_MIDDLE];
	size_t len;

	if (m->retry_ms) {
		buf_puts(b, "retry: ");
		buf_put_u64(b, m->retry_ms);
		buf_putc(b, '\n');
	}
	if (m->stream) {
		len = put_point(point, m->stream, m->seq);
		buf_append(b, point, len);
	}
	if (m->text) {
		buf_puts(b, "event: ");
		buf_puts(b, m->event);
		buf_puts(b, "\ndata: ");
		buf_append(b, buf_bytes(m->text), buf_len(m->text));
		buf_putc(b, '\n');
	}
	buf_putc(b, '\n');
}

void encoding_put(struct buf *b, enum stream_view view,
		  const struct encoding_message *m)
{
	if (m->text && m->text->failed)
		b->failed = true;
	else if (view == STREAM_EVENTS)
		put_event(b, m);
	else if (!m->text)
		return;
	else if (encoding_is_framed(view))
		put_frame(b, WSFRAME_TEXT, buf_bytes(m->text),
			  buf_len(m->text));
	else if (view == STREAM_ENVELOPES) {
		buf_append(b, buf_bytes(m->text), buf_len(m->text));
		buf_putc(b, '\n');
	}
}

/* With a payload: of an answer without one libwebsockets 4.1 does not tell. */
void encoding_put_ping(struct buf *b, enum stream_view view)
{
	if (encoding_is_framed(view))
		put_frame(b, WSFRAME_PING, PING_PAYLOAD, strlen(PING_PAYLOAD));
	else
		buf_puts(b, view == STREAM_EVENTS ? ":\n\n" : "\n");
}

static void put_close(struct buf *b, enum proto_close code, const char *reason)
{
	uint8_t payload[2 + ENCODING_REASON_MAX];
	size_t len = strlen(reason);

	if (len > ENCODING_REASON_MAX)
		len = ENCODING_REASON_MAX;
	payload[0] = (uint8_t)(code >> 8);
	payload[1] = (uint8_t)code;
	memcpy(payload + 2, reason, len);
	put_frame(b, WSFRAME_CLOSE, payload, 2 + len);
}

void encoding_put_end(struct buf *b, enum stream_view view,
		      enum proto_close code, const char *reason)
{
	struct buf text;
	struct encoding_message m = {.text = &text, .event = "end"};

	if (encoding_is_framed(view)) {
		put_close(b, code, reason);
		return;
	}
	buf_init(&text);
	answer_put_end(&text, code, reason);
	encoding_put(b, view, &m);
	buf_release(&text);
}

size_t encoding_boundary(const struct buf *b, enum stream_view view, size_t at)
{
	const uint8_t *bytes = (const uint8_t *)buf_bytes(b);
	struct wsframe frame;
	size_t end = 0;

	if (!encoding_is_framed(view))
		return at ? buf_len(b) : 0;
	while (end < at) {
		wsframe_decode(&frame, bytes + end, buf_len(b) - end);
		end += frame.header + (size_t)frame.payload;
	}
	return end;
}

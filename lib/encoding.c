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

static void suffix(struct encoded *e, const char *text, size_t len)
{
	e->suffix = text;
	e->suffix_len = len;
}

static size_t put_text(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return len;
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
			const struct encoding_stream *s,
			const struct encoding_update *u)
{
	if (encoding_has_prefix(view)) {
		e->prefix = s->prefix;
		e->middle_len =
			answer_update_middle(e->middle, u->seq, u->wall_ms);
	} else if (view == STREAM_EVENTS) {
		e->middle_len = put_point(e->middle, &s->name, u->seq);
		e->middle_len += put_text(e->middle + e->middle_len, "data: ");
	}
}

/* A GAP stands where the update would. */
static int make_gap(struct encoded *e, enum stream_view view,
		    const struct encoding_stream *s, uint64_t seq)
{
	answer_put_source_gap(&e->gap, &s->name, seq);
	if (e->gap.failed) {
		encoded_release(e);
		errno = ENOMEM;
		return -1;
	}
	if (view == STREAM_EVENTS) {
		e->middle_len = put_point(e->middle, &s->name, seq);
		e->middle_len += put_text(e->middle + e->middle_len,
					  "event: gap\ndata: ");
	}
	e->data = buf_bytes(&e->gap);
	e->len = buf_len(&e->gap);
	return 0;
}

int encoded_make(struct encoded *e, enum stream_view view,
		 const struct encoding_stream *s,
		 const struct encoding_update *u)
{
	size_t payload;

	e->data = u->bytes;
	e->len = u->len;
	e->prefix = NULL;
	e->middle_len = 0;
	e->header_len = 0;
	buf_init(&e->gap);
	suffix(e, "", 0);
	if (u->len)
		make_middle(e, view, s, u);
	else if (view != STREAM_LINES && make_gap(e, view, s, u->seq) < 0)
		return -1;
	if (view == STREAM_V1 && u->len)
		suffix(e, "}", 1);
	else if (view == STREAM_ENVELOPES)
		suffix(e, u->len ? "}\n" : "\n", u->len ? 2 : 1);
	else if (view == STREAM_EVENTS)
		suffix(e, "\n\n", 2);
	else if (view == STREAM_LINES)
		suffix(e, "\n", u->len ? 1 : 0);
	payload = (e->prefix ? buf_len(e->prefix) : 0) + e->middle_len +
		  e->len + e->suffix_len;
	if (encoding_is_framed(view))
		e->header_len =
			wsframe_encode(e->header, WSFRAME_TEXT, payload);
	e->size = e->header_len + payload;
	return 0;
}

void encoded_write(const struct encoded *e, char *out)
{
	size_t prefix = e->prefix ? buf_len(e->prefix) : 0;

	memcpy(out, e->header, e->header_len);
	out += e->header_len;
	if (prefix)
		memcpy(out, buf_bytes(e->prefix), prefix);
	out += prefix;
	memcpy(out, e->middle, e->middle_len);
	out += e->middle_len;
	if (e->len)
		encoding_put_line(out, e->data, e->len);
	memcpy(out + e->len, e->suffix, e->suffix_len);
}

void encoded_release(struct encoded *e)
{
	if (e->gap.base)
		buf_release(&e->gap);
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

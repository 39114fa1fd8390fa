/* SPDX-License-Identifier: MIT */
/*
 * encoding - how what is told of a stream looks on the wire: as frames of a
 * WebSocket, bare or with envelopes; as events of text/event-stream (HTML
 * standard, section 9.2, "Server-sent events"); as lines, bare or with
 * envelopes.
 *
 * An update is an entry of a view, made once for all who read that. What else
 * a connection is told (a GAP, a ping, its end) is made for it alone. An event
 * has as its id the point in the stream that it leads to, "k3x9q2.0:41". Bare
 * lines show nothing but updates.
 */
#ifndef ENCODING_H
#define ENCODING_H

#include "answer.h"
#include "buf.h"
#include "wsframe.h"

enum stream_view {
	STREAM_PLAIN,	  /* frames, bare updates */
	STREAM_V1,	  /* frames, envelopes */
	STREAM_EVENTS,	  /* text/event-stream */
	STREAM_LINES,	  /* NDJSON, bare updates */
	STREAM_ENVELOPES, /* NDJSON, envelopes */
	STREAM_VIEWS
};

/* Whether a GAP can be told in it. */
static inline bool encoding_shows_gaps(enum stream_view view)
{
	return view != STREAM_PLAIN && view != STREAM_LINES;
}

/* Whether its messages are frames of a WebSocket. */
static inline bool encoding_is_framed(enum stream_view view)
{
	return view == STREAM_PLAIN || view == STREAM_V1;
}

/* Whether its entries begin with what answer_put_update_prefix() makes. */
static inline bool encoding_has_prefix(enum stream_view view)
{
	return view == STREAM_V1 || view == STREAM_ENVELOPES;
}

/* An update, or a GAP that a publisher told. */
struct encoding_update {
	const char *bytes; /* on one line; of a GAP its message in wsd.v1 */
	size_t len;
	uint64_t seq;
	const char *time; /* when it was published, by num_put_time() */
	bool gap;
};

/*
 * Makes it the GAP with its number, whose message goes into `text` in place of
 * what is there. 0, or -1 with errno ENOMEM.
 */
int encoding_tell_gap(struct encoding_update *u, const struct answer_stream *s,
		      struct buf *text);

/* The stream that it is in. */
struct encoding_stream {
	struct answer_stream name;
	const struct buf *prefix; /* of the envelopes, where there are any */
};

/*
 * An entry that is to be written: what stands before and behind the update.
 * Borrows from the two; the bytes of the update are not looked at before they
 * are written.
 */
struct encoded {
	size_t size;	/* bytes in all */
	size_t payload; /* the same without the header of a frame */
	bool framed;	/* it has such a header */
	const struct encoding_update *update;
	const struct buf *prefix; /* NULL: none */
	size_t middle_len;
	char middle[2 * ANSWER_UPDATE_MIDDLE]; /* behind the prefix */
	const struct encoding_end *end;	       /* static */
};

void encoded_make(struct encoded *e, enum stream_view view,
		  const struct encoding_stream *s,
		  const struct encoding_update *update);

/* Writes its `size` bytes; returns where in them the update is. */
char *encoded_write(const struct encoded *e, char *out);

/*
 * Copies the bytes of an update as one line: newlines in it (outside strings,
 * where alone they can be) become spaces. To `out`, which may be `data`.
 */
void encoding_put_line(char *out, const char *data, size_t len);

/* Bytes of a frame with such a payload; and writes its header before that. */
static inline size_t encoding_frame_size(size_t payload)
{
	return wsframe_header_size(payload) + payload;
}

static inline char *encoding_put_header(char *out, size_t payload)
{
	return out + wsframe_encode((uint8_t *)out, WSFRAME_TEXT, payload);
}

/* What a connection is told beside updates. Only `text` is for all. */
struct encoding_message {
	const struct buf *text; /* a message of wsd.v1; NULL: none */
	const char *event;	/* what it is called as an event; static */
	const struct answer_stream *stream; /* where it leads to; NULL: nowhere
					     */
	uint64_t seq;			    /* in that stream */
	uint64_t retry_ms; /* when to come back after the end; 0: not told */
};

/* Each appends what is told, which may be nothing at all. */
void encoding_put(struct buf *b, enum stream_view view,
		  const struct encoding_message *m);
void encoding_put_ping(struct buf *b, enum stream_view view);
void encoding_put_end(struct buf *b, enum stream_view view,
		      enum proto_close code, const char *reason);

/* Of a close frame (RFC 6455 section 5.5.1); what is longer is cut. */
#define ENCODING_REASON_MAX 123

/* What encoding_put_end() appends is no longer. */
#define ENCODING_END_MAX 256

/*
 * Where in messages that were appended the one ends in which byte `at` is, or
 * which ends there: it must not be cut. Those of a text stay together.
 */
size_t encoding_boundary(const struct buf *b, enum stream_view view, size_t at);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * answer - the messages from server to client: put together by wsd, parsed by
 * the tools.
 *
 * What is parsed borrows from its text. A client ignores types and members
 * that it does not know: an answer of a type from the future is
 * ANSWER_UNKNOWN, not an error.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "json.h"
#include "proto.h"

enum answer_type {
	ANSWER_UNKNOWN,
	ANSWER_WELCOME,
	ANSWER_AUTHENTICATED,
	ANSWER_EXPIRING,
	ANSWER_SUBSCRIBED,
	ANSWER_UNSUBSCRIBED,
	ANSWER_UPDATE,
	ANSWER_ACK,
	ANSWER_GAP,
	ANSWER_PONG,
	ANSWER_ERROR,
	ANSWER_DRAIN,
};

/* What WELCOME tells of the server's limits; 0 where it tells nothing. */
struct answer_limits {
	uint64_t message;	/* bytes of an update */
	uint64_t frame;		/* bytes of a WebSocket message */
	uint64_t subscriptions; /* of one connection */
};

struct answer {
	enum answer_type type;
	uint64_t id; /* 0: none, or not an integer */
	char tenant[129];
	char epoch[PROTO_EPOCH_MAX + 1];
	uint64_t seq;	      /* UPDATE, ACK */
	uint64_t next;	      /* SUBSCRIBED: the first seq to come */
	uint64_t replayed;    /* SUBSCRIBED */
	bool recovered;	      /* SUBSCRIBED */
	bool duplicate;	      /* ACK */
	uint64_t subscribers; /* ACK */
	uint64_t from;	      /* GAP; 0 where the number is unknown */
	uint64_t to;
	char reason[33]; /* GAP: "history", "slow", "restart", "source" */
	struct json_value time;	     /* UPDATE: a string */
	struct json_value data;	     /* UPDATE */
	enum proto_code code;	     /* ERROR */
	char code_name[33];	     /* ERROR: also of codes unknown here */
	struct json_value message;   /* ERROR: a string */
	uint64_t frame;		     /* ERROR for a line: from 1 */
	uint64_t line;		     /* ERROR for a line: from 1 */
	uint64_t reconnect_after_ms; /* DRAIN */
	char expires[25];	     /* EXPIRING: a time */
	struct json_value server;    /* WELCOME: a string */
	struct answer_limits limits; /* WELCOME */
};

/*
 * Parses one message. JSON_OK, or why it is not a message (JSON_NOT_OBJECT
 * also for an object without "type").
 */
enum json_result answer_parse(struct answer *answer, const char *text,
			      size_t len);

/* "CODE: message" of an ERROR, for people. Returns `out`. */
#define ANSWER_ERROR_MAX 300
const char *answer_show_error(const struct answer *answer,
			      char out[ANSWER_ERROR_MAX]);

/* Which stream and epoch an answer speaks of; borrowed. */
struct answer_stream {
	const char *tenant; /* tenant_len bytes */
	size_t tenant_len;
	const char *epoch; /* NUL-ended */
};

/* These append one message without a newline. `id` as JSON, text NULL: none. */
void answer_put_welcome(struct buf *b, uint64_t connection,
			const struct answer_limits *limits);
void answer_put_subscribed(struct buf *b, const struct json_value *id,
			   const struct answer_stream *stream, uint64_t next,
			   uint64_t replayed, bool recovered);
void answer_put_unsubscribed(struct buf *b, const struct json_value *id,
			     const char *tenant, size_t len);
void answer_put_pong(struct buf *b, const struct json_value *id);
void answer_put_drain(struct buf *b, uint64_t reconnect_after_ms);

/* What a close frame tells, where there is none: the last message. */
void answer_put_end(struct buf *b, enum proto_close code, const char *reason);

/* An ACK. */
struct answer_ack {
	uint64_t seq; /* 0: not known, of a duplicate */
	uint64_t subscribers;
	bool duplicate;
};
void answer_put_ack(struct buf *b, const struct json_value *id,
		    const struct answer_stream *stream,
		    const struct answer_ack *ack);

/* `expires_ms` 0: never. */
void answer_put_authenticated(struct buf *b, const struct json_value *id,
			      int64_t expires_ms);

/* A token ends then, in `in_ms` from now. */
void answer_put_expiring(struct buf *b, int64_t expires_ms, int64_t in_ms);

/* `from` 0: the numbers are unknown. */
void answer_put_gap(struct buf *b, const struct answer_stream *stream,
		    uint64_t from, uint64_t to, const char *reason);

/* A GAP that has a number of its own: what a publisher told. */
void answer_put_source_gap(struct buf *b, const struct answer_stream *stream,
			   uint64_t seq);

/* `id` wins over frame and line, which are 0 when they say nothing. */
void answer_put_error(struct buf *b, const struct json_value *id,
		      uint64_t frame, uint64_t line, enum proto_code code,
		      const char *message);

/*
 * The envelope of an update is prefix, data, suffix. The prefix of a stream is
 * the same up to its seq; answer_put_update_prefix() makes that part.
 */
void answer_put_update_prefix(struct buf *b,
			      const struct answer_stream *stream);

/*
 * Bytes that come between prefix and data, `,"time":"…","data":` and the seq
 * before them, written to `out` of at least ANSWER_UPDATE_MIDDLE bytes. `time`
 * is what num_put_time() makes. Behind the data comes one '}'.
 */
#define ANSWER_UPDATE_MIDDLE 72
size_t answer_update_middle(char *out, uint64_t seq, const char *time);

#endif

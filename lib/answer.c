/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "num.h"

#include <stdio.h>
#include <string.h>

#ifndef WSD_VERSION
#define WSD_VERSION "0"
#endif

/*
 * What a member is read into: a field of struct answer at an offset.
 */
enum field_kind {
	FIELD_TEXT,   /* char[]: unescaped, NUL-ended */
	FIELD_NUMBER, /* uint64_t */
	FIELD_TRUE,   /* bool */
	FIELD_VALUE,  /* struct json_value: as it is */
};

struct field {
	const char *name;
	size_t len;
	enum field_kind kind;
	size_t offset;
	size_t room; /* of FIELD_TEXT, with its NUL */
};

#define FIELD(name, kind, member)                                              \
	{                                                                      \
		name, sizeof(name) - 1, kind, offsetof(struct answer, member), \
			sizeof(((struct answer *)0)->member)                   \
	}

static const struct field fields[] = {
	FIELD("data", FIELD_VALUE, data),
	FIELD("seq", FIELD_NUMBER, seq),
	FIELD("time", FIELD_VALUE, time),
	FIELD("epoch", FIELD_TEXT, epoch),
	FIELD("tenantId", FIELD_TEXT, tenant),
	FIELD("id", FIELD_NUMBER, id),
	FIELD("subscribers", FIELD_NUMBER, subscribers),
	FIELD("duplicate", FIELD_TRUE, duplicate),
	FIELD("next", FIELD_NUMBER, next),
	FIELD("replayed", FIELD_NUMBER, replayed),
	FIELD("recovered", FIELD_TRUE, recovered),
	FIELD("from", FIELD_NUMBER, from),
	FIELD("to", FIELD_NUMBER, to),
	FIELD("reason", FIELD_TEXT, reason),
	FIELD("code", FIELD_TEXT, code_name),
	FIELD("message", FIELD_VALUE, message),
	FIELD("frame", FIELD_NUMBER, frame),
	FIELD("line", FIELD_NUMBER, line),
	FIELD("reconnectAfterMs", FIELD_NUMBER, reconnect_after_ms),
	FIELD("server", FIELD_VALUE, server),
	FIELD("expires", FIELD_TEXT, expires),
};

static const struct {
	const char *name;
	enum answer_type type;
} types[] = {
	{"UPDATE", ANSWER_UPDATE},
	{"ACK", ANSWER_ACK},
	{"GAP", ANSWER_GAP},
	{"ERROR", ANSWER_ERROR},
	{"SUBSCRIBED", ANSWER_SUBSCRIBED},
	{"UNSUBSCRIBED", ANSWER_UNSUBSCRIBED},
	{"WELCOME", ANSWER_WELCOME},
	{"PONG", ANSWER_PONG},
	{"DRAIN", ANSWER_DRAIN},
	{"AUTHENTICATED", ANSWER_AUTHENTICATED},
	{"EXPIRING", ANSWER_EXPIRING},
};

static enum answer_type read_type(const struct json_value *v)
{
	if (v->type == JSON_STRING)
		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
			if (json_string_is(v, types[i].name,
					   strlen(types[i].name)))
				return types[i].type;
	return ANSWER_UNKNOWN;
}

static void read_text(const struct json_value *v, char *out, size_t room)
{
	long n = -1;

	if (v->type == JSON_STRING)
		n = json_unescape(v, out, room - 1);
	out[n < 0 ? 0 : n] = '\0';
}

static void read_field(struct answer *a, const struct field *f,
		       const struct json_value *v)
{
	void *at = (char *)a + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		read_text(v, at, f->room);
		break;
	case FIELD_NUMBER:
		if (!json_to_u64(v, at))
			*(uint64_t *)at = 0;
		break;
	case FIELD_TRUE:
		*(bool *)at = v->type == JSON_TRUE;
		break;
	case FIELD_VALUE:
		*(struct json_value *)at = *v;
		break;
	}
}

static void read_limits(struct answer_limits *limits,
			const struct json_value *v)
{
	struct json_scan scan;
	struct json_member m;

	if (json_members(&scan, v->text, v->len) != JSON_OK)
		return;
	while (json_next(&scan, &m) == JSON_OK) {
		if (json_string_is(&m.name, "message", 7))
			json_to_u64(&m.value, &limits->message);
		else if (json_string_is(&m.name, "frame", 5))
			json_to_u64(&m.value, &limits->frame);
		else if (json_string_is(&m.name, "subscriptions", 13))
			json_to_u64(&m.value, &limits->subscriptions);
	}
}

static void read_member(struct answer *a, const struct json_member *m)
{
	if (json_string_is(&m->name, "limits", 6)) {
		read_limits(&a->limits, &m->value);
		return;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (!json_string_is(&m->name, fields[i].name, fields[i].len))
			continue;
		read_field(a, &fields[i], &m->value);
		return;
	}
}

enum json_result answer_parse(struct answer *a, const char *text, size_t len)
{
	struct json_value type = {.text = NULL};
	enum json_result result;
	struct json_scan scan;
	struct json_member m;

	memset(a, 0, sizeof(*a));
	result = json_envelope(&scan, text, len);
	if (result != JSON_OK)
		return result;
	while ((result = json_next(&scan, &m)) == JSON_OK) {
		if (!type.text && json_string_is(&m.name, "type", 4))
			type = m.value;
		else
			read_member(a, &m);
	}
	if (result != JSON_END)
		return result;
	if (!type.text)
		return JSON_NOT_OBJECT;
	a->type = read_type(&type);
	a->code = proto_code_from(a->code_name, strlen(a->code_name));
	return JSON_OK;
}

const char *answer_show_error(const struct answer *a,
			      char out[ANSWER_ERROR_MAX])
{
	char message[ANSWER_ERROR_MAX] = "";
	long n = -1;

	if (a->message.type == JSON_STRING && a->message.text)
		n = json_unescape(&a->message, message, sizeof(message));
	snprintf(out, ANSWER_ERROR_MAX, "%s%s%.*s", a->code_name,
		 n > 0 ? ": " : "", n > 0 ? (int)n : 0, message);
	return out;
}

/* {"type":"T" and the id, if any, as it was sent. */
static void begin(struct buf *b, const char *type, const struct json_value *id)
{
	buf_puts(b, "{\"type\":\"");
	buf_puts(b, type);
	buf_putc(b, '"');
	if (id && id->text) {
		buf_puts(b, ",\"id\":");
		buf_append(b, id->text, id->len);
	}
}

static void member_u64(struct buf *b, const char *name, uint64_t value)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":");
	buf_put_u64(b, value);
}

/* Epochs, tenants, codes and reasons of ours need no escaping. */
static void member_text(struct buf *b, const char *name, const char *text,
			size_t len)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":\"");
	buf_append(b, text, len);
	buf_putc(b, '"');
}

static void member_bool(struct buf *b, const char *name, bool value)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, value ? "\":true" : "\":false");
}

static void members_stream(struct buf *b, const struct answer_stream *s)
{
	member_text(b, "tenantId", s->tenant, s->tenant_len);
	member_text(b, "epoch", s->epoch, strlen(s->epoch));
}

void answer_put_welcome(struct buf *b, uint64_t connection,
			const struct answer_limits *limits)
{
	begin(b, "WELCOME", NULL);
	buf_puts(b, ",\"connection\":\"");
	buf_put_u64(b, connection);
	buf_puts(b, "\",\"server\":\"wsd/" WSD_VERSION "\",\"limits\":{");
	buf_puts(b, "\"message\":");
	buf_put_u64(b, limits->message);
	member_u64(b, "frame", limits->frame);
	member_u64(b, "subscriptions", limits->subscriptions);
	buf_puts(b, "}}");
}

void answer_put_subscribed(struct buf *b, const struct json_value *id,
			   const struct answer_stream *stream, uint64_t next,
			   uint64_t replayed, bool recovered)
{
	begin(b, "SUBSCRIBED", id);
	members_stream(b, stream);
	member_u64(b, "next", next);
	member_u64(b, "replayed", replayed);
	member_bool(b, "recovered", recovered);
	buf_putc(b, '}');
}

void answer_put_unsubscribed(struct buf *b, const struct json_value *id,
			     const char *tenant, size_t len)
{
	begin(b, "UNSUBSCRIBED", id);
	member_text(b, "tenantId", tenant, len);
	buf_putc(b, '}');
}

void answer_put_pong(struct buf *b, const struct json_value *id)
{
	begin(b, "PONG", id);
	buf_putc(b, '}');
}

void answer_put_drain(struct buf *b, uint64_t reconnect_after_ms)
{
	begin(b, "DRAIN", NULL);
	member_u64(b, "reconnectAfterMs", reconnect_after_ms);
	buf_putc(b, '}');
}

void answer_put_end(struct buf *b, enum proto_close code, const char *reason)
{
	begin(b, "END", NULL);
	member_u64(b, "code", code);
	member_text(b, "message", reason, strlen(reason));
	buf_putc(b, '}');
}

void answer_put_ack(struct buf *b, const struct json_value *id,
		    const struct answer_stream *stream,
		    const struct answer_ack *ack)
{
	begin(b, "ACK", id);
	members_stream(b, stream);
	if (ack->seq)
		member_u64(b, "seq", ack->seq);
	member_u64(b, "subscribers", ack->subscribers);
	if (ack->duplicate)
		member_bool(b, "duplicate", true);
	buf_putc(b, '}');
}

static void member_time(struct buf *b, const char *name, int64_t ms)
{
	char time[NUM_TIME_LEN];

	num_put_time(time, ms);
	member_text(b, name, time, sizeof(time));
}

void answer_put_authenticated(struct buf *b, const struct json_value *id,
			      int64_t expires_ms)
{
	begin(b, "AUTHENTICATED", id);
	if (expires_ms)
		member_time(b, "expires", expires_ms);
	buf_putc(b, '}');
}

void answer_put_expiring(struct buf *b, int64_t expires_ms, int64_t in_ms)
{
	begin(b, "EXPIRING", NULL);
	member_time(b, "expires", expires_ms);
	member_u64(b, "inMs", in_ms > 0 ? (uint64_t)in_ms : 0);
	buf_putc(b, '}');
}

void answer_put_gap(struct buf *b, const struct answer_stream *stream,
		    uint64_t from, uint64_t to, const char *reason)
{
	begin(b, "GAP", NULL);
	members_stream(b, stream);
	if (from) {
		member_u64(b, "from", from);
		member_u64(b, "to", to);
	}
	member_text(b, "reason", reason, strlen(reason));
	buf_putc(b, '}');
}

void answer_put_source_gap(struct buf *b, const struct answer_stream *stream,
			   uint64_t seq)
{
	begin(b, "GAP", NULL);
	members_stream(b, stream);
	member_u64(b, "seq", seq);
	buf_puts(b, ",\"reason\":\"source\"}");
}

void answer_put_error(struct buf *b, const struct json_value *id,
		      uint64_t frame, uint64_t line, enum proto_code code,
		      const char *message)
{
	const char *name = proto_code_name(code);

	begin(b, "ERROR", id);
	if (!(id && id->text) && frame) {
		member_u64(b, "frame", frame);
		member_u64(b, "line", line);
	}
	member_text(b, "code", name, strlen(name));
	buf_puts(b, ",\"message\":");
	json_put_string(b, message, strlen(message));
	buf_putc(b, '}');
}

void answer_put_update_prefix(struct buf *b, const struct answer_stream *stream)
{
	begin(b, "UPDATE", NULL);
	members_stream(b, stream);
	buf_puts(b, ",\"seq\":");
}

static size_t put(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return len;
}

size_t answer_update_middle(char *out, uint64_t seq, const char *time)
{
	size_t n = num_put_u64(out, seq);

	n += put(out + n, ",\"time\":\"", 9);
	n += put(out + n, time, NUM_TIME_LEN);
	n += put(out + n, "\",\"data\":", 9);
	return n;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a message, in both directions: what is read lies where it may,
 * is valid, and says the same when it is written and read again.
 */
#include "answer.h"
#include "request.h"
#include "script.h"
#include "utf8.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Whether a message is judged as the JSON text that it is; only that what lies
 * within a message may be as deep as a text by itself.
 */
static bool judged(enum json_result result, enum json_result valid)
{
	return result == valid || valid == JSON_TOO_DEEP;
}

static bool same(const struct request_text *a, const struct request_text *b)
{
	if (!a->bytes || !b->bytes)
		return !a->bytes && !b->bytes;
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool same_since(const struct proto_since *a, const struct proto_since *b)
{
	return a->kind == b->kind &&
	       (a->kind < PROTO_SINCE_LAST || a->number == b->number) &&
	       (a->kind != PROTO_SINCE_SEQ || strcmp(a->epoch, b->epoch) == 0);
}

static void check_text(const struct request_text *t, size_t max)
{
	must(!t->bytes || (t->len <= max && utf8_valid(t->bytes, t->len)));
}

static void check(const struct request *r, const char *text, size_t size)
{
	check_text(&r->key, PROTO_KEY_MAX);
	check_text(&r->producer, PROTO_PRODUCER_MAX);
	check_text(&r->token, size);
	must(!r->tenant.bytes || r->all ||
	     tenant_valid(r->tenant.bytes, r->tenant.len));
	must(!r->all || (r->tenant.len == 1 && *r->tenant.bytes == '*' &&
			 (r->type == REQUEST_UNSUBSCRIBE ||
			  (r->type == REQUEST_SUBSCRIBE &&
			   r->since.kind == PROTO_SINCE_HEAD))));
	must(strnlen(r->since.epoch, sizeof(r->since.epoch)) <=
		     PROTO_EPOCH_MAX ||
	     r->since.kind != PROTO_SINCE_SEQ);
	must(!r->id.text ||
	     (r->id.len <= PROTO_ID_MAX &&
	      json_check(r->id.text, r->id.len, NULL) == JSON_OK));
	must((r->type == REQUEST_PUBLISH) == !!r->data.text);
	if (r->data.text)
		must(r->data.text >= text &&
		     r->data.text + r->data.len <= text + size &&
		     json_check(r->data.text, r->data.len, NULL) == JSON_OK);
}

/* As a C string; texts that have a NUL cannot be written by the tools. */
static bool c_string(char out[256], const struct request_text *t)
{
	if (!t->bytes || t->len > 255 || memchr(t->bytes, 0, t->len))
		return false;
	memcpy(out, t->bytes, t->len);
	out[t->len] = '\0';
	return true;
}

static bool put(struct buf *b, const struct request *r)
{
	uint64_t id = r->numbered ? r->number : 0;
	char text[256];

	switch (r->type) {
	case REQUEST_PUBLISH:
		request_put_publish(b, id, r->tenant, r->key, r->data.text,
				    r->data.len);
		return true;
	case REQUEST_SUBSCRIBE:
		if (!c_string(text, &r->tenant))
			return false;
		request_put_subscribe(b, id, text, &r->since);
		return true;
	case REQUEST_UNSUBSCRIBE:
		if (!c_string(text, &r->tenant))
			return false;
		request_put_unsubscribe(b, id, text);
		return true;
	case REQUEST_PRODUCER:
		if (!c_string(text, &r->producer))
			return false;
		request_put_producer(b, text);
		return true;
	default:
		request_put_ping(b, id);
		return true;
	}
}

static void write_again(const struct request *r)
{
	struct request_fault fault;
	struct request again;
	struct buf b;

	buf_init(&b);
	if (put(&b, r)) {
		must(request_parse(&again, buf_bytes(&b), buf_len(&b),
				   &fault) == 0);
		if (again.type == r->type && r->type != REQUEST_PRODUCER)
			must(!r->numbered || !r->number ||
			     again.number == r->number);
		if (again.type == r->type && r->type == REQUEST_PUBLISH)
			must(same(&again.tenant, &r->tenant) &&
			     same(&again.key, &r->key) &&
			     again.data.len == r->data.len);
		if (r->type == REQUEST_SUBSCRIBE)
			must(same(&again.tenant, &r->tenant) &&
			     same_since(&again.since, &r->since));
		if (r->type == REQUEST_PRODUCER)
			must(same(&again.producer, &r->producer));
	}
	buf_release(&b);
}

/* An ERROR that names the id is itself a message, on one line if that was. */
static void answer_error(const struct json_value *id)
{
	struct answer answer;
	struct buf b;

	buf_init(&b);
	answer_put_error(&b, id, 1, 2, PROTO_BAD_REQUEST, "\"\n\\\xff");
	must(answer_parse(&answer, buf_bytes(&b), buf_len(&b)) == JSON_OK);
	must(answer.type == ANSWER_ERROR && answer.code == PROTO_BAD_REQUEST &&
	     answer.line == (id->text ? 0 : 2));
	must((id->text && memchr(id->text, '\n', id->len)) ||
	     !memchr(buf_bytes(&b), '\n', buf_len(&b)));
	buf_release(&b);
}

static void check_answer(const char *text, size_t size)
{
	enum json_result valid = json_check(text, size, NULL);
	struct answer a;
	enum json_result result = answer_parse(&a, text, size);

	must(judged(result, valid) ||
	     (valid == JSON_OK && result == JSON_NOT_OBJECT));
	must(memchr(a.tenant, 0, sizeof(a.tenant)) &&
	     memchr(a.epoch, 0, sizeof(a.epoch)) &&
	     memchr(a.reason, 0, sizeof(a.reason)) &&
	     memchr(a.code_name, 0, sizeof(a.code_name)));
	must(a.code < PROTO_CODES);
	if (result == JSON_OK && a.data.text)
		must(json_check(a.data.text, a.data.len, NULL) == JSON_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	enum json_result valid = json_check(text, size, NULL);
	struct request_fault fault;
	struct request request;

	if (request_parse(&request, text, size, &fault) == 0) {
		must(judged(JSON_OK, valid));
		check(&request, text, size);
		write_again(&request);
	} else {
		must(fault.code != PROTO_FINE && *fault.message);
		must((fault.code == PROTO_BAD_JSON) == (valid != JSON_OK) ||
		     valid == JSON_TOO_DEEP);
		must(fault.code != PROTO_BAD_JSON || fault.offset <= size);
	}
	answer_error(&request.id);
	check_answer(text, size);
	return 0;
}

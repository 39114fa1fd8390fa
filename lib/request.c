/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "num.h"

#include <string.h>

/* The members that mean something, as bits to see one given twice. */
enum member {
	M_TYPE,
	M_ID,
	M_TENANT,
	M_DATA,
	M_KEY,
	M_SINCE,
	M_PRODUCER,
	M_REASON,
	M_TOKEN,
	M_UNKNOWN,
};

#define MEMBER_MAX 8 /* bytes of the longest of their names */

/* Which members a type needs, and what it is called. */
static const struct {
	const char *name;
	size_t len;
	enum request_type type;
	unsigned needs;
	const char *lacks;
} types[] = {
	{"PUBLISH", 7, REQUEST_PUBLISH, 1 << M_TENANT | 1 << M_DATA,
	 "PUBLISH needs 'tenantId' and 'data'"},
	{"SUBSCRIBE", 9, REQUEST_SUBSCRIBE, 1 << M_TENANT,
	 "SUBSCRIBE needs 'tenantId'"},
	{"UNSUBSCRIBE", 11, REQUEST_UNSUBSCRIBE, 1 << M_TENANT,
	 "UNSUBSCRIBE needs 'tenantId'"},
	{"PRODUCER", 8, REQUEST_PRODUCER, 1 << M_PRODUCER,
	 "PRODUCER needs 'producer'"},
	{"GAP", 3, REQUEST_GAP, 1 << M_TENANT, "GAP needs 'tenantId'"},
	{"PING", 4, REQUEST_PING, 0, ""},
	{"AUTH", 4, REQUEST_AUTH, 1 << M_TOKEN, "AUTH needs 'token'"},
};

static int refuse(struct request_fault *fault, enum proto_code code,
		  const char *message)
{
	fault->code = code;
	fault->message = message;
	fault->offset = 0;
	return -1;
}

static int refuse_json(struct request_fault *fault, enum json_result result,
		       size_t offset)
{
	fault->code = PROTO_BAD_JSON;
	fault->message = json_strerror(result);
	fault->offset = offset;
	return -1;
}

/* The text without its quotes when it has no escape. */
static bool plain_text(const struct json_value *v, struct request_text *text)
{
	if (memchr(v->text, '\\', v->len))
		return false;
	text->bytes = v->text + 1;
	text->len = v->len - 2;
	return true;
}

/* Reads a string of at most `room` bytes; `store` has that room. */
static bool read_text(const struct json_value *v, struct request_text *text,
		      char *store, size_t room)
{
	long n;

	if (v->type != JSON_STRING)
		return false;
	if (plain_text(v, text))
		return text->len <= room;
	n = json_unescape(v, store, room);
	if (n < 0)
		return false;
	text->bytes = store;
	text->len = (size_t)n;
	return true;
}

#define IS(word) (memcmp(text, word, sizeof(word) - 1) == 0)

static enum member member_of(const char *text, size_t len)
{
	switch (len) {
	case 2:
		return IS("id") ? M_ID : M_UNKNOWN;
	case 3:
		return IS("key") ? M_KEY : M_UNKNOWN;
	case 4:
		return IS("type") ? M_TYPE : IS("data") ? M_DATA : M_UNKNOWN;
	case 5:
		return IS("since")   ? M_SINCE
		       : IS("token") ? M_TOKEN
				     : M_UNKNOWN;
	case 6:
		return IS("reason") ? M_REASON : M_UNKNOWN;
	case 8:
		return IS("tenantId")	? M_TENANT
		       : IS("producer") ? M_PRODUCER
					: M_UNKNOWN;
	}
	return M_UNKNOWN;
}

/* A name may be escaped, as no client does. */
__attribute__((noinline)) static enum member escaped_member(
	const struct json_value *name)
{
	struct request_text text;
	char store[MEMBER_MAX];

	if (!read_text(name, &text, store, sizeof(store)))
		return M_UNKNOWN;
	return member_of(text.bytes, text.len);
}

static enum member which_member(const struct json_value *name)
{
	enum member which = member_of(name->text + 1, name->len - 2);

	return which == M_UNKNOWN ? escaped_member(name) : which;
}

/* An id is kept as sent; as a number too where it is one. */
static int read_id(struct request *r, const struct json_value *v,
		   struct request_fault *fault)
{
	if (v->len > PROTO_ID_MAX)
		return refuse(fault, PROTO_BAD_REQUEST, "'id' is too long");
	r->id = *v;
	r->numbered = json_to_u64(v, &r->number);
	return 0;
}

/* An integer of any size: as text, no digit of it gets lost. */
static bool integer_text(const struct json_value *v, struct request_text *text)
{
	if (v->type != JSON_NUMBER)
		return false;
	for (size_t i = 0; i < v->len; i++)
		if (v->text[i] == '.' || (v->text[i] | 0x20) == 'e')
			return false;
	text->bytes = v->text;
	text->len = v->len;
	return true;
}

static int refuse_tenant(struct request *r, struct request_fault *fault)
{
	r->tenant.bytes = NULL;
	return refuse(fault, PROTO_BAD_TENANT,
		      "'tenantId' is not 1 to 128 of "
		      "A-Z a-z 0-9 . _ : @ -");
}

/* What is valid as it stands has no escape. */
static bool plain_tenant(struct request *r, const struct json_value *v)
{
	if (v->type != JSON_STRING || !tenant_valid(v->text + 1, v->len - 2))
		return false;
	r->tenant.bytes = v->text + 1;
	r->tenant.len = v->len - 2;
	return true;
}

/*
 * A tenant that is an integer counts as its text. Which requests may be of all
 * is seen when the type is known.
 */
static int read_tenant(struct request *r, const struct json_value *v,
		       struct request_fault *fault)
{
	bool integer;

	if (plain_tenant(r, v))
		return 0;
	integer = integer_text(v, &r->tenant);
	if (!integer && v->type != JSON_STRING)
		return refuse(fault, PROTO_BAD_TENANT,
			      "'tenantId' is neither a string nor an integer");
	if (!integer && !read_text(v, &r->tenant, r->tenant_store, TENANT_MAX))
		return refuse_tenant(r, fault);
	if (tenant_valid(r->tenant.bytes, r->tenant.len))
		return 0;
	r->all = r->tenant.len == 1 && *r->tenant.bytes == *TENANT_ALL;
	return r->all ? 0 : refuse_tenant(r, fault);
}

/* What is of all tenants can only be a subscription, and has no past. */
static int check_all(struct request *r, struct request_fault *fault)
{
	if (r->type != REQUEST_SUBSCRIBE && r->type != REQUEST_UNSUBSCRIBE)
		return refuse_tenant(r, fault);
	if (r->type == REQUEST_SUBSCRIBE && r->since.kind != PROTO_SINCE_HEAD)
		return refuse(fault, PROTO_BAD_REQUEST,
			      "'since' is not for \"*\", which has no history");
	return 0;
}

static bool since_age(struct proto_since *since, const struct json_value *v)
{
	struct request_text text;
	char store[NUM_TEXT_MAX];

	since->kind = PROTO_SINCE_AGE;
	return read_text(v, &text, store, sizeof(store)) &&
	       num_parse_duration(text.bytes, text.len, &since->number) == 0;
}

static bool since_epoch(struct proto_since *since, const struct json_value *v)
{
	struct request_text text;

	if (!read_text(v, &text, since->epoch, PROTO_EPOCH_MAX))
		return false;
	memmove(since->epoch, text.bytes, text.len);
	since->epoch[text.len] = '\0';
	return text.len > 0 && strlen(since->epoch) == text.len;
}

/* {"age":"10m"} or {"epoch":"k3x9q2.0","seq":41}, and nothing between. */
static bool since_object(struct proto_since *since, const struct json_value *v)
{
	struct json_scan scan;
	struct json_member m;
	enum { AGE = 1, EPOCH = 2, SEQ = 4 };
	unsigned seen = 0, bit;

	if (json_members(&scan, v->text, v->len) != JSON_OK)
		return false;
	while (json_next(&scan, &m) == JSON_OK) {
		bit = json_string_is(&m.name, "age", 3)	    ? AGE
		      : json_string_is(&m.name, "epoch", 5) ? EPOCH
		      : json_string_is(&m.name, "seq", 3)   ? SEQ
							    : 0;
		if (seen & bit)
			return false;
		seen |= bit;
		if ((bit == AGE && !since_age(since, &m.value)) ||
		    (bit == EPOCH && !since_epoch(since, &m.value)) ||
		    (bit == SEQ && !json_to_u64(&m.value, &since->number)))
			return false;
	}
	if (seen == (EPOCH | SEQ))
		since->kind = PROTO_SINCE_SEQ;
	return seen == AGE || seen == (EPOCH | SEQ);
}

static int read_since(struct request *r, const struct json_value *v,
		      struct request_fault *fault)
{
	struct proto_since *since = &r->since;

	if (v->type == JSON_NULL)
		return 0;
	if (v->type == JSON_STRING && json_string_is(v, "all", 3)) {
		since->kind = PROTO_SINCE_ALL;
		return 0;
	}
	if (json_to_u64(v, &since->number)) {
		since->kind = PROTO_SINCE_LAST;
		return 0;
	}
	if (v->type == JSON_OBJECT && since_object(since, v))
		return 0;
	return refuse(fault, PROTO_BAD_REQUEST,
		      "'since' is not \"all\", a number, {\"age\":\"10m\"} or "
		      "{\"epoch\":…,\"seq\":…}");
}

static int read_string(const struct json_value *v, struct request_text *text,
		       char *store, size_t room, struct request_fault *fault,
		       const char *message)
{
	if (read_text(v, text, store, room) && text->len > 0)
		return 0;
	return refuse(fault, PROTO_BAD_REQUEST, message);
}

static int read_member(struct request *r, enum member which,
		       const struct json_value *v, struct request_fault *fault)
{
	switch (which) {
	case M_ID:
		return read_id(r, v, fault);
	case M_TENANT:
		return read_tenant(r, v, fault);
	case M_DATA:
		r->data = *v;
		return 0;
	case M_SINCE:
		return read_since(r, v, fault);
	case M_KEY:
		return read_string(v, &r->key, r->key_store, PROTO_KEY_MAX,
				   fault,
				   "'key' is not a string of 1 to 256 bytes");
	case M_PRODUCER:
		return read_string(
			v, &r->producer, r->producer_store, PROTO_PRODUCER_MAX,
			fault, "'producer' is not a string of 1 to 64 bytes");
	case M_REASON:
		return read_string(v, &r->reason, r->reason_store,
				   PROTO_KEY_MAX, fault,
				   "'reason' is not a string");
	case M_TOKEN:
		if (v->type != JSON_STRING || !plain_text(v, &r->token))
			return refuse(fault, PROTO_BAD_REQUEST,
				      "'token' is not a string");
		return 0;
	case M_TYPE:
	case M_UNKNOWN:
		break;
	}
	return 0;
}

/* No word has a backslash: as it stands it is the one, or else escaped. */
static bool says(const struct json_value *v, const char *word, size_t len)
{
	if (v->len == len + 2 && memcmp(v->text + 1, word, len) == 0)
		return true;
	return json_string_is(v, word, len);
}

static int read_type(struct request *r, const struct json_value *type,
		     unsigned seen, struct request_fault *fault)
{
	if (!type->text)
		return refuse(fault, PROTO_BAD_REQUEST, "'type' is missing");
	if (type->type != JSON_STRING)
		return refuse(fault, PROTO_BAD_REQUEST,
			      "'type' is not a string");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!says(type, types[i].name, types[i].len))
			continue;
		r->type = types[i].type;
		if ((seen & types[i].needs) != types[i].needs)
			return refuse(fault, PROTO_BAD_REQUEST, types[i].lacks);
		return 0;
	}
	return refuse(fault, PROTO_UNKNOWN_TYPE, "'type' is none that I know");
}

static void clear_data(struct request *r)
{
	r->data.text = NULL;
	r->data.len = 0;
}

/* Only these are read, so the stores need not be cleared. */
static void clear(struct request *r)
{
	r->id.text = NULL;
	r->numbered = false;
	r->all = false;
	r->tenant.bytes = NULL;
	r->key.bytes = NULL;
	r->producer.bytes = NULL;
	r->reason.bytes = NULL;
	r->token.bytes = NULL;
	r->since.kind = PROTO_SINCE_HEAD;
	clear_data(r);
}

/* Reads the members to the end of the object; the first fault is kept. */
static enum json_result read_members(struct request *r, struct json_scan *scan,
				     struct json_value *type, unsigned *seen,
				     struct request_fault *first)
{
	struct request_fault ignored;
	enum json_result result;
	struct json_member m;
	enum member which;

	while ((result = json_next(scan, &m)) == JSON_OK) {
		which = which_member(&m.name);
		if (which == M_UNKNOWN)
			continue;
		if (*seen & 1U << which && first->code == PROTO_FINE)
			refuse(first, PROTO_BAD_REQUEST,
			       "a member is given twice");
		*seen |= 1U << which;
		if (which == M_TYPE)
			*type = m.value;
		else if (first->code == PROTO_FINE)
			read_member(r, which, &m.value, first);
		else if (which == M_ID)
			read_id(r, &m.value, &ignored);
	}
	return result;
}

int request_parse(struct request *r, const char *text, size_t len,
		  struct request_fault *fault)
{
	struct json_value type = {.text = NULL};
	struct json_scan scan;
	enum json_result result;
	unsigned seen = 0;

	clear(r);
	fault->code = PROTO_FINE;
	result = json_envelope(&scan, text, len);
	if (result == JSON_NOT_OBJECT)
		return refuse(fault, PROTO_BAD_REQUEST, "not a JSON object");
	if (result == JSON_OK)
		result = read_members(r, &scan, &type, &seen, fault);
	if (result != JSON_END) {
		r->id.text = NULL;
		return refuse_json(fault, result, json_where(&scan));
	}
	if (fault->code != PROTO_FINE || read_type(r, &type, seen, fault) < 0 ||
	    (r->all && check_all(r, fault) < 0))
		return -1;
	/* A GAP is published as an update without data. */
	if (r->type != REQUEST_PUBLISH)
		clear_data(r);
	return 0;
}

/* The beginning of each: {"type":"T","id":N */
static void begin(struct buf *b, const char *type, uint64_t id)
{
	buf_puts(b, "{\"type\":\"");
	buf_puts(b, type);
	buf_putc(b, '"');
	if (id) {
		buf_puts(b, ",\"id\":");
		buf_put_u64(b, id);
	}
}

static void member_string(struct buf *b, const char *name, const char *text)
{
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":");
	json_put_string(b, text, strlen(text));
}

void request_put_auth(struct buf *b, uint64_t id, const char *token)
{
	begin(b, "AUTH", id);
	member_string(b, "token", token);
	buf_putc(b, '}');
}

void request_put_producer(struct buf *b, const char *producer)
{
	begin(b, "PRODUCER", 0);
	member_string(b, "producer", producer);
	buf_putc(b, '}');
}

static void put_since(struct buf *b, const struct proto_since *since)
{
	switch (since->kind) {
	case PROTO_SINCE_HEAD:
		break;
	case PROTO_SINCE_ALL:
		buf_puts(b, ",\"since\":\"all\"");
		break;
	case PROTO_SINCE_LAST:
		buf_puts(b, ",\"since\":");
		buf_put_u64(b, since->number);
		break;
	case PROTO_SINCE_AGE:
		buf_puts(b, ",\"since\":{\"age\":\"");
		buf_put_u64(b, since->number);
		buf_puts(b, "ms\"}");
		break;
	case PROTO_SINCE_SEQ:
		buf_puts(b, ",\"since\":{\"epoch\":");
		json_put_string(b, since->epoch, strlen(since->epoch));
		buf_puts(b, ",\"seq\":");
		buf_put_u64(b, since->number);
		buf_putc(b, '}');
		break;
	}
}

void request_put_subscribe(struct buf *b, uint64_t id, const char *tenant,
			   const struct proto_since *since)
{
	begin(b, "SUBSCRIBE", id);
	member_string(b, "tenantId", tenant);
	if (since)
		put_since(b, since);
	buf_putc(b, '}');
}

void request_put_unsubscribe(struct buf *b, uint64_t id, const char *tenant)
{
	begin(b, "UNSUBSCRIBE", id);
	member_string(b, "tenantId", tenant);
	buf_putc(b, '}');
}

void request_put_ping(struct buf *b, uint64_t id)
{
	begin(b, "PING", id);
	buf_putc(b, '}');
}

/* A tenant id needs no escapes. */
static void member_tenant(struct buf *b, struct request_text tenant)
{
	buf_puts(b, ",\"tenantId\":\"");
	buf_append(b, tenant.bytes, tenant.len);
	buf_putc(b, '"');
}

void request_put_gap(struct buf *b, uint64_t id, struct request_text tenant,
		     const char *reason)
{
	begin(b, "GAP", id);
	member_tenant(b, tenant);
	member_string(b, "reason", reason);
	buf_putc(b, '}');
}

void request_put_publish(struct buf *b, uint64_t id, struct request_text tenant,
			 struct request_text key, const char *data, size_t len)
{
	begin(b, "PUBLISH", id);
	member_tenant(b, tenant);
	if (key.bytes) {
		buf_puts(b, ",\"key\":");
		json_put_string(b, key.bytes, key.len);
	}
	buf_puts(b, ",\"data\":");
	buf_append(b, data, len);
	buf_putc(b, '}');
}

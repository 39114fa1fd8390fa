/* SPDX-License-Identifier: MIT */
/*
 * Any texts as the head of a request: it is either taken, and then within all
 * limits, or refused by a reply that is valid HTTP and JSON.
 *
 * The first line of the input is flags, as letters; each further one is a field
 * of the head, in the order of the struct, Accept and Last-Event-ID being the
 * last; one that is "-" is not there.
 */
#include "httpreq.h"
#include "json.h"
#include "script.h"
#include "tenant.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 11
#define BODY_MAX 1000
#define UPDATE_MAX 100

/* The next line as a text of its own, so that each step outside is seen. */
static char *next_field(struct script *s)
{
	const char *at = (const char *)s->at;
	const char *end = s->left ? memchr(at, '\n', s->left) : NULL;
	size_t len = end ? (size_t)(end - at) : s->left;
	char *field = malloc(len + 1);

	memcpy(field, script_bytes(s, &len), len);
	field[len] = '\0';
	if (end)
		script_byte(s);
	return field;
}

static const char *present(const char *field)
{
	return strcmp(field, "-") == 0 ? NULL : field;
}

static void read_head(struct httpreq_head *head, char *fields[FIELDS])
{
	const char *flags = fields[0];

	memset(head, 0, sizeof(*head));
	head->method = strchr(flags, 'p')   ? HTTPREQ_POST
		       : strchr(flags, 'h') ? HTTPREQ_HEAD
		       : strchr(flags, 'o') ? HTTPREQ_OTHER
		       : strchr(flags, 'a') ? HTTPREQ_OPTIONS
					    : HTTPREQ_GET;
	head->http10 = strchr(flags, '0');
	head->target_too_long = strchr(flags, 't');
	head->header_too_long = strchr(flags, 'l');
	head->path = fields[1];
	head->query = present(fields[2]);
	head->length = present(fields[3]);
	head->type = present(fields[4]);
	head->coding = present(fields[5]);
	head->transfer = present(fields[6]);
	head->expect = present(fields[7]);
	head->key = present(fields[8]);
	head->key_len = strlen(fields[8]);
	head->accept = present(fields[9]);
	head->last_id = present(fields[10]);
}

static void check_publish(const struct httpreq *r)
{
	must(r->length <= BODY_MAX && !r->to_head);
	must(r->lines || r->length <= UPDATE_MAX + 4096);
	must(tenant_valid(r->tenant, r->tenant_len));
	must(!r->key || (r->key_len > 0 && r->key_len <= PROTO_KEY_MAX));
	must(!r->waits || r->length > 0);
}

static void check_follow(const struct httpreq *r)
{
	must(r->view > STREAM_V1 && r->view < STREAM_VIEWS);
	must(tenant_valid(r->tenant, r->tenant_len));
	must(r->since.number <= PROTO_NUMBER_MAX ||
	     r->since.kind == PROTO_SINCE_AGE);
	must(memchr(r->since.epoch, 0, sizeof(r->since.epoch)));
	must((r->since.kind == PROTO_SINCE_SEQ) == (*r->since.epoch != 0));
}

static void check_taken(const struct httpreq *r)
{
	if (r->options)
		return;
	must(r->limit >= 1 && r->limit <= HTTPREQ_LIMIT_MAX);
	must(!r->after || r->after_len > 0);
	if (r->endpoint == HTTPREQ_PUBLISH)
		check_publish(r);
	else
		must(!r->waits && !r->lines && !r->key);
	if (r->endpoint == HTTPREQ_FOLLOW)
		check_follow(r);
}

/* An error is a head, a blank line, and one line of JSON. */
static void check_refusal(const struct reply *refusal)
{
	const char *text, *body;
	struct buf b;

	must(reply_index(refusal->status) != reply_index(500) && refusal->code);
	must((refusal->status == 405) == !!refusal->allow);
	buf_init(&b);
	reply_put(&b, refusal, NULL, false, 0);
	must(!memchr(buf_bytes(&b), 0, buf_len(&b)));
	buf_putc(&b, '\0');
	text = buf_bytes(&b);
	body = strstr(text, "\r\n\r\n");
	must(body && json_check(body + 4, strlen(body + 4), NULL) == JSON_OK);
	must(strchr(body + 4, '\n') == text + buf_len(&b) - 2);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct httpreq_limits limits = {BODY_MAX, UPDATE_MAX};
	struct script s = {data, size};
	struct httpreq_head head;
	struct reply refusal;
	struct httpreq r;
	char *fields[FIELDS];

	for (int i = 0; i < FIELDS; i++)
		fields[i] = next_field(&s);
	read_head(&head, fields);
	if (httpreq_parse(&r, &head, &limits, &refusal) == 0)
		check_taken(&r);
	else
		check_refusal(&refusal);
	for (int i = 0; i < FIELDS; i++)
		free(fields[i]);
	return 0;
}

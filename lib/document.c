/* SPDX-License-Identifier: MIT */
#include "document.h"

#include "num.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What is kept of the scratch memory from one document to the next. */
#define SCRATCH_KEPT (256 * 1024)

static int refuse(struct document_fault *fault, size_t offset, const char *why)
{
	fault->offset = offset;
	snprintf(fault->why, sizeof(fault->why), "%s", why);
	return -1;
}

static int refuse_large(struct document_fault *fault, size_t len, uint64_t max)
{
	char may[NUM_TEXT_MAX];

	fault->offset = 0;
	snprintf(fault->why, sizeof(fault->why),
		 "too large: %zu bytes, the server takes %s", len,
		 num_show_size(may, max));
	return -1;
}

/* Plain text */

static size_t first_bad_utf8(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = utf8_sequence(text + at, len - at);

		if (!n)
			break;
		at += n;
	}
	return at;
}

static int read_raw(struct document *doc, const char *text, size_t len,
		    struct buf *scratch, struct document_fault *fault)
{
	bool valid;

	buf_clear(scratch, SCRATCH_KEPT);
	valid = json_put_string(scratch, text, len);
	if (scratch->failed)
		return refuse(fault, 0, strerror(ENOMEM));
	if (!valid)
		return refuse(fault, first_bad_utf8(text, len),
			      "not valid UTF-8");
	doc->data = buf_bytes(scratch);
	doc->len = buf_len(scratch);
	return 0;
}

/* JSON */

static int refuse_route(struct document_fault *fault, enum route_result result,
			const struct route_found *found)
{
	if (result == ROUTE_NOT_JSON)
		return refuse(fault, found->offset, json_strerror(found->json));
	if (!found->field)
		return refuse(fault, found->offset, "not a JSON object");
	fault->offset = found->offset;
	snprintf(fault->why, sizeof(fault->why), "'%.60s' %s", found->field,
		 route_strerror(result));
	return -1;
}

/* Sets the data, yet with what is to be cut. */
static int read_json(struct document *doc, const struct document_rules *rules,
		     const char *text, size_t len, struct document_fault *fault)
{
	struct json_value value;
	enum route_result routed;
	enum json_result result;
	size_t where = 0;

	if (route_wanted(&rules->route)) {
		routed = route_read(&rules->route, text, len, &doc->found);
		doc->data = text;
		doc->len = len;
		return routed == ROUTE_OK
			       ? 0
			       : refuse_route(fault, routed, &doc->found);
	}
	result = json_parse(&value, text, len, &where);
	if (result != JSON_OK)
		return refuse(fault, where, json_strerror(result));
	doc->data = value.text;
	doc->len = value.len;
	return 0;
}

/* Only blanks have newlines here: a string may not have a raw one. */
static void join_lines(char *text, size_t len)
{
	char *end = text + len;

	while ((text = memchr(text, '\n', (size_t)(end - text))))
		*text++ = ' ';
}

static void set_route(struct document *doc, const struct document_rules *rules)
{
	doc->tenant = rules->tenant;
	if (!doc->tenant.bytes) {
		doc->tenant.bytes = doc->found.tenant;
		doc->tenant.len = doc->found.tenant_len;
	}
	if (doc->found.key_len) {
		doc->key.bytes = doc->found.key;
		doc->key.len = doc->found.key_len;
	}
}

int document_read(struct document *doc, const struct document_rules *rules,
		  char *text, size_t len, struct buf *scratch,
		  struct document_fault *fault)
{
	size_t size;

	doc->found.key_len = doc->found.cut_len = 0;
	doc->key = (struct request_text){0};
	if (rules->raw ? read_raw(doc, text, len, scratch, fault)
		       : read_json(doc, rules, text, len, fault))
		return -1;
	size = doc->len - doc->found.cut_len;
	if (rules->max && size > rules->max)
		return refuse_large(fault, size, rules->max);
	if (doc->found.cut_len)
		doc->data = route_remove(text, &doc->len, &doc->found);
	if (!rules->raw)
		join_lines(text + (doc->data - text), doc->len);
	set_route(doc, rules);
	return 0;
}

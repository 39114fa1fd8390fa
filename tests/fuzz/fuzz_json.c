/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a JSON text: the three ways to read it agree with each other
 * and with the naive validator, and spans lie inside of the text.
 */
#include "../unit/json_naive.h"
#include "json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* A span that is a text of its own, of the type that was told. */
static void check_span(const struct json_value *v, const char *from,
		       const char *end)
{
	struct json_value again;

	must(v->text >= from && v->len > 0 && v->len <= (size_t)(end - from) &&
	     v->text + v->len <= end);
	must(json_parse(&again, v->text, v->len, NULL) == JSON_OK);
	must(again.text == v->text && again.len == v->len &&
	     again.type == v->type);
}

/* A string survives unescaping and escaping. */
static void check_string(const struct json_value *v)
{
	char *out = malloc(v->len);
	long n = json_unescape(v, out, v->len);
	struct json_value back;
	struct buf b;

	buf_init(&b);
	if (n >= 0) {
		must(json_string_is(v, out, (size_t)n));
		must(n == 0 || json_unescape(v, out, (size_t)n - 1) == -1);
		must(json_put_string(&b, out, (size_t)n));
		must(json_parse(&back, buf_bytes(&b), buf_len(&b), NULL) ==
		     JSON_OK);
		must(json_string_is(&back, out, (size_t)n));
	}
	buf_release(&b);
	free(out);
}

static void check_value(const struct json_value *v, const char *from,
			const char *end)
{
	uint64_t number;

	check_span(v, from, end);
	if (v->type == JSON_STRING)
		check_string(v);
	must(!json_to_u64(v, &number) ||
	     (v->type == JSON_NUMBER && number < UINT64_C(1) << 53));
}

static enum json_result walk(const char *text, size_t len, size_t *where)
{
	const char *from = text;
	struct json_scan scan;
	struct json_member m;
	enum json_result result = json_members(&scan, text, len);

	while (result == JSON_OK) {
		result = json_next(&scan, &m);
		if (result == JSON_OK) {
			check_value(&m.name, from, text + len);
			from = m.name.text + m.name.len;
			check_value(&m.value, from, text + len);
			from = m.value.text + m.value.len;
		}
	}
	*where = json_where(&scan);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t where, walked, line, column;
	struct json_value value;
	enum json_result result = json_parse(&value, text, size, &where);
	enum json_result end = walk(text, size, &walked);

	must(json_check(text, size, NULL) == result);
	must((result == JSON_OK) == naive_valid(text, size));
	if (result == JSON_OK) {
		check_value(&value, text, text + size);
		must(end ==
		     (value.type == JSON_OBJECT ? JSON_END : JSON_NOT_OBJECT));
	} else {
		must(where <= size && end == result && walked == where);
		json_position(text, where, &line, &column);
		must(line >= 1 && column >= 1 && column <= where + 1);
	}
	return 0;
}

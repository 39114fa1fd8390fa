/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the head of a request: what is taken has a form that nobody
 * reads in another way, and all that is found lies within it.
 */
#include "httphead.h"
#include "script.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct httphead_span s, const char *bytes, size_t len)
{
	return s.at >= bytes && s.at + s.len <= bytes + len;
}

static void check_text(const struct header *h)
{
	must(strlen(h->text) < HEADER_MAX);
	must(!h->too_long || (h->present && !h->text[0]));
	must(h->present || !h->text[0]);
}

static void check_field(const struct httphead *h, size_t i, const char *bytes)
{
	const struct httphead_field *f = &h->fields[i];
	char name[HTTPHEAD_MAX + 1];
	struct header value;

	must(within(f->name, bytes, h->len) && f->name.len > 0);
	must(within(f->value, bytes, h->len));
	must(!memchr(f->value.at, '\n', f->value.len) &&
	     !memchr(f->value.at, '\r', f->value.len) &&
	     !memchr(f->value.at, 0, f->value.len));
	memcpy(name, f->name.at, f->name.len);
	name[f->name.len] = '\0';
	must(header_count(h, name));
	header_read(&value, h, name);
	must(value.present);
	check_text(&value);
}

static void check_whole(const struct httphead *h, const char *bytes,
			size_t size)
{
	struct header path, query, authority;

	must(h->len <= size && h->len <= HTTPHEAD_MAX &&
	     bytes[h->len - 1] == '\n');
	must(within(h->method, bytes, h->len) && h->method.len > 0);
	must(within(h->target, bytes, h->len) && h->target.len > 0);
	must(h->count <= HTTPHEAD_FIELDS_MAX);
	for (size_t i = 0; i < h->count; i++)
		check_field(h, i, bytes);
	if (httphead_target(h, &path, &query, &authority) < 0)
		return;
	check_text(&path);
	check_text(&query);
	check_text(&authority);
	must(path.too_long || path.text[0] == '/');
}

/* A head that is whole is so in any case, whatever follows. */
static void check_prefixes(const struct httphead *whole, const char *bytes)
{
	struct httphead h;

	must(httphead_parse(&h, bytes, whole->len) == HTTPHEAD_WHOLE &&
	     h.len == whole->len && h.count == whole->count);
	must(httphead_parse(&h, bytes, whole->len - 1) == HTTPHEAD_MORE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = calloc(1, size + !size);
	struct httphead h;

	if (size)
		memcpy(bytes, data, size);
	switch (httphead_parse(&h, bytes, size)) {
	case HTTPHEAD_WHOLE:
		check_whole(&h, bytes, size);
		check_prefixes(&h, bytes);
		break;
	case HTTPHEAD_MORE:
		must(size < HTTPHEAD_MAX);
		break;
	case HTTPHEAD_BAD:
		must(h.status >= 400 && h.fault && h.fault[0]);
		break;
	}
	free(bytes);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "bookmarks.h"

#include "json.h"
#include "tenant.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define URL_MAX 1024

void bookmarks_init(struct bookmarks *b)
{
	memset(b, 0, sizeof(*b));
}

void bookmarks_release(struct bookmarks *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->items[i].url);
		free(b->items[i].tenant);
	}
	free(b->items);
	bookmarks_init(b);
}

/* The table */

static int compare(const struct bookmark *item, const char *url,
		   const char *tenant)
{
	int order = strcmp(item->url, url);

	return order ? order : strcmp(item->tenant, tenant);
}

/* Index of the first item that is not before this one. */
static size_t place(const struct bookmarks *b, const char *url,
		    const char *tenant)
{
	size_t low = 0;
	size_t high = b->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&b->items[middle], url, tenant) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct bookmark *find(const struct bookmarks *b, const char *url,
			     const char *tenant)
{
	size_t i = place(b, url, tenant);

	if (i < b->count && compare(&b->items[i], url, tenant) == 0)
		return &b->items[i];
	return NULL;
}

const struct bookmark *bookmarks_find(const struct bookmarks *b,
				      const char *url, const char *tenant)
{
	return find(b, url, tenant);
}

static struct bookmark *insert(struct bookmarks *b, const char *url,
			       const char *tenant)
{
	size_t i = place(b, url, tenant);
	struct bookmark item = {.url = strdup(url), .tenant = strdup(tenant)};
	struct bookmark *items =
		realloc(b->items, (b->count + 1) * sizeof(*items));

	if (items)
		b->items = items;
	if (!items || !item.url || !item.tenant) {
		free(item.url);
		free(item.tenant);
		errno = ENOMEM;
		return NULL;
	}
	memmove(items + i + 1, items + i, (b->count - i) * sizeof(*items));
	items[i] = item;
	b->count++;
	return &items[i];
}

int bookmarks_put(struct bookmarks *b, const char *url, const char *tenant,
		  const char *epoch, uint64_t seq)
{
	struct bookmark *item = find(b, url, tenant);

	if (item && item->seq == seq && strcmp(item->epoch, epoch) == 0)
		return 0;
	if (!item)
		item = insert(b, url, tenant);
	if (!item)
		return -1;
	memcpy(item->epoch, epoch, strnlen(epoch, PROTO_EPOCH_MAX) + 1);
	item->epoch[PROTO_EPOCH_MAX] = '\0';
	item->seq = seq;
	return 1;
}

/* As JSON: an object in an object in an object */

struct parse {
	struct bookmarks *bookmarks;
	const char *why;
	bool has_version;
	bool has_urls;
	char url[URL_MAX + 1];
	char tenant[TENANT_MAX + 1];
};

typedef bool on_member(struct parse *p, const struct json_member *m);

static bool wrong(struct parse *p, const char *why)
{
	if (!p->why)
		p->why = why;
	return false;
}

static bool each_member(struct parse *p, const struct json_value *object,
			on_member *take)
{
	struct json_scan scan;
	struct json_member m;
	enum json_result result =
		json_members(&scan, object->text, object->len);

	if (result != JSON_OK)
		return wrong(p, json_strerror(result));
	while ((result = json_next(&scan, &m)) == JSON_OK)
		if (!take(p, &m))
			return false;
	return result == JSON_END || wrong(p, json_strerror(result));
}

/* A string as C has them: NUL-ended, without a NUL in it. */
static bool read_string(const struct json_value *v, char *out, size_t room)
{
	long n = v->type == JSON_STRING ? json_unescape(v, out, room - 1) : -1;

	if (n < 0 || memchr(out, '\0', (size_t)n))
		return false;
	out[n] = '\0';
	return true;
}

static bool read_point(const struct json_value *point, struct bookmark *out)
{
	bool epoch = false;
	bool seq = false;
	struct json_scan scan;
	struct json_member m;

	if (json_members(&scan, point->text, point->len) != JSON_OK)
		return false;
	while (json_next(&scan, &m) == JSON_OK) {
		if (json_string_is(&m.name, "epoch", 5))
			epoch = read_string(&m.value, out->epoch,
					    sizeof(out->epoch)) &&
				*out->epoch;
		else if (json_string_is(&m.name, "seq", 3))
			seq = json_to_u64(&m.value, &out->seq);
	}
	return epoch && seq;
}

static bool take_tenant(struct parse *p, const struct json_member *m)
{
	struct bookmark point;

	if (!read_string(&m->name, p->tenant, sizeof(p->tenant)) ||
	    !tenant_valid(p->tenant, strlen(p->tenant)))
		return wrong(p, "a tenant id is not valid");
	if (!read_point(&m->value, &point))
		return wrong(p, "a tenant has no valid epoch and seq");
	if (bookmarks_put(p->bookmarks, p->url, p->tenant, point.epoch,
			  point.seq) < 0)
		return wrong(p, "out of memory");
	return true;
}

static bool take_url(struct parse *p, const struct json_member *m)
{
	if (!read_string(&m->name, p->url, sizeof(p->url)))
		return wrong(p, "a URL is not valid");
	return each_member(p, &m->value, take_tenant);
}

static bool take_top(struct parse *p, const struct json_member *m)
{
	uint64_t version;

	if (json_string_is(&m->name, "urls", 4)) {
		p->has_urls = true;
		return each_member(p, &m->value, take_url);
	}
	if (!json_string_is(&m->name, "version", 7))
		return true;
	p->has_version = true;
	if (!json_to_u64(&m->value, &version) || version != VERSION)
		return wrong(p, "its version is not known here");
	return true;
}

/* Any object would do without these two, and be written over. */
static bool is_ours(struct parse *p)
{
	return (p->has_version && p->has_urls) ||
	       wrong(p, "it has no \"version\" and \"urls\"");
}

int bookmarks_parse(struct bookmarks *b, const char *text, size_t len,
		    const char **why)
{
	struct json_value top = {.text = text, .len = len};
	struct parse p = {.bookmarks = b};

	if (each_member(&p, &top, take_top) && is_ours(&p))
		return 0;
	*why = p.why;
	return -1;
}

static void put_name(struct buf *out, const char *name)
{
	json_put_string(out, name, strlen(name));
	buf_putc(out, ':');
}

void bookmarks_write(const struct bookmarks *b, struct buf *out)
{
	const char *url = NULL;

	buf_printf(out, "{\"version\":%d,\"urls\":{", VERSION);
	for (size_t i = 0; i < b->count; i++) {
		const struct bookmark *item = &b->items[i];
		bool same = url && strcmp(url, item->url) == 0;

		if (!same) {
			buf_puts(out, url ? "},\n" : "\n");
			put_name(out, item->url);
			buf_putc(out, '{');
		}
		buf_puts(out, same ? ",\n" : "\n");
		put_name(out, item->tenant);
		buf_puts(out, "{\"epoch\":");
		json_put_string(out, item->epoch, strlen(item->epoch));
		buf_puts(out, ",\"seq\":");
		buf_put_u64(out, item->seq);
		buf_putc(out, '}');
		url = item->url;
	}
	buf_puts(out, url ? "}}}\n" : "}}\n");
}

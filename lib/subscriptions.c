/* SPDX-License-Identifier: MIT */
#include "subscriptions.h"

#include "request.h"
#include "tenant.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_tenant(const void *name, const void *item)
{
	return strcmp(name, ((const struct subscription *)item)->tenant);
}

static void begin(struct subscription *item, const char *tenant,
		  const struct proto_since *since,
		  const struct bookmark *bookmark)
{
	struct proto_since point = {.kind = PROTO_SINCE_SEQ};

	item->tenant = tenant;
	if (strcmp(tenant, TENANT_ALL) == 0) {
		resume_init_live(&item->seen);
		return;
	}
	if (!bookmark) {
		resume_init(&item->seen, since);
		return;
	}
	point.number = bookmark->seq;
	memcpy(point.epoch, bookmark->epoch, sizeof(point.epoch));
	resume_init(&item->seen, &point);
}

int subscriptions_init(struct subscriptions *s, const char **tenants,
		       size_t count, const struct proto_since *since,
		       const struct state *state, const char *url)
{
	memset(s, 0, sizeof(*s));
	s->items = calloc(count ? count : 1, sizeof(*s->items));
	if (!s->items)
		return -1;
	qsort(tenants, count, sizeof(*tenants), by_name);
	for (size_t i = 0; i < count; i++) {
		if (i && strcmp(tenants[i - 1], tenants[i]) == 0)
			continue;
		begin(&s->items[s->count++], tenants[i], since,
		      state ? bookmarks_find(&state->bookmarks, url, tenants[i])
			    : NULL);
	}
	return 0;
}

void subscriptions_release(struct subscriptions *s)
{
	free(s->items);
	memset(s, 0, sizeof(*s));
}

void subscriptions_ask(const struct subscriptions *s, size_t *asked,
		       struct buf *frame, size_t most, bool plain)
{
	struct proto_since since;

	while (*asked < s->count && buf_len(frame) < most) {
		const struct subscription *item = &s->items[(*asked)++];

		resume_since(&item->seen, &since);
		request_put_subscribe(frame, plain ? 0 : *asked, item->tenant,
				      plain ? NULL : &since);
		if (!plain)
			buf_putc(frame, '\n');
	}
}

struct subscription *subscriptions_find(struct subscriptions *s,
					const char *tenant)
{
	struct subscription *item = &s->items[s->latest];

	if (!s->count || item->seen.live || strcmp(item->tenant, tenant) == 0)
		return s->count ? item : NULL;
	item = bsearch(tenant, s->items, s->count, sizeof(*s->items),
		       by_tenant);
	if (item)
		s->latest = (size_t)(item - s->items);
	return item;
}

/* The points */

static void set_point(struct subscription_point *point,
		      const struct resume *seen)
{
	memcpy(point->epoch, seen->epoch, sizeof(point->epoch));
	point->seq = seen->seq;
}

static void pass_mark(struct subscriptions *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->items[i].written = s->items[i].marked;
	s->mark_set = false;
}

void subscriptions_note(struct subscriptions *s, uint64_t appended,
			uint64_t written)
{
	if (s->mark_set && written >= s->mark)
		pass_mark(s);
	if (s->mark_set)
		return;
	for (size_t i = 0; i < s->count; i++)
		set_point(&s->items[i].marked, &s->items[i].seen);
	s->mark = appended;
	s->mark_set = true;
	if (written >= appended)
		pass_mark(s);
}

int subscriptions_save(const struct subscriptions *s, struct state *state,
		       const char *url)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct subscription *item = &s->items[i];

		if (*item->written.epoch &&
		    state_put(state, url, item->tenant, item->written.epoch,
			      item->written.seq) < 0)
			return -1;
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "deferred.h"

#include <stdlib.h>
#include <string.h>

struct deferred_tenant {
	struct map_node node;
	struct list list; /* of all tenants */
	struct list messages;
	size_t len;
	char id[]; /* no NUL */
};

static struct deferred_tenant *of_list(struct list *node)
{
	return list_entry(node, struct deferred_tenant, list);
}

static struct deferred_message *message_of(struct list *node)
{
	return list_entry(node, struct deferred_message, list);
}

int deferred_init(struct deferred *d)
{
	memset(d, 0, sizeof(*d));
	list_init(&d->tenants);
	if (hash_random(&d->hash_key, sizeof(d->hash_key)) != 0)
		return -1;
	return map_init(&d->map);
}

static void forget(struct deferred *d, struct deferred_tenant *t)
{
	map_remove(&d->map, &t->node);
	list_remove(&t->list);
	free(t);
}

static size_t size_of(const struct deferred_message *m)
{
	return m->key.len + m->data.len + m->origin.len;
}

void deferred_remove(struct deferred *d, struct deferred_message *m)
{
	struct deferred_tenant *t = m->tenant;

	if (m->flying)
		d->flying--;
	else
		d->bytes -= size_of(m);
	d->count--;
	list_remove(&m->list);
	free(m);
	if (list_empty(&t->messages))
		forget(d, t);
}

void deferred_release(struct deferred *d)
{
	while (d->count)
		deferred_remove(
			d, message_of(of_list(d->tenants.next)->messages.next));
	map_release(&d->map);
}

static struct deferred_tenant *find(const struct deferred *d, uint64_t hash,
				    struct request_text tenant)
{
	struct map_node *node = map_first(&d->map, hash);

	for (; node; node = map_next(node)) {
		struct deferred_tenant *t =
			map_entry(node, struct deferred_tenant, node);

		if (t->len == tenant.len &&
		    memcmp(t->id, tenant.bytes, t->len) == 0)
			return t;
	}
	return NULL;
}

static uint64_t hash_of(const struct deferred *d, struct request_text tenant)
{
	return hash_bytes(&d->hash_key, tenant.bytes, tenant.len);
}

bool deferred_has(const struct deferred *d, struct request_text tenant)
{
	return d->count && find(d, hash_of(d, tenant), tenant);
}

static struct deferred_tenant *find_or_add(struct deferred *d,
					   struct request_text tenant)
{
	uint64_t hash = hash_of(d, tenant);
	struct deferred_tenant *t = find(d, hash, tenant);

	if (t)
		return t;
	t = malloc(sizeof(*t) + tenant.len);
	if (!t)
		return NULL;
	t->len = tenant.len;
	memcpy(t->id, tenant.bytes, tenant.len);
	list_init(&t->messages);
	list_append(&d->tenants, &t->list);
	map_insert(&d->map, &t->node, hash);
	return t;
}

static struct request_text copy(char **to, struct request_text text)
{
	struct request_text out = {text.bytes ? *to : NULL, text.len};

	if (text.bytes)
		memcpy(*to, text.bytes, text.len);
	*to += text.len;
	return out;
}

static struct deferred_message *make(const struct deferred_parts *parts)
{
	size_t size = parts->key.len + parts->data.len + parts->origin.len;
	struct deferred_message *m = malloc(sizeof(*m) + size);
	char *to;

	if (!m)
		return NULL;
	to = m->bytes;
	m->key = copy(&to, parts->key);
	m->data = copy(&to, parts->data);
	m->origin = copy(&to, parts->origin);
	m->flying = false;
	return m;
}

static void insert(struct deferred_tenant *t, struct deferred_message *m)
{
	struct list *at = t->messages.prev;

	while (at != &t->messages && message_of(at)->serial > m->serial)
		at = at->prev;
	list_insert(at, &m->list);
	m->tenant = t;
}

int deferred_add(struct deferred *d, uint64_t serial,
		 const struct deferred_parts *parts)
{
	struct deferred_message *m = make(parts);
	struct deferred_tenant *t;

	if (!m)
		return -1;
	t = find_or_add(d, parts->tenant);
	if (!t) {
		free(m);
		return -1;
	}
	m->serial = serial;
	insert(t, m);
	d->count++;
	d->bytes += size_of(m);
	return 0;
}

struct request_text deferred_tenant_of(const struct deferred_message *m)
{
	return (struct request_text){m->tenant->id, m->tenant->len};
}

void deferred_try(struct deferred *d, size_t burst,
		  bool (*fly)(void *user, const struct deferred_message *m),
		  void *user)
{
	list_for_each (of_tenant, &d->tenants) {
		struct deferred_tenant *t = of_list(of_tenant);
		size_t n = 0;

		list_for_each (node, &t->messages) {
			struct deferred_message *m = message_of(node);

			if (n++ == burst)
				break;
			if (m->flying)
				continue;
			if (!fly(user, m))
				return;
			m->flying = true;
			d->flying++;
			d->bytes -= size_of(m);
		}
	}
}

void deferred_land(struct deferred *d, struct deferred_message *m)
{
	if (!m->flying)
		return;
	m->flying = false;
	d->flying--;
	d->bytes += size_of(m);
}

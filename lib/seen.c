/* SPDX-License-Identifier: MIT */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

static struct seen_tenant *of_list(struct list *node)
{
	return list_entry(node, struct seen_tenant, list);
}

int seen_init(struct seen *s, size_t max)
{
	memset(s, 0, sizeof(*s));
	list_init(&s->fine);
	list_init(&s->owed);
	s->max = max;
	if (hash_random(&s->key, sizeof(s->key)) != 0)
		return -1;
	return map_init(&s->map);
}

static void forget(struct seen *s, struct seen_tenant *t)
{
	map_remove(&s->map, &t->node);
	list_remove(&t->list);
	free(t);
}

void seen_release(struct seen *s)
{
	list_splice(&s->fine, &s->owed);
	while (!list_empty(&s->fine))
		forget(s, of_list(s->fine.next));
	map_release(&s->map);
}

static struct seen_tenant *find(const struct seen *s, uint64_t hash,
				struct request_text tenant)
{
	struct map_node *node = map_first(&s->map, hash);

	for (; node; node = map_next(node)) {
		struct seen_tenant *t =
			map_entry(node, struct seen_tenant, node);

		if (t->len == tenant.len &&
		    memcmp(t->id, tenant.bytes, t->len) == 0)
			return t;
	}
	return NULL;
}

static struct seen_tenant *add(struct seen *s, uint64_t hash,
			       struct request_text tenant)
{
	struct seen_tenant *t;

	if (s->map.count >= s->max) {
		if (list_empty(&s->fine))
			return NULL;
		forget(s, of_list(s->fine.next));
	}
	t = malloc(sizeof(*t) + tenant.len);
	if (!t)
		return NULL;
	t->owed = t->told = false;
	t->len = tenant.len;
	memcpy(t->id, tenant.bytes, tenant.len);
	list_append(&s->fine, &t->list);
	map_insert(&s->map, &t->node, hash);
	return t;
}

struct seen_tenant *seen_touch(struct seen *s, struct request_text tenant)
{
	uint64_t hash = hash_bytes(&s->key, tenant.bytes, tenant.len);
	struct seen_tenant *t = find(s, hash, tenant);

	if (!t)
		return add(s, hash, tenant);
	t->told = false;
	if (!t->owed) {
		list_remove(&t->list);
		list_append(&s->fine, &t->list);
	}
	return t;
}

void seen_owe(struct seen *s, struct seen_tenant *t)
{
	if (t->owed)
		return;
	t->owed = true;
	list_remove(&t->list);
	list_append(&s->owed, &t->list);
}

void seen_owe_all(struct seen *s)
{
	list_for_each_safe (node, &s->fine)
		if (!of_list(node)->told)
			seen_owe(s, of_list(node));
}

void seen_settle(struct seen *s, struct seen_tenant *t)
{
	if (!t->owed)
		return;
	t->owed = false;
	t->told = true;
	list_remove(&t->list);
	list_append(&s->fine, &t->list);
}

struct seen_tenant *seen_first_owed(const struct seen *s)
{
	return list_empty(&s->owed) ? NULL : of_list(s->owed.next);
}

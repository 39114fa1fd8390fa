/* SPDX-License-Identifier: MIT */
#include "meter.h"

/* This part of the limit may be scratch. */
#define SCRATCH 16

static const char *const names[] = {
	[METER_SEGMENTS] = "segments", [METER_TENANTS] = "tenants",
	[METER_ASSEMBLY] = "assembly", [METER_OUTPUT] = "output",
	[METER_BODIES] = "bodies",     [METER_SCRATCH] = "scratch",
};

_Static_assert(sizeof(names) / sizeof(*names) == METER_KINDS,
	       "a kind has no name");

void meter_init(struct meter *m)
{
	*m = (struct meter){0};
	list_init(&m->holders);
}

void meter_holder_init(struct meter_holder *h,
		       void (*let_go)(struct meter_holder *h))
{
	list_init(&h->node);
	h->bytes = 0;
	h->let_go = let_go;
}

void meter_hold(struct meter *m, struct meter_holder *h, enum meter_kind kind,
		size_t *counted, size_t now)
{
	h->bytes += now - *counted;
	meter_set(m, kind, counted, now);
	if (h->bytes == 0)
		list_remove(&h->node);
	else if (h->let_go && list_empty(&h->node))
		list_append(&m->holders, &h->node);
}

void meter_leave(struct meter *m, struct meter_holder *h, size_t bytes)
{
	m->leaving += bytes;
	list_remove(&h->node);
}

static bool too_much_waits(const struct meter *m)
{
	uint64_t waits = m->used[METER_ASSEMBLY] + m->used[METER_OUTPUT];

	return m->max && waits - m->leaving > m->max / 2;
}

/*
 * Out of the list first, as letting go may take a little memory again: a close
 * frame. That is held anew, so it comes behind all that are asked now.
 */
static bool let_go(struct meter *m, struct list *now,
		   const struct meter_holder *self)
{
	struct meter_holder *h;

	while (too_much_waits(m) && !list_empty(now)) {
		h = list_entry(now->next, struct meter_holder, node);
		if (h == self)
			return false;
		list_remove(&h->node);
		h->let_go(h);
	}
	return !too_much_waits(m);
}

bool meter_yield(struct meter *m, struct meter_holder *self)
{
	struct list now;
	bool enough;

	if (m->yielding || !too_much_waits(m))
		return true;
	m->yielding = true;
	list_init(&now);
	list_splice(&now, &m->holders);
	enough = let_go(m, &now, self);
	list_splice(&now, &m->holders);
	list_splice(&m->holders, &now);
	m->yielding = false;
	return enough;
}

bool meter_keeps(const struct meter *m, uint64_t bytes)
{
	return !m->max || m->used[METER_SCRATCH] + bytes <= m->max / SCRATCH;
}

const char *meter_kind_name(enum meter_kind kind)
{
	return names[kind];
}

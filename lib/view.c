/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <string.h>

void view_init(struct view *v, uint64_t next, struct meter *meter)
{
	memset(v, 0, sizeof(*v));
	v->next = next;
	v->meter = meter;
}

static void count(struct view *v, int64_t bytes)
{
	v->memory += (size_t)bytes;
	if (v->meter)
		meter_add(v->meter, METER_SEGMENTS, bytes);
}

void view_release(struct view *v)
{
	struct segment *next;

	for (struct segment *s = v->oldest; s; s = next) {
		next = s->next;
		segment_free(s);
	}
	count(v, -(int64_t)v->memory);
	view_init(v, v->next, v->meter);
}

/* Blocks double along the chain, so that a small tenant stays small. */
static uint32_t next_size(const struct view *v, size_t len)
{
	size_t least = len + sizeof(struct segment_entry);
	size_t size = v->newest ? 2 * (size_t)v->newest->size : SEGMENT_MIN;

	if (size > SEGMENT_MAX)
		size = SEGMENT_MAX;
	return (uint32_t)(size < least ? least : size);
}

static int add_segment(struct view *v, uint32_t size)
{
	struct segment *s = segment_new(size, v->next, v->end);

	if (!s)
		return -1;
	if (v->newest)
		v->newest->next = s;
	else
		v->oldest = s;
	v->newest = s;
	count(v, (int64_t)segment_memory(s));
	return 0;
}

int view_reserve(struct view *v, size_t len, int64_t mono_ms)
{
	if (v->newest && segment_fits(v->newest, len, mono_ms))
		return 0;
	return add_segment(v, next_size(v, len));
}

void view_renew(struct view *v)
{
	if (v->newest && v->newest->count && v->newest->size > SEGMENT_MIN)
		add_segment(v, SEGMENT_MIN);
}

char *view_add(struct view *v, size_t len, int64_t mono_ms, int64_t wall_ms)
{
	v->next++;
	v->end += (int64_t)len;
	return segment_add(v->newest, len, mono_ms, wall_ms);
}

uint64_t view_first(const struct view *v)
{
	return v->oldest ? v->oldest->first : v->next;
}

struct place view_locate(const struct view *v, uint64_t seq)
{
	struct segment *s = seq >= v->newest->first ? v->newest : v->oldest;

	while (s->next && seq >= s->next->first)
		s = s->next;
	return (struct place){s, (uint32_t)(seq - s->first)};
}

void view_trim(struct view *v, uint64_t seq)
{
	struct segment *s;

	while ((s = v->oldest) && s->cursors == 0 &&
	       s->first + s->count <= seq) {
		v->oldest = s->next;
		count(v, -(int64_t)segment_memory(s));
		segment_free(s);
	}
	if (!v->oldest)
		v->newest = NULL;
}

void view_prepend(struct view *v, struct view *older)
{
	int64_t base = v->oldest ? v->oldest->base : v->end;

	if (!older->oldest)
		return;
	for (struct segment *s = older->oldest; s; s = s->next)
		s->base += base - older->end;
	older->newest->next = v->oldest;
	if (!v->newest)
		v->newest = older->newest;
	v->oldest = older->oldest;
	v->memory += older->memory;
	view_init(older, older->next, older->meter);
}

int view_enter(struct view *v, struct cursor *c, uint64_t seq)
{
	struct place at;

	if (!v->oldest && view_reserve(v, 0, 0) < 0)
		return -1;
	at = view_locate(v, seq);
	c->segment = at.segment;
	c->index = at.index;
	c->segment->cursors++;
	v->readers++;
	return 0;
}

void view_leave(struct view *v, struct cursor *c)
{
	c->segment->cursors--;
	c->segment = NULL;
	v->readers--;
}

void view_skip(struct view *v, struct cursor *c)
{
	c->segment->cursors--;
	c->segment = v->newest;
	c->segment->cursors++;
	c->index = c->segment->count;
}

int cursor_gather(const struct cursor *c, struct iovec *pieces, int max,
		  size_t budget, size_t *bytes)
{
	const struct segment *s = c->segment;
	uint32_t from = segment_offset(s, c->index);
	int n = 0;

	for (*bytes = 0; s && n < max && *bytes < budget; s = s->next) {
		if (s->used > from) {
			pieces[n].iov_base = segment_bytes(s) + from;
			pieces[n].iov_len = s->used - from;
			*bytes += pieces[n++].iov_len;
		}
		from = 0;
	}
	return n;
}

/* Past the segment that was read to its end. */
static void step(struct cursor *c)
{
	c->segment->cursors--;
	c->segment = c->segment->next;
	c->segment->cursors++;
	c->index = 0;
}

void cursor_move_on(struct cursor *c)
{
	while (c->index == c->segment->count && c->segment->next)
		step(c);
}

/* Within the segment: to the frame boundary at `offset` or behind it. */
static uint64_t advance_to(struct cursor *c, uint32_t offset,
			   struct view_rest *rest)
{
	uint32_t index = segment_find(c->segment, offset);
	uint64_t passed = index - c->index;

	rest->bytes = segment_bytes(c->segment) + offset;
	rest->len = segment_offset(c->segment, index) - offset;
	c->index = index;
	return passed;
}

uint64_t cursor_advance(struct cursor *c, size_t written,
			struct view_rest *rest)
{
	uint64_t passed = 0;
	size_t left;
	uint32_t at;

	rest->len = 0;
	for (;;) {
		at = segment_offset(c->segment, c->index);
		left = c->segment->used - at;
		if (written < left)
			break;
		written -= left;
		passed += c->segment->count - c->index;
		c->index = c->segment->count;
		if (!c->segment->next)
			return passed;
		step(c);
	}
	return written ? passed + advance_to(c, at + (uint32_t)written, rest)
		       : passed;
}

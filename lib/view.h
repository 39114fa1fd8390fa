/* SPDX-License-Identifier: MIT */
/*
 * view - a chain of segments that holds a tenant's updates in one encoding,
 * and the cursors that read it.
 *
 * Sequence numbers in a chain have no holes. A cursor always stands before a
 * whole frame; it pins its segment and with it all that follow, so a segment
 * goes only from the front, and only when no cursor is in it.
 */
#ifndef VIEW_H
#define VIEW_H

#include "meter.h"
#include "segment.h"

#include <sys/uio.h>

struct view {
	struct segment *oldest; /* owned; NULL while the chain is empty */
	struct segment *newest;
	uint64_t next;	     /* sequence number of the next append */
	int64_t end;	     /* bytes of frames ever appended */
	size_t memory;	     /* bytes of heap in segments */
	struct meter *meter; /* borrowed; told of these bytes; or NULL */
	size_t readers;	     /* cursors */
};

/* An entry of a chain, until that is trimmed. */
struct place {
	struct segment *segment;
	uint32_t index; /* up to count: what is appended next */
};

/* A place that a reader holds. */
struct cursor {
	struct segment *segment; /* pinned; NULL: reads nothing */
	uint32_t index;		 /* the next entry to read, up to count */
};

/* The rest of a frame that a write cut; see view_advance(). */
struct view_rest {
	const char *bytes; /* borrowed, until the next call */
	size_t len;	   /* 0: nothing was cut */
};

/* Empty; its first append will be number `next`. `meter` may be NULL. */
void view_init(struct view *v, uint64_t next, struct meter *meter);

/* Frees the chain; no cursor may be left. */
void view_release(struct view *v);

/*
 * Makes sure that one frame of `len` bytes can be added. 0, or -1 with ENOMEM
 * and nothing changed.
 */
int view_reserve(struct view *v, size_t len, int64_t mono_ms);

/*
 * Begins a small segment behind a newest one that is larger, so that the latter
 * can go when all cursors have moved on; without memory for it nothing changes.
 */
void view_renew(struct view *v);

/* Adds an entry for which view_reserve() made room; the caller fills it. */
char *view_add(struct view *v, size_t len, int64_t mono_ms, int64_t wall_ms);

/* The number of the first entry that it holds; `next` when it is empty. */
uint64_t view_first(const struct view *v);

/*
 * Where entry `seq` is, which lies between view_first() and `next`; it may be
 * the place of the next append.
 */
struct place view_locate(const struct view *v, uint64_t seq);

/* To the entry behind; at the end it stays there. */
static inline void place_step(struct place *p)
{
	p->index++;
	while (p->index >= p->segment->count && p->segment->next) {
		p->segment = p->segment->next;
		p->index = 0;
	}
}

/* Frees segments at the front that hold nothing from `seq` on. */
void view_trim(struct view *v, uint64_t seq);

/*
 * Puts the chain of `older` in front; its `next` is the view_first() of `v`.
 * `older` is empty afterwards, with no cursors in it.
 */
void view_prepend(struct view *v, struct view *older);

/*
 * Puts a cursor before `seq`, from view_first() to `next`. In an empty view
 * this makes a segment for it to stand in: 0, or -1 with ENOMEM.
 */
int view_enter(struct view *v, struct cursor *c, uint64_t seq);
void view_leave(struct view *v, struct cursor *c);

/* Moves it to the end, over all that it has not read. */
void view_skip(struct view *v, struct cursor *c);

/* Past the segments that it has read to their end. */
void cursor_move_on(struct cursor *c);

/* Number of the next entry that the cursor reads. */
static inline uint64_t cursor_seq(const struct cursor *c)
{
	return c->segment->first + c->index;
}

/* Whether it has read all; entries without bytes count. */
static inline bool cursor_at_end(const struct cursor *c)
{
	return c->index == c->segment->count && !c->segment->next;
}

/* How many bytes the cursor is behind the end. */
static inline uint64_t view_lag(const struct view *v, const struct cursor *c)
{
	return (uint64_t)(v->end - c->segment->base -
			  segment_offset(c->segment, c->index));
}

/*
 * Describes what lies between the cursor and the end, at most `max` pieces;
 * no further piece is begun beyond `budget` bytes. Returns how many; `*bytes`
 * is their sum.
 */
int cursor_gather(const struct cursor *c, struct iovec *pieces, int max,
		  size_t budget, size_t *bytes);

/*
 * Moves the cursor over the `written` bytes of what it gathered. A frame that
 * was cut counts as read; its rest, which the caller must send before anything
 * else, comes back in `rest`. Returns how many entries the cursor passed.
 */
uint64_t cursor_advance(struct cursor *c, size_t written,
			struct view_rest *rest);

#endif

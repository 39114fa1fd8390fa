/* SPDX-License-Identifier: MIT */
/*
 * stream - the log of one tenant: numbered updates, each framed once.
 *
 * The plain view is canonical: it has every update that is retained. The other
 * views hold the same numbers in other encodings; each is made from the plain
 * one when a reader comes, only as far back as readers ask, and dropped some
 * time after the last one. What is retained is exact (`first`), by count, bytes
 * and age; memory is freed by whole segments behind it.
 */
#ifndef STREAM_H
#define STREAM_H

#include "bucket.h"
#include "encoding.h"
#include "list.h"
#include "num.h"
#include "proto.h"
#include "tenant.h"
#include "view.h"

/* How much history a stream keeps; an update goes when any is exceeded. */
struct stream_limits {
	uint64_t count; /* updates */
	uint64_t bytes; /* of their plain frames */
	uint64_t age_ms;
};

/* The time of an append. Begins with zeros. */
struct stream_time {
	int64_t mono_ms; /* for ages */
	int64_t wall_ms; /* for people */
	/* For stream_time_text() alone: */
	int64_t text_ms;
	char text[NUM_TIME_LEN];
};

/* As num_put_time() shows it to people: once for all that a ms brings. */
static inline const char *stream_time_text(struct stream_time *t)
{
	if (t->text_ms != t->wall_ms || !t->text[0])
		num_put_time(t->text, t->wall_ms);
	t->text_ms = t->wall_ms;
	return t->text;
}

/*
 * A round of writing what is new to each reader; it may take several turns of
 * the loop, in which more is appended.
 */
struct stream_round {
	struct list *at;  /* the subscriber whose turn it is; NULL: no round */
	uint64_t seq;	  /* the last update when it began */
	int64_t end;	  /* bytes of the plain view when it began */
	int64_t flushed;  /* of these every reader had its turn */
	int64_t since_ns; /* when the first update came that it writes */
};

struct stream {
	struct view views[STREAM_VIEWS];
	struct list subscribers; /* of whoever reads it; see outlet.h */
	struct list dirty;	 /* node: has what some reader lacks */
	size_t readers;		 /* of all views */
	unsigned derived;	 /* bits: the other views that have readers */
	uint64_t seq;		 /* of the last update; 0: none yet */
	uint64_t first;		 /* oldest update retained; seq + 1: none */
	struct bucket rate;	 /* of its updates */
	struct stream_round round;
	struct buf prefix;  /* of envelopes, while a view has them */
	const char *tenant; /* borrowed */
	uint8_t tenant_len;
	char epoch[PROTO_EPOCH_MAX + 1];
};

/* Where a subscription begins, and what to tell about it. */
struct stream_start {
	uint64_t next;	    /* the first seq to send */
	bool recovered;	    /* nothing that was asked for is missing */
	const char *reason; /* of a GAP to tell first: static; or NULL */
	uint64_t from;	    /* what is missing; 0: unknown */
	uint64_t to;
};

/* `meter` is told what its segments take; or NULL. */
void stream_init(struct stream *s, const char *tenant, size_t len,
		 const char *epoch, uint64_t seq, struct meter *meter);

/* Frees all; no reader may be left. */
void stream_release(struct stream *s);

/*
 * Appends an update: `len` bytes of valid JSON, at most 2^31. Newlines in it
 * (outside strings, where alone they can be) become spaces. Returns its seq,
 * or 0 with errno ENOMEM and nothing changed.
 */
uint64_t stream_append(struct stream *s, const struct stream_limits *limits,
		       const char *data, size_t len, struct stream_time *now);

/* The same for a GAP that a publisher told: a number without plain bytes. */
uint64_t stream_append_gap(struct stream *s, const struct stream_limits *limits,
			   struct stream_time *now);

/* Forgets what exceeds the limits; frees what nobody can read any more. */
void stream_trim(struct stream *s, const struct stream_limits *limits,
		 int64_t mono_ms);

/* Decides where `since` begins. Call stream_trim() before. */
void stream_start(const struct stream *s, const struct proto_since *since,
		  int64_t mono_ms, struct stream_start *start);

/*
 * A reader comes, at `seq` (from `first` to seq + 1), or leaves. 0, or -1 with
 * errno ENOMEM.
 */
int stream_join(struct stream *s, enum stream_view view, struct cursor *c,
		uint64_t seq);
void stream_leave(struct stream *s, enum stream_view view, struct cursor *c);

/*
 * Drops the views that nobody reads, but for the plain one. Now and then, not
 * when the last reader leaves: one who comes and goes would have it made anew
 * each time.
 */
void stream_drop_unread(struct stream *s);

static inline size_t stream_readers(const struct stream *s)
{
	return s->readers;
}

/*
 * Whether more than `max` bytes of the plain view have not yet had their turn
 * to be written.
 */
static inline bool stream_outrun(const struct stream *s, uint64_t max)
{
	return !list_empty(&s->dirty) &&
	       (uint64_t)(s->views[STREAM_PLAIN].end - s->round.flushed) > max;
}

/*
 * Forgets all history; what slow readers have not read stays until they have.
 */
void stream_forget(struct stream *s);

/* Bytes of heap in segments. */
static inline size_t stream_memory(const struct stream *s)
{
	size_t sum = 0;

	for (int i = 0; i < STREAM_VIEWS; i++)
		sum += s->views[i].memory;
	return sum;
}

/* What answers say of it. */
static inline struct answer_stream stream_name(const struct stream *s)
{
	return (struct answer_stream){s->tenant, s->tenant_len, s->epoch};
}

#endif

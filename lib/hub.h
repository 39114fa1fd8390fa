/* SPDX-License-Identifier: MIT */
/*
 * hub - all tenants of a server, and what is published to them.
 *
 * A tenant is a record that stays small: its id, its last sequence number and
 * the generation of its epoch. It has a stream only while something is
 * retained or somebody reads; an idle one is a record alone. A record with
 * history behind it is forgotten only by raising the generation, which tenants
 * made later get, so that no forgotten tenant continues falsely.
 *
 * Publishing only appends and marks the stream dirty; writing to readers is
 * the business of fanout.h. The hub does no I/O; time is told to it.
 */
#ifndef HUB_H
#define HUB_H

#include "counters.h"
#include "keys.h"
#include "meter.h"
#include "overview.h"
#include "producers.h"

struct hub_config {
	struct stream_limits history; /* of each tenant */
	uint64_t max_lag;	      /* bytes that a reader may be behind */
	uint64_t max_memory;	      /* bytes, see meter.h; 0: no limit */
	uint64_t tenant_rate;	      /* updates a second; 0: no limit */
	uint64_t message_rate;	      /* requests a second of a connection */
	uint64_t byte_rate;	      /* bytes a second of a connection */
	int64_t flush_ns;	      /* see fanout.h; one call takes so long */
	bool slow_skip;		      /* too slow: a GAP, where that is known */
	uint64_t message_max;	      /* bytes of an update */
	uint64_t frame_max;	      /* bytes of a message in wsd.v1 */
	uint64_t subscriptions_max;   /* of one connection */
	uint64_t tenants_max;
	uint64_t record_age_ms; /* an idle record is kept so long */
	uint64_t keys_max;
	uint64_t producers_max;
	uint64_t memory_ms; /* keys and producers are kept so long */
};

/* The defaults of the manual. */
extern const struct hub_config hub_defaults;

struct hub_tenant {
	struct map_node node;
	struct list list;      /* in one of the lists of the hub; see pins */
	struct stream *stream; /* owned; NULL: idle */
	uint64_t seq;	       /* the last one, while idle */
	int64_t idle_ms;       /* since when it is idle, monotonic */
	uint32_t generation;   /* of its epoch */
	uint32_t pins;	       /* while above 0 it is not forgotten */
	uint8_t id_len;
	char id[];
};

struct hub {
	struct hub_config config;
	struct counters counters;
	struct stream_time now;
	struct hash_key hash_key;
	struct map tenants;
	struct list live;   /* tenants with readers; sweep goes round it */
	struct list unread; /* retained without; longest untouched first */
	struct list unused; /* without, and never had an update */
	struct list idle;   /* without, and had; the longest idle first */
	struct list dirty;  /* streams that some reader has not read */
	struct list ready;  /* sessions that have something to say */
	struct map subscriptions; /* of all connections; see outlet.h */
	uint64_t watched;	  /* tenants with readers */
	struct overview overview; /* of all tenants, while somebody reads it */
	struct hub_tenant *all;	  /* owned, "*"; NULL: not needed yet */
	struct meter meter;
	uint64_t gaps_waiting; /* GAPs that wait to be written */
	struct keys keys;
	struct producers producers;
	uint32_t generation; /* of tenants made from now on */
	bool guarded;	     /* nobody may do anything without a grant */
	bool draining;	     /* publishes are refused */
	char run[16];	     /* random: names this run in every epoch */
};

/* What to publish. */
struct hub_update {
	const char *data; /* valid JSON; NULL: a GAP that a source told */
	size_t len;
	struct hash128 *key; /* or NULL */
	bool begun; /* one of several that were let in together: no rate */
};

enum hub_result {
	HUB_PUBLISHED,
	HUB_DUPLICATE, /* its key was published; as receipt->seq, 0: unknown */
	HUB_RATE_LIMITED, /* come back in receipt->wait_ms */
	HUB_NO_MEMORY,
};

struct hub_receipt {
	uint64_t seq;
	uint64_t subscribers; /* when it was appended */
	int64_t wait_ms;      /* of HUB_RATE_LIMITED; from 1 */
};

/* 0, or -1 with errno. */
int hub_init(struct hub *h, const struct hub_config *config);

/* Frees all; no session may be left. */
void hub_release(struct hub *h);

/*
 * Goes on with other limits. What is beyond them now goes when hub_sweep() or
 * a publish comes to it; record_age_ms and memory_ms stay as they were.
 */
void hub_reconfigure(struct hub *h, const struct hub_config *config);

/* Tells the time. Not on each update: once for a batch of input. */
static inline void hub_set_time(struct hub *h, int64_t mono_ms, int64_t wall_ms)
{
	h->now.mono_ms = mono_ms;
	h->now.wall_ms = wall_ms;
}

/*
 * The tenant of a valid id, made when new. NULL with errno ENOMEM, or ENOSPC
 * when there are config.tenants_max in use. Borrowed until control returns to
 * the loop, unless hub_pin() keeps it.
 */
struct hub_tenant *hub_tenant(struct hub *h, const char *id, size_t len);
void hub_pin(struct hub_tenant *t);
void hub_unpin(struct hub *h, struct hub_tenant *t);

/* What stands in its node in hub.tenants, for any id. */
static inline uint64_t hub_hash(const struct hub *h, const char *id, size_t len)
{
	return hash_bytes(&h->hash_key, id, len);
}

/* The tenant of an id if there is one, or NULL. */
struct hub_tenant *hub_find(const struct hub *h, const char *id, size_t len);

/*
 * What stands for all tenants: its id is "*", and its stream the overview. It
 * is none of them: it is not found, listed or counted, and nothing is published
 * to it. When its last reader leaves, its epoch ends. NULL with errno ENOMEM.
 */
struct hub_tenant *hub_all(struct hub *h);

/* Its stream, made when idle. NULL with errno ENOMEM. */
struct stream *hub_stream(struct hub *h, struct hub_tenant *t);

/* Writes the epoch of a tenant, with its NUL. */
void hub_epoch(const struct hub *h, const struct hub_tenant *t,
	       char out[PROTO_EPOCH_MAX + 1]);

enum hub_result hub_publish(struct hub *h, struct hub_tenant *t,
			    const struct hub_update *update,
			    struct hub_receipt *receipt);

/*
 * Whether more than `max` bytes of what is published to a tenant, of whom `s`
 * is the stream or NULL, wait for their turn to be written to its readers, or
 * to those of the overview.
 */
static inline bool hub_outrun(const struct hub *h, const struct stream *s,
			      uint64_t max)
{
	const struct stream *all = h->overview.stream;

	return (s && stream_outrun(s, max)) || (all && stream_outrun(all, max));
}

/* To be called when a reader has come to the stream of `t`. */
void hub_joined(struct hub *h, struct hub_tenant *t);

/* To be called when a reader has left the stream of `t`. */
void hub_left(struct hub *h, struct hub_tenant *t);

/*
 * Frees the history of the tenant without readers that was untouched for
 * longest. False when there is none.
 */
bool hub_drop_unread(struct hub *h);

/*
 * Housekeeping, a few times a second: looks at up to `count` tenants with a
 * stream, trims them and shrinks idle ones; forgets old records.
 */
void hub_sweep(struct hub *h, size_t count);

#endif

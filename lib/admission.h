/* SPDX-License-Identifier: MIT */
/*
 * admission - who gets a connection: so many in all, so many of one address,
 * and so many that have not yet said what they want.
 *
 * A connection is half open until its request is whole and, where a token is
 * needed, one has come. When too many are, the one that has been so for longest
 * has to go, so that those who never say anything can't keep out those who do.
 * Of one that comes by a proxy the address is known only with its request;
 * until then it counts for none.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "hash.h"
#include "list.h"
#include "map.h"
#include "netaddr.h"

struct admission_limits {
	uint64_t connections; /* in all */
	uint64_t per_address; /* of one; 0: no limit, but see local_too */
	bool local_too;	      /* loopback and Unix sockets count too */
	uint64_t half_open;
};

struct admission {
	struct admission_limits limits;
	struct hash_key hash_key;
	struct map addresses;	/* of which some are counted */
	struct list half_open;	/* the oldest first */
	uint64_t count;		/* connections */
	uint64_t half_open_now; /* of these */
};

/* How many there are from one address. */
struct admission_address {
	struct map_node node;
	struct netaddr network;
	uint64_t count;
};

/* What a connection has in it, once it has entered. */
struct admission_entry {
	struct list half_open;		   /* node */
	struct admission_address *address; /* counted there; NULL: nowhere */
};

enum admission_verdict {
	ADMITTED,
	ADMISSION_FULL,		/* as many as are allowed in all */
	ADMISSION_ADDRESS_FULL, /* as many as one address may have */
	ADMISSION_NO_MEMORY,
};

/* 0, or -1 with errno. */
int admission_init(struct admission *a, const struct admission_limits *limits);

/* No connection may be left. */
void admission_release(struct admission *a);

/* Limits change; who is in stays in. */
void admission_set_limits(struct admission *a,
			  const struct admission_limits *limits);

/*
 * A connection comes, half open. `from` is NULL where that is yet to be known.
 * Not ADMITTED: there is nothing to leave.
 */
enum admission_verdict admission_enter(struct admission *a,
				       struct admission_entry *entry,
				       const struct netaddr *from);

/*
 * It is known now for whom it came: it counts for that address, and for no
 * other any more. Not ADMITTED: for none, and it is to end.
 */
enum admission_verdict admission_locate(struct admission *a,
					struct admission_entry *entry,
					const struct netaddr *from);

/* It is not half open any more. */
void admission_established(struct admission *a, struct admission_entry *entry);

void admission_leave(struct admission *a, struct admission_entry *entry);

/* The one that has to go, as too many are half open; or NULL. */
struct admission_entry *admission_excess(const struct admission *a);

#endif

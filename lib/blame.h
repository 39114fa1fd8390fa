/* SPDX-License-Identifier: MIT */
/*
 * blame - who has shown bad tokens lately: so many a minute are allowed to an
 * address, and then none of its tokens is looked at for a while.
 *
 * So nobody tries tokens by the thousand, nor has the server check signatures
 * for nothing. Addresses are counted as by admission.h, IPv6 by its /64. Of
 * more addresses than BLAME_MAX the one that failed longest ago is forgotten.
 */
#ifndef BLAME_H
#define BLAME_H

#include "hash.h"
#include "list.h"
#include "map.h"
#include "netaddr.h"

#define BLAME_MAX 10000 /* addresses */
#define BLAME_MS 60000	/* failures are counted for so long */

struct blame {
	uint64_t max;	/* failures of an address in BLAME_MS; 0: no limit */
	bool local_too; /* loopback and Unix sockets count too */
	struct hash_key hash_key;
	struct map addresses;
	struct list recent; /* the same; the longest ago first */
};

/* 0, or -1 with errno. */
int blame_init(struct blame *b);
void blame_release(struct blame *b);

/* How long no token of this address is to be looked at, in ms; 0: it may. */
int64_t blame_wait(const struct blame *b, const struct netaddr *from,
		   int64_t mono_ms);

/*
 * A token of this address was bad. Whether that was one too many, from now on.
 * Out of memory it is not counted.
 */
bool blame_failed(struct blame *b, const struct netaddr *from, int64_t mono_ms);

#endif

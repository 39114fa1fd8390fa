/* SPDX-License-Identifier: MIT */
#include "admission.h"

#include <stdlib.h>
#include <string.h>

int admission_init(struct admission *a, const struct admission_limits *limits)
{
	memset(a, 0, sizeof(*a));
	a->limits = *limits;
	list_init(&a->half_open);
	if (hash_random(&a->hash_key, sizeof(a->hash_key)) < 0)
		return -1;
	return map_init(&a->addresses);
}

void admission_release(struct admission *a)
{
	map_release(&a->addresses);
}

void admission_set_limits(struct admission *a,
			  const struct admission_limits *limits)
{
	a->limits = *limits;
}

static struct admission_address *find(const struct admission *a,
				      const struct netaddr *network,
				      uint64_t hash)
{
	struct map_node *node = map_first(&a->addresses, hash);
	struct admission_address *address;

	for (; node; node = map_next(node)) {
		address = map_entry(node, struct admission_address, node);
		if (memcmp(&address->network, network, sizeof(*network)) == 0)
			return address;
	}
	return NULL;
}

static struct admission_address *add(struct admission *a,
				     const struct netaddr *network,
				     uint64_t hash)
{
	struct admission_address *address = calloc(1, sizeof(*address));

	if (!address)
		return NULL;
	address->network = *network;
	map_insert(&a->addresses, &address->node, hash);
	return address;
}

static bool counts(const struct admission *a, const struct netaddr *from)
{
	return a->limits.per_address &&
	       (a->limits.local_too || !netaddr_is_local(from));
}

/* Counts it at its address, if that has room. */
static enum admission_verdict enter_address(struct admission *a,
					    struct admission_entry *entry,
					    const struct netaddr *from)
{
	struct netaddr network = netaddr_network(from);
	uint64_t hash = hash_bytes(&a->hash_key, &network, sizeof(network));
	struct admission_address *address = find(a, &network, hash);

	if (!address)
		address = add(a, &network, hash);
	if (!address)
		return ADMISSION_NO_MEMORY;
	if (address->count >= a->limits.per_address)
		return ADMISSION_ADDRESS_FULL;
	address->count++;
	entry->address = address;
	return ADMITTED;
}

static void leave_address(struct admission *a, struct admission_entry *entry)
{
	struct admission_address *address = entry->address;

	entry->address = NULL;
	if (!address || --address->count)
		return;
	map_remove(&a->addresses, &address->node);
	free(address);
}

enum admission_verdict admission_locate(struct admission *a,
					struct admission_entry *entry,
					const struct netaddr *from)
{
	leave_address(a, entry);
	return counts(a, from) ? enter_address(a, entry, from) : ADMITTED;
}

enum admission_verdict admission_enter(struct admission *a,
				       struct admission_entry *entry,
				       const struct netaddr *from)
{
	enum admission_verdict verdict = ADMITTED;

	if (a->count >= a->limits.connections)
		return ADMISSION_FULL;
	entry->address = NULL;
	if (from)
		verdict = admission_locate(a, entry, from);
	if (verdict != ADMITTED)
		return verdict;
	list_append(&a->half_open, &entry->half_open);
	a->half_open_now++;
	a->count++;
	return ADMITTED;
}

void admission_established(struct admission *a, struct admission_entry *entry)
{
	if (list_empty(&entry->half_open))
		return;
	list_remove(&entry->half_open);
	a->half_open_now--;
}

void admission_leave(struct admission *a, struct admission_entry *entry)
{
	admission_established(a, entry);
	a->count--;
	leave_address(a, entry);
}

struct admission_entry *admission_excess(const struct admission *a)
{
	if (a->half_open_now <= a->limits.half_open)
		return NULL;
	return list_entry(a->half_open.next, struct admission_entry, half_open);
}

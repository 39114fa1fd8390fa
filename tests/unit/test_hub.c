/* SPDX-License-Identifier: MIT */
/*
 * What hub promises: small records, epochs that never continue falsely,
 * publishing with and without keys.
 */
#include "fakeconn.h"
#include "hub.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct hub_config config(void)
{
	struct hub_config c = hub_defaults;

	c.tenants_max = 3;
	c.record_age_ms = 1000;
	c.history.age_ms = 100;
	c.history.count = 10;
	return c;
}

static struct hub_tenant *tenant(struct hub *h, const char *id)
{
	return hub_tenant(h, id, strlen(id));
}

static uint64_t publish(struct hub *h, const char *id, const char *key)
{
	struct hub_tenant *t = tenant(h, id);
	struct hub_update update = {"1", 1, NULL, false};
	struct hub_receipt receipt;
	struct hash128 hash;

	if (key) {
		hash = keys_hash(&h->keys, t->id, t->id_len, key, strlen(key));
		update.key = &hash;
	}
	if (hub_publish(h, t, &update, &receipt) == HUB_NO_MEMORY)
		return 0;
	return receipt.seq;
}

static bool epoch_is(struct hub *h, const char *id, const char *want)
{
	char epoch[PROTO_EPOCH_MAX + 1];

	hub_epoch(h, tenant(h, id), epoch);
	return strcmp(epoch, want) == 0;
}

static void pass(struct hub *h, int64_t ms)
{
	hub_set_time(h, h->now.mono_ms + ms, h->now.wall_ms + ms);
	hub_sweep(h, 1000);
}

static void records(struct hub *h)
{
	struct hub_tenant *a = tenant(h, "a");

	ok(a && a == tenant(h, "a") && a != tenant(h, "ab"),
	   "a tenant is made once");
	ok(!a->stream && a->seq == 0, "it begins as a record");
	ok(sizeof(struct hub_tenant) + 16 <= 100,
	   "which takes no more than 100 bytes");
	ok(publish(h, "a", NULL) == 1 && publish(h, "a", NULL) == 2 &&
		   publish(h, "ab", NULL) == 1,
	   "each has numbers of its own");
	ok(a->stream && epoch_is(h, "a", "run.0"), "in the epoch of the run");
	pass(h, 100);
	ok(a->stream && a->stream->first == 1, "history stays for its time");
	pass(h, 1);
	ok(!a->stream && a->seq == 2, "then the tenant shrinks to a record");
	ok(publish(h, "a", NULL) == 3 && epoch_is(h, "a", "run.0"),
	   "a quiet tenant goes on where it was, in the same epoch");
	pass(h, 101);
	pass(h, 1000);
	ok(hub_find(h, "a", 1), "records are kept for a while");
	pass(h, 1);
	ok(h->tenants.count == 0, "and then forgotten");
	ok(epoch_is(h, "a", "run.1") && publish(h, "a", NULL) == 1,
	   "a forgotten tenant comes back in another generation");
	ok(epoch_is(h, "ab", "run.1"), "and so does every new one");
}

static void untouched(struct hub *h)
{
	struct hub_tenant *t = tenant(h, "new");

	hub_stream(h, t);
	pass(h, 1);
	ok(!t->stream && hub_find(h, "new", 3) == t,
	   "a tenant without updates is a record, as the others are");
	pass(h, 1001);
	ok(h->tenants.count == 0 && h->generation == 0,
	   "that leaves no trace when it is forgotten");
}

static void crowded(struct hub *h)
{
	struct hub_tenant *b;

	publish(h, "a", NULL);
	b = tenant(h, "b");
	hub_pin(b);
	publish(h, "b", NULL);
	publish(h, "c", NULL);
	pass(h, 101);
	publish(h, "c", NULL);
	ok(tenant(h, "d") && h->tenants.count == 3 && epoch_is(h, "d", "run.1"),
	   "beyond the limit the longest idle is forgotten");
	ok(publish(h, "b", NULL) == 2 && epoch_is(h, "b", "run.0"),
	   "but none that is pinned");
	ok(tenant(h, "e") && epoch_is(h, "c", "run.0"),
	   "one without updates goes before one with history");
	publish(h, "e", NULL);
	ok(tenant(h, "f") && h->tenants.count == 3, "history goes in the end");
	hub_pin(tenant(h, "f"));
	hub_pin(tenant(h, "e"));
	errno = 0;
	ok(!tenant(h, "g") && errno == ENOSPC && h->tenants.count == 3,
	   "where all are in use there is no room");
	ok(tenant(h, "b") == b, "but for those who are there");
}

static void pinned_first(struct hub *h)
{
	hub_pin(tenant(h, "a"));
	publish(h, "a", NULL);
	publish(h, "b", NULL);
	pass(h, 101);
	pass(h, 1001);
	ok(h->tenants.count == 1 && tenant(h, "a")->seq == 1,
	   "a pinned record keeps no other from being forgotten");
	hub_unpin(h, tenant(h, "a"));
	pass(h, 1001);
	ok(h->tenants.count == 0, "without its pin it goes too");
}

static void finding(struct hub *h)
{
	ok(!hub_find(h, "a", 1) && h->tenants.count == 0,
	   "looking for a tenant does not make it");
	ok(tenant(h, "a") == hub_find(h, "a", 1), "and finds what is there");
}

/* A key that outlives its tenant: known, but not as a number of now. */
static void outlived(struct hub *h)
{
	struct hub_update update = {"1", 1, NULL, false};
	struct hub_receipt receipt;
	struct hash128 key;

	publish(h, "a", "k");
	publish(h, "b", NULL);
	publish(h, "c", NULL);
	pass(h, 101);
	tenant(h, "d");
	ok(!hub_find(h, "a", 1), "a tenant is forgotten");
	key = keys_hash(&h->keys, "a", 1, "k", 1);
	update.key = &key;
	ok(hub_publish(h, tenant(h, "a"), &update, &receipt) == HUB_DUPLICATE &&
		   receipt.seq == 0,
	   "its key is not, but its number means nothing any more");
}

static void keyed(struct hub *h)
{
	ok(publish(h, "a", "k") == 1 && publish(h, "a", "k") == 1 &&
		   h->counters.duplicates == 1 && h->counters.published == 1,
	   "a key publishes once, and gives the same number");
	ok(publish(h, "b", "k") == 1 && h->counters.published == 2,
	   "once for each tenant");
	ok(publish(h, "a", "l") == 2, "another key is another update");
	pass(h, (int64_t)h->config.memory_ms);
	ok(publish(h, "a", "k") == 1, "it is remembered while idle");
	pass(h, 1);
	ok(publish(h, "a", "k") == 3, "for its time");
}

static void no_memory(struct hub *h)
{
	uint64_t seq = 0;
	bool good = true;
	long n = 0;

	tenant(h, "a");
	do {
		oom_after(++n);
		seq = publish(h, "a", "k");
		good &= seq || (h->counters.published == 0 &&
				h->counters.due == 0 && h->keys.count == 0);
	} while (oom_off());
	ok(good && seq == 1 && n > 3 && h->counters.published == 1,
	   "out of memory nothing is published, nor half remembered");
	oom_after(1);
	errno = 0;
	ok(!tenant(h, "b") && errno == ENOMEM && h->tenants.count == 1,
	   "nor is a tenant made");
	oom_off();
}

static void reconfigured(struct hub *h)
{
	struct hub_config c = config();
	uint64_t first;

	for (int i = 0; i < 5; i++)
		publish(h, "a", NULL);
	publish(h, "b", NULL);
	tenant(h, "c");
	c.history.count = 2;
	c.tenants_max = 2;
	c.keys_max = 7;
	c.producers_max = 8;
	hub_reconfigure(h, &c);
	ok(h->keys.max == 7 && h->producers.max == 8,
	   "other limits hold for keys and producers too");
	pass(h, 1);
	first = hub_find(h, "a", 1)->stream->first;
	ok(first == 4 && h->tenants.count == 2 && !hub_find(h, "c", 1),
	   "what is beyond them goes with the next sweep, an idle one first");
	publish(h, "d", NULL);
	ok(h->tenants.count == 2, "and there are not more than so many");
}

static void with_hub(void (*test)(struct hub *))
{
	struct hub_config c = config();
	struct hub h;

	fakeconn_hub(&h, &c);
	test(&h);
	hub_release(&h);
}

static bool runs_differ(void)
{
	struct hub a, b;
	bool differ;

	hub_init(&a, &hub_defaults);
	hub_init(&b, &hub_defaults);
	differ = strlen(a.run) == 8 && strcmp(a.run, b.run) != 0;
	hub_release(&a);
	hub_release(&b);
	return differ;
}

static bool init_survives(void)
{
	struct hub h;
	int result;
	long n = 0;

	do {
		oom_after(++n);
		result = hub_init(&h, &hub_defaults);
	} while (oom_off() && result == -1);
	hub_release(&h);
	return result == 0 && n > 1;
}

int main(void)
{
	ok(runs_differ(), "two runs have different epochs");
	with_hub(records);
	with_hub(untouched);
	with_hub(crowded);
	with_hub(pinned_first);
	with_hub(finding);
	with_hub(keyed);
	with_hub(outlived);
	with_hub(reconfigured);
	with_hub(no_memory);
	ok(init_survives(), "a hub needs memory, and leaks none");
	return tap_end();
}

/* SPDX-License-Identifier: MIT */
/* What keys promises: a key counts once for each tenant, for a while. */
#include "keys.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX 100
#define AGE 1000

static const struct hash_key hash_key = {1, 2};

static struct hash128 hash_of(const struct keys *k, const char *tenant,
			      const char *key)
{
	return keys_hash(k, tenant, strlen(tenant), key, strlen(key));
}

static uint64_t find(const struct keys *k, const char *tenant, const char *key,
		     int64_t ms)
{
	struct hash128 hash = hash_of(k, tenant, key);
	const struct keys_entry *entry = keys_find(k, &hash, ms);

	return entry ? entry->seq : 0;
}

static int add(struct keys *k, const char *key, uint64_t seq, int64_t ms)
{
	struct hash128 hash = hash_of(k, "t", key);

	if (keys_reserve(k, ms) < 0)
		return -1;
	keys_add(k, &hash, 0, seq, ms);
	return 0;
}

static void add_numbers(struct keys *k, int from, int to, int64_t ms)
{
	char key[16];

	for (int i = from; i <= to; i++) {
		snprintf(key, sizeof(key), "%d", i);
		add(k, key, (uint64_t)i, ms);
	}
}

/* How many of the keys from..to are known under their own number. */
static int known(const struct keys *k, int from, int to, int64_t ms)
{
	char key[16];
	int n = 0;

	for (int i = from; i <= to; i++) {
		snprintf(key, sizeof(key), "%d", i);
		n += find(k, "t", key, ms) == (uint64_t)i;
	}
	return n;
}

static void finding(void)
{
	struct keys k;

	keys_init(&k, &hash_key, MAX, AGE);
	ok(find(&k, "t", "a", 0) == 0 && !k.ring,
	   "no key is known at first, and no memory used");
	add(&k, "a", 7, 0);
	ok(find(&k, "t", "a", 0) == 7, "a key leads to its seq");
	ok(find(&k, "u", "a", 0) == 0, "for its tenant alone");
	ok(find(&k, "ta", "", 0) == 0 && find(&k, "", "ta", 0) == 0,
	   "tenant and key do not run into each other");
	ok(find(&k, "t", "a", AGE) == 7 && find(&k, "t", "a", AGE + 1) == 0,
	   "it is known until it is too old");
	add(&k, "a", 8, AGE + 1);
	ok(find(&k, "t", "a", AGE + 1) == 8 && k.count == 1,
	   "and can then come again");
	keys_release(&k);
}

static void bounded(void)
{
	struct keys k;

	keys_init(&k, &hash_key, MAX, AGE);
	add_numbers(&k, 1, MAX, 0);
	ok(known(&k, 1, MAX, 0) == MAX, "as many as there is room for");
	add_numbers(&k, MAX + 1, MAX + 1, 0);
	ok(known(&k, 1, 1, 0) == 0 && known(&k, 2, MAX + 1, 0) == MAX,
	   "one more takes the place of the oldest");
	add_numbers(&k, MAX + 2, 10 * MAX, 0);
	ok(k.count == MAX && known(&k, 1, 10 * MAX, 0) == MAX &&
		   known(&k, 9 * MAX + 1, 10 * MAX, 0) == MAX,
	   "round and round");
	ok(k.room == 128, "in a ring that does not grow any more");
	keys_reserve(&k, AGE + 1);
	ok(k.count == 0, "what is too old goes");
	add_numbers(&k, 1, MAX, AGE + 1);
	ok(known(&k, 1, MAX, AGE + 1) == MAX, "and makes room");
	keys_release(&k);
	keys_init(&k, &hash_key, 1, AGE);
	add_numbers(&k, 1, 3, 0);
	ok(known(&k, 1, 3, 0) == 1 && known(&k, 3, 3, 0) == 1, "a max of 1");
	keys_release(&k);
}

static void lowered(void)
{
	struct keys k;

	keys_init(&k, &hash_key, MAX, AGE);
	add_numbers(&k, 1, MAX, 0);
	k.max = 10;
	add_numbers(&k, MAX + 1, MAX + 1, 0);
	ok(k.count > 10 && k.count < MAX && known(&k, MAX + 1, MAX + 1, 0) == 1,
	   "with a max that was lowered each new one makes some go");
	add_numbers(&k, MAX + 2, 2 * MAX, 0);
	ok(k.count == 10 && known(&k, 2 * MAX - 9, 2 * MAX, 0) == 10,
	   "until there are so many");
	k.max = MAX;
	add_numbers(&k, 2 * MAX + 1, 2 * MAX + 90, 0);
	ok(k.count == MAX && known(&k, 2 * MAX - 9, 2 * MAX + 90, 0) == MAX,
	   "one that was raised holds at once");
	keys_release(&k);
}

/* Growth while the ring's oldest entry is in its middle. */
static void growing(void)
{
	struct keys k;

	keys_init(&k, &hash_key, 1000, AGE);
	add_numbers(&k, 1, 40, 0);
	add_numbers(&k, 41, 64, 500);
	add_numbers(&k, 65, 100, AGE + 1);
	ok(k.room == 64 && k.oldest > 0, "what is too old makes room first");
	add_numbers(&k, 101, 600, AGE + 1);
	ok(known(&k, 41, 600, AGE + 1) == 560, "growing loses nothing");
	keys_release(&k);
}

static void forgetting(void)
{
	struct keys k;
	struct hash128 a;

	keys_init(&k, &hash_key, 2, AGE);
	a = hash_of(&k, "t", "a");
	keys_forget(&k, &a, 0);
	add(&k, "a", 7, 0);
	add(&k, "b", 8, 0);
	keys_forget(&k, &a, 0);
	ok(find(&k, "t", "a", 0) == 0 && find(&k, "t", "b", 0) == 8,
	   "a key can be taken back");
	add(&k, "a", 9, 0);
	ok(find(&k, "t", "a", 0) == 9 && find(&k, "t", "b", 0) == 8 &&
		   k.count == 2,
	   "and come again; its old place is the next to go");
	keys_release(&k);
}

static void no_memory(void)
{
	struct keys k;
	long n = 0;

	keys_init(&k, &hash_key, 1000, AGE);
	do {
		oom_after(++n);
		errno = 0;
		if (keys_reserve(&k, 0) < 0 && errno != ENOMEM)
			break;
	} while (oom_off());
	ok(n == 3 && k.room == 64, "without memory there is no room");
	add_numbers(&k, 1, 64, 0);
	oom_after(2);
	ok(keys_reserve(&k, 0) == -1 && oom_off() == 1 &&
		   known(&k, 1, 64, 0) == 64,
	   "and nothing is lost");
	keys_release(&k);
}

int main(void)
{
	finding();
	bounded();
	lowered();
	growing();
	forgetting();
	no_memory();
	return tap_end();
}
